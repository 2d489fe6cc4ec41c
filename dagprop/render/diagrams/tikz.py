r"""Diagrams as TikZ, for LaTeX: the layout of Graphviz, the letters of the document.

Names come as Unicode and are turned into LaTeX sign by sign: nothing of what a file says is taken as a command.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from dagprop.render.diagrams.dot import WIDEST_NAME, dot_source
from dagprop.render.diagrams.graphviz_layout import picture
from dagprop.render.diagrams.legend import direction_text, legend
from dagprop.render.diagrams.names import ACCENTS, BLACKBOARD, CALLIGRAPHIC, GREEK, SUBSCRIPTS, SUPERSCRIPTS
from dagprop.render.diagrams.records import Diagram, DiagramEdge, DiagramNode
from dagprop.render.diagrams.theme import Theme

HEAD = r"""% In the preamble: \usepackage{tikz,amssymb} \usetikzlibrary{arrows.meta}
\begin{tikzpicture}[x=1bp, y=1bp, >={Stealth[length=5bp 1.6, width=4bp 1.6]},
  every node/.style={inner sep=0, align=center}]"""

BREAK = r" \\ "
"""Ends a line of a label."""

_LETTERS = {letter: f"\\{name}" for name, letter in GREEK.items()} | {
    **{made: rf"\mathcal{{{letter}}}" for letter, made in CALLIGRAPHIC.items()},
    **{made: rf"\mathbb{{{letter}}}" for letter, made in BLACKBOARD.items()},
}
_SIGNS = {
    "−": "-", "·": r"\cdot", "×": r"\times", "÷": r"\div", "Σ": r"\Sigma", "½": r"\frac{1}{2}", "⊙": r"\odot",
    "√": r"\surd", "∞": r"\infty", "′": r"\prime", "∘": r"\circ", "…": r"\dots", "<": "<", ">": ">", "|": r"\vert",
    "ᵀ": r"^{\top}", "ε": r"\varepsilon", "φ": r"\varphi",
}  # fmt: skip
_ACCENTS = {mark: f"\\{name}" for name, mark in reversed(ACCENTS.items())}
_INDICES = {made: plain for plain, made in SUBSCRIPTS.items()}
_POWERS = {made: plain for plain, made in SUPERSCRIPTS.items() if made != "ᵀ"}
_TOKEN = re.compile(
    rf"(?P<base>[A-Za-z]+|[{''.join(map(re.escape, _LETTERS))}])(?P<accent>[{''.join(_ACCENTS)}])?"
    rf"(?P<low>[{''.join(map(re.escape, _INDICES))}]*)(?P<high>[{''.join(map(re.escape, _POWERS))}]*)|(?P<other>.)",
    re.DOTALL,
)
_ESCAPED = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def tikz_source(diagram: Diagram, theme: Theme) -> str:
    """Return a diagram as a ``tikzpicture``.

    Raises
    ------
    MissingDependencyError, ComputationError
        If there is no Graphviz, or it fails.
    """
    layout = json.loads(picture(dot_source(diagram, theme), "json0"))
    objects = {found["name"]: found for found in layout.get("objects", ())}
    names = [found["name"] for found in layout.get("objects", ())]
    colours = _Colours()
    lines = []
    for cluster in diagram.clusters:
        reused = cluster.kind == "reused"
        ground, line = (theme.reused_ground, theme.reused) if reused else (theme.frame_ground, theme.frame)
        found = objects[f"cluster_{cluster.id}"]
        left, low, right, high = found["bb"].split(",")
        dashes = ", dashed" if reused else ""
        lines += [
            rf"\draw[{colours(line)}, fill={colours(ground)}, rounded corners=8bp{dashes}]"
            rf" ({left},{low}) rectangle ({right},{high});",
            rf"\node[text={colours(theme.reused if reused else theme.quiet)}] at ({found['lp']})"
            rf" {{{_sized(latex(cluster.title), 14)}}};",
        ]
    lines += [_node(node, objects[node.id], theme, colours) for node in diagram.nodes]
    # Graphviz numbers the edges as they stand in the DOT.
    laid = sorted(layout.get("edges", ()), key=lambda found: found["_gvid"])
    by_ends: dict[tuple[str, str], list[Any]] = {}
    for found in laid:
        by_ends.setdefault((names[found["tail"]], names[found["head"]]), []).append(found)
    for edge in diagram.edges:
        lines += _edge(edge, by_ends[edge.source, edge.target].pop(0), theme, colours)
    lines.append(_caption(diagram, layout["bb"], theme, colours))
    ground = rf"\fill[{colours(theme.ground)}] ({_corner(layout['bb'], 0)}) rectangle ({_corner(layout['bb'], 2)});"
    return "\n".join((HEAD, *colours.definitions(), ground, *lines, r"\end{tikzpicture}"))


class _Colours:
    """Names for the colours that are used."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __call__(self, colour: str) -> str:
        return self._names.setdefault(colour, f"dagprop{colour[1:]}")

    def definitions(self) -> list[str]:
        return [rf"\definecolor{{{name}}}{{HTML}}{{{colour[1:].upper()}}}" for colour, name in self._names.items()]


def latex(text: str) -> str:
    """Return a text as LaTeX, in which single letters and signs are set as mathematics."""
    return "".join(_token(match) for match in _TOKEN.finditer(unicodedata.normalize("NFD", text)))


