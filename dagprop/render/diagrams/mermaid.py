"""Diagrams as Mermaid, which GitHub, GitLab and many wikis draw in Markdown.

Nodes are called n0, n1, …; names stand only in labels, where every character that could mean something is written by
its number.
"""

from __future__ import annotations

from collections import defaultdict

from dagprop.render.diagrams.legend import direction_text
from dagprop.render.diagrams.records import Diagram, DiagramEdge, DiagramNode
from dagprop.render.diagrams.theme import Theme

_SAFE = frozenset(" .,:=+-/()·×")
"""What labels may hold beside letters and digits."""

SHAPES = {"parameter": ("[", "]"), "call": ("[[", "]]"), "one": ("((", "))"), "input": ("([", "])")}
ROUNDED = ("(", ")")


def mermaid_source(diagram: Diagram, theme: Theme) -> str:
    """Return a diagram as a Mermaid flowchart."""
    names = {node.id: f"n{number}" for number, node in enumerate(diagram.nodes)}
    frames = {cluster.id: f"c{number}" for number, cluster in enumerate(diagram.clusters)}
    lines = ["flowchart LR"]
    inside: dict[str | None, list[DiagramNode]] = defaultdict(list)
    for node in diagram.nodes:
        inside[node.cluster].append(node)
    todo: list[tuple[str | None, int, bool]] = [(None, 1, False)]
    while todo:  # frames from the outside, each with its nodes, then with the frames in it
        cluster, depth, ending = todo.pop()
        margin = "  " * depth
        if ending:
            lines.append(f"{margin}end")
            continue
        lines += [f"{margin}{names[node.id]}{_label(node)}" for node in inside[cluster]]
        for inner in reversed([frame for frame in diagram.clusters if frame.parent == cluster]):
            todo += [(inner.id, depth, True), (f"open {inner.id}", depth, False)]
            inside[f"open {inner.id}"] = []
        if cluster is not None and cluster.startswith("open "):
            frame = next(frame for frame in diagram.clusters if frame.id == cluster.removeprefix("open "))
            lines.append(f'{margin}subgraph {frames[frame.id]}["{_safe(frame.title)}"]')
            todo.append((frame.id, depth + 1, False))
    lines += [f"  {_arrow(edge, names)}" for edge in diagram.edges]
    lines += _styles(diagram, theme, names, frames)
    caption = [text for text in (diagram.formula, direction_text(diagram)) if text]
    lines.append(f'  legend["{"<br/>".join(_safe(text) for text in caption)}"]')
    lines.append(f"  style legend fill:none,stroke:none,color:{theme.quiet}")
    return "\n".join(lines)


def _label(node: DiagramNode) -> str:
    before, behind = SHAPES.get(node.kind, ROUNDED)
    text = "<br/>".join(_safe(line) for line in (node.name, node.symbol, *node.rows) if line)
    return f'{before}"{text}"{behind}'


def _arrow(edge: DiagramEdge, names: dict[str, str]) -> str:
    ends = (edge.target, edge.source) if edge.backward else (edge.source, edge.target)
    text = "<br/>".join(_safe(line) for line in (edge.label, *edge.rows) if line)
    line = "-.->" if edge.dimmed else "==>" if edge.mark else "-->"
    label = f'|"{text}"|' if text else ""
    return f"{names[ends[0]]} {line}{label} {names[ends[1]]}"


def _styles(diagram: Diagram, theme: Theme, names: dict[str, str], frames: dict[str, str]) -> list[str]:
    lines = []
    for node in diagram.nodes:
        ink = theme.faint if node.dimmed else theme.ink
        border = 3 if node.kind == "loss" else 1
        style = f"fill:{theme.fill(node)},stroke:{theme.line(node)},color:{ink},stroke-width:{border}px"
        lines.append(f"  style {names[node.id]} {style}")
    for cluster in diagram.clusters:
        reused = cluster.kind == "reused"
        ground, line = (theme.reused_ground, theme.reused) if reused else (theme.frame_ground, theme.frame)
        lines.append(f"  style {frames[cluster.id]} fill:{ground},stroke:{line},color:{theme.ink}")
    for number, edge in enumerate(diagram.edges):
        if edge.sign or edge.mark or edge.dimmed:
            width = 1.0 + 3 * edge.strength if edge.sign else 1.5
            lines.append(f"  linkStyle {number} stroke:{theme.arrow(edge)},stroke-width:{width:.2f}px")
    return lines


def _safe(text: str) -> str:
    """Return text for a label in double quotes."""
    return "".join(c if c.isalnum() or c in _SAFE else f"#{ord(c)};" for c in text)
