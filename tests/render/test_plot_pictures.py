"""Figures as SVG, PNG and PDF: the same every time, whole, and with every name as it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest

from dagprop.errors import MissingDependencyError
from dagprop.render.figure import Field, Figure, Panel, Series
from dagprop.render.matplotlib_figure import FORMATS, draw_figure
from dagprop.render.plot_theme import DARK, LIGHT, THEMES, theme

X = np.arange(1.0, 6.0)
LINES = tuple(Series(f"w{number}", X, X * number, "line", number) for number in range(12))
GRID = np.linspace(-1, 1, 9)
BOWL = Field(GRID, GRID, GRID[np.newaxis] ** 2 + GRID[:, np.newaxis] ** 2, "loss")
PATH = Series("training", np.array([-1.0, 0.5, 0.0]), np.array([1.0, 0.5, 0.0]), "path", 1)
SIDE = np.tile(GRID, (9, 1))
CLASSES = Field(GRID, GRID, (SIDE > 0).astype(int), "predicted", ("a", "b"), np.stack([-SIDE, SIDE]))


def field(values, **more):
    return Field(GRID, GRID, values, "loss", **more)


FIGURES = {
    "curves": Figure("run", (Panel("", "epoch", "loss", LINES[:2], whole_x=True),)),
    "many": Figure("run", tuple(Panel(f"{n}", "epoch", "", LINES, log=True) for n in range(5)), "more are not drawn"),
    "point": Figure("", (Panel("", "epoch", "loss", (Series("a", X[:1], X[:1]),)),)),
    "gaps": Figure("", (Panel("", "", "", (Series("a", X, np.array([1, np.nan, 0, -1, np.inf])),), log=True),)),
    "nothing": Figure("", (Panel("", "", "", (Series("a", X, X * np.nan),)),)),
    "contour": Figure("", (Panel("", "w1", "w2", (PATH,), BOWL),)),
    "contour-log": Figure("", (Panel("", "w1", "w2", (PATH,), BOWL, log=True),)),
    "flat": Figure("", (Panel("", "w1", "w2", (), field(np.ones((9, 9)))),)),
    "flat-log": Figure("", (Panel("", "w1", "w2", (), field(np.ones((9, 9))), log=True),)),
    "negative-log": Figure("", (Panel("", "w1", "w2", (), field(-np.ones((9, 9))), log=True),)),
    "not-finite": Figure("", (Panel("", "w1", "w2", (), field(np.where(SIDE > 0, np.inf, SIDE))),)),
    "regions": Figure("", (Panel("", "x", "y", (Series("a", X - 3, X - 3, "points"),), CLASSES),)),
    "one-class": Figure("", (Panel("", "x", "y", (), Field(GRID, GRID, SIDE * 0, "p", ("a",), SIDE[None] * 0 + 1)),)),
}
BEGINNINGS = {"svg": b"<?xml", "png": b"\x89PNG\r\n", "pdf": b"%PDF-"}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_gives_the_same_bytes(name, format):
    first, second = (draw_figure(FIGURES[name], format, LIGHT) for _ in range(2))
    assert first == second and first.startswith(BEGINNINGS[format])
    if format == "svg":
        assert ElementTree.fromstring(first).tag.endswith("svg")
    assert not re.search(rb"dc:date|CreationDate|Matplotlib v", first)


def test_other_processes_give_the_same_bytes():
    code = (
        "import sys; sys.path.insert(0, '.'); from tests.render.test_plot_pictures import *; "
        "sys.stdout.buffer.write(draw_figure(FIGURES['contour'], 'svg', DARK))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] == draw_figure(FIGURES["contour"], "svg", DARK)


def test_what_the_user_has_set_changes_nothing_and_stays():
    expected = draw_figure(FIGURES["many"], "svg", LIGHT)
    with matplotlib.rc_context({"font.size": 40, "axes.linewidth": 9, "xtick.direction": "in", "svg.hashsalt": "mine"}):
        assert draw_figure(FIGURES["many"], "svg", LIGHT) == expected
        assert matplotlib.rcParams["font.size"] == 40


NAMES = ("_hidden", "$x^2$", "$\\frac{$", "a<b>&\"'--c", "日本語 \U0001f600", "line\nbreak", "\\n", "%s {0}")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("format", FORMATS)
def test_any_name_can_be_written(name, format):
    series = (Series(name, X, X), Series(name + "!", X, -X))
    drawn = draw_figure(Figure(name, (Panel(name, name, name, series),), name), format, LIGHT)
    if format == "svg":
        root = ElementTree.fromstring(drawn)
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not tags & {"script", "b", "foreignObject"}


def test_every_name_is_in_the_legend():
    svg = draw_figure(Figure("", (Panel("", "", "", (Series("_a", X, X), Series("b", X, -X))),)), "svg", LIGHT).decode()
    # Text is drawn as outlines, with the text itself in a comment.
    assert {"_a", "b"} <= set(re.findall(r"<!-- (.*?) -->", svg))


@pytest.mark.parametrize("name", THEMES)
def test_a_theme_colours_the_whole_picture(name):
    chosen = theme(name)
    svg = draw_figure(FIGURES["curves"], "svg", chosen).decode()
    other = {"light": DARK, "dark": LIGHT}[name]
    assert chosen.ground in svg and chosen.ink in svg and other.ground not in svg and other.ink not in svg


def luminance(colour: str) -> float:
    """Return the relative luminance of the Web Content Accessibility Guidelines."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("name", THEMES)
def test_text_and_lines_stand_out_from_the_ground(name):
    chosen = theme(name)

    def contrast(colour):
        light, dark = sorted([luminance(colour), luminance(chosen.ground)], reverse=True)
        return (light + 0.05) / (dark + 0.05)

    assert contrast(chosen.ink) > 12
    assert min(contrast(colour) for colour in chosen.palette) > 2  # lines are thick, and have marks where they are many
    assert len(set(chosen.palette)) == len(chosen.palette)


def test_without_matplotlib_the_command_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"DP801[^\0]*pip install 'dagprop\[plot\]'"):
        draw_figure(FIGURES["curves"], "svg", LIGHT)
