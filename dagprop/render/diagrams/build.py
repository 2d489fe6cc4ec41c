"""From a network to its diagram: what is visible, what is dimmed, and what stands on nodes and arrows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from dagprop.errors import GraphError, Problem, quote
from dagprop.graph.records import Graph, split_reference
from dagprop.plan.network import Network
from dagprop.plan.outputs import loss_reference
from dagprop.plan.references import find_reference
from dagprop.record import record
from dagprop.render.diagrams.chains import Chain, chain_to
from dagprop.render.diagrams.items import MOST_COLUMNS, Items, Link, items_of, levels
from dagprop.render.diagrams.labels import Labels
from dagprop.render.diagrams.names import clean
from dagprop.render.diagrams.records import Cluster, Diagram, DiagramEdge, DiagramNode
from dagprop.render.diagrams.rolling import roll
from dagprop.render.diagrams.summary import summary_diagram
from dagprop.render.diagrams.view import OPEN_NODES, Numbers, View
from dagprop.render.diagrams.weights import Weighed, put_weights_on_edges

REUSED = "already computed, re-use (propagate)!"
"""What the lecture writes below the part of a chain that stands in an earlier one."""

WIDE_COLUMNS = 9
"""What :data:`~dagprop.render.diagrams.items.MOST_COLUMNS` is for nodes that are wide."""

FORWARD = "from a value to what is computed from it"
BACKWARD = "as gradients go, from a value to what it depends on"
DEPENDS = "from a value to what it depends on"


@record
class Visible:
    """What of a network a view shows.

    Attributes
    ----------
    items : Items
    ends, near : tuple of str
        The nodes at the end of a chain, and those that all others are near.
    remarks : tuple of str
        What is left out, and how to see it.
    """

    items: Items
    ends: tuple[str, ...]
    near: tuple[str, ...]
    remarks: tuple[str, ...]


def visible(network: Network, view: View) -> Visible:
    """Return what of a network a view shows.

    Raises
    ------
    GraphError
        If a node of the view is not there (DP104).
    """
    ends = tuple(_node(network, name) for name in view.chain)
    near = () if view.around is None else tuple(_inside(network, view.around))
    opened = [*ends, *(near if view.around in network.graph.nodes else ())]
    # Nodes with numbers and long names are wide: fewer of them go side by side.
    columns = WIDE_COLUMNS if view.needs_numbers or ends else MOST_COLUMNS
    items = items_of(network, view.depth, view.limit if near else min(OPEN_NODES, view.limit), opened, columns)
    whole = len(items.of)
    if view.roll and not ends:  # a chain has a factor for every copy
        items = roll(network, items, frozenset(near))
    remarks: tuple[str, ...] = ()
    if view.depth is not None and not levels(network):
        remarks += ("--depth changes nothing here: the graph uses no definitions",)
    if near:
        items = _around(items, near, view.radius)
        if len(items.of) < whole:
            remarks += (f"{len(items.of)} of {whole} nodes are drawn; --radius {view.radius + 1} draws more",)
    if view.roll and ends:
        remarks += ("--roll changes nothing here: a chain has a factor for every copy of a block",)
    closed = sum(item.call for item in items.of.values())
    if closed and view.depth is None:
        boxes = "1 definition is a closed box" if closed == 1 else f"{closed} definitions are closed boxes"
        remarks += (f"{boxes}, with parameters and derivatives inside; --depth {levels(network)} opens all",)
    return Visible(items, ends, near, remarks)


def network_diagram(
    graph: Graph,
    network: Network,
    view: View,
    numbers: Numbers | None = None,
    seen: Visible | None = None,
    frames: bool = True,
) -> Diagram:
    """Return the diagram of a network.

    Parameters
    ----------
    graph : Graph
        As it was read, with its definitions.
    network : Network
        The same, prepared.
    view : View
        What is to be shown.
    numbers : Numbers, optional
        What has been computed.
    seen : Visible, optional
        What the view shows, where that is known already.
    frames : bool
        Whether frames will tell where a node is; else its name does.

    Raises
    ------
    GraphError
        If a node of the view is not there (DP104), the loss does not depend on the end of a chain (DP205), or there is
        no loss (DP206).
    """
    numbers = numbers or Numbers()
    if view.phase == "forward":
        numbers = numbers.forward_only()
    seen = seen or visible(network, view)
    items, ends, near = seen.items, seen.ends, seen.near
    title = clean(graph.name or "network")
    if len(items.of) > view.limit:
        return summary_diagram(network, items, title)
    chain = _chain(network, items, ends) if ends else None
    place = items.by_node()
    kept = {place[id] for id in (*ends, *near) if id in place}
    weighed = Weighed(items, {}, {})
    if view.weights_on_edges:
        weighed = put_weights_on_edges(network, items, kept, fold=not (view.needs_numbers or near or chain))
    items = weighed.items
    clusters = () if chain else _clusters(graph, network, items)
    labels = Labels(graph, network, view, numbers, items, open_names=frames and not chain)
    nodes = tuple(
        replace(
            labels.node(item),
            dimmed=chain is not None and item.id not in chain.items,
            cluster=None if chain else labels.frame(item),
        )
        for item in items.of.values()
    )
    ones, edges = _edges(weighed, chain, view, labels)
    if chain and chain.reused:
        clusters = (Cluster("reused", REUSED, kind="reused"),)
        inside = {end for link in chain.reused for end in (link.source, link.target)}
        nodes = tuple(replace(node, cluster="reused") if node.id in inside else node for node in nodes)
    loss = network.graph.loss and place.get(split_reference(network.graph.loss)[0])
    return Diagram(
        (*ones, *nodes),
        labels.with_signs(edges),
        clusters,
        title,
        labels.formula(chain, place[ends[0]]) if chain and len(set(ends)) == 1 else "",
        DEPENDS if chain else BACKWARD if view.phase == "backward" else FORWARD,
        loss or None,
        seen.remarks,
        labels.columns(),
        "factor" if chain else labels.on_arrows(),
    )


def _edges(
    weighed: Weighed, chain: Chain | None, view: View, labels: Labels
) -> tuple[list[DiagramNode], list[tuple[DiagramEdge, Link]]]:
    """Return the nodes for the ones that biases weigh, and the arrows, each with its link."""
    ones, edges = [], []
    for link in weighed.items.links:
        on_chain = chain is not None and link in chain.links
        weight = weighed.weights.get(link) or weighed.ones.get(link)
        source = link.source
        if link in weighed.ones:
            source = f"1/{link.target}/{link.position}"
            ones.append(DiagramNode(source, "one", "1", dimmed=chain is not None))
        edge = DiagramEdge(
            source,
            link.target,
            labels.weight(weight) if weight else "",
            (*(labels.weight_rows(weight) if weight else ()), *labels.edge_rows(link, on_chain)),
            backward=chain is not None or view.phase == "backward",
            main=on_chain or link in weighed.weights or not (link in weighed.ones or labels.is_leaf(link.source)),
            dimmed=chain is not None and not on_chain,
            mark=None if not on_chain or chain is None else "reused" if link in chain.reused else "chain",
        )
        edges.append((edge, link))
    return ones, edges


def _clusters(graph: Graph, network: Network, items: Items) -> tuple[Cluster, ...]:
    """Return the frames around the items, outer ones first."""
    found: dict[str, Cluster] = {}
    for item in items.of.values():
        parent = call = None
        for id in item.clusters:
            if id in items.repeated:
                found.setdefault(id, Cluster(id, items.repeated[id], parent, "repeated"))
            else:
                title = Labels.cluster_title(graph, network.node(item.nodes[0]).origin, id, call)
                found.setdefault(id, Cluster(id, title, parent))
                call = id
            parent = id
    return tuple(found.values())


def _chain(network: Network, items: Items, ends: Collection[str]) -> Chain:
    loss_reference(network)
    place = items.by_node()
    gone = [id for id in ends if id not in place]
    if gone:
        raise GraphError(Problem("DP104", f"{quote(gone[0])} is not in this picture", "draw more of the network"))
    chain = chain_to(network, items, ends)
    lost = [id for id in ends if not any(place[id] in (link.source, link.target) for link in chain.links)]
    lost = [id for id in lost if id != split_reference(loss_reference(network))[0]]
    if lost:
        raise GraphError(Problem("DP205", f"the loss does not depend on {quote(lost[0])}", node=lost[0]))
    return chain


def _inside(network: Network, name: str) -> list[str]:
    """Return the nodes that stand in a picture where a name does: the node, or those of a call.

    Raises
    ------
    GraphError
        If it names nothing (DP104).
    """
    node = _node(network, name)
    call = split_reference(name)[0]
    return [inner.id for inner in network.graph.nodes.values() if call in inner.origin] or [node]


def _node(network: Network, name: str) -> str:
    """Return the node whose value a name stands for.

    Raises
    ------
    GraphError
        If it names nothing (DP104).
    """
    return split_reference(find_reference(network, name))[0]


def _around(items: Items, near: Collection[str], radius: int) -> Items:
    """Return the items that are at most so many links away from some nodes."""
    place = items.by_node()
    found = {place[id] for id in near if id in place}
    beside: dict[str, list[str]] = {}
    for link in items.links:
        beside.setdefault(link.source, []).append(link.target)
        beside.setdefault(link.target, []).append(link.source)
    ring = set(found)
    for _ in range(radius):
        ring = {other for id in ring for other in beside.get(id, ())} - found
        found |= ring
    return items.only(found)
