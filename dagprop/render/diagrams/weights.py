"""Weights on arrows, as a lecture draws them: x —w→ Σ, and a bias as the weight of a 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from dagprop.plan.network import Network
from dagprop.record import record
from dagprop.render.diagrams.items import Items, Link

FACTORS = {"affine": (0, 1), "multiply": (0, 1), "matmul": (0, 1)}
"""Ops that multiply two of their inputs, with the positions of these."""


@record
class Weighed:
    """Items of which some parameters stand on arrows.

    Attributes
    ----------
    items : Items
        Without these parameters, and without products that are only a term of a sum.
    weights : dict from Link to str
        The parameter that stands on each arrow.
    ones : dict from Link to str
        The arrows that come from a 1, with their parameter; their source is no item.
    """

    items: Items
    weights: dict[Link, str]
    ones: dict[Link, str]


def put_weights_on_edges(network: Network, items: Items, kept: Collection[str], fold: bool) -> Weighed:
    """Return items with the parameters on arrows that can stand there.

    Parameters
    ----------
    network : Network
    items : Items
    kept : collection of str
        Items that stay nodes.
    fold : bool
        Whether a product by a parameter that is only a term of a sum becomes an arrow into the sum.
    """
    inputs: dict[str, dict[int, Link]] = {}
    for link in items.links:
        inputs.setdefault(link.target, {})[link.position] = link
    uses = Counter(link.source for link in items.links)

    def is_parameter(id: str) -> bool:
        return id not in kept and items.of[id].nodes == (id,) and network.node(id).op == "parameter"

    weights: dict[Link, str] = {}
    ones: dict[Link, str] = {}
    gone: set[Link] = set()
    for id, item in items.of.items():
        if item.call:
            continue
        op, given = network.node(id).op, inputs.get(id, {})
        pair = [given[position] for position in FACTORS.get(op, ()) if position in given]
        parameters = [link for link in pair if is_parameter(link.source)]
        if len(pair) == 2 and len(parameters) == 1:
            weight = parameters[0]
            carrier = pair[1 - pair.index(weight)]
            weights[carrier] = weight.source
            gone.add(weight)
        biases = [given[2]] if op == "affine" and 2 in given else list(given.values()) if op == "add" else []
        for link in biases:
            if is_parameter(link.source) and len(given) > 1:
                ones[link] = link.source
    if fold:
        _fold(network, items, kept, uses, weights, gone)
    links = tuple(link for link in _renewed(items.links, weights) if link not in gone)
    needed = {end for link in links if link not in ones for end in (link.source, link.target)}
    needed |= {link.target for link in links}
    moved = {*weights.values(), *ones.values()}
    folded = {link.target for link in gone} - needed
    of = {
        id: item
        for id, item in items.of.items()
        if id in needed or (id not in moved and id not in folded) or id in kept
    }
    return Weighed(Items(of, links, items.repeated), weights, ones)


def _fold(
    network: Network,
    items: Items,
    kept: Collection[str],
    uses: Counter[str],
    weights: dict[Link, str],
    gone: set[Link],
) -> None:
    """Let a product that only a sum uses go: what it multiplies goes into the sum, with the weight on the arrow."""
    single = {link.source: link for link in items.links if uses[link.source] == 1}
    for carrier, weight in list(weights.items()):
        product = carrier.target
        use = single.get(product)
        is_product = network.node(product).op in ("multiply", "matmul")
        if use is None or not is_product or product in kept or network.graph.loss == product:
            continue
        if items.of[use.target].call or network.node(use.target).op != "add":
            continue
        del weights[carrier]
        weights[replace(use, source=carrier.source, reference=carrier.reference)] = weight
        gone |= {carrier, use}


def _renewed(links: tuple[Link, ...], weights: dict[Link, str]) -> list[Link]:
    """Return the links, with those of the sums in the place of those that were folded."""
    made = {(link.target, link.position): link for link in weights}
    known = set(links)
    renewed = []
    for link in links:
        instead = made.get((link.target, link.position), link)
        renewed.append(link)
        if instead not in known:
            renewed.append(instead)
    return renewed
