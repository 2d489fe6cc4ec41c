"""The options that commands share, each declared once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from dagprop.errors import quote

Command = TypeVar("Command", bound=Callable[..., Any])

QUIET = "dagprop.quiet"
"""Where a context keeps whether -q was given."""


def parse_settings(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> list[tuple[str, Any]]:
    """Return id and value of each ``NODE=VALUE``, where VALUE is a number or a list of numbers as in JSON."""
    settings = [_parse_setting(text) for text in texts]
    names = [name for name, _ in settings]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise click.BadParameter(f"{quote(twice)} is given two values")
    return settings


def _parse_setting(text: str) -> tuple[str, Any]:
    import json

    node, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not node:
        raise click.BadParameter(f"{quote(text)} is not of the form NODE=VALUE, as in --set x=0.5")
    try:
        parsed = json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, bool) or not isinstance(parsed, (int, float, list)) or parsed in (_INFINITY, -_INFINITY):
        message = f"the value of {quote(node)} is not a finite number or a list, as in [1, 2.5]: {quote(value)}"
        raise click.BadParameter(message)
    return node, parsed


_INFINITY = float("inf")


def _refuse(name: str) -> float:
    raise ValueError(name)


graph_argument = click.argument("graph", metavar="GRAPH")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, numbers in full precision.")
digits_option = click.option(
    "--digits", type=click.IntRange(1, 17), default=6, show_default=True, help="Significant digits of printed numbers."
)
full_option = click.option("--full", is_flag=True, help="Print arrays whole, however large.")
output_path_option = click.option("-o", "--output", metavar="PATH", help="Where to write; - is standard output.")


def _remember_quiet(context: click.Context, option: click.Parameter, quiet: bool) -> bool:
    """Leave a word for whoever writes a file: ``dagprop.cli.output.note_saved``."""
    context.meta[QUIET] = quiet
    return quiet


quiet_option = click.option("-q", "--quiet", is_flag=True, callback=_remember_quiet, help="Print results only.")
silent_option = click.option(
    *("-q", "--quiet"),
    is_flag=True,
    expose_value=False,
    callback=_remember_quiet,
    help="Do not say where the output is saved.",
)
plugin_option = click.option(
    "--plugin", "plugins", multiple=True, metavar="FILE.py", help="Load the ops of a plugin file first.  Repeatable."
)
debug_option = click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback when something fails.")
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Say on standard error what is done.")

weights_option = click.option(
    "--weights", metavar="FILE", help="Take the parameters from a file that train has written."
)

_FEEDING = (
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NODE=VALUE",
        callback=parse_settings,
        help="Give an input, parameter, constant or state a value, as in --set x=0.5.  Repeatable.",
    ),
    click.option("--data", metavar="FILE", help="A CSV or NPZ file that feeds the inputs; - is standard input (CSV)."),
    weights_option,
    click.option("--seed", type=click.IntRange(min=0), help="Seed of everything random.  [default: the graph's]"),
    click.option("--dtype", type=click.Choice(["float64", "float32"]), help="Compute in this type."),
)


def parse_choice(context: click.Context, option: click.Parameter, given: Any) -> Any:
    """Return what ``NAME`` or ``NAME:SETTING=VALUE,...`` chooses, or several do, as a graph file has it."""
    from dagprop.train.choices import read_choice

    try:
        return tuple(map(read_choice, given)) if isinstance(given, tuple) else given and read_choice(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def split_names(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of ``a,b`` and ``c``, in order, each once."""
    names = tuple(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))
    if texts and not names:
        raise click.BadParameter("it names nothing, as in a,b")
    return names


class Finite(click.FloatRange):
    """A range of numbers without NaN and infinity, which a FloatRange lets through."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        number = super().convert(value, param, ctx)
        if not abs(number) <= 1.8e308:
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


def output_option(command: Command) -> Command:
    """Add where to write, and not to say so."""
    return output_path_option(silent_option(command))


def general(command: Command) -> Command:
    """Add the options that every command on a graph has."""
    for option in (debug_option, verbose_option, plugin_option):
        command = option(command)
    return command


def feeding(command: Command) -> Command:
    """Add the options that say what a graph is run on."""
    for option in reversed(_FEEDING):
        command = option(command)
    return command


def feeding_without_weights(command: Command) -> Command:
    """Add the options of :func:`feeding` to a command that has another ``--weights``."""
    for option in reversed(_FEEDING):
        command = command if option is weights_option else option(command)
    return command


def document_options(command: Command) -> Command:
    """Add the options that say how an explanation is written."""
    for option in (
        click.option("--standalone", is_flag=True, help="With latex or html: a complete document."),
        click.option(
            "--format",
            type=click.Choice(["text", "latex", "markdown", "html"]),
            help="How it is written.  [default: text; for -o NAME.tex, .md or .html as the name says, and complete]",
        ),
    ):
        command = option(command)
    return command


def part_options(command: Command) -> Command:
    """Which part of a network is drawn, and how far its definitions are opened."""
    for option in (
        click.option(
            "--radius",
            type=click.IntRange(min=0),
            default=1,
            show_default=True,
            help="With --around: how many arrows away.",
        ),
        click.option("--around", metavar="NODE", help="Only what is near this node; of a call, near what is inside."),
        click.option(
            "--depth",
            type=click.IntRange(min=0),
            help="Open so many levels of definitions.  [default: while it stays small]",
        ),
    ):
        command = option(command)
    return command


def document_form(format: Any, standalone: bool, output: str | None) -> tuple[Any, bool]:
    """Return how an explanation is written, and whether as a complete document; the name of the output may say it."""
    if format is not None:
        return format, standalone
    by_name = {".tex": "latex", ".md": "markdown", ".html": "html"}
    ending = os.path.splitext(output or "")[1].lower()
    if ending in (".pdf", ".svg", ".png", ".docx"):
        raise click.UsageError(
            f"nothing is written as {ending} here: -o NAME.tex is for pdflatex, NAME.html for a browser"
        )
    found = by_name.get(ending)
    return (found, True) if found else ("text", standalone)


CHOICE = "NAME[:SETTING=VALUE,...]"
"""How such a choice is written."""

metric_option = click.option(
    "--metric",
    "metrics",
    multiple=True,
    callback=parse_choice,
    metavar=CHOICE,
    help="Measure this too; plugins declare metrics.  Repeatable.",
)
backend_option = click.option(
    "--backend",
    type=click.Choice(["auto", "reference", "compiled"]),
    default="auto",
    show_default=True,
    help="Who computes: plain NumPy step by step, or compiled code; auto picks by graph and length, and -v says what.",
)
learning_rate_option = click.option(
    "--lr",
    "--learning-rate",
    "lr",
    type=Finite(min=0),
    help="The learning rate of the update.  [default: the graph's]",
)
row_option = click.option("--row", type=click.IntRange(min=1), help="Run on this one row of the data, counted from 1.")
