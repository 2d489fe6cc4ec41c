"""Figures as SVG, PNG and PDF, drawn by Matplotlib, which is loaded here and nowhere else."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dagprop.errors import MissingDependencyError, Problem
from dagprop.render.figure import Array, Field, Figure, Panel, Series
from dagprop.render.plot_theme import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

FORMATS = ("svg", "png", "pdf")

SIZE = (8.0, 5.0)
"""Of one panel, in inches."""

DOTS = 150
"""To an inch, in a PNG."""

LEVELS = 14
"""Into so many colours the numbers of a field are cut."""

MOST_RATIO = 1e4
"""On a logarithmic scale, of the largest number to the smallest that has a colour of its own."""

MARKED = 8
"""About so many points of a line bear a mark."""

MOST_INSIDE = 5
"""A legend of more names stands beside the axes."""

MARKS = ("o", "^", "s", "D", "v", "P", "X", "*")

_STYLE: dict[str, Any] = {
    "font.size": 14,
    "axes.titlesize": 15,
    "figure.titlesize": 16,
    "lines.linewidth": 2.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.use_mathtext": False,
    "svg.hashsalt": "dagprop",  # ids inside the SVG are the same every time
    "svg.fonttype": "path",
    "figure.constrained_layout.use": True,
}

_NOTHING: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What is not written into files, so that the same input gives the same bytes."""


