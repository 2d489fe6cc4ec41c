"""Arrows as Bézier curves, cut where their heads begin."""

from __future__ import annotations

from itertools import pairwise
from math import dist

from dagprop.record import record

Point = tuple[float, float]
Points = tuple[Point, ...]

HEAD = 11.0
"""The length of the head of an arrow."""


@record
class Cut:
    """A curve without its ends, and the points where it began and ended."""

    start: Point
    middle: Points
    end: Point


def cut(points: Points, length: float = HEAD) -> Cut:
    """Return a curve of cubic pieces without about a head's length at both ends; of a short one less."""
    there = _without_start(points, min(length, dist(points[0], points[-1]) / 3))
    back = _without_start(there[::-1], min(length, dist(points[0], points[-1]) / 3))
    return Cut(points[0], back[::-1], points[-1])


def _without_start(points: Points, length: float) -> Points:
    start = points[0]
    while len(points) > 4 and dist(start, points[3]) <= length:
        points = points[3:]
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if dist(start, _rest(points, middle)[0]) < length else (low, middle)
    return (*_rest(points, high), *points[4:])


def _rest(points: Points, at: float) -> Points:
    """Return the control points of the part of the first piece that lies behind a parameter (de Casteljau)."""
    rows = [points[:4]]
    while len(rows[-1]) > 1:
        before = rows[-1]
        rows.append(tuple(_between(a, b, at) for a, b in pairwise(before)))
    return tuple(row[-1] for row in reversed(rows))


def _between(a: Point, b: Point, at: float) -> Point:
    return a[0] + at * (b[0] - a[0]), a[1] + at * (b[1] - a[1])


def arrowhead(base: Point, tip: Point, width: float) -> Points:
    """Return the corners of the head of an arrow whose line is so wide."""
    length = dist(base, tip) or 1.0
    across = (3.0 + width) / length
    x, y = (tip[0] - base[0]) * across, (tip[1] - base[1]) * across
    return tip, (base[0] - y, base[1] + x), (base[0] + y, base[1] - x)


def path_text(points: Points) -> str:
    """Return a curve as the ``d`` of a path."""
    first, *rest = (f"{x:.1f} {y:.1f}" for x, y in points)
    return f"M{first} C{' '.join(rest)}"
