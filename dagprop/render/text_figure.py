"""Figures as text for a terminal: in Unicode, or in ASCII where the terminal knows no more.

One curve alone is drawn in Braille patterns, which are dots in cells of 2 × 4; of several each has its mark.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from dagprop.explain.numbers import number_text
from dagprop.record import record
from dagprop.render.figure import Array, Field, Figure, Panel, Series

HEIGHT = 16
"""Lines of a panel, without its axes."""

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of each dot of a Braille pattern, by column and then by row from the top."""


@record
class Alphabet:
    """The characters that are drawn with.

    Attributes
    ----------
    marks : str
        Of series, in order.
    shades : str
        Of numbers, from small to large.
    areas : str
        Of classes.
    braille : bool
        Whether there are Braille patterns.
    side, corner, floor, tick : str
        Of the axes.
    start, end : str
        Of the way of a training.
    """

    marks: str
    shades: str
    areas: str
    braille: bool
    side: str
    corner: str
    floor: str
    tick: str
    start: str
    end: str


UNICODE = Alphabet("●○▲△■□◆◇", " ░▒▓█", "·:░▒▓", True, "│", "└", "─", "┤", "S", "★")
ASCII = Alphabet("*o+x#@%&", " .:-=+*#", ".:-=~", False, "|", "+", "-", "+", "S", "E")

Point = tuple[int, int]
"""Column and row of a cell or dot, counted from the lower left."""


def text_figure(figure: Figure, columns: int = 80, *, ascii: bool = False) -> str:
    """Return a figure as text.

    Parameters
    ----------
    figure : Figure
    columns : int
        How wide it may be.
    ascii : bool
        Whether only ASCII characters may be used to draw; names stay as they are.
    """
    alphabet = ASCII if ascii else UNICODE
    blocks = [figure.title] if figure.title else []
    blocks += [_panel(panel, columns, alphabet) for panel in figure.panels]
    return "\n\n".join([*blocks, *([figure.note] if figure.note else [])])