def need_matplotlib() -> None:
    """Refuse to go on where Matplotlib is not installed.

    Raises
    ------
    MissingDependencyError
        With the command that installs it (DP801).
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        hint = "install it: pip install 'dagprop[plot]'; or draw in the terminal, with -f text, which needs nothing"
        message = "pictures need the package matplotlib, which is not installed"
        raise MissingDependencyError(Problem("DP801", message, hint)) from error


def draw_figure(figure: Figure, format: str, theme: Theme) -> bytes:
    """Return a figure as the content of a picture file; the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
    format : {"svg", "png", "pdf"}
    theme : Theme

    Raises
    ------
    MissingDependencyError
        If Matplotlib is not installed (DP801).
    """
    need_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    count = len(figure.panels)
    rows = 1 if count <= 3 else 2
    columns = -(-count // rows)
    content = io.BytesIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of letters that the font does not have: a box stands for them
        matplotlib.rcdefaults()  # not what the user has set: a figure looks the same everywhere
        matplotlib.rcParams.update({**_STYLE, **_colours(theme)})
        width = SIZE[0] * (1 if count == 1 else 0.78)
        canvas = Canvas(figsize=(width * columns, SIZE[1] * rows), dpi=DOTS)
        FigureCanvasAgg(canvas)
        grid = canvas.subplots(rows, columns, squeeze=False)
        for axes, panel in zip(grid.flat, figure.panels, strict=False):
            _draw_panel(axes, panel, theme)
        for axes in grid.flat[count:]:
            axes.set_visible(False)
        if figure.title:
            canvas.suptitle(figure.title, parse_math=False)
        if figure.note:
            canvas.supxlabel(figure.note, fontsize=11, parse_math=False)
        canvas.savefig(content, format=format, metadata=_NOTHING[format])
    return content.getvalue()


def _colours(theme: Theme) -> dict[str, Any]:
    ink = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "legend.labelcolor")
    ground = ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor")
    edges = {"grid.color": theme.faint, "legend.edgecolor": theme.faint}
    return {**dict.fromkeys(ink, theme.ink), **dict.fromkeys(ground, theme.ground), **edges}


def _draw_panel(axes: Axes, panel: Panel, theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(panel.title, parse_math=False)
    axes.set_xlabel(panel.x_label, parse_math=False)
    axes.set_ylabel(panel.y_label, parse_math=False)
    if panel.field is None:
        axes.grid(True)
        axes.set_axisbelow(True)
    elif panel.field.classes:
        _draw_classes(axes, panel.field, theme)
    else:
        _draw_levels(axes, panel.field, panel.log, theme)
    if panel.log and panel.field is None:
        axes.set_yscale("log", nonpositive="mask")
    if panel.whole_x:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    marked = sum(series.style in ("line", "dashed") for series in panel.series) > 2
    drawn = [_draw_series(axes, series, panel.field is not None, marked, theme) for series in panel.series]
    if panel.field is not None:
        axes.set_xlim(panel.field.x[0], panel.field.x[-1])
        axes.set_ylim(panel.field.y[0], panel.field.y[-1])
    named = [(line, _legend_name(series)) for line, series in zip(drawn, panel.series, strict=True) if series.name]
    if len(named) > 1 or (named and panel.field is not None):
        _draw_legend(axes, *zip(*named, strict=True))


def _draw_series(axes: Axes, series: Series, on_field: bool, marked: bool, theme: Theme) -> Line2D:
    """Draw points and return the line that stands for them in the legend; ``marked`` lines bear marks."""
    place = series.colour % len(theme.palette)
    colour, mark = theme.palette[place], MARKS[place % len(MARKS)]
    if series.style == "path":
        colour = theme.path
        axes.plot(series.x, series.y, color=theme.ground, linewidth=4.5, zorder=3, solid_capstyle="round")
        small: dict[str, Any] = {"marker": "o", "markersize": 4} if len(series.x) <= 200 else {}
        (line,) = axes.plot(series.x, series.y, color=colour, linewidth=2, zorder=4, **small)
        ends: dict[str, Any] = {"color": colour, "markeredgecolor": theme.ground, "linestyle": "none", "zorder": 5}
        axes.plot(series.x[:1], series.y[:1], marker="o", markersize=11, **ends)
        axes.plot(series.x[-1:], series.y[-1:], marker="*", markersize=19, **ends)
    elif series.style == "points":
        edge = theme.ground if on_field else colour
        look: dict[str, Any] = {
            "linestyle": "none",
            "marker": mark,
            "markersize": 7,
            "color": colour,
            "markeredgecolor": edge,
        }
        (line,) = axes.plot(series.x, series.y, markeredgewidth=0.8, **look)
    else:
        dashes = "--" if series.style == "dashed" else "-"
        every = max(1, len(series.x) // MARKED)
        first = place % MARKED * every // MARKED  # not all at the same place
        shown = marked or len(series.x) == 1
        marks: dict[str, Any] = {"marker": mark, "markevery": (first, every), "markersize": 7} if shown else {}
        (line,) = axes.plot(series.x, series.y, color=colour, linestyle=dashes, **marks)
    return line


def _legend_name(series: Series) -> str:
    return f"{series.name}, from ● to ★" if series.style == "path" else series.name


def _draw_legend(axes: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    numbers = [str(number) for number in range(len(names))]  # a name that begins with "_" would be left out
    beside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1, 0.5)} if len(names) > MOST_INSIDE else {}
    legend = axes.legend(lines, numbers, fontsize=12, framealpha=0.85, **beside)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(name)


def _draw_levels(axes: Axes, field: Field, log: bool, theme: Theme) -> None:
    from matplotlib.colors import LogNorm, PowerNorm
    from matplotlib.ticker import LogLocator, MaxNLocator

    values = np.ma.masked_invalid(field.values)
    if log:
        values = np.ma.masked_less_equal(values, 0)
    if values.count() == 0:
        return
    low, high = float(values.min()), float(values.max())
    if log:
        low = max(low, high / MOST_RATIO)
    levels: Array
    norm: Any
    if low == high:
        levels, norm = np.array([low - 0.5, low + 0.5]), None
    elif log:
        levels, norm = np.geomspace(low, high, LEVELS + 1), LogNorm(low, high)
    else:  # closer where the loss is small: the valleys are what one looks for
        levels, norm = low + (high - low) * np.linspace(0, 1, LEVELS + 1) ** 2, PowerNorm(0.5, low, high)
    drawn = axes.contourf(
        field.x, field.y, values, levels=levels, cmap="cividis", norm=norm, extend="min" if log else "neither"
    )
    axes.contour(field.x, field.y, values, levels=levels, colors=theme.ground, linewidths=0.6, alpha=0.6)
    ticks = (LogLocator() if log else MaxNLocator(6)).tick_values(low, high)
    bar = axes.figure.colorbar(drawn, ax=axes, ticks=[tick for tick in ticks if low <= tick <= high])
    bar.set_label(field.name, parse_math=False)
    bar.outline.set_visible(False)


def _draw_classes(axes: Axes, field: Field, theme: Theme) -> None:
    from matplotlib.colors import ListedColormap

    colours = [theme.palette[number % len(theme.palette)] for number in range(len(field.classes))]
    extent = (field.x[0], field.x[-1], field.y[0], field.y[-1])
    look: dict[str, Any] = {"cmap": ListedColormap(colours), "vmin": -0.5, "vmax": len(colours) - 0.5, "alpha": 0.35}
    axes.imshow(field.values, origin="lower", extent=extent, aspect="auto", interpolation="nearest", **look)
    for ahead in field.ahead:
        if ahead.min() < 0 < ahead.max():
            axes.contour(field.x, field.y, ahead, levels=[0], colors=theme.ink, linewidths=1.4)
