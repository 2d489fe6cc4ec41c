"""What the edges from a node up to the loss cost together: a sweep of forward mode passes each of them once."""

from __future__ import annotations

from collections.abc import Sequence

from dagprop.graph.records import split_reference
from dagprop.plan.records import BackwardStep


def sweeps(end: str, steps: Sequence[BackwardStep], costs: Sequence[int], ids: Sequence[str]) -> dict[str, int]:
    """Return for each of some leaves the cost of all steps between it and the loss but those that use it directly.

    Where all ways from a node come together again, the rest is as from there: so the edges of each diamond are added
    up once, and not again for every leaf below it.

    Parameters
    ----------
    end : str
        The id of the node of the loss.
    steps : sequence of BackwardStep
        Of a plan, in its order.
    costs : sequence of int
        Of each step.
    ids : sequence of str
        Leaves that the steps reach.
    """
    users: dict[str, list[tuple[str, int]]] = {}
    for step, cost in zip(steps, costs, strict=True):
        users.setdefault(split_reference(step.target)[0], []).append((step.node, cost))
    meeting = {end: end}
    depth = {end: 0}
    above = {end: 0}
    inner = dict.fromkeys(step.node for step in steps)
    for node in [*(node for node in inner if node != end), *ids]:
        meeting[node] = _meeting([user for user, _ in users[node]], meeting, depth)
        depth[node] = depth[meeting[node]] + 1
        above[node] = _cost_until(meeting[node], node, users) + above[meeting[node]]
    return {id: above[id] - sum(cost for _, cost in users[id]) for id in ids}


def _meeting(nodes: Sequence[str], meeting: dict[str, str], depth: dict[str, int]) -> str:
    """Return the first node that all ways from some nodes to the loss pass."""
    found = nodes[0]
    for node in nodes[1:]:
        while node != found:
            if depth[node] > depth[found]:
                node = meeting[node]
            else:
                found = meeting[found]
    return found


def _cost_until(last: str, first: str, users: dict[str, list[tuple[str, int]]]) -> int:
    """Return the cost of all edges on the ways from one node up to another."""
    total = 0
    waiting, seen = [first], {first, last}
    while waiting:
        for user, cost in users[waiting.pop()]:
            total += cost
            if user not in seen:
                seen.add(user)
                waiting.append(user)
    return total
