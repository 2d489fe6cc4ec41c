"""How the arguments of a declared function are read: what may be chosen stands behind ``*``, with a default."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from dagprop.errors import PluginError, Problem, quote
from dagprop.graph.signature import AttributeSignature

Place = tuple[str, int]
"""A file, and the line in it."""

_KINDS: dict[str, str] = {
    "float": "number",
    "int": "integer",
    "bool": "boolean",
    "str": "string",
    "tuple[int, ...]": "integers",
    "int | tuple[int, ...]": "axes",
}
"""How the annotation of an attribute, without ``| None``, is read.  ``shape`` has no annotation of its own."""


def attribute_of(what: str, place: Place, parameter: inspect.Parameter, noun: str = "attribute") -> AttributeSignature:
    """Return the attribute that a keyword-only argument declares, by its annotation or its default.

    Parameters
    ----------
    what : str
        What is declared, as messages begin: ``op "swish"``.
    place : (str, int)
        Where it is declared.
    parameter : inspect.Parameter
    noun : str
        What such an argument is called there.

    Raises
    ------
    PluginError
        If a graph file could not give it (DP503).
    """
    default = parameter.default
    required = default is parameter.empty
    annotation = parameter.annotation
    if annotation is parameter.empty:
        annotation = type(default).__name__
    elif not isinstance(annotation, str):
        annotation = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    nullable = annotation.endswith(" | None")
    annotation = annotation.removesuffix(" | None").removeprefix("typing.")
    if annotation.startswith("Literal["):
        choices = tuple(item.strip().strip("\"'") for item in annotation[8:-1].split(","))
        return AttributeSignature(parameter.name, "string", None if required else default, required, nullable, choices)
    if isinstance(default, float) and not math.isfinite(default):
        raise wrong(what, place, f"the default of the {noun} {quote(parameter.name)} is not a finite number")
    kind = "shape" if parameter.name == "shape" else _KINDS.get(annotation)
    if kind is None:
        raise wrong(
            what,
            place,
            f"the {noun} {quote(parameter.name)} has a type that a graph file cannot give",
            f"give it a default or an annotation out of: {', '.join(_KINDS)}, Literal[...]; or these | None",
        )
    return AttributeSignature(parameter.name, kind, None if required else default, required, nullable)


def is_name(name: object) -> bool:
    """Whether something can be declared under this name."""
    return isinstance(name, str) and name.isidentifier() and name.isascii()


def place_of(function: Callable[..., Any], error: BaseException | None = None) -> Place:
    """Return where a function is written; with what it raised, where in its file that came from."""
    code = getattr(function, "__code__", None)
    if code is None:
        return "<unknown>", 1
    line = code.co_firstlineno
    trace = error and error.__traceback__
    while trace:  # the last line of the file: what lies deeper is called from there
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == code.co_filename else line
        trace = trace.tb_next
    return code.co_filename, line


def wrong(what: str, place: Place, message: str, hint: str | None = None) -> PluginError:
    """Return the error of a declaration that is not as its contract asks (DP503)."""
    return PluginError(Problem("DP503", f"{what}: {message}", hint, file=place[0], line=place[1]))
