"""The legend of a diagram: what is in it, in words."""

from __future__ import annotations

from typing import Literal

from dagprop.record import record
from dagprop.render.diagrams.records import Diagram

KINDS = {
    "input": "input",
    "parameter": "parameter",
    "constant": "constant",
    "sum": "sum, or other op",
    "op": "op",
    "activation": "activation",
    "call": "definition, closed",
    "group": "layers",
    "loss": "loss",
}
MARKS = {"chain": "factor of this chain", "reused": "already computed, re-used"}
SIGNS = {"positive": "positive gradient", "negative": "negative gradient", "mixed": "both signs", "zero": "zero"}


@record
class Entry:
    """One entry: a sample of a node, a mark or a sign, and what it means."""

    sample: Literal["node", "mark", "sign"]
    name: str
    text: str


def legend(diagram: Diagram) -> tuple[Entry, ...]:
    """Return the entries for what a diagram has."""
    kinds = {node.kind for node in diagram.nodes if not node.dimmed}
    kinds -= {"op"} if "sum" in kinds else set()  # they look the same, and each says what it is
    marks = {edge.mark for edge in diagram.edges}
    signs = {edge.sign for edge in diagram.edges}
    return (
        *(Entry("node", kind, text) for kind, text in KINDS.items() if kind in kinds),
        *(Entry("mark", mark, text) for mark, text in MARKS.items() if mark in marks and len(marks - {None}) > 1),
        *(Entry("sign", sign, text) for sign, text in SIGNS.items() if sign in signs),
    )


def direction_text(diagram: Diagram) -> str:
    """Return which way the arrows point, and what their width means."""
    width = "; the wider, the larger the gradient" if any(edge.sign for edge in diagram.edges) else ""
    return f"Arrows point {diagram.direction}{width}."
