"""What a picture of curves shows, before anybody draws it: panels with series of points, or a field of colours.

Nothing here knows how it is drawn: :mod:`dagprop.render.matplotlib_figure` makes pictures of it,
:mod:`dagprop.render.text_figure` text for a terminal.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from dagprop.record import record

Array = np.ndarray[Any, np.dtype[Any]]

Style = Literal["line", "dashed", "path", "points"]
"""Joined points, twice; the way of a training, from a start to an end; points alone."""


@record(eq=False)
class Series:
    """Points that belong together.

    Attributes
    ----------
    name : str
        For the legend; empty for none.
    x, y : array of float64, shape (points,)
        Where ``y`` is NaN there is a gap.
    style : {"line", "dashed", "path", "points"}
    colour : int
        Which colour of the palette; also which mark.
    """

    name: str
    x: Array
    y: Array
    style: Style = "line"
    colour: int = 0


@record(eq=False)
class Field:
    """A number for each point of a grid.

    Attributes
    ----------
    x : array of float64, shape (columns,)
    y : array of float64, shape (rows,)
    values : array of float64, shape (rows, columns)
        The row of the smallest ``y`` first.
    name : str
        What the numbers are.
    classes : tuple of str
        If the numbers are those of classes, their names.
    ahead : array of float64, shape (classes, rows, columns), or ()
        How far each class is ahead of the best other one: its border is where this is 0.
    """

    x: Array
    y: Array
    values: Array
    name: str
    classes: tuple[str, ...] = ()
    ahead: Array | tuple[()] = ()


@record(eq=False)
class Panel:
    """One pair of axes.

    Attributes
    ----------
    title, x_label, y_label : str
    series : tuple of Series
    field : Field, optional
        What lies below the series.
    log : bool
        Whether the numbers (those of the field, or else ``y``) are on a logarithmic scale.
    whole_x : bool
        Whether only whole numbers are marked along ``x``.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    field: Field | None = None
    log: bool = False
    whole_x: bool = False


@record(eq=False)
class Figure:
    """Panels side by side.

    Attributes
    ----------
    title : str
    panels : tuple of Panel
    note : str
        What has to be said below; empty for nothing.
    """

    title: str
    panels: tuple[Panel, ...]
    note: str = ""


def figure_data(figure: Figure) -> dict[str, Any]:
    """Return everything that a figure shows as one object for ``--json``."""
    return {"title": figure.title, "note": figure.note, "panels": [_panel_data(panel) for panel in figure.panels]}


def _panel_data(panel: Panel) -> dict[str, Any]:
    field = panel.field
    shown = {"name": field.name, "classes": list(field.classes), "x": field.x, "y": field.y} if field else None
    return {
        "title": panel.title,
        "x_label": panel.x_label,
        "y_label": panel.y_label,
        "log": panel.log,
        "series": [{"name": s.name, "style": s.style, "x": s.x, "y": s.y} for s in panel.series],
        "field": {**shown, "values": field.values} if shown and field else None,
    }
