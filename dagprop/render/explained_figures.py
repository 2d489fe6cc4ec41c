"""The figures of loss surfaces, of regions of classes, and of ops."""

from __future__ import annotations

import json

import numpy as np

from dagprop.explain.numbers import number_text
from dagprop.explain.op_curve import OpCurve
from dagprop.explain.regions import Regions
from dagprop.explain.surface import Surface
from dagprop.render.figure import Field, Figure, Panel, Series


def surface_figure(surface: Surface, title: str, log: bool = False) -> Figure:
    """Return the figure of a loss over one parameter (a curve) or two (a field), with the way of the training."""
    names = [str(coordinate) for coordinate in surface.coordinates]
    point = "step" if surface.each_step else "epoch"
    way = f"training, a point each {point}"
    if len(names) == 1:
        series = [Series("loss", surface.axes[0], surface.losses)]
        if len(surface.path):
            series.append(Series(way, surface.path[:, 0], surface.path_losses, "path", 1))
        panel = Panel("", names[0], "loss", tuple(series), log=log)
    else:
        field = Field(surface.axes[0], surface.axes[1], surface.losses, "loss")
        path = (Series(way, surface.path[:, 0], surface.path[:, 1], "path", 1),) if len(surface.path) else ()
        panel = Panel("", names[0], names[1], path, field, log)
    held = "as trained" if len(surface.path) else "as they start"
    return Figure(title, (panel,), "" if surface.whole else f"the other parameters are held {held}")


def regions_figure(regions: Regions, title: str) -> Figure:
    """Return the figure of where which class is predicted, with the samples."""
    field = Field(regions.x, regions.y, regions.classes, "predicted", regions.labels, regions.ahead)
    series = []
    for number, label in enumerate(regions.labels):
        chosen = regions.samples[regions.targets == number]
        if len(chosen):
            series.append(Series(label, chosen[:, 0], chosen[:, 1], "points", number))
    held = ", ".join(f"{name} = {number_text(value, 3)}" for name, value in regions.held.items())
    note = f"held at the mean: {held}" if regions.held else ""
    return Figure(title, (Panel("", *regions.names, tuple(series), field),), note)


def op_figure(curve: OpCurve) -> Figure:
    """Return the figure of an op: its value and its derivative."""
    values = np.where(np.isfinite(curve.values), curve.values, np.nan)
    defined = np.isfinite(curve.values) & np.isfinite(curve.derivatives)
    derivatives = np.where(defined, curve.derivatives, np.nan)
    lines = (
        Series(f"{curve.op}({curve.over})", curve.x, values),
        Series(f"derivative by {curve.over}", curve.x, derivatives, "dashed", 1),
    )
    note = ", ".join(f"{name} = {json.dumps(value)}" for name, value in curve.settings.items())
    return Figure(curve.op, (Panel("", curve.over, "", lines),), note)
