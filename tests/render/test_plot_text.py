"""Figures as text: what stands in which cell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.render.figure import Field, Figure, Panel, Series
from dagprop.render.text_figure import HEIGHT, text_figure


def one(*series, field=None, log=False, x_label="x", y_label="y", title=""):
    return Figure("", (Panel(title, x_label, y_label, series, field, log),))


def plotted(text):
    """Return the cells between the axes, the top row first."""
    lines = text.splitlines()
    floor = next(n for n in reversed(range(len(lines))) if lines[n].lstrip()[:1] in ("└", "+"))
    left, width = len(lines[floor]) - len(lines[floor].lstrip()) + 1, len(lines[floor])
    return [line.ljust(width)[left:] for line in lines[floor - HEIGHT : floor]]


def straight(name="a", **more):
    x = np.linspace(0, 1, 50)
    return Series(name, x, x, **more)


def test_a_straight_line_in_ascii():
    text = text_figure(one(straight()), 22, ascii=True)
    rows = plotted(text)
    width = 22 - len("0.5") - 2
    assert len(rows) == HEIGHT and text.isascii()
    for height, row in enumerate(reversed(rows)):
        columns = [column for column, cell in enumerate(row) if cell == "*"]
        assert columns and all(abs(column / (width - 1) - height / (HEIGHT - 1)) < 0.08 for column in columns)
    assert text.splitlines()[0] == "y: * a"
    assert text.splitlines()[1].startswith("  1 +") and text.splitlines()[-1].split() == ["0", "x", "1"]


def test_one_curve_in_unicode_is_braille():
    rows = plotted(text_figure(one(straight()), 30))
    dots = {
        (2 * column + right, 4 * (HEIGHT - 1 - line) + up)
        for line, row in enumerate(rows)
        for column, cell in enumerate(row)
        if cell != " "
        for right, bits in enumerate([(0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08)])
        for up, bit in enumerate(bits)
        if ord(cell) - 0x2800 & bit
    }
    width, height = 2 * (30 - len("0.5") - 2), 4 * HEIGHT
    assert {(0, 0), (width - 1, height - 1)} <= dots
    assert all(abs(x / (width - 1) - y / (height - 1)) < 0.03 for x, y in dots)


def test_several_curves_have_marks_of_their_own():
    down = Series("down", np.array([0.0, 1.0]), np.array([1.0, 0.0]), "dashed", 0)
    text = text_figure(one(straight("up"), down), 40)
    assert "y: ● up  ○ down" in text
    rows = plotted(text)
    assert rows[0].strip()[0] == "○" and rows[0].strip()[-1] == "●" and rows[-1][0] == "●" and rows[-1][-1] == "○"


def test_a_gap_is_left_out():
    x = np.arange(11.0)
    y = np.where((x > 3) & (x < 7), math.nan, 1.0)
    row = next(row for row in plotted(text_figure(one(Series("a", x, y)), 40, ascii=True)) if "*" in row)
    assert row.strip("*").strip(" ") == "" and "*   " in row and "   *" in row
    assert row.count("*") < len(row) * 0.75


def test_a_logarithmic_scale_makes_a_power_straight():
    x = np.linspace(0, 6, 60)
    power = text_figure(one(Series("a", x, 10**x), log=True), 40, ascii=True)
    assert "logarithmic" in power and "1e+06" in power and "1e+03" in power
    marks = [[c for c, cell in enumerate(row) if cell == "*"] for row in plotted(power)]
    centres = [np.mean(columns) for columns in marks]
    assert np.diff(centres) == pytest.approx(np.diff(centres).mean(), abs=2)


def test_numbers_of_a_field_are_shades_and_the_path_lies_on_it():
    x, y = np.linspace(0, 1, 30), np.linspace(0, 1, 30)
    field = Field(x, y, np.tile(x, (30, 1)), "loss")
    path = Series("training", np.array([0.1, 0.5, 0.9]), np.array([0.1, 0.9, 0.1]), "path", 1)
    for ascii, shades, ends in ((False, " ░▒▓█", "S★"), (True, " .:-=+*#", "SE")):
        text = text_figure(one(path, field=field), 50, ascii=ascii)
        rows = plotted(text)
        top = rows[0]
        assert [shades.index(cell) for cell in top] == sorted(shades.index(cell) for cell in top)
        assert all(sum(row.count(end) for row in rows) == 1 for end in ends)
        assert f"{ends[0]} to {ends[1]} training" in text and f"0 {shades} 1" in text


def test_classes_are_areas_of_their_own():
    axis = np.linspace(-1, 1, 40)
    classes = (axis[np.newaxis] + 0 * axis[:, np.newaxis] > 0).astype(int)
    points = Series("no", np.array([-0.5]), np.array([0.0]), "points", 0)
    text = text_figure(one(points, field=Field(axis, axis, classes, "predicted", ("no", "yes"))), 60)
    assert "predicted: · no  : yes  ● no" in text
    rows = plotted(text)
    assert rows[0].rstrip(":").rstrip("·") == "" and rows[0].count("·") == pytest.approx(rows[0].count(":"), abs=2)
    assert sum(row.count("●") for row in rows) == 1


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.lists(st.tuples(st.floats(-1e9, 1e9), NUMBERS), max_size=12),
    st.sampled_from(["line", "dashed", "points", "path"]),
    st.booleans(),
    st.booleans(),
    st.integers(30, 120),
)
def test_any_numbers_fit_the_terminal(points, style, log, ascii, columns):
    x, y = (np.array(values, float) for values in zip(*points, strict=True)) if points else (np.empty(0), np.empty(0))
    text = text_figure(one(Series("a", x, y, style), log=log), columns, ascii=ascii)
    assert all(len(line) <= columns for line in text.splitlines())
    assert not ascii or text.isascii()


@given(st.lists(NUMBERS, min_size=4, max_size=4), st.booleans(), st.booleans())
def test_any_field_can_be_drawn(numbers, log, ascii):
    ends = np.array([0.0, 1.0])
    text = text_figure(one(field=Field(ends, ends, np.array(numbers).reshape(2, 2), "loss"), log=log), ascii=ascii)
    assert len(plotted(text)) == HEIGHT