def _panel(panel: Panel, columns: int, alphabet: Alphabet) -> str:
    x_range, y_range = _ranges(panel)
    log = panel.log and panel.field is None
    labels = [_label(_at(share, y_range, log)) for share in (1.0, 0.5, 0.0)]
    margin = max(map(len, labels))
    width = max(columns - margin - 2, 10)
    dense = alphabet.braille and panel.field is None and len(panel.series) == 1 and panel.series[0].style == "line"
    canvas = [[" "] * width for _ in range(HEIGHT)]
    if panel.field is not None:
        _shade(canvas, panel.field, panel.log, alphabet)
    dots: dict[Point, int] = {}
    for number, series in enumerate(panel.series):
        scale = (2 * width, 4 * HEIGHT) if dense else (width, HEIGHT)
        points = _points(series, x_range, y_range, log, scale)
        if dense:
            for column, row in points:
                cell = (column // 2, row // 4)
                dots[cell] = dots.get(cell, 0) | _DOTS[column % 2][3 - row % 4]
        else:
            _put(canvas, list(points), series, _mark(number, alphabet), alphabet)
    for (column, row), bits in dots.items():
        canvas[row][column] = chr(0x2800 + bits)
    return "\n".join(_framed(panel, canvas, labels, x_range, alphabet))


def _framed(panel: Panel, canvas: list[list[str]], labels: list[str], x_range: Array, alphabet: Alphabet) -> list[str]:
    width, margin = len(canvas[0]), max(map(len, labels))
    marked = {HEIGHT - 1: labels[0], HEIGHT // 2: labels[1], 0: labels[2]}
    lines = [panel.title] if panel.title else []
    what = (panel.field.name if panel.field else panel.y_label) + (", logarithmic" if panel.log else "")
    lines.append(": ".join(filter(None, (what, _legend(panel, alphabet)))))
    if panel.field is not None:
        lines.append(panel.y_label)
    for row in reversed(range(HEIGHT)):
        side = alphabet.tick if row in marked else alphabet.side
        lines.append(f"{marked.get(row, ''):>{margin}} {side}{''.join(canvas[row])}".rstrip())
    lines.append(" " * (margin + 1) + alphabet.corner + alphabet.floor * width)
    left, right = _label(x_range[0]), _label(x_range[1])
    lines.append(" " * (margin + 2) + left + panel.x_label.center(max(width - len(left) - len(right), 0)) + right)
    return lines


def _legend(panel: Panel, alphabet: Alphabet) -> str:
    parts = []
    field = panel.field
    if field is not None and field.classes:
        parts += [f"{_area(number, alphabet)} {name}" for number, name in enumerate(field.classes)]
    elif field is not None:
        span = _span(_shaded(field, panel.log))
        if span is not None:
            low, high = (_label(_power(end) if panel.log else end) for end in span)
            parts.append(f"{low} {alphabet.shades} {high}")
    several = len(panel.series) > 1
    for number, series in enumerate(panel.series):
        if series.style == "path":
            parts.append(f"{alphabet.start} to {alphabet.end} {series.name}")
        elif series.name and (several or field is not None or not alphabet.braille):
            parts.append(f"{_mark(number, alphabet)} {series.name}")
    return "  ".join(parts)


def _ranges(panel: Panel) -> tuple[Array, Array]:
    """Return the least and the greatest of ``x`` and of ``y``; those of equal numbers are drawn apart."""
    if panel.field is not None:
        field = panel.field
        return np.array([field.x[0], field.x[-1]]), np.array([field.y[0], field.y[-1]])
    x = np.concatenate([series.x for series in panel.series])
    y = np.concatenate([series.y for series in panel.series])
    return _range(x, False), _range(y, panel.log)


def _range(numbers: Array, log: bool) -> Array:
    numbers = numbers[np.isfinite(numbers)]
    if log:
        numbers = numbers[numbers > 0]
    if not len(numbers):
        return np.array([1.0, 10.0] if log else [0.0, 1.0])
    low, high = float(numbers.min()), float(numbers.max())
    if low < high:
        return np.array([low, high])
    return np.array([low / 2, high * 2]) if log else np.array([low - 0.5, high + 0.5])


def _at(share: float, ends: Array, log: bool) -> float:
    low, high = (np.log10(ends) if log else ends).tolist()
    number = low + share * (high - low)
    return _power(number) if log else float(number)


def _power(exponent: float) -> float:
    return float(10.0 ** min(exponent, 308.0))  # more would be too large


def _label(number: float) -> str:
    return number_text(float(number), 3)


def _points(series: Series, x_range: Array, y_range: Array, log: bool, size: tuple[int, int]) -> Iterator[Point]:
    """Yield the cells of a series: of its points, and of the lines between them."""
    with np.errstate(all="ignore"):
        y = np.log10(np.where(series.y > 0, series.y, np.nan)) if log else series.y
        y_ends = np.log10(y_range) if log else y_range
        columns = (series.x - x_range[0]) / (x_range[1] - x_range[0]) * (size[0] - 1)
        rows = (y - y_ends[0]) / (y_ends[1] - y_ends[0]) * (size[1] - 1)
    before: tuple[float, float] | None = None
    for column, row in zip(columns.tolist(), rows.tolist(), strict=True):
        if not (math.isfinite(column) and math.isfinite(row)):
            before = None
            continue
        if before is None or series.style == "points":
            before = (column, row)
        steps = max(1, math.ceil(max(abs(column - before[0]), abs(row - before[1]))))
        for step in range(1, min(steps, 4 * sum(size)) + 1):
            at = step / steps
            cell = (round(before[0] + at * (column - before[0])), round(before[1] + at * (row - before[1])))
            if 0 <= cell[0] < size[0] and 0 <= cell[1] < size[1]:
                yield cell
        before = (column, row)


def _put(canvas: list[list[str]], points: Sequence[Point], series: Series, mark: str, alphabet: Alphabet) -> None:
    for column, row in points:
        canvas[row][column] = mark
    if series.style == "path" and points:
        for (column, row), letter in ((points[0], alphabet.start), (points[-1], alphabet.end)):
            canvas[row][column] = letter


def _mark(number: int, alphabet: Alphabet) -> str:
    return alphabet.marks[number % len(alphabet.marks)]


def _area(number: int, alphabet: Alphabet) -> str:
    return alphabet.areas[number % len(alphabet.areas)]


def _shaded(field: Field, log: bool) -> Array:
    """Return the numbers of a field, or their logarithms; NaN for those that cannot be shown."""
    with np.errstate(all="ignore"):
        values = np.log10(np.where(field.values > 0, field.values, np.nan)) if log else field.values.astype(float)
    return np.where(np.isfinite(values), values, np.nan)


def _span(values: Array) -> tuple[float, float] | None:
    """Return the smallest and the largest of numbers, leaving out NaN; None if nothing is left."""
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if known.size else None


def _shade(canvas: list[list[str]], field: Field, log: bool, alphabet: Alphabet) -> None:
    width = len(canvas[0])
    rows = np.linspace(0, len(field.y) - 1, HEIGHT).round().astype(int)
    columns = np.linspace(0, len(field.x) - 1, width).round().astype(int)
    if field.classes:
        for row, numbers in zip(canvas, field.values[np.ix_(rows, columns)], strict=True):
            row[:] = [_area(int(number), alphabet) for number in numbers]
        return
    values = _shaded(field, log)
    span = _span(values)
    if span is None:
        return
    last = len(alphabet.shades) - 1
    with np.errstate(all="ignore"):  # of numbers that are almost too large
        shades = (values[np.ix_(rows, columns)] - span[0]) / ((span[1] - span[0]) or 1.0) * (last + 1)
    for row, numbers in zip(canvas, shades.tolist(), strict=True):
        for column, number in enumerate(numbers):
            if not math.isnan(number):
                row[column] = alphabet.shades[int(min(max(number, 0), last))]
