"""The colours of pictures of curves: light for paper, dark for a dark slide; told apart by colour-blind people too.

The palette is that of Okabe and Ito (2008), a little lighter on dark ground; marks and dashes say the same again.
"""

from __future__ import annotations

from dagprop.record import record

THEMES = ("light", "dark")


@record
class Theme:
    """Colours as ``#rrggbb``.

    Attributes
    ----------
    ground, ink, faint : str
        Of the background, of text and axes, and of the grid.
    palette : tuple of str
        Of series, in order.
    path : str
        Of the way of a training over a field of colours.
    """

    ground: str
    ink: str
    faint: str
    palette: tuple[str, ...]
    path: str


LIGHT = Theme(
    ground="#ffffff",
    ink="#1b1f24",
    faint="#d8dce1",
    palette=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5a5a5a", "#8c6d1f"),
    path="#d55e00",
)

DARK = Theme(
    ground="#14181d",
    ink="#e8ebee",
    faint="#39414b",
    palette=("#56b4e9", "#ff8a3d", "#2ecc9a", "#e79bc6", "#f0c246", "#9fd3f5", "#b8b8b8", "#c9a84f"),
    path="#ff8a3d",
)


def theme(name: str) -> Theme:
    """Return the theme of one of the names in :data:`THEMES`."""
    return {"light": LIGHT, "dark": DARK}[name]
