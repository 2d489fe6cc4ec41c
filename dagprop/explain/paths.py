"""The gradient as a sum over paths: how many lead from the loss to a value, and what the largest of them contribute.

Paths are counted without being walked: the paths to a value are those to its users, added up, so 60 stacked diamonds
with their 2⁶⁰ paths take 180 additions.  The largest are found in the same way: each of the K largest products that
arrive at a value begins with one of the K largest that arrive at a user of it, because all products that pass a link
are multiplied by the same factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import nlargest
from typing import Any

import numpy as np

from dagprop.backends.reference import Array, Memory, Run, Values
from dagprop.errors import GraphError, Problem, quote
from dagprop.explain.local_factors import Link, links, local_factors, send
from dagprop.plan.abstract import format_shape
from dagprop.plan.records import Plan
from dagprop.record import record

KEPT_ARRAYS = 1000
"""How many partial paths are followed from a value that is an array; where there are more, the largest."""

KEPT_ENTRIES = 2**24
"""How many numbers the gradients of these partial paths may hold together."""

Trail = tuple[Link, Any] | None
"""The links of a partial path: the last one, and the trail before it."""

Partial = tuple[float, Any, Trail]
"""A partial path: the size of what has arrived, that itself (a number or an array), and how it came."""


@record
class Path:
    """One path from the loss down to a value.

    Attributes
    ----------
    nodes : tuple of str
        The values on it, by reference, from the loss to the value.
    inputs : tuple of str
        For each link the name of the input through which the node uses the next value.
    factors : tuple of float
        The local derivative of each link; empty where values are arrays.
    contribution : array
        The part of the gradient that comes along this path alone, in the shape of the gradient.
    share : float
        The contribution divided by the gradient; of arrays, how much of the gradient lies along it,
        <contribution, gradient> / <gradient, gradient>.  The shares of all paths add up to 1; NaN where the gradient
        is 0.
    """

    nodes: tuple[str, ...]
    inputs: tuple[str, ...]
    factors: tuple[float, ...]
    contribution: Array
    share: float


@record
class Paths:
    """The paths from the loss down to a value.

    Attributes
    ----------
    start, wrt : str
        The references of both ends.
    count : int
        How many there are, exactly.
    gradient : array
        Their sum: ∂start/∂wrt, or the one entry of it that was asked for.
    paths : tuple of Path
        The largest of them, the largest first; equal ones in the order in which the backward pass meets them.
    certain : bool
        Whether these are the largest for certain.  Between single numbers they always are; between arrays the largest
        partial paths are followed, and where that leaves some out, a larger path may be among them.
    total_size : float or None
        The sum of the absolute contributions of all paths: larger than the gradient where paths cancel.  None where
        values are arrays.
    """

    start: str
    wrt: str
    count: int
    gradient: Array
    paths: tuple[Path, ...]
    certain: bool
    total_size: float | None

    @property
    def shown_share(self) -> float:
        """The shares of :attr:`paths`, added up."""
        return float(sum(path.share for path in self.paths))


def find_paths(plan: Plan, run: Run, top: int, element: tuple[int, ...] | None = None) -> Paths:
    """Return the paths from the seed of a plan to its one ``wrt``.

    Parameters
    ----------
    plan : Plan
        With one seed and one ``wrt``; it gives back every value.
    run : Run
        Of that plan.
    top : int
        How many paths to return at most.
    element : tuple of int, optional
        The one entry of the gradient to look at.

    Raises
    ------
    GraphError
        If there is no such entry (DP011).
    """
    (start,), (wrt,) = plan.seeds, plan.wrt
    chain = links(plan)
    shapes = {name: value.shape for name, value in run.values.items()}
    where = _checked(element, wrt, shapes[wrt])
    gradient = np.asarray(run.gradients[wrt][where])
    with np.errstate(all="ignore"):
        factors = local_factors(chain, run.values, shapes)
        if factors is None or run.gradients[wrt].size != 1:
            found, certain = _largest_of_arrays(plan, chain, run.values, shapes, top)
            sized = [(float(np.linalg.norm(value[where])), value, trail) for _, value, trail in found]
            found = nlargest(top, sized, key=_size)
            total = None
        else:
            found, certain = _largest_products(start, wrt, chain, factors, top), True
            total = _total_size(start, wrt, chain, factors)
        factor_of = {} if factors is None else dict(zip(chain, factors, strict=True))
        paths = tuple(
            _path(start, trail, factor_of, np.asarray(np.reshape(value, shapes[wrt])[where]), gradient)
            for _, value, trail in found
        )
    return Paths(start, wrt, count_paths(start, wrt, chain), gradient, paths, certain, total)


def count_paths(start: str, wrt: str, chain: tuple[Link, ...]) -> int:
    """Return how many paths lead from one value down to another, exactly."""
    counts = {start: 1}
    for link in chain:
        counts[link.target] = counts.get(link.target, 0) + counts[link.source]
    return counts.get(wrt, 0)


def _total_size(start: str, wrt: str, chain: tuple[Link, ...], factors: tuple[float, ...]) -> float:
    sizes = {start: 1.0}
    for link, factor in zip(chain, factors, strict=True):
        sizes[link.target] = sizes.get(link.target, 0.0) + sizes[link.source] * abs(factor)
    return sizes.get(wrt, 0.0)


def _largest_products(
    start: str, wrt: str, chain: tuple[Link, ...], factors: tuple[float, ...], kept: int
) -> list[Partial]:
    """Return the paths with the largest products of single numbers."""
    arrived: dict[str, list[Partial]] = {start: [(1.0, 1.0, None)]}
    chosen: set[str] = set()
    for link, factor in zip(chain, factors, strict=True):
        if link.source not in chosen:
            chosen.add(link.source)
            arrived[link.source] = nlargest(kept, arrived[link.source], key=_size)
        arrived.setdefault(link.target, []).extend(
            (abs(value * factor), value * factor, (link, trail)) for _, value, trail in arrived[link.source]
        )
    return nlargest(kept, arrived.get(wrt, []), key=_size)


def _largest_of_arrays(
    plan: Plan, chain: tuple[Link, ...], values: Values, shapes: Mapping[str, tuple[int, ...]], top: int
) -> tuple[list[Partial], bool]:
    """Return the paths along which the largest gradients arrive, and whether all partial paths were followed."""
    (start,), (wrt,) = plan.seeds, plan.wrt
    largest = max(values[link.target].size for link in chain) if chain else 1
    kept = max(top, min(KEPT_ARRAYS, KEPT_ENTRIES // max(largest, 1)))
    seed = np.full_like(values[start], 1 / max(values[start].size, 1))
    arrived: dict[str, list[Partial]] = {start: [(1.0, seed, None)]}
    chosen: set[str] = set()
    certain = True
    memory: Memory = {}
    for number, link in enumerate(chain):
        if link.source not in chosen:
            chosen.add(link.source)
            certain = certain and len(arrived[link.source]) <= kept
            arrived[link.source] = nlargest(kept, arrived[link.source], key=_size)
        for _, value, trail in arrived[link.source]:
            sent = send(link, value, values, shapes, memory)
            arrived.setdefault(link.target, []).append((float(np.linalg.norm(sent)), sent, (link, trail)))
        if number + 1 < len(chain) and chain[number + 1].step.node != link.step.node:
            for output in link.step.outputs:  # nothing is sent from here any more
                arrived.pop(output, None)
    return arrived.get(wrt, []), certain


def _size(partial: Partial) -> float:
    """Return the size that partial paths are chosen by; what is not a number is the largest, not to be overlooked."""
    return partial[0] if partial[0] == partial[0] else float("inf")


def _path(start: str, trail: Trail, factors: Mapping[Link, float], contribution: Array, gradient: Array) -> Path:
    chain: list[Link] = []
    while trail is not None:
        link, trail = trail
        chain.append(link)
    chain.reverse()
    return Path(
        nodes=(start, *(link.target for link in chain)),
        inputs=tuple(link.step.input for link in chain),
        factors=tuple(factors[link] for link in chain) if factors else (),
        contribution=contribution,
        share=_share(contribution, gradient),
    )


def _share(contribution: Array, gradient: Array) -> float:
    """Return <contribution, gradient> / <gradient, gradient>, without squares that overflow."""
    scale = float(np.abs(gradient).max(initial=0))
    if not scale:
        return float("nan")
    direction = gradient / scale
    return float(np.vdot(contribution / scale, direction)) / float(np.vdot(direction, direction))


def _checked(element: tuple[int, ...] | None, wrt: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of an entry, () for the whole.

    Raises
    ------
    GraphError
        If there is no such entry (DP011).
    """
    if element is None:
        return ()
    if len(element) != len(shape) or not all(-size <= i < size for i, size in zip(element, shape, strict=True)):
        have = f"the shape {format_shape(shape)}" if shape else "no axes: it is one number"
        message = f"there is no element {', '.join(map(str, element))} of {quote(wrt)}, which has {have}"
        hint = f"one index an axis, counted from 0, as in {','.join('0' * len(shape))}" if shape else "leave it out"
        raise GraphError(Problem("DP011", message, hint))
    return element
