"""What of a network is visible: nodes, and calls of definitions that are not opened, with the links between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import Any

from dagprop.graph.records import Definition, Graph, Node, split_reference
from dagprop.graph.topology import sources
from dagprop.ops.registry import vocabulary
from dagprop.plan.network import Network
from dagprop.record import record

MOST_COLUMNS = 12
"""Definitions are opened, where nothing is said, as long as the picture has at most so many columns of nodes."""


@record
class Item:
    """One thing that is drawn.

    Attributes
    ----------
    id : str
        Of the node or of the call.
    nodes : tuple of str
        The expanded nodes that it stands for.
    call : bool
        Whether it is a call that is not opened.
    clusters : tuple of str
        The opened calls around, outermost first.
    """

    id: str
    nodes: tuple[str, ...]
    call: bool = False
    clusters: tuple[str, ...] = ()


@record
class Link:
    """One use of a value by another item.

    Attributes
    ----------
    source, target : str
        The items.
    reference : str
        The value.
    node : str
        The expanded node that uses it.
    position : int
        Of its input.
    """

    source: str
    target: str
    reference: str
    node: str
    position: int


@record
class Items:
    """All that is drawn, in topological order, and what is left out.

    Attributes
    ----------
    of : dict from str to Item
    links : tuple of Link
        In the order of the users and of their inputs.
    repeated : mapping from cluster id to title
        The blocks that stand for several.
    """

    of: dict[str, Item]
    links: tuple[Link, ...]
    repeated: Mapping[str, str]

    def only(self, kept: Collection[str]) -> Items:
        """Return what is left when only some are kept."""
        links = tuple(link for link in self.links if link.source in kept and link.target in kept)
        return Items({id: item for id, item in self.of.items() if id in kept}, links, self.repeated)

    def by_node(self) -> dict[str, str]:
        """Return which item stands for each node."""
        return {node: item.id for item in self.of.values() for node in item.nodes}


def items_of(
    network: Network, depth: int | None, most: int, opened: Iterable[str] = (), columns: int = MOST_COLUMNS
) -> Items:
    """Return the items of a network.

    Parameters
    ----------
    network : Network
    depth : int or None
        How many levels of calls are opened; None as many as give at most ``most`` items.
    most : int
    opened : iterable of str
        Expanded nodes that must be items of their own.
    columns : int
        How many nodes may stand behind each other where no depth is given.
    """
    nodes = network.graph.nodes
    open_calls = {call for id in opened for call in nodes[id].origin}
    if depth is None:
        depth = _fitting_depth(network, most, columns)
    place = {id: _place(nodes[id], depth, open_calls) for id in network.order}
    members: dict[str, list[str]] = {}
    for id in network.order:
        members.setdefault(place[id][0], []).append(id)
    items = {}
    for id, inside in members.items():
        clusters = nodes[inside[0]].origin[: place[inside[0]][1]]
        items[id] = Item(id, tuple(inside), id not in nodes, clusters)
    links = []
    for id in network.order:
        target = place[id][0]
        for position, reference in enumerate(nodes[id].inputs):
            source = place[split_reference(reference)[0]][0] if reference is not None else target
            if source != target:
                assert reference is not None
                links.append(Link(source, target, reference, id, position))
    return Items(_ordered(items, links), tuple(_once(items, links)), {})


def levels(network: Network) -> int:
    """Return how many levels of definitions there are, one in the other."""
    return max((len(node.origin) for node in network.graph.nodes.values()), default=0)


def _fitting_depth(network: Network, most: int, columns: int) -> int:
    """Return the largest depth at which there are at most so many items, in not too many columns."""
    nodes = network.graph.nodes
    for depth in range(levels(network), 0, -1):
        if _count(nodes.values(), depth) > most:
            continue
        column: dict[str, int] = {}
        for id in network.order:
            item = _place(nodes[id], depth, ())[0]
            before = (_place(nodes[source], depth, ())[0] for source in sources(nodes[id]))
            column[item] = max((column[other] + 1 for other in before if other != item), default=column.get(item, 1))
        if max(column.values(), default=0) < columns:
            return depth
    return 0


def _place(node: Node, depth: int, opened: Collection[str]) -> tuple[str, int]:
    """Return the item of a node and how many calls around it are open."""
    for level, call in enumerate(node.origin):
        if level >= depth and call not in opened:
            return call, level
    return node.id, len(node.origin)


def _count(nodes: Iterable[Node], depth: int) -> int:
    return len({node.origin[depth] if len(node.origin) > depth else node.id for node in nodes})


def _once(items: Mapping[str, Item], links: Iterable[Link]) -> Iterable[Link]:
    """Yield links without those that repeat another: a call that uses a value several times inside has one."""
    seen: set[tuple[str, str]] = set()
    for link in links:
        if items[link.target].call:
            if (link.reference, link.target) in seen:
                continue
            seen.add((link.reference, link.target))
        yield link


def _ordered(items: dict[str, Item], links: Iterable[Link]) -> dict[str, Item]:
    """Return items each behind what it depends on; calls make another order than that of their first nodes."""
    users: dict[str, list[str]] = {id: [] for id in items}
    waiting = Counter[str]()
    for link in links:
        users[link.source].append(link.target)
        waiting[link.target] += 1
    if not any(item.call for item in items.values()):
        return dict(items)
    ready = [id for id in reversed(items) if not waiting[id]]
    ordered = {}
    while ready:
        id = ready.pop()
        ordered[id] = items[id]
        for user in reversed(users[id]):
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    # Two calls may feed each other, where one has several outputs: their order is that of the nodes.
    return {**ordered, **items} if len(ordered) < len(items) else ordered


def call_of(graph: Graph, network: Network, item: Item) -> Node:
    """Return the call that an item, or an opened cluster, stands for, as the file declares it."""
    return declared_call(graph, _origin_until(network.node(item.nodes[0]).origin, item.id))


def _origin_until(origin: tuple[str, ...], id: str) -> tuple[str, ...]:
    return origin[: origin.index(id) + 1]


def declared_call(graph: Graph, origin: tuple[str, ...]) -> Node:
    """Return the call that an origin names; a copy of a repeated call is the call without the repetition.

    Parameters
    ----------
    graph : Graph
        As it was read: not expanded.
    origin : tuple of str
        Ids of calls, outermost first.
    """
    meanings = {**graph.definitions, **vocabulary()}
    call = graph.nodes[origin[0]]
    attributes = dict(call.attributes)
    for outer, inner in pairwise(origin):
        part = inner[len(outer) + 1 :]
        meaning = meanings.get(call.op)
        if call.repeat is not None and part.isdigit():
            call = Node(inner, call.op, call.inputs, call.attributes, call.tex, call.doc)
        elif isinstance(meaning, Definition) and part in meaning.nodes:
            attributes = {**meaning.attributes, **attributes}
            found = meaning.nodes[part]
            own = {key: _bound(value, attributes) for key, value in found.attributes.items()}
            op, repeat = _bound(found.op, attributes), _bound(found.repeat, attributes)
            call = Node(inner, op, found.inputs, own, found.tex, found.doc, repeat)
            attributes = own
    return call


def _bound(value: Any, attributes: Mapping[str, Any]) -> Any:
    """Return what ``"$units"`` stands for."""
    return attributes.get(value[1:], value) if isinstance(value, str) and value.startswith("$") else value
