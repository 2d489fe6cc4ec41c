"""A claimed slope against numerical ones: it is right, or differs by an error, a kink, a jump or rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from dagprop.backends.reference import Array
from dagprop.check.differences import EPSILON, Along, complex_slopes, difference_slopes
from dagprop.record import record

Kind = Literal["right", "rounding", "kink", "jump", "not finite", "wrong"]
KINDS: tuple[Kind, ...] = ("right", "rounding", "kink", "jump", "not finite", "wrong")
"""What a claimed slope can turn out to be; :class:`Verdicts` holds positions in this tuple."""

RIGHT, ROUNDING, KINK, JUMP, NOT_FINITE, WRONG = range(6)

Method = Literal["complex step", "central differences"]

SMALLEST = 1e-280
"""Slopes below this are equal: times the complex step, they are too small for float64 to hold all their digits."""


@record
class Verdicts:
    """Entry by entry, what a claimed slope turned out to be.

    Attributes
    ----------
    kind : array of int
        Positions in :data:`KINDS`.
    claimed, numeric : array
        Both slopes; the numeric one is NaN where no slope was found.
    left, right : array
        The numeric slopes of the two sides.
    relative : array
        The difference, divided by the larger of the two sizes.
    method : {"complex step", "central differences"}
    """

    kind: Array
    claimed: Array
    numeric: Array
    left: Array
    right: Array
    relative: Array
    method: Method


def judge(along: Along, scale: Array, claimed: Array, noise: Callable[[], Array], tolerance: float) -> Verdicts:
    """Return what claimed slopes are.

    The complex step comes first.  Where it does not work, or does not confirm the claim from both sides, differences of
    real numbers decide: the forward rule means nothing else than what it gives for real numbers.

    Parameters
    ----------
    along : callable
        The change of the function along a direction.
    scale : array
        The size of the numbers whose change that is; NaN where there is no derivative to judge.
    claimed : array
        The slopes at 0 that a rule gives.
    noise : callable
        Gives how far ``claimed`` may be off by rounding alone; asked only in doubt.
    tolerance : float
        The relative difference up to which two slopes are equal.

    Raises
    ------
    ClassIndexError
        If the direction moves a class index.
    """
    sides = complex_slopes(along, scale)
    if sides is not None:
        right, left = sides
        size = np.maximum(np.abs(claimed), np.abs(right))
        # Written so that a NaN is not equal to anything.
        sure = (np.abs(claimed - right) <= tolerance * size) & (np.abs(left - right) <= tolerance * size)
        sure &= np.isfinite(size)
        if sure.all():
            kind = np.zeros(np.shape(claimed), dtype=np.int8)
            return Verdicts(kind, claimed, right, left, right, _relative(claimed, right), "complex step")
        doubt = _rounding(noise, scale, size)
        rounded = (np.abs(claimed - right) <= doubt) & (np.abs(left - right) <= tolerance * size + doubt)
        if (sure | rounded).all():
            kind = np.where(sure, RIGHT, ROUNDING)
            return Verdicts(kind, claimed, right, left, right, _relative(claimed, right), "complex step")
    return _by_differences(along, scale, claimed, noise, tolerance, sides)


def _by_differences(
    along: Along,
    scale: Array,
    claimed: Array,
    noise: Callable[[], Array],
    tolerance: float,
    exact: tuple[Array, Array] | None,
) -> Verdicts:
    found = difference_slopes(along, scale)
    right, left, jump = found.right.value, found.left.value, found.jump
    rounding = _rounding(noise, scale, np.fmax(np.abs(claimed), np.fmax(np.abs(right), np.abs(left))))
    gap, doubt = np.abs(right - left), 10 * (found.right.error + found.left.error)
    kink = gap > tolerance * np.maximum(np.abs(right), np.abs(left)) + doubt
    numeric, error = found.central.value, found.central.error
    # At the edge of where the function is defined there is one side only, and its slope is the derivative.
    one_sided = ~np.isfinite(numeric)
    side = np.where(np.isfinite(right), right, left)
    side_error = np.where(np.isfinite(right), found.right.error, found.left.error)
    numeric, error = np.where(one_sided, side, numeric), np.where(one_sided, side_error, error)
    method: Method = "central differences"
    if exact is not None:
        # The complex step knows more digits, where the differences do not contradict it.
        agree = np.abs(exact[0] - exact[1]) <= tolerance * np.abs(exact[0])
        agree &= (np.abs(exact[0] - numeric) <= tolerance * np.abs(exact[0]) + 10 * error) & ~kink
        numeric, error = np.where(agree, exact[0], numeric), np.where(agree, 0.0, error)
        method = "complex step" if agree.all() else method
    lost = ~(error <= 0.01 * np.abs(numeric) + 1e-6 * found.size)
    numeric = np.where(lost & ~kink, np.nan, numeric)
    relative = _relative(claimed, numeric)
    away = np.abs(claimed - numeric)
    size = np.maximum(np.abs(claimed), np.abs(numeric))
    slack = tolerance * np.maximum(np.abs(right), np.abs(left)) + doubt + rounding
    between = (claimed >= np.minimum(left, right) - slack) & (claimed <= np.maximum(left, right) + slack)
    kind = np.select(
        [
            jump,
            ~np.isfinite(claimed) | (~np.isfinite(numeric) & ~kink),
            kink & between,
            away <= tolerance * size,
            ~kink & (away <= 10 * error + rounding),
        ],
        [JUMP, NOT_FINITE, KINK, RIGHT, ROUNDING],
        WRONG,
    )
    return Verdicts(kind, claimed, numeric, left, right, relative, method)


def _rounding(noise: Callable[[], Array], scale: Array, size: Array) -> Array:
    """Return how far slopes may be apart by rounding.

    What moves more than the fourth digit of a slope is no rounding: there, the rule itself jumps, as at a tie.  But a
    slope near 0 may be a difference of numbers near 1, as is that of a cross entropy, p - 1, and have no digit left.
    """
    largest = 1e-4 * np.where(np.isfinite(size), size, 0.0) + 1e-9 * np.where(np.isfinite(scale), scale, 0.0)
    largest += 100 * EPSILON
    return np.fmin(noise(), largest) + 16 * EPSILON * np.where(np.isfinite(size), size, 0.0) + SMALLEST


def _relative(claimed: Array, numeric: Array) -> Array:
    size = np.maximum(np.abs(claimed), np.abs(numeric))
    difference: Array = np.abs(claimed - numeric)
    return np.divide(difference, size, out=np.zeros(np.shape(difference)), where=size > 0)
