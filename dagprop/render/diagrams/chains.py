"""Which links lead from the loss to some nodes, and which of these were met before on the way to another parameter."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dagprop.graph.records import split_reference
from dagprop.graph.topology import reach
from dagprop.plan.network import Network
from dagprop.plan.steps import plan
from dagprop.record import record
from dagprop.render.diagrams.items import Items, Link


@record
class Chain:
    """What the gradient of some nodes depends on.

    Attributes
    ----------
    items : frozenset of str
        The items on a way from the loss to one of the nodes.
    links : frozenset of Link
        The links on these ways.
    reused : frozenset of Link
        Those that lie on a way to a parameter whose gradient the backward pass has worked out earlier.
    """

    items: frozenset[str]
    links: frozenset[Link]
    reused: frozenset[Link]


def chain_to(network: Network, items: Items, wanted: Collection[str]) -> Chain:
    """Return the chain from the loss to some nodes.

    Parameters
    ----------
    network : Network
        With a loss.
    items : Items
    wanted : collection of str
        Nodes.
    """
    place = items.by_node()
    loss = place[split_reference(str(network.graph.loss))[0]]
    ends = {place[id] for id in wanted}
    links = _links_between(items, loss, ends)
    earlier = {place[id] for id in parameters_before(network, wanted) if id in place} - ends
    reused = _links_between(items, loss, earlier) & links
    on_way = {loss, *ends, *(link.source for link in links), *(link.target for link in links)}
    return Chain(frozenset(on_way), frozenset(links), frozenset(reused))


def parameters_before(network: Network, wanted: Collection[str]) -> tuple[str, ...]:
    """Return the trained parameters whose gradient the backward pass has before that of the first of some nodes."""
    order = backward_order(network, tuple(wanted))
    first = min((order.index(id) for id in wanted if id in order), default=len(order))
    parameters = set(network.graph.parameters())
    return tuple(id for id in order[:first] if id in parameters)


def backward_order(network: Network, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the trained parameters, and more nodes, in the order in which the backward pass has their gradients."""
    loss = network.graph.loss
    names = tuple(dict.fromkeys((*network.graph.parameters(), *more)))
    if loss is None:
        return names
    steps = plan(network, (loss,), (loss,), names).backward
    last = {step.target: number for number, step in enumerate(steps)}
    return tuple(sorted((name for name in names if name in last), key=lambda name: last[name]))


def _links_between(items: Items, loss: str, wanted: Iterable[str]) -> set[Link]:
    """Return the links on all ways from the loss down to some items."""
    above = reach(_users(items), wanted)
    sources: dict[str, list[str]] = {}
    for link in items.links:
        if link.target in above:
            sources.setdefault(link.target, []).append(link.source)
    below = reach(sources, [loss])
    return {link for link in items.links if link.source in above and link.target in above & below}


def _users(items: Items) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for link in items.links:
        users.setdefault(link.source, []).append(link.target)
    return users
