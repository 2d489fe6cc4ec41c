"""Diagrams as DOT, the language of Graphviz.

Every label is HTML-like, in which only ``&``, ``<``, ``>`` and the backslash mean something: no
name can break out of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from html import escape
from typing import Any

from dagprop.render.diagrams.legend import direction_text, legend
from dagprop.render.diagrams.records import Cluster, Diagram, DiagramEdge, DiagramNode
from dagprop.render.diagrams.theme import Theme

SANS = "Helvetica,Arial,sans-serif"
SERIF = "Times New Roman,Times,serif"
"""Names are written as in mathematics, words as in text."""

WIDEST_NAME, WIDEST_SYMBOL = 3, 6
"""A name and a symbol of more characters do not fit into a circle."""


def dot_source(diagram: Diagram, theme: Theme, caption: bool = True) -> str:
    """Return a diagram as DOT; with the formula and the legend below, or without."""
    import graphviz

    dot = graphviz.Digraph(
        "network",
        graph_attr={
            "rankdir": "LR",
            "bgcolor": theme.ground,
            "fontname": SANS,
            "fontcolor": theme.ink,
            "fontsize": "14",
            "nodesep": "0.35",
            "ranksep": "0.45",
            "pad": "0.25",
            "splines": "true",
            "labelloc": "b",
            "label": _caption(diagram, theme) if caption else "",
            "tooltip": _tooltip(diagram.title or "network"),
        },
        node_attr={
            "fontname": SANS,
            "fontcolor": theme.ink,
            "style": "filled",
            "penwidth": "1.6",
            "margin": "0.12,0.06",
        },
        edge_attr={"fontname": SANS, "fontcolor": theme.ink, "fontsize": "13", "arrowsize": "0.8"},
    )
    inside: dict[str | None, list[DiagramNode]] = defaultdict(list)
    for node in diagram.nodes:
        inside[node.cluster].append(node)
    _fill(dot, None, inside, diagram, theme)
    loss = next((node for node in diagram.nodes if node.id == diagram.loss), None)
    if loss is not None and loss.cluster is None:
        with dot.subgraph(graph_attr={"rank": "sink"}) as right:
            right.node(loss.id)
    for edge in diagram.edges:
        dot.edge(edge.source, edge.target, **_edge(edge, theme))
    return str(dot.source)


def _fill(
    dot: Any, cluster: str | None, inside: dict[str | None, list[DiagramNode]], diagram: Diagram, theme: Theme
) -> None:
    """Write the nodes of a cluster and the clusters in it; these are few levels deep."""
    for node in inside[cluster]:
        dot.node(node.id, **_node(node, theme))
    for inner in diagram.clusters:
        if inner.parent == cluster:
            with dot.subgraph(name=f"cluster_{inner.id}", graph_attr=_frame(inner, theme)) as sub:
                _fill(sub, inner.id, inside, diagram, theme)


def _frame(cluster: Cluster, theme: Theme) -> dict[str, str]:
    reused = cluster.kind == "reused"
    colour = theme.reused if reused else theme.frame
    text = theme.reused if reused else theme.quiet
    return {
        "label": f"<{_text(cluster.title, text, bold=reused or cluster.kind == 'repeated', size=14)}>",
        "labelloc": "t",
        # A connection that skips a part of a frame passes above its left side, on the way to a sum at its right end.
        "labeljust": "c" if reused else "r" if cluster.parent else "l",
        "color": colour,
        "bgcolor": theme.reused_ground if reused else theme.frame_ground,
        "style": "rounded,dashed" if reused else "rounded",
        "penwidth": "1.8" if reused else "1.2",
        "margin": "14",
        "tooltip": "",
    }


def _node(node: DiagramNode, theme: Theme) -> dict[str, Any]:
    ink = theme.faint if node.dimmed else theme.ink
    quiet = theme.faint if node.dimmed else theme.quiet
    words = node.kind in ("call", "group")
    short = len(node.name) <= WIDEST_NAME
    lines = [_text(node.name, ink, size=20 if short else 17, name=not words, bold=words)]
    if node.symbol:
        lines.append(_text(node.symbol, quiet, size=14))
    lines += [_text(row, ink, size=14) for row in node.rows]
    round_ = short and len(node.symbol) <= WIDEST_SYMBOL and not node.rows and not words
    shape = {"shape": "box", "style": "filled,rounded" if node.kind != "parameter" else "filled"}
    if round_ and node.kind != "parameter":
        small = node.kind == "one"
        shape = {"shape": "circle", "fixedsize": "true", "width": "0.45" if small else "0.85", "style": "filled"}
    elif round_:
        shape = {"shape": "square", "fixedsize": "true", "width": "0.6", "style": "filled"}
    if node.kind == "loss":
        shape["penwidth"] = "2.6"
    if node.kind == "call":
        shape["peripheries"] = "2"
    return {
        "label": _lines(lines),
        "fillcolor": theme.fill(node),
        "color": theme.line(node),
        "tooltip": _tooltip(node.note or node.name),
        **shape,
    }


def _edge(edge: DiagramEdge, theme: Theme) -> dict[str, str]:
    colour = theme.arrow(edge)
    lines = []
    if edge.label:
        lines.append(_text(edge.label, theme.faint if edge.dimmed else theme.ink, size=17, name=True))
    for row in edge.rows:
        words = row == "depends on"
        lines.append(
            _text(row, theme.quiet if words else theme.faint if edge.dimmed else colour, size=12 if words else 14)
        )
    width = 1.3 if edge.sign is None and edge.mark is None else 2.4
    if edge.sign is not None or edge.strength:
        width = 0.8 + 3.4 * edge.strength
    attributes = {"color": colour, "penwidth": f"{width:.2f}", "weight": _straightness(edge), "tooltip": ""}
    if lines:
        attributes["label"] = _lines([*lines, '<FONT POINT-SIZE="3"> </FONT>'])
    if edge.backward:
        attributes["dir"] = "back"
    if edge.sign == "negative":
        attributes["style"] = "dashed"
    return attributes


def _straightness(edge: DiagramEdge) -> str:
    """Return how much Graphviz shall care that an arrow is short and straight."""
    return "60" if edge.mark else "30" if edge.main and not edge.dimmed else "8" if edge.main else "1"


def _caption(diagram: Diagram, theme: Theme) -> str:
    """Return the formula and the legend as one HTML-like table below the picture."""
    rows = []
    if diagram.formula:
        formula = _text(diagram.formula, theme.ink, size=17)
        rows.append(f'<TR><TD CELLPADDING="10">{formula}</TD></TR>')
    cells = []
    for entry in legend(diagram):
        colours = {"node": theme.lines, "mark": {"chain": theme.chain, "reused": theme.reused}, "sign": theme.signs}
        sign = {"node": "■", "mark": "━", "sign": "╍" if entry.name == "negative" else "━"}[entry.sample]
        colour = colours[entry.sample][entry.name]
        cells.append(f"{_text(sign, colour, size=14)} {_text(entry.text, theme.quiet, size=12)}")
    rows.append(f"<TR><TD>{_text(direction_text(diagram), theme.quiet, size=12)}</TD></TR>")
    if cells:
        rows.append(f"<TR><TD>{'    '.join(cells)}</TD></TR>")
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0">{"".join(rows)}</TABLE>>'


def _tooltip(text: str) -> Any:
    """Return text as a string of DOT, which is no HTML-like label even in angle brackets."""
    import graphviz

    return graphviz.escape(_without_escapes(text))


def _without_escapes(text: str) -> str:
    r"""Return text in which Graphviz finds no ``\N``, for which it puts the name of the node, whatever is escaped.

    A word joiner, which takes no room, stands behind the backslash.
    """
    return re.sub(r"\\(?=[NGETHL])", "\\\\\u2060", text)


def _lines(lines: list[str]) -> str:
    """Return lines, one below the other: rows of a table, which keep their distance whatever their sizes."""
    rows = "".join(f"<TR><TD>{line}</TD></TR>" for line in lines)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{rows}</TABLE>>'


def _text(text: str, colour: str, *, size: int, name: bool = False, bold: bool = False) -> str:
    """Return text in a colour; a name in italics."""
    inner = escape(_without_escapes(text), quote=True) or " "
    inner = f"<I>{inner}</I>" if name else f"<B>{inner}</B>" if bold else inner
    face = f' FACE="{SERIF}"' if name else ""
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}"{face}>{inner}</FONT>'
