"""Numerical slopes of a function of one number, entry by entry: the complex step, and differences with error bounds.

The function is given as its change from a point, ``along(t) = f(x + t·w) - f(x)`` for a fixed direction w; all entries
of what it returns are treated alike and at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dagprop.backends.reference import Array
from dagprop.check.complex_namespace import ClassIndexError
from dagprop.record import record

Along = Callable[[complex], Array]
"""The change of a function at t along a direction.  A real t gives real numbers; an imaginary one is a complex step."""

COMPLEX_STEP = 1e-20
"""So small that its square is lost beside 1: what is left of the imaginary part is the derivative."""

FIRST_STEP = 0.25
RATIO = 4.0
LEVELS = 20
"""The steps of the differences: 0.25, 0.0625, ... down to 1e-12, relative to the size of the value."""

EPSILON = float(np.finfo(np.float64).eps)


def complex_slopes(along: Along, scale: Array) -> tuple[Array, Array] | None:
    """Return the slopes to the right and to the left by the complex step, or None where a rule cannot be run so.

    Parameters
    ----------
    along : callable
    scale : array
        The size of the numbers whose change ``along`` returns.

    Raises
    ------
    ClassIndexError
        If the direction moves a class index.
    """
    try:
        ahead, behind = along(1j * COMPLEX_STEP), along(-1j * COMPLEX_STEP)
    except ClassIndexError:
        raise
    except (Exception, SystemExit):  # a rule is anybody's code: what it does with complex numbers is not its fault
        return None
    # A real part that moved is a jump, or a rule that means something else on complex numbers; but near 0, it may have
    # moved by the square of the step, or because the rounding of numbers near 1 within the rule is another.
    moved, slope = (np.maximum(np.abs(a), np.abs(b)) for a, b in ((ahead.real, behind.real), (ahead.imag, behind.imag)))
    still = moved <= 1e-6 * (scale + slope) + 1e-12
    right = np.where(still, ahead.imag / COMPLEX_STEP, np.nan)
    left = np.where(still, -behind.imag / COMPLEX_STEP, np.nan)
    return right, left


@record
class Slope:
    """A slope and how far it may be from the true one; NaN and infinity where none was found."""

    value: Array
    error: Array


@record
class Slopes:
    """What differences say of a function at a point.

    Attributes
    ----------
    central, right, left : Slope
        Its slope, and those of its two sides.
    jump : array of bool
        Whether it jumps there.
    size : array
        The largest of its values and changes that were met.
    """

    central: Slope
    right: Slope
    left: Slope
    jump: Array
    size: Array


def difference_slopes(along: Along, scale: Array) -> Slopes:
    """Return slopes by differences of decreasing steps, extrapolated to the step 0 (Richardson, 1911; Ridders, 1982).

    Of all extrapolations that with the smallest error is taken, entry by entry: a large step errs by the curvature, a
    small one by rounding.  The error is the change to the neighbouring extrapolations, plus the rounding of the values.

    Parameters
    ----------
    along : callable
    scale : array
        The size of the numbers whose change ``along`` returns: they are rounded to this times 2⁻⁵².
    """
    shape = np.shape(scale)
    central, right, left = _Extrapolation(shape, 2), _Extrapolation(shape, 1), _Extrapolation(shape, 1)
    step, size = FIRST_STEP, np.array(scale)
    steepest = [np.zeros(shape), np.zeros(shape)]  # the changes at the last step and at the one before
    for level in range(LEVELS):
        ahead, behind = _change(along, step, shape), _change(along, -step, shape)
        noise_ahead, noise_behind = (_noise(change, scale, step) for change in (ahead, behind))
        central.add((ahead - behind) / (2 * step), noise_ahead + noise_behind)
        right.add(ahead / step, noise_ahead)
        left.add(-behind / step, noise_behind)
        size = np.fmax(size, np.fmax(np.abs(ahead), np.abs(behind)))
        steepest = [np.fmax(np.abs(ahead), np.abs(behind)), steepest[0]]
        if level > 3 and central.settled() and right.settled() and left.settled():
            break
        step /= RATIO
    # A function that jumps keeps its change however small the step; a steep one, as √x at 0, loses at least half.
    kept = (steepest[0] > 0.9 * steepest[1]) & (steepest[0] > 1e-9 * scale)
    jump = kept & ~(right.good() & left.good())
    return Slopes(central.best(), right.best(), left.best(), jump, size)


def _noise(change: Array, scale: Array, step: float) -> Array:
    """Return how far rounding may move a quotient: rounding of the values, and of the place that was moved to."""
    noise: Array = EPSILON * (scale + np.abs(change) + 2 * np.abs(change) / step) / step
    return noise


def _change(along: Along, step: float, shape: tuple[int, ...]) -> Array:
    """Return the change at a step; NaN where the rule refuses the value that is there."""
    try:
        return np.broadcast_to(np.asarray(along(step), dtype=np.float64), shape)
    except (Exception, SystemExit):  # a rule is anybody's code
        return np.full(shape, np.nan)


@dataclass(slots=True)
class _Extrapolation:
    """Neville's table of difference quotients, of which the last row is kept, and the best entry so far.

    ``order`` is the power of the step by which the error of a quotient falls, and by which its expansion goes on.
    """

    shape: tuple[int, ...]
    order: int
    row: list[Array] = field(default_factory=list)
    value: Array = field(init=False)
    error: Array = field(init=False)

    def __post_init__(self) -> None:
        self.value = np.full(self.shape, np.nan)
        self.error = np.full(self.shape, np.inf)

    def add(self, quotient: Array, noise: Array) -> None:
        row = [quotient]
        for position, before in enumerate(self.row[:6]):
            factor = RATIO ** (self.order * (position + 1))
            better = (factor * row[position] - before) / (factor - 1)
            error = np.maximum(np.abs(better - row[position]), np.abs(better - before)) + noise
            improves = error < self.error
            self.value = np.where(improves, better, self.value)
            self.error = np.where(improves, error, self.error)
            row.append(better)
        self.row = row

    def good(self) -> Array:
        """Return where the slope is known to some digits."""
        result: Array = self.error <= 1e-4 * np.abs(self.value) + 1e-9
        return result

    def settled(self) -> bool:
        """Return whether smaller steps would not tell more."""
        return bool((self.error <= 1e-10 * np.abs(self.value)).all())

    def best(self) -> Slope:
        return Slope(self.value, self.error)
