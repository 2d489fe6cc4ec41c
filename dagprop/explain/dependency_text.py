"""Dependencies in words, and as a tree of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dagprop.explain.dependency import Dependency, Ways
from dagprop.plan.network import Network
from dagprop.record import record

LONGEST_WAY = 12
"""Of a way with more nodes only the first and the last are told."""

MOST_LINES = 60
"""Of a tree with more lines only the first and the last are shown."""

DEEP_END = 4
"""So many levels at the end of a long chain are shown too, where the middle is left out."""

_OUTPUTS_TOLD = 8
"""Of so many outputs at most it is told how they depend on a node."""


@record
class Branches:
    """What the branches of a tree are drawn with."""

    fork: str = "├─ "
    last: str = "└─ "
    pass_by: str = "│  "
    gap: str = "…"


ASCII = Branches("|- ", "`- ", "|  ", "...")
"""For terminals that know nothing else."""


def dependency_text(
    dependency: Dependency, depth: int, most: int | None = MOST_LINES, branches: Branches = ASCII
) -> str:
    """Return a dependency as text: the ways from the loss in words, and what lies below (or above) the node as a tree.

    Parameters
    ----------
    dependency : Dependency
    depth : int
        How many levels of a tree are shown before the middle of what goes deeper is left out.
    most : int, optional
        Of a longer tree only so many lines are shown, the first and the last; None shows all.
    branches : Branches
    """
    return "\n\n".join(_sections(dependency, depth, most, branches))


def _sections(dependency: Dependency, depth: int, most: int | None, branches: Branches) -> Iterator[str]:
    network, node = dependency.network, dependency.node
    count = len(dependency.below) - 1
    others = [ways for ways in dependency.ways if ways.root != node]
    told = [ways for ways in others if ways.count] or others
    for ways in told[:_OUTPUTS_TOLD]:
        yield _ways_text(ways, node, branches)
        if ways.count > 1 or (ways.count and not count):
            tree = _tree(network, dependency.between(ways.root), ways.root, depth, branches)
            yield "\n".join(_without_middle(tree, most, branches))
    if len(told) > _OUTPUTS_TOLD:
        yield f"{branches.gap} and {len(told) - _OUTPUTS_TOLD} more outputs"
    if not count:
        yield (
            f"nothing depends on {node}"
            if dependency.reverse
            else f"{node} ({network.node(node).op}) depends on nothing"
        )
        return
    if dependency.reverse:
        yield f"{count} node{'s depend' if count > 1 else ' depends'} on {node}"
    else:
        yield f"{node} depends on {count} node{'s' if count > 1 else ''}"
    tree = _tree(network, dependency.below, node, depth, branches)
    yield "\n".join(_without_middle(tree, most, branches))


def _ways_text(ways: Ways, node: str, branches: Branches) -> str:
    if not ways.count:
        return f"{ways.root} does not depend on {node}"
    if ways.count == 1:
        return _way_text(ways.shown[0], branches)
    told = f"{ways.root} depends on {node} in {ways.count} ways"
    if len(ways.shown) < ways.count:
        return f"{told}; one of the shortest:\n  {_way_text(ways.shown[0], branches)}"
    return "\n  ".join([f"{told}:", *(_way_text(way, branches) for way in ways.shown)])


def _way_text(way: Sequence[str], branches: Branches) -> str:
    if len(way) > LONGEST_WAY:
        half = LONGEST_WAY // 2
        way = (*way[:half], f"{branches.gap} ({len(way) - 2 * half} more)", *way[-half:])
    return " depends on ".join(way)


def _without_middle(lines: Iterable[str], most: int | None, branches: Branches) -> list[str]:
    found = list(lines)
    if most is None or len(found) <= most:
        return found
    last = most // 4
    hidden = len(found) - most
    return [
        *found[: most - last],
        f"{branches.gap} {hidden} lines are left out here: --full shows them",
        *found[-last:],
    ]


def _tree(
    network: Network, edges: Mapping[str, tuple[str, ...]], root: str, depth: int, branches: Branches
) -> Iterator[str]:
    """Yield a tree line by line; what was shown with all its branches is not shown so again."""
    height, deep_end = _heights(edges)
    shown: set[str] = set()
    # What is still to be shown, last first: a node, how deep it lies, what stands before it, and before its branches.
    pending: list[tuple[str, int, str, str]] = [(root, 0, "", "")]
    while pending:
        id, level, before, margin = pending.pop()
        if id in shown:
            yield f"{before}{id} (shown above)"
            continue
        yield f"{before}{id} ({network.node(id).op})"
        shown.add(id)
        following = edges[id]
        if level >= depth and height[id] > DEEP_END + 1:
            end = deep_end[id]
            skipped = height[id] - height[end] - 1
            levels = "level" if skipped == 1 else "levels"
            yield f"{margin}{branches.last}{branches.gap} {skipped} {levels} left out: --depth N"
            margin += " " * len(branches.last)
            following = (end,)
        for place, name in reversed(list(enumerate(following, 1))):
            last = place == len(following)
            own = branches.last if last else branches.fork
            beside = " " * len(branches.last) if last else branches.pass_by
            pending.append((name, level + 1, margin + own, margin + beside))


def _heights(edges: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, int], dict[str, str]]:
    """Return how many levels lie below each node, and the node near the end of the longest chain down from it."""
    height: dict[str, int] = {}
    deep_end: dict[str, str] = {}
    pending = list(edges)
    while pending:
        id = pending[-1]
        missing = [name for name in edges[id] if name not in height]
        if missing:
            pending += missing
            continue
        pending.pop()
        tallest = max(edges[id], key=height.__getitem__, default=None)
        height[id] = 0 if tallest is None else height[tallest] + 1
        deep_end[id] = id if tallest is None or height[id] <= DEEP_END else deep_end[tallest]
    return height, deep_end
