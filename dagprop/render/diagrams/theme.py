"""The colours of diagrams, for light and dark slides.

The hues are those of Okabe and Ito (2008), which people with any kind of colour vision tell apart; fills are tints of
them.  No meaning hangs on colour alone: shapes, words and dashes say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dagprop.record import record
from dagprop.render.diagrams.records import DiagramEdge, DiagramNode


@record
class Theme:
    """Colours as ``#rrggbb``.

    Attributes
    ----------
    ground, ink, quiet, faint : str
        Of the background, of names and arrows, of less important text, and of what is dimmed.
    fills, lines : mapping from kind of node to str
        Of the inside and of the border.
    chain, reused, reused_ground, frame : str
        Of the factors of a chain, of those already computed and the ground behind them, of other frames.
    signs : mapping from sign to str
        Of gradients.
    """

    ground: str
    ink: str
    quiet: str
    faint: str
    fills: Mapping[str, str]
    lines: Mapping[str, str]
    chain: str
    reused: str
    reused_ground: str
    frame: str
    frame_ground: str
    signs: Mapping[str, str]

    def line(self, node: DiagramNode) -> str:
        """Return the colour of the border of a node."""
        return self.faint if node.dimmed else self.lines[node.kind]

    def fill(self, node: DiagramNode) -> str:
        """Return the colour of the inside of a node."""
        return self.ground if node.dimmed else self.fills[node.kind]

    def arrow(self, edge: DiagramEdge) -> str:
        """Return the colour of an arrow."""
        if edge.dimmed:
            return self.faint
        if edge.sign is not None:
            return self.signs[edge.sign]
        if edge.mark is not None:
            return self.reused if edge.mark == "reused" else self.chain
        return self.quiet


def _kinds(**colours: str) -> Mapping[str, str]:
    others = {"state": "constant", "one": "constant", "op": "sum", "group": "call"}
    return MappingProxyType({**colours, **{kind: colours[like] for kind, like in others.items()}})


LIGHT = Theme(
    ground="#ffffff",
    ink="#1b1f24",
    quiet="#4a5560",
    faint="#c3c9cf",
    fills=_kinds(
        input="#d9ecf8", parameter="#fdeccb", constant="#eef0f2", sum="#ffffff", activation="#d3efe5",
        loss="#fadfd0", call="#efe9f7",
    ),
    lines=_kinds(
        input="#0072b2", parameter="#b87d00", constant="#6b7580", sum="#4a5560", activation="#00805e",
        loss="#d55e00", call="#7556a8",
    ),
    chain="#0072b2",
    reused="#00805e",
    reused_ground="#edf8f4",
    frame="#9aa3ac",
    frame_ground="#f7f8f9",
    signs=MappingProxyType({"positive": "#0072b2", "negative": "#c25500", "mixed": "#a8548a", "zero": "#6b7580"}),
)  # fmt: skip

DARK = Theme(
    ground="#14181d",
    ink="#f0f2f4",
    quiet="#b4bdc6",
    faint="#4a535d",
    fills=_kinds(
        input="#123b56", parameter="#4d3a0c", constant="#2a3038", sum="#1d232a", activation="#0d4436",
        loss="#5a2c0c", call="#352a4d",
    ),
    lines=_kinds(
        input="#56b4e9", parameter="#f0b840", constant="#98a2ad", sum="#b4bdc6", activation="#2ecc9a",
        loss="#ff8a3d", call="#b79ce6",
    ),
    chain="#56b4e9",
    reused="#2ecc9a",
    reused_ground="#12261f",
    frame="#6b7580",
    frame_ground="#1a1f25",
    signs=MappingProxyType({"positive": "#56b4e9", "negative": "#ff8a3d", "mixed": "#e79bc6", "zero": "#98a2ad"}),
)  # fmt: skip

_SINGLE = ("ground", "ink", "quiet", "faint", "chain", "reused", "reused_ground", "frame", "frame_ground")
"""The colours of a theme that are one each."""


def _colours(theme: Theme) -> dict[str, str]:
    """Return the colours of a theme by the names that they have in a style sheet."""
    return {
        **{name.replace("_", "-"): getattr(theme, name) for name in _SINGLE},
        **{f"fill-{kind}": colour for kind, colour in theme.fills.items()},
        **{f"line-{kind}": colour for kind, colour in theme.lines.items()},
        **{f"sign-{sign}": colour for sign, colour in theme.signs.items()},
    }


def variables(theme: Theme) -> str:
    """Return the colours of a theme as variables of a style sheet."""
    return " ".join(f"--{name}: {colour};" for name, colour in _colours(theme).items())


def _named(kind: str, colours: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({name: f"var(--{kind}-{name})" for name in colours})


PAGE = Theme(
    **{name: f"var(--{name.replace('_', '-')})" for name in _SINGLE},
    fills=_named("fill", LIGHT.fills),
    lines=_named("line", LIGHT.lines),
    signs=_named("sign", LIGHT.signs),
)
"""The colours that the style sheet of a page gives, by their names."""

_THEMES = {"light": LIGHT, "dark": DARK}


def theme_of(name: str) -> Theme:
    """Return the theme of one of the names in :data:`~dagprop.render.diagrams.records.THEMES`."""
    return _THEMES[name]