def _token(match: re.Match[str]) -> str:
    base, other = match["base"], match["other"]
    if other is not None:
        return _other(other)
    accent, low, high = match["accent"], match["low"], match["high"]
    if len(base) > 1 and not (low or high):
        return base if accent is None else rf"{base[:-1]}${_ACCENTS[accent]}{{{base[-1]}}}$"
    made = _LETTERS.get(base, base if len(base) == 1 else rf"\mathit{{{base}}}")
    made = rf"{_ACCENTS[accent]}{{{made}}}" if accent else made
    made += f"_{{{''.join(_INDICES[c] for c in low)}}}" if low else ""
    return f"${made}{'^{' + ''.join(_POWERS[c] for c in high) + '}' if high else ''}$"


def _other(sign: str) -> str:
    if sign in _SIGNS:
        return f"${_SIGNS[sign]}$"
    if sign in _INDICES or sign in _POWERS:
        return f"$_{{{_INDICES[sign]}}}$" if sign in _INDICES else f"$^{{{_POWERS[sign]}}}$"
    if sign == "–":
        return "--"
    if sign in _ESCAPED:
        return _ESCAPED[sign]
    if sign in "#$%&_{}":
        return f"\\{sign}"
    return sign if sign.isascii() and sign.isprintable() else "?"


def _node(node: DiagramNode, found: dict[str, Any], theme: Theme, colours: _Colours) -> str:
    ink = colours(theme.faint if node.dimmed else theme.ink)
    quiet = colours(theme.faint if node.dimmed else theme.quiet)
    rows = [_sized(latex(node.name), 20 if len(node.name) <= WIDEST_NAME else 17)]
    rows += [_sized(rf"\color{{{quiet}}}{latex(node.symbol)}", 14)] if node.symbol else []
    rows += [_sized(latex(row), 14) for row in node.rows]
    width, height = 72 * float(found["width"]), 72 * float(found["height"])
    shape = "circle" if found.get("shape") == "circle" else "rounded corners=6bp" if node.kind != "parameter" else ""
    look = [colours(theme.line(node)), f"fill={colours(theme.fill(node))}", f"text={ink}", "draw"]
    look += [f"line width={2.4 if node.kind == 'loss' else 1.4}bp", *([shape] if shape else [])]
    look += [f"minimum width={width:.1f}bp", f"minimum height={height:.1f}bp"]
    return rf"\node[{', '.join(look)}] at ({found['pos']}) {{{BREAK.join(rows)}}};"


def _sized(text: str, size: int) -> str:
    """Return a text in the size for which Graphviz has laid it out."""
    return rf"{{\fontsize{{{size}}}{{{1.15 * size:g}}}\selectfont\strut {text}}}"


def _edge(edge: DiagramEdge, found: dict[str, Any], theme: Theme, colours: _Colours) -> list[str]:
    colour = colours(theme.arrow(edge))
    points = found["pos"].split()
    start = end = None
    while points[0][0] in "se":
        mark, point = points.pop(0).split(",", 1)
        start, end = (point, end) if mark == "s" else (start, point)
    first, rest = points[0], points[1:]
    curve = f"({first})" + "".join(
        f" .. controls ({a}) and ({b}) .. ({c})" for a, b, c in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
    )
    curve = (f"({start}) -- " if start else "") + curve + (f" -- ({end})" if end else "")
    width = 0.8 + 3.4 * edge.strength if edge.sign is not None or edge.strength else 2.0 if edge.mark else 1.2
    dashes = ", dash pattern=on 6bp off 4bp" if edge.sign == "negative" else ""
    lines = [rf"\draw[{colour}, {'<-' if start else '->'}, line width={width:.2f}bp{dashes}] {curve};"]
    words = [_sized(latex(edge.label), 17)] if edge.label else []
    words += [_sized(latex(row), 12 if row == "depends on" else 14) for row in edge.rows]
    if words:
        ink = colours(theme.faint if edge.dimmed else theme.ink)
        lines.append(rf"\node[text={ink}] at ({found['lp']}) {{{BREAK.join(words)}}};")
    return lines


def _caption(diagram: Diagram, box: str, theme: Theme, colours: _Colours) -> str:
    left, low, right, _ = map(float, box.split(","))
    words = [_sized(rf"\color{{{colours(theme.ink)}}}{latex(diagram.formula)}", 17)] if diagram.formula else []
    words.append(_sized(direction_text(diagram), 12))  # in these words of ours a single letter is no variable
    samples = {"node": theme.lines, "mark": {"chain": theme.chain, "reused": theme.reused}, "sign": theme.signs}
    entries = [
        rf"{{\color{{{colours(samples[entry.sample][entry.name])}}}\rule{{7bp}}{{7bp}}}} {entry.text}"
        for entry in legend(diagram)
    ]
    words += [_sized(r" \quad ".join(entries), 12)] if entries else []
    place = f"({(left + right) / 2:.1f},{low + 4:.1f})"
    return rf"\node[text={colours(theme.quiet)}, anchor=south] at {place} {{{BREAK.join(words)}}};"


def _corner(box: str, start: int) -> str:
    return ",".join(box.split(",")[start : start + 2])
