"""What a value does to show itself in a notebook.

How it is shown stands in :mod:`dagprop.render.notebook`, which knows all of these values and is loaded when a notebook
asks for the first time.
"""

from __future__ import annotations

from importlib import import_module


class ShownInNotebooks:
    """A value with the methods that notebooks look for; None says that there is no such form."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        return shown("html", self)

    def _repr_latex_(self) -> str | None:
        return shown("latex", self)

    def _repr_svg_(self) -> str | None:
        return shown("svg", self)


def shown(form: str, value: object) -> str | None:
    """Return a value in a form: ``html``, ``latex``, ``svg``, or ``text`` for a terminal."""
    # By name, for what is drawn must not be known to what is drawn from.
    text: str | None = getattr(import_module("dagprop.render.notebook"), form)(value)
    return text
