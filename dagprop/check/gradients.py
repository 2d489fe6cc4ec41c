"""A claimed gradient of one number by one or more arrays, checked entry by entry and along random directions.

Entries are checked one by one where they are few.  Of many, a sample is; the others are checked together: the slope
along a random direction must be the sum of gradient times direction.  Where it is not, the direction is halved again
and again until the entry is found that is to blame, so that one wrong entry of a million is seen and named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dagprop.backends.reference import Array
from dagprop.check.differences import Along, complex_slopes, difference_slopes
from dagprop.check.records import Settings
from dagprop.check.verdicts import WRONG, Verdicts, judge
from dagprop.record import record

DOUBT = 1e-10
"""A slope along a direction that is off by more than this, relative to the sum of the sizes, is looked into."""

MOST_BLAMED = 10
"""So many entries are taken out of a direction because they turn out to be no errors."""

MOST_SEPARATE = 8
"""More arrays than this have no directions of their own, but those that go through all of them."""


@record
class Claim:
    """A gradient that is claimed for a number that depends on arrays.

    Attributes
    ----------
    points : tuple of array
        Where the gradient is taken.
    gradients : tuple of array
        What is claimed, in the shapes of the points.
    change : callable
        Given a direction for each array (None: it stays) and t, returns the change of the number.
    scale : array
        The size of the number, or of the terms that it is the sum of.
    noise : callable
        Gives how far each gradient may be off by rounding alone.
    """

    points: tuple[Array, ...]
    gradients: tuple[Array, ...]
    change: Callable[[Sequence[Array | None], complex], Array]
    scale: Array
    noise: Callable[[], tuple[Array, ...]]


@record
class Checked:
    """The verdict on one entry: of which array, at which place, and the step by which the slopes are multiplied."""

    part: int
    entry: tuple[int, ...]
    step: float
    verdict: Verdicts


def step_sizes(point: Array) -> Array:
    """Return by how much entries are moved where t is 1: by their own size, small ones by 1."""
    return np.where(np.isfinite(point), np.maximum(np.abs(point), 1.0), 1.0)


def random_direction(generator: np.random.Generator, point: Array) -> Array:
    """Return steps of random size and sign for all entries; none is near 0, so that none is overlooked."""
    sizes = generator.uniform(0.5, 1.0, point.shape) * generator.choice([-1.0, 1.0], point.shape)
    return np.asarray(sizes * step_sizes(point))


def check_claim(claim: Claim, settings: Settings, generator: np.random.Generator) -> list[Checked]:
    """Return the verdicts on the entries that were checked one by one, and on those that a direction led to.

    Raises
    ------
    ClassIndexError
        If an array is a class index.
    """
    offsets = np.cumsum([0, *(point.size for point in claim.points)])
    total = int(offsets[-1])
    if settings.samples is None or total <= settings.samples:
        return [_check_entry(claim, settings, offsets, number) for number in range(total)]
    sample = generator.choice(total, settings.samples, replace=False).tolist()
    flat = np.concatenate([gradient.ravel() for gradient in claim.gradients])
    strange = np.flatnonzero(~np.isfinite(flat))
    checked = {number: _check_entry(claim, settings, offsets, number) for number in {*sample, *strange[:1].tolist()}}
    weights = np.concatenate([random_direction(generator, point).ravel() for point in claim.points])
    weights[strange] = 0.0
    ranges = [(0, total)]
    if 1 < len(claim.points) <= MOST_SEPARATE:
        ranges = list(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))
    for start, stop in ranges:
        for _ in range(MOST_BLAMED):
            blamed = _blamed_entry(claim, flat, weights, offsets, start, stop)
            if blamed is None:
                break
            checked[blamed] = _check_entry(claim, settings, offsets, blamed)
            if checked[blamed].verdict.kind == WRONG:
                break
            weights[blamed] = 0.0  # a kink, or rounding: it must not hide another
    return [checked[number] for number in sorted(checked)]


def _check_entry(claim: Claim, settings: Settings, offsets: Array, number: int) -> Checked:
    part = int(np.searchsorted(offsets, number, side="right")) - 1
    point, gradient = claim.points[part], claim.gradients[part]
    entry = tuple(int(i) for i in np.unravel_index(number - int(offsets[part]), point.shape))
    step = float(step_sizes(point[entry]))
    direction = np.zeros(point.shape)
    direction[entry] = step
    directions = [direction if position == part else None for position in range(len(claim.points))]

    def along(t: complex) -> Array:
        return claim.change(directions, t)

    def noise() -> Array:
        return np.asarray(claim.noise()[part][entry] * step)

    verdict = judge(along, claim.scale, np.asarray(gradient[entry] * step), noise, settings.tolerance)
    return Checked(part, entry, step, verdict)


def _blamed_entry(claim: Claim, flat: Array, weights: Array, offsets: Array, start: int, stop: int) -> int | None:
    """Return the number of an entry that makes the slope along a direction wrong, or None where it is right."""
    if _excess(claim, flat, weights, offsets, start, stop) <= 0:
        return None
    while stop - start > 1:
        middle = (start + stop) // 2
        lower, upper = (_excess(claim, flat, weights, offsets, *half) for half in ((start, middle), (middle, stop)))
        if max(lower, upper) <= 0:
            return None  # both halves are right: it was rounding
        start, stop = (start, middle) if lower >= upper else (middle, stop)
    return start


def _excess(claim: Claim, flat: Array, weights: Array, offsets: Array, start: int, stop: int) -> float:
    """Return by how much the slope along a range of a direction is off, beyond what rounding can do."""
    direction = np.zeros(len(weights))
    direction[start:stop] = weights[start:stop]
    directions = [
        direction[low:high].reshape(point.shape) if low < stop and high > start else None
        for point, low, high in zip(claim.points, offsets[:-1], offsets[1:], strict=True)
    ]
    terms = np.where(weights[start:stop] == 0, 0.0, flat[start:stop]) * weights[start:stop]

    def along(t: complex) -> Array:
        return claim.change(directions, t)

    numeric, error = _slope(along, claim.scale)
    if not np.isfinite(numeric):
        return 0.0  # values that are not finite are found entry by entry
    return abs(float(terms.sum()) - numeric) - DOUBT * float(np.abs(terms).sum()) - 10 * error


def _slope(along: Along, scale: Array) -> tuple[float, float]:
    sides = complex_slopes(along, scale)
    if sides is not None and np.isfinite(sides[0]):
        return float(sides[0]), 0.0
    found = difference_slopes(along, scale).central
    return float(found.value), float(found.error)
