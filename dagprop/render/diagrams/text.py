"""Diagrams as text for a terminal: one line a node, the loss first, and beside it rails for what depends on what.

::

    ●      L
    ├─╮
    │ ●    y
    ●      f3
    ●      a3
    ├─╮
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from dagprop.explain.tables import table
from dagprop.render.diagrams.legend import MARKS
from dagprop.render.diagrams.records import Cluster, Diagram, DiagramNode
from dagprop.render.diagrams.theme import Theme

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
LINES = {
    UP | DOWN: "│", LEFT | RIGHT: "─", UP | RIGHT: "╰", UP | LEFT: "╯", DOWN | RIGHT: "╭", DOWN | LEFT: "╮",
    UP | DOWN | RIGHT: "├", UP | DOWN | LEFT: "┤", DOWN | LEFT | RIGHT: "┬", UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼", 0: " ",
}  # fmt: skip


def text_source(diagram: Diagram, theme: Theme) -> str:
    """Return a diagram as text; a theme changes nothing in it."""
    nodes = {node.id: node for node in diagram.nodes}
    inputs: dict[str, list[str]] = {id: [] for id in nodes}
    notes: dict[str, list[str]] = {id: [] for id in nodes}
    for edge in diagram.edges:
        inputs[edge.target].append(edge.source)
        words = [*([edge.label] if edge.label else []), *(row for row in edge.rows if row != "depends on")]
        if edge.mark == "reused":
            words.append(f"({MARKS['reused']})")
        if words:
            notes[edge.source].append(" ".join(words))
    clusters = {cluster.id: cluster for cluster in diagram.clusters}
    header = ("", "node", "op", "repeats", *(diagram.columns or ("",)), diagram.on_arrows)
    rows: list[tuple[str, ...]] = []
    for rail, id in _rails(_downwards(diagram, inputs), inputs):
        if id is None:
            rows.append((rail, *[""] * (len(header) - 1)))
            continue
        node = nodes[id]
        name = f"({node.name})" if node.dimmed else node.name
        symbol = node.symbol or ("" if node.kind == "one" else node.kind)
        numbers = _numbers(node, diagram.columns)
        rows.append((rail, name, symbol, _repeats(node, clusters), *numbers, "; ".join(notes[id])))
    filled = [number for number in range(len(header)) if number < 3 or any(row[number] for row in rows)]
    made = table([header[number] for number in filled], [[row[number] for number in filled] for row in rows])
    frames = [cluster.title for cluster in diagram.clusters if cluster.kind == "repeated"]
    dimmed = "  Names in brackets are off the chain." if any(node.dimmed for node in diagram.nodes) else ""
    legend = f"Each node stands above what it depends on.{dimmed}"
    repeated = [f"A block is repeated: {text}; the first is shown." for text in frames]
    return "\n\n".join(part for part in (made, diagram.formula, "\n".join((legend, *repeated))) if part)


def _numbers(node: DiagramNode, columns: tuple[str, ...]) -> list[str]:
    """Return the rows of a node, one a column; where there are not so many columns, all in one."""
    if len(columns) < 2:
        return ["  ".join(node.rows).removeprefix("= ")]
    rows = [row.removeprefix("= ") for row in node.rows]
    return rows + [""] * (len(columns) - len(rows))


def _repeats(node: DiagramNode, clusters: Mapping[str, Cluster]) -> str:
    """Return how often a node is there: ``× 3``, in a frame of a repeated block; else nothing."""
    at = clusters.get(node.cluster or "")
    times: list[str] = []
    while at is not None:
        if at.kind == "repeated":
            times.insert(0, at.title.partition(",")[0])
        at = clusters.get(at.parent or "")
    return " ".join(times)


def _downwards(diagram: Diagram, inputs: dict[str, list[str]]) -> list[str]:
    """Return the ids, each behind all that use it; leaves as early as can be, so that few rails are open."""
    waiting = Counter(source for sources in inputs.values() for source in sources)
    ready = [node.id for node in diagram.nodes if not waiting[node.id] and node.id != diagram.loss]
    ready += [diagram.loss] if diagram.loss in inputs and not waiting[diagram.loss] else []
    order = []
    while ready:
        id = ready.pop()
        order.append(id)
        free = []
        for source in inputs[id]:
            waiting[source] -= 1
            if not waiting[source]:
                free.append(source)
        ready += sorted(free, key=lambda name: not inputs[name])
    return order


def _rails(order: list[str], inputs: dict[str, list[str]]) -> list[tuple[str, str | None]]:
    """Return lines: the rail of each node, and between them, with None, the lines where rails part or join."""
    slots: list[str | None] = []
    lines: list[tuple[str, str | None]] = []
    for id in order:
        if id in slots:
            at = slots.index(id)
        else:
            at = _free(slots, 0)
            slots[at] = id
        lines.append((" ".join("●" if n == at else "│" if slot else " " for n, slot in enumerate(slots)), id))
        sources = list(dict.fromkeys(inputs[id]))
        # What is deepest goes straight on: the first that is no leaf.
        sources.sort(key=lambda source: not inputs[source])
        slots[at] = None
        before = list(slots)
        targets = []
        for source in sources:
            if source not in slots:
                slots[at if slots[at] is None else _free(slots, at)] = source
            targets.append(slots.index(source))
        if targets and targets != [at]:
            lines.append((_junction(at, targets, before + [None] * (len(slots) - len(before)), slots), None))
        while slots and slots[-1] is None:
            slots.pop()
    return [(rail.rstrip(), id) for rail, id in lines]


def _free(slots: list[str | None], start: int) -> int:
    """Return the next free place, from a place on."""
    for number in range(start, len(slots)):
        if slots[number] is None:
            return number
    slots.append(None)
    return len(slots) - 1


def _junction(at: int, targets: list[int], above: list[str | None], below: list[str | None]) -> str:
    """Return the line in which a rail parts to its targets."""
    first, last = min(at, *targets), max(at, *targets)
    parts = []
    for number in range(len(below)):
        sides = 0
        if above[number] is not None or number == at:
            sides |= UP
        if below[number] is not None:
            sides |= DOWN
        ends = number == at or number in targets
        if ends or not sides:  # a rail that is only crossed stays whole
            sides |= LEFT if first < number <= last else 0
            sides |= RIGHT if first <= number < last else 0
        between = "─" if first <= number < last else " "
        parts.append(LINES.get(sides, "│") + between)
    return "".join(parts)
