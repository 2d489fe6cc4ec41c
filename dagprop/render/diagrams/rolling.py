"""Blocks that repeat: of a stack of equal layers one is drawn, and how often it is there.

The items that are no leaves stand in a row, each with a signature: its op, and for each input what feeds it: a leaf of
its own, a leaf that it shares, or an item so many places before.  A stretch of the row that is equal to the stretch
before it is a repetition; skip connections inside it are in the signatures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from dagprop.plan.network import Network
from dagprop.record import record
from dagprop.render.diagrams.items import Item, Items, Link
from dagprop.render.diagrams.names import from_id, name_of

LONGEST_BLOCK = 60
"""A block of more items is not looked for."""


@record
class Repetition:
    """So many copies of a block of so many items, from a place in the row on."""

    start: int
    length: int
    copies: int

    @property
    def stop(self) -> int:
        """The place behind the last copy."""
        return self.start + self.length * self.copies


def roll(network: Network, items: Items, kept: frozenset[str] = frozenset()) -> Items:
    """Return the items with one copy of each block that repeats.

    Parameters
    ----------
    network : Network
    items : Items
    kept : frozenset of str
        Items that must stay: no block that has one is rolled up.
    """
    inputs: dict[str, list[Link]] = {id: [] for id in items.of}
    users: dict[str, set[str]] = {id: set() for id in items.of}
    for link in items.links:
        inputs[link.target].append(link)
        users[link.source].add(link.target)
    row = [item for item in items.of.values() if item.call or not network.node(item.nodes[0]).is_leaf]
    place = {item.id: number for number, item in enumerate(row)}
    leaves = {id for id in items.of if id not in place}
    signatures = [_signature(network, item, inputs[item.id], place, users) for item in row]
    instead: dict[str, str] = {}
    titles = {}
    moved: dict[str, Item] = {}
    for found in repetitions(signatures):
        stretch = row[found.start : found.stop]
        with_leaves = [s for item in stretch for s in (item.id, *(link.source for link in inputs[item.id]))]
        if kept & set(with_leaves):
            continue
        first, last = stretch[: found.length], stretch[-1]
        cluster = f"repeated/{first[0].id}"
        name = from_id(last.id) if last.call else name_of(network.node(last.id))
        titles[cluster] = f"× {found.copies:,}, up to {name}"
        common = _common([item.clusters for item in stretch])
        for number, item in enumerate(stretch):
            own = [link.source for link in inputs[item.id] if link.source in leaves and len(users[link.source]) == 1]
            if number >= found.length:
                instead[item.id] = first[number % found.length].id
                instead |= dict.fromkeys(own, first[number % found.length].id)
                continue
            for id in (item.id, *own):
                clusters = items.of[id].clusters
                moved[id] = replace(items.of[id], clusters=(*clusters[:common], cluster, *clusters[common:]))
    of = {id: moved.get(id, item) for id, item in items.of.items() if id not in instead}
    links = tuple(
        replace(link, source=instead.get(link.source, link.source)) for link in items.links if link.target in of
    )
    return Items(of, links, titles)


def repetitions(row: list[object]) -> list[Repetition]:
    """Return where a row repeats itself, the repetitions that leave most out first chosen, none over another."""
    import numpy as np

    numbers: dict[object, int] = {}
    codes = np.array([numbers.setdefault(entry, len(numbers)) for entry in row], dtype=np.int64)
    candidates = [
        found for length in range(1, min(LONGEST_BLOCK, len(row) // 2) + 1) for found in _repeats(codes, length)
    ]
    candidates.sort(key=lambda found: (-found.length * (found.copies - 1), found.length, found.start))
    taken = np.zeros(len(row), dtype=bool)
    chosen = []
    for found in candidates:
        if not taken[found.start : found.stop].any():
            taken[found.start : found.stop] = True
            chosen.append(found)
    return sorted(chosen, key=lambda found: found.start)


def _repeats(codes: object, length: int) -> Iterator[Repetition]:
    """Yield the stretches in which each entry is equal to the one a block before."""
    import numpy as np

    row = np.asarray(codes)
    equal = np.concatenate(([False], row[:-length] == row[length:], [False]))
    changes = np.flatnonzero(equal[1:] != equal[:-1])
    for start, stop in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
        copies = (stop - start) // length + 1
        # One op after another of the same name is no block: two of them are simply two.
        if copies > (2 if length == 1 else 1):
            end = stop + length
            yield Repetition(end - copies * length, length, copies)


def _signature(
    network: Network, item: Item, links: list[Link], place: Mapping[str, int], users: Mapping[str, set[str]]
) -> object:
    """Return what two items must have in common to be the same."""
    feeds: list[tuple[str, object, int]] = []
    for link in links:
        if link.source in place:
            feeds.append(("before", place[item.id] - place[link.source], link.position))
        elif len(users[link.source]) > 1:
            feeds.append(("shared", link.source, link.position))
        else:
            leaf = network.node(link.source)
            feeds.append((leaf.op, str(network.shapes[link.source]), link.position))
    return tuple(_work(network, id) for id in item.nodes), tuple(feeds)


def _work(network: Network, id: str) -> object:
    """Return what a node does, without its name and its numbers."""
    node = network.node(id)
    settings = [(key, repr(value)) for key, value in sorted(node.attributes.items()) if key not in ("value", "shape")]
    return node.op, tuple(settings), str(network.shapes[id])


def _common(clusters: list[tuple[str, ...]]) -> int:
    """Return how many clusters, from outside, all have in common."""
    count = 0
    for level in zip(*clusters, strict=False):
        if len(set(level)) > 1:
            break
        count += 1
    return count
