"""Options and output of the commands that draw curves."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.render.figure import Figure

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS = ("text", "ascii", "svg", "png", "pdf")
WIDTH = 80
"""Columns of a figure in text that does not go to a terminal."""


class Ends(click.ParamType):  # type: ignore[type-arg]
    """Two numbers, the smaller first, as in ``-2:2``."""

    name = "LOW:HIGH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """Return both numbers."""
        try:
            low, high = (float(number) for number in str(value).split(":"))
        except ValueError:
            self.fail(f"{value!r} is not of the form LOW:HIGH, as in -2:2", param, ctx)
        if not -1e300 < low < high < 1e300:
            self.fail(f"{value!r}: the first number must be smaller than the second, and both finite", param, ctx)
        return low, high


def figure_options(command: Command) -> Command:
    """Add the options that say how a figure is drawn and where it goes."""
    for option in (
        click.option(
            "--theme",
            type=click.Choice(["light", "dark"]),
            default="light",
            show_default=True,
            help="Colours of a picture: for light or dark ground.",
        ),
        click.option(
            "-f",
            "--format",
            type=click.Choice(FORMATS),
            help="What is drawn.  [default: as the name of the output ends; else text]",
        ),
        click.option("-o", "--output", metavar="FILE", help="Where to draw it; - is standard output.  [default: -]"),
        options.silent_option,
    ):
        command = option(command)
    return command


def figure_format(format: str | None, output: str | None, as_json: bool = False) -> str:
    """Return what is drawn, ``json`` for nothing but numbers, and refuse it before any work is done where it cannot be.

    Raises
    ------
    MissingDependencyError
        If it is a picture, and Matplotlib is not installed (DP801).
    """
    from dagprop.render.matplotlib_figure import need_matplotlib

    if as_json:
        return "json"
    ending = os.path.splitext(output or "")[1].lower().removeprefix(".")
    if format is None and ending and ending not in (*FORMATS, "txt"):
        raise click.UsageError(f"no format is called {ending!r}: end the name in .svg, .png, .pdf or .txt, or give -f")
    chosen = format or (ending if ending in FORMATS else "text")
    if chosen in ("png", "pdf") and output in (None, "-") and sys.stdout.isatty():
        raise click.UsageError(f"a {chosen} is binary: name a file with -o, or redirect the output")
    if chosen not in ("text", "ascii"):
        need_matplotlib()
    return chosen


def write_figure(figure: Figure, format: str, output: str | None, theme: str) -> None:
    """Draw a figure, or with the format ``json`` list what it shows; write it to a file or to the standard output.

    Raises
    ------
    DagpropError
        If the file cannot be written (DP603).
    """
    from dagprop.cli.files import write_bytes, write_text
    from dagprop.cli.output import json_text
    from dagprop.render.figure import figure_data
    from dagprop.render.matplotlib_figure import draw_figure
    from dagprop.render.plot_theme import theme as colours
    from dagprop.render.text_figure import text_figure

    if format == "json":
        write_text(json_text(figure_data(figure)), output)
    elif format in ("text", "ascii"):
        to_terminal = output in (None, "-")
        width = shutil.get_terminal_size().columns if to_terminal and sys.stdout.isatty() else WIDTH
        plain = format == "ascii" or (to_terminal and not _shows_unicode())
        write_text(text_figure(figure, width, ascii=plain), output)
    else:
        write_bytes(draw_figure(figure, format, colours(theme)), output)


def _shows_unicode() -> bool:
    """Whether the standard output can take the characters that figures are drawn with."""
    try:
        "│⣿░●★".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeError):
        return False
    return True
