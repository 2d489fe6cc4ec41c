"""How many digits an expression keeps, over everything that may be put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dagprop.author.expression import Name, Tree, cost, replaced
from dagprop.author.numbers import exact_value, float_values
from dagprop.backends.reference import Array
from dagprop.record import record

GOOD = 1e-13
"""A relative error up to this is as good as none: a few roundings."""

SMALLEST = 1e-290
"""Values below this are 0: they are near what a float64 can hold."""

NOTHING = 1e-25
"""What is no larger is as good as 0, where the exact value is 0."""

_SIZES = (1e-300, 1e-12, 1e-8, 1e-5, 1e-3, 0.04, 0.11, 0.27, 0.52, 0.83, 1.0, 1.37, 1.9, 2.6, 3.0, 3.7, 5.3, 6.0, 7.9)
_LARGE = (11.3, 16.6, 21.7, 29.3, 37.1, 45.7, 83.0, 91.3, 121.0, 353.0, 711.0, 746.0, 1234.5, 1e4)
_FEW = (-1e4, -711.0, -37.1, -6.1, -2.3, -0.7, -0.01, 0.0, 1e-8, 0.3, 1.6, 3.4, 29.3, 353.0, 1e4)


@record
class Points:
    """Where expressions are compared.

    Attributes
    ----------
    values : dict from str to array
        Of each input and attribute, one number a point.
    """

    values: dict[str, Array]

    def rows(self) -> list[dict[str, float]]:
        """Return the points one by one."""
        names = list(self.values)
        return [
            dict(zip(names, row, strict=True)) for row in zip(*(self.values[n].tolist() for n in names), strict=True)
        ]


def points_for(inputs: Sequence[str], attributes: Mapping[str, float]) -> Points:
    """Return points from 1e-300 to 1e4 on both sides of 0, at the defaults of the attributes and beside them."""
    grids = [np.array([*(-size for size in reversed((*_SIZES, *_LARGE))), 0.0, *_SIZES, *_LARGE])]
    if len(inputs) > 1:
        generator = np.random.default_rng(0)
        grid = np.concatenate([np.array(_FEW), generator.uniform(-4, 4, 6)])
        grids = [generator.choice(grid, 110) for _ in inputs]
        grids[1][:15] = grids[0][:15]  # equal ones, which is where losses have their kinks
        grids[0][15:25] = 0.0  # which is where activations have theirs
    count = len(grids[0])
    columns: dict[str, Array] = dict(zip(inputs, grids, strict=True))
    repeats = 2 if attributes else 1
    columns = {name: np.tile(column, repeats) for name, column in columns.items()}
    for name, default in attributes.items():
        columns[name] = np.repeat([default, 0.7 * default + 0.4][:repeats], count)
    return Points(columns)


@record
class Exact:
    """The exact values of an expression at points, and how far they move when the inputs move by one rounding.

    Attributes
    ----------
    points : Points
        Those at which it is real, finite, and a number that a float64 can hold.
    values, slack : array
    jump : array
        Where they jump, half the width of the jump, around the value in its middle; 0 elsewhere.
    """

    points: Points
    values: Array
    slack: Array
    jump: Array


def exact_values(tree: Tree, points: Points) -> Exact:
    """Return the exact values of an expression."""
    kept, values, slack, jump = [], [], [], []
    for i, row in enumerate(points.rows()):
        value = exact_value(tree, row)
        if value is None or not abs(value) < 1e300:
            continue
        limit, change, width = _beside(tree, row, value)
        kept.append(i)
        values.append(float(limit))
        slack.append(change)
        jump.append(width)
    chosen = Points({name: column[kept] for name, column in points.values.items()})
    return Exact(chosen, np.array(values), np.array(slack), np.array(jump))


def _beside(tree: Tree, row: Mapping[str, float], value: Any) -> tuple[Any, float, float]:
    """Return the value at a point, as its neighbours have it, how far roundings move it, and how far it jumps.

    Where it jumps, all between the sides is right; where it has no sides, all is: it may move by infinity.
    """
    sides = []
    for direction in (1, -1):
        moved = {
            name: number * (1 + direction * 1e-13 * (i + 1)) or direction * 1e-200
            for i, (name, number) in enumerate(row.items())
        }
        beside = exact_value(tree, moved)
        if beside is not None:
            sides.append(beside)
    least = 1e-8 * max(1.0, *map(abs, row.values()))
    apart = [abs(side - value) > max(1e-3 * max(abs(value), abs(side)), least) for side in sides]
    if any(apart):
        same = len(sides) == 2 and abs(sides[0] - sides[1]) < 1e-9 * abs(sides[0])
        if same and all(apart):
            return sides[0], 0.0, 0.0
        if len(sides) < 2 or not max(map(abs, sides)) < 1e300:
            return value, float("inf"), 0.0
        return (sides[0] + sides[1]) / 2, 0.0, float(abs(sides[0] - sides[1])) * (0.5 + 1e-9)
    # 1e-13 are some 500 roundings of half a digit
    return value, 0.02 * max((float(min(abs(side - value), 1e300)) for side in sides), default=0.0), 0.0


@dataclass(frozen=True, slots=True, order=True)
class Quality:
    """How good an expression is; the smaller the better.

    Attributes
    ----------
    lost : float
        The largest relative error, as a power of ten; 0 where it is as good as none.
    invalid : bool
        Whether something on the way is no number, as log(-1) in a branch that is not taken.
    cost : float
    error : float
        The largest relative error.
    where : tuple
        The point of the largest error, as pairs of name and number.
    """

    lost: float
    invalid: bool
    cost: float
    error: float
    where: tuple[tuple[str, float], ...] = ()

    @property
    def good(self) -> bool:
        """Whether it is right to the last digits everywhere."""
        return self.lost == 0

    @property
    def perfect(self) -> bool:
        """Whether nothing on the way is invalid either."""
        return self.good and not self.invalid


def quality(tree: Tree, exact: Exact, forward: Tree | None = None) -> Quality:
    """Return how good an expression is, in which ``y`` stands for the value of a forward expression."""
    invalid, price = False, cost(tree)
    if forward is not None:
        tree = replaced(tree, {Name("y"): forward})
    held = (np.abs(exact.values) < 1e30) & _in_single(exact.points)
    with np.errstate(all="ignore"):
        found = np.broadcast_to(float_values(tree, exact.points.values), exact.values.shape)
        single = np.broadcast_to(float_values(tree, exact.points.values, np.float32), exact.values.shape)
        error = np.abs(found - exact.values) - 2 * exact.slack - exact.jump
        relative = error / (np.abs(exact.values) + SMALLEST)
        none = np.abs(exact.values) < SMALLEST
        relative = np.where(np.isnan(found), np.inf, np.where(none & (np.abs(found) < NOTHING), 0.0, relative))
        relative = np.where(held & ~np.isfinite(single), np.inf, relative)
    try:
        with np.errstate(over="ignore", under="ignore", divide="raise", invalid="raise"):
            float_values(tree, exact.points.values)
            few = {name: column[held] for name, column in exact.points.values.items()}
            float_values(tree, few, np.float32)
    except FloatingPointError:
        invalid = True
    worst = int(relative.argmax()) if relative.size else 0
    largest = max(float(relative[worst]), 0.0) if relative.size else 0.0
    lost = 0.0 if largest <= GOOD else 30.0 if largest == np.inf else float(np.ceil(np.log10(min(largest, 1e9))) + 20)
    place: Any = () if not relative.size or lost == 0 else tuple(exact.points.rows()[worst].items())
    return Quality(lost, invalid, price, largest, place)


def _in_single(points: Points) -> Array:
    """Return at which points every number can be held, and squared, in single precision."""
    sizes = np.abs(np.stack(list(points.values.values())))
    return np.asarray(((sizes == 0) | ((sizes > 1e-15) & (sizes < 2e4))).all(axis=0))
