"""Who depends on whom: the ways from the loss to a node, and everything that lies below or above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dagprop.graph.records import Graph, split_reference
from dagprop.graph.topology import reach, sources
from dagprop.plan.network import Network, prepare
from dagprop.plan.outputs import prediction_outputs
from dagprop.plan.references import find_reference
from dagprop.record import record

FEW = 6
"""So many ways are told one by one; of more, the shortest."""


@record(eq=False)
class Ways:
    """How one value depends on a node.

    Attributes
    ----------
    root : str
        The id of the node at whose value they begin.
    count : int
        How many there are, exactly, as chains of nodes (``x * x`` is one from the product to x); 0 if the value does
        not depend on the node.
    shown : tuple of tuple of str
        All ways if they are few, else one of the shortest: ids from the root down to the node.
    """

    root: str
    count: int
    shown: tuple[tuple[str, ...], ...]


@record(eq=False)
class Dependency:
    """What a node depends on, or what depends on it, and the ways from the loss to it.

    Attributes
    ----------
    network : Network
    node : str
    reverse : bool
        Whether ``below`` holds what depends on the node.
    ways : tuple of Ways
        From the loss; without one from each output.
    below : mapping from str to tuple of str
        For the node and each that one comes to from it, the ids of those that are next, each once and in order: what
        it depends on, or who depends on it.
    """

    network: Network
    node: str
    reverse: bool
    ways: tuple[Ways, ...]
    below: Mapping[str, tuple[str, ...]]

    def between(self, root: str) -> dict[str, tuple[str, ...]]:
        """Return, for each node on a way from a root to the node, the ids of those that are next on one."""
        nodes, order = self.network.graph.nodes, self.network.order
        lead = {self.node}
        found: dict[str, tuple[str, ...]] = {self.node: ()}
        for id in order:
            following = tuple(dict.fromkeys(name for name in sources(nodes[id]) if name in lead))
            if following and id != self.node:
                lead.add(id)
                found[id] = following
        kept = reach(found, [root])
        return {id: names for id, names in found.items() if id in kept}

    def __str__(self) -> str:
        return "\n".join(" depends on ".join(way) for ways in self.ways for way in ways.shown)


def dependency(graph: Graph, node: str | None = None, reverse: bool = False) -> Dependency:
    """Return what a node depends on, or who depends on it.

    Parameters
    ----------
    graph : Graph
    node : str, optional
        As :func:`dagprop.plan.references.find_reference` takes it; by default the loss, or without one the first
        output.
    reverse : bool
        Whether to look upwards, at who depends on the node.

    Raises
    ------
    GraphError
        If the graph is wrong, there is no such node (DP104) or output (DP113), or something else than an id is given
        (DP008).
    """
    network = prepare(graph)
    loss = network.graph.loss
    references = (loss,) if loss else prediction_outputs(network)
    roots = tuple(dict.fromkeys(split_reference(reference)[0] for reference in references))
    node = roots[0] if node is None else split_reference(find_reference(network, node))[0]
    below = {id: tuple(dict.fromkeys(sources(network.node(id)))) for id in network.order}
    edges = _turned(below) if reverse else below
    reached = reach(edges, [node])
    return Dependency(
        network,
        node,
        reverse,
        tuple(_ways(below, network.order, roots, node)),
        {id: edges[id] for id in network.order if id in reached},
    )


def _turned(edges: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return for each id who has it next."""
    users: dict[str, list[str]] = {id: [] for id in edges}
    for id, following in edges.items():
        for source in following:
            users[source].append(id)
    return {id: tuple(names) for id, names in users.items()}


def _ways(
    below: Mapping[str, tuple[str, ...]], order: tuple[str, ...], roots: tuple[str, ...], node: str
) -> Iterator[Ways]:
    count = {node: 1}
    shortest = {node: 0}
    for id in order:
        found = [source for source in below[id] if source in count]
        if found:
            count[id] = sum(count[source] for source in found)
            shortest[id] = 1 + min(shortest[source] for source in found)
    for root in roots:
        if root not in count:
            yield Ways(root, 0, ())
        elif count[root] <= FEW:
            yield Ways(root, count[root], tuple(_every_way(below, count, root, node)))
        else:
            way = [root]
            while way[-1] != node:
                way.append(min((id for id in below[way[-1]] if id in count), key=shortest.__getitem__))
            yield Ways(root, count[root], (tuple(way),))


def _every_way(
    below: Mapping[str, tuple[str, ...]], count: Mapping[str, int], root: str, node: str
) -> Iterator[tuple[str, ...]]:
    """Yield every way from a root to a node, by steps that lead there."""
    way: list[str] = [root]
    pending = [iter(below[root])]
    if root == node:
        yield (root,)
        return
    while pending:
        following = next((id for id in pending[-1] if id in count), None)
        if following is None:
            pending.pop()
            way.pop()
        elif following == node:
            yield (*way, node)
        else:
            way.append(following)
            pending.append(iter(below[following]))
