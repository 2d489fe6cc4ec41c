"""A network that is too large to be drawn: its layers in a few groups, with what is in each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from dagprop.graph.records import split_reference
from dagprop.plan.network import Network
from dagprop.render.diagrams.items import Items
from dagprop.render.diagrams.records import Diagram, DiagramEdge, DiagramNode
from dagprop.render.diagrams.symbols import symbol_of

GROUPS = 6
"""Layers are put together into so many groups."""

SHOWN_OPS = 3
"""So many ops of each group are named, the most frequent."""


def summary_diagram(network: Network, items: Items, title: str) -> Diagram:
    """Return the diagram of a large network: groups of layers from left to right, the loss at the right.

    A layer holds what is equally far from the inputs, by the longest way.  Leaves count for the layer that uses them.
    """
    loss = network.graph.loss and items.by_node().get(split_reference(network.graph.loss)[0])
    leaves = {id for id, item in items.of.items() if not item.call and network.node(item.nodes[0]).is_leaf}
    layer = _layers(items, leaves)
    last = max((layer[id] for id in items.of if id not in leaves), default=0)
    count = min(GROUPS, last) or 1

    def group(id: str) -> int:
        return count if id == loss else min((max(layer[id], 1) - 1) * count // max(last, 1), count - 1)

    members: dict[int, list[str]] = {}
    for id in items.of:
        members.setdefault(group(id), []).append(id)
    nodes = []
    for number, ids in sorted(members.items()):
        if number == count:
            op = network.node(items.of[ids[0]].nodes[-1]).op
            nodes.append(DiagramNode(ids[0], "loss", ids[0], symbol_of(op)))
            continue
        work = [id for id in ids if id not in leaves]
        layers = sorted({layer[id] for id in work})
        ops = Counter(network.node(items.of[id].nodes[-1]).op if not items.of[id].call else "definition" for id in work)
        kinds = Counter(network.node(id).op for id in ids if id in leaves)
        first, final = (layers[0], layers[-1]) if layers else (0, 0)
        name = f"layer {first}" if first == final else f"layers {first} – {final}"
        common = [f"{_count(amount)} {op.replace('_', ' ')}" for op, amount in ops.most_common(SHOWN_OPS)]
        rest = len(work) - sum(amount for _, amount in ops.most_common(SHOWN_OPS))
        rows = [*common, *([f"{_count(rest)} others"] if rest else [])]
        rows += [
            f"{_count(kinds[op])} {_plural(op, kinds[op])}" for op in ("parameter", "input", "constant") if kinds[op]
        ]
        size = f"{_count(len(work))} {_plural('op', len(work))}"
        nodes.append(DiagramNode(_group_id(number), "group", name, size, tuple(rows)))
    flows = Counter((group(link.source), group(link.target)) for link in items.links)
    names = {number: ids[0] if number == count else _group_id(number) for number, ids in members.items()}
    drawn = {pair: amount for pair, amount in flows.items() if pair[1] == pair[0] + 1}
    # A group whose values all go further has an arrow to the nearest.
    for number in names:
        further = [pair for pair in flows if pair[0] == number and pair[1] > number]
        if further and (number, number + 1) not in drawn:
            drawn[min(further)] = flows[min(further)]
    skips = Counter[int]()
    for pair, amount in flows.items():
        skips[pair[0]] += amount if pair not in drawn and pair[0] != pair[1] else 0
    named = {names[number]: amount for number, amount in skips.items() if amount}
    nodes = [
        replace(node, rows=(*node.rows, f"{_count(named[node.id])} values go further")) if node.id in named else node
        for node in nodes
    ]
    most = max(drawn.values(), default=1)
    edges = tuple(
        DiagramEdge(names[source], names[target], rows=(_count(amount),), strength=(amount / most) ** 0.5)
        for (source, target), amount in sorted(drawn.items())
    )
    whole = len(network.order)
    total = whole if items.repeated else sum(len(item.nodes) for item in items.of.values())
    part = f" of {_count(whole)}" if total < whole else ""
    counted = f"{_count(total)}{part} nodes in {_count(last)} {_plural('layer', last)}"
    less = "a smaller --radius draws fewer" if part else "--around NODE draws a part, --roll blocks that repeat once"
    return Diagram(
        tuple(nodes),
        edges,
        title=title,
        formula=f"{counted}; on the arrows, how many values go to the next",
        direction="from values to what is computed from them",
        loss=loss or None,
        remarks=(
            f"{_count(total)}{part} nodes are too many for one picture: this is a summary; {less}, "
            "--limit N all of up to N nodes",
        ),
        columns=("contents",),
        on_arrows="values that go to the next",
    )


def _layers(items: Items, leaves: set[str]) -> dict[str, int]:
    """Return how far each item is from the inputs; of a leaf, the layer that uses it first."""
    layer = dict.fromkeys(items.of, 0)
    links: dict[str, list[str]] = {}
    for link in items.links:
        links.setdefault(link.target, []).append(link.source)
    for id in items.of:
        if id not in leaves:
            layer[id] = 1 + max((layer[source] for source in links.get(id, ())), default=0)
    for id in reversed(items.of):
        for source in links.get(id, ()):
            if source in leaves:
                layer[source] = min(layer[source] or layer[id], layer[id])
    return layer


def _group_id(number: int) -> str:
    return f"group {number + 1}"


def _count(number: int) -> str:
    return f"{number:,}"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
