"""``dagprop draw``: a picture of a network, of a chain of dependencies, of a backward pass."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.cli.session import Session
    from dagprop.render.diagrams.view import Numbers, View

FORMATS = ("svg", "png", "pdf", "dot", "mermaid", "tikz", "text")
BINARY = ("png", "pdf")


@click.command("draw")
@options.graph_argument
@click.option("-o", "--output", metavar="FILE", help="Where to draw it; - is standard output.  [default: -]")
@click.option(
    "-f",
    "--format",
    type=click.Choice(FORMATS),
    help="What is drawn.  [default: as the name of the output ends; else text]",
)
@options.silent_option
@click.option(
    "--weights",
    "weights",
    multiple=True,
    metavar="edge|node|FILE",
    help="Draw parameters on arrows or as nodes; or take their values from a file that train has written.  Repeatable.",
)
@click.option(
    "--chain",
    multiple=True,
    callback=options.split_names,
    metavar="NODE,...",
    help="Show who depends on whom, down to NODE.",
)
@click.option("--all", "every", is_flag=True, help="With --output: one picture of the chain to each parameter.")
@click.option("--phase", type=click.Choice(["forward", "backward"]), help="With the numbers of this pass.")
@click.option(
    "--show",
    multiple=True,
    callback=options.split_names,
    metavar="value,grad,local,shape",
    help="What to put on nodes and arrows.",
)
@options.part_options
@click.option("--roll", is_flag=True, help="Draw a block that repeats once.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Draw a summary of a graph of more nodes than this.",
)
@click.option(
    "--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True, help="For which slides."
)
@options.feeding_without_weights
@options.row_option
@click.option(
    "--digits", type=click.IntRange(1, 17), default=4, show_default=True, help="Significant digits of printed numbers."
)
@options.general
def command(
    graph: str,
    output: str | None,
    format: str | None,
    weights: tuple[str, ...],
    every: bool,
    theme: str,
    data: str | None,
    row: int | None,
    **given: Any,
) -> None:
    r"""Draw a network, a chain, or back-propagation.

    SVG, PNG, PDF and TikZ are laid out by Graphviz: the one of the machine, or the one inside pygraphviz.  DOT, Mermaid
    and text need none.  TikZ is made for \input in a document of yours, and its first line says which packages that
    needs.  What is not computed yet is drawn as "–".
    """
    from dagprop.cli.session import note_random_parameters, open_session, refuse_two_readers
    from dagprop.render.diagrams.view import View

    refuse_two_readers(graph, data)
    placing, file = parse_weights(weights)
    chosen = choose_format(format, output)
    refuse_many(every, chosen, output, bool(given["chain"]))
    shown = {name: given.pop(name) for name in _VIEW}
    view = View(weights=placing, **shown)  # type: ignore[arg-type]
    session = open_session(graph, weights=file, **given)
    numbers = None
    if view.needs_numbers:
        numbers = _numbers(session, view, session.feeds(data, row))
        note_random_parameters(session)
    for name, target in _pictures(session, every, output):
        one = replace(view, chain=(name,)) if name else view
        _draw(session, one, numbers, chosen, theme, target)


_VIEW = ("chain", "phase", "show", "depth", "around", "radius", "roll", "limit", "digits")


def parse_weights(given: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return where parameters are drawn, and the file that their values come from."""
    places = [text for text in given if text in ("edge", "node")]
    files = [text for text in given if text not in ("edge", "node")]
    if len(places) > 1 or len(files) > 1:
        raise click.UsageError("--weights: one of edge and node, and one file, at most")
    return next(iter(places), None), next(iter(files), None)


def choose_format(format: str | None, output: str | None) -> str:
    """Return what is drawn, and refuse it before any work is done where it cannot be."""
    from dagprop.render.diagrams.drawing import format_of

    to_stdout = output in (None, "-")
    chosen = format or ("text" if to_stdout else format_of(str(output)))
    if chosen in BINARY and to_stdout and sys.stdout.isatty():
        raise click.UsageError(f"a {chosen} is binary: name a file with -o, or redirect the output")
    return chosen


def refuse_many(every: bool, format: str, output: str | None, chain: bool) -> None:
    """Refuse several pictures where there is room for one."""
    if every and chain:
        raise click.UsageError("--all draws the chain to each parameter; it does not go with --chain")
    if every and output in (None, "-") and format != "text":
        raise click.UsageError("--all draws several pictures: name a file with -o, as in -o chain.svg")


def _numbers(session: Session, view: View, feeds: dict[str, Any]) -> Numbers:
    """Return the numbers that are drawn."""
    from dagprop.api import backprop, forward
    from dagprop.render.diagrams.view import Numbers

    if view.needs_gradients:
        return Numbers.of(backprop(session.graph, feeds, session.parameters))
    return Numbers(forward(session.graph, feeds, session.parameters))


def _pictures(session: Session, every: bool, output: str | None) -> list[tuple[str | None, str | None]]:
    """Return the end of the chain of each picture, and where it is written."""
    from dagprop.plan.outputs import loss_reference
    from dagprop.render.diagrams.chains import backward_order

    if not every:
        return [(None, output)]
    loss_reference(session.network)
    if output in (None, "-"):
        return [(name, output) for name in backward_order(session.network)]
    stem, ending = os.path.splitext(str(output))
    return [(name, f"{stem}-{name.replace('/', '-')}{ending}") for name in backward_order(session.network)]


def _draw(session: Session, view: View, numbers: Numbers | None, format: str, theme: str, output: str | None) -> None:
    from dagprop.cli.files import write_bytes
    from dagprop.cli.output import note
    from dagprop.render.diagrams.drawing import draw_network

    picture, diagram = draw_network(session.graph, session.network, view, numbers, format, theme)
    for remark in diagram.remarks:
        note(f"note: {remark}")
    write_bytes(picture, output)
