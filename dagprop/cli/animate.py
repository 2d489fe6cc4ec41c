"""``dagprop animate``: back-propagation in motion, as a page to step through or as slides."""

from __future__ import annotations

import sys
from typing import Any

import click

from dagprop.cli import options


@click.command("animate")
@options.graph_argument
@click.option(
    "-o",
    "--output",
    metavar="FILE|FOLDER",
    help="Where to write the page, or the pictures; - is standard output.  [default: -]",
)
@click.option(
    "-f",
    "--format",
    type=click.Choice(["html", "frames"]),
    help="A page to step through, or an SVG for each step.  [default: html, and frames where a folder is named]",
)
@options.silent_option
@click.option(
    "--wrt",
    multiple=True,
    callback=options.split_names,
    metavar="NODE,...",
    help="Whose gradients.  [default: all nodes]",
)
@options.learning_rate_option
@options.part_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Refuse to step through more nodes than this.",
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark"]),
    help="For which slides.  [default: for a page what the reader's machine is set to, else light]",
)
@options.feeding
@options.row_option
@click.option(
    "--digits", type=click.IntRange(1, 17), default=4, show_default=True, help="Significant digits of printed numbers."
)
@options.general
def command(
    graph: str,
    output: str | None,
    format: str | None,
    wrt: tuple[str, ...],
    lr: float | None,
    depth: int | None,
    around: str | None,
    radius: int,
    limit: int,
    theme: str | None,
    data: str | None,
    row: int | None,
    digits: int,
    **session_options: Any,
) -> None:
    """Walk through one step of training, as a page or slides.

    The page needs nothing but a browser: arrow keys, buttons and a slider go through the steps of the plan, on and
    back, with the line of the derivation that belongs to each.  The numbers are those of "dagprop backprop";
    the page holds them in full, as JSON in its element "data".
    """
    from dagprop.api import animate
    from dagprop.cli.files import write_bytes
    from dagprop.cli.output import note_saved
    from dagprop.cli.session import note_random_parameters, open_session, refuse_two_readers

    refuse_two_readers(graph, data)
    path = None if output in (None, "-") else output
    if format == "frames" and path is None:
        raise click.UsageError("frames are several pictures: name a folder with -o, as in -o steps")
    if output is None and sys.stdout.isatty():
        raise click.UsageError("a page is for a browser: name a file with -o, as in -o page.html; -o - prints it")
    session = open_session(graph, **session_options)
    pictures = animate(
        session.graph,
        path,
        format=format,
        theme=theme,
        feeds=session.feeds(data, row),
        parameters=session.parameters,
        wrt=wrt or None,
        learning_rate=lr,
        depth=depth,
        around=around,
        radius=radius,
        limit=limit,
        digits=digits,
    )
    note_random_parameters(session)
    if path is None:
        write_bytes(pictures[0], None)
    else:
        note_saved(path)
