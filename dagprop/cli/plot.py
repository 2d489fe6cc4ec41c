"""``dagprop plot``: how a training went; how the loss lies over parameters; where which class is predicted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options
from dagprop.cli.figures import Ends, figure_options

if TYPE_CHECKING:
    from dagprop.explain.coordinates import Coordinate
    from dagprop.plan.network import Network
    from dagprop.render.figure import Figure

CURVE_POINTS, CONTOUR_POINTS = 201, 31
"""Where the loss is computed along the axis of a curve, and along each of the two of a contour."""


@click.command("plot")
@click.argument("files", metavar="HISTORY...|GRAPH", nargs=-1, required=True)
@click.option("--surface", is_flag=True, help="Of a graph: the loss over one or two parameters, with the training.")
@click.option("--regions", is_flag=True, help="Of a graph with --weights: where in a plane it predicts which class.")
@click.option(
    "--wrt",
    multiple=True,
    metavar="NODE,...",
    help="Over which parameters the surface lies, as in w1,hidden/w[0,2]; or which parameters of histories are drawn.",
)
@click.option(
    "--show", multiple=True, metavar="NAME,...", help="Of histories, only these: loss, accuracy, gradient_norms, ..."
)
@click.option("--log", is_flag=True, help="Losses and norms on a logarithmic scale.")
@click.option(
    "--range",
    "ranges",
    multiple=True,
    type=Ends(),
    help="Of the surface: the range of the first parameter, and again of the second.  [default: around the training]",
)
@click.option("--points", type=click.IntRange(2, 1000), help="Of the surface: how many along each axis.")
@click.option("--path/--no-path", default=True, help="Whether the surface shows the training; without, none is done.")
@click.option("--epochs", type=click.IntRange(min=0), help="Of the training on the surface.  [default: the graph's]")
@click.option(
    "--lr",
    "--learning-rate",
    "learning_rate",
    type=options.Finite(0, min_open=True),
    help="Of the training on the surface.  [default: the graph's]",
)
@click.option("--columns", metavar="NAME,NAME", help="The inputs of the regions: columns of the data, or x[0],x[2].")
@options.feeding
@figure_options
@options.json_option
@options.general
def command(
    files: tuple[str, ...],
    surface: bool,
    regions: bool,
    theme: str,
    format: str | None,
    output: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Draw trainings, loss surfaces and regions of classes.

    HISTORY is what train writes with --history; several are laid over each other.  With --surface or --regions, GRAPH
    is a graph.  Curves are drawn as text, or as a picture where the name of the output ends in .svg, .png or .pdf.
    """
    from dagprop.cli.figures import figure_format, write_figure

    _refuse_options(surface, regions, given)
    chosen = figure_format(format, output, as_json)
    if surface or regions:
        if len(files) > 1:
            raise click.UsageError(f"--{'surface' if surface else 'regions'} draws one graph; {len(files)} are given")
        figure = (_surface if surface else _regions)(files[0], **given)
    else:
        figure = _histories(files, **given)
    write_figure(figure, chosen, output, theme)


_ONLY = {
    "surface": ("ranges", "points", "path", "epochs", "learning_rate"),
    "regions": ("columns",),
    "a graph": ("data", "weights", "settings", "seed", "dtype"),
    "histories": ("show",),
}
"""The options that mean something for one kind of picture only."""


def _refuse_options(surface: bool, regions: bool, given: dict[str, Any]) -> None:
    """Refuse options that would be without effect."""
    if surface and regions:
        raise click.UsageError("--surface and --regions are two pictures: ask for one of them")
    context = click.get_current_context()
    fits = {
        "surface": surface,
        "regions": regions,
        "a graph": surface or regions,
        "histories": not (surface or regions),
    }
    for kind, names in _ONLY.items():
        for name in names:
            source = context.get_parameter_source(name)
            if not fits[kind] and source is click.core.ParameterSource.COMMANDLINE:
                option = next(p for p in context.command.params if p.name == name).opts[0]
                hint = f"add --{kind}" if kind in ("surface", "regions") else f"it is for {kind}"
                raise click.UsageError(f"{option} has no effect here: {hint}")
    if regions and given["wrt"]:
        raise click.UsageError("--wrt has no effect here: --columns chooses the inputs of the regions")


def _histories(files: Sequence[str], *, show: Sequence[str], wrt: Sequence[str], log: bool, **given: Any) -> Figure:
    from dagprop.explain.coordinates import split_names
    from dagprop.render.history_figure import history_figure
    from dagprop.train.history import read_history

    if list(files).count("-") > 1:
        raise click.UsageError("the standard input can be one history only")
    histories = [read_history(file, sys.stdin.buffer) for file in files]
    return history_figure(histories, split_names(",".join(show)), split_names(",".join(wrt)), log)


def _surface(
    graph: str,
    *,
    wrt: Sequence[str],
    ranges: Sequence[tuple[float, float]],
    points: int | None,
    path: bool,
    epochs: int | None,
    learning_rate: float | None,
    log: bool,
    data: str | None,
    show: Sequence[str],
    columns: str | None,
    **session_options: Any,
) -> Figure:
    from dataclasses import replace

    from dagprop.cli.session import open_session, refuse_two_readers
    from dagprop.explain.coordinates import split_names
    from dagprop.explain.surface import loss_surface
    from dagprop.plan.outputs import loss_reference
    from dagprop.render.explained_figures import surface_figure

    refuse_two_readers(graph, data)
    session = open_session(graph, **session_options)
    loss_reference(session.network)  # a graph without a loss has no surface, and the message says so
    coordinates = _coordinates(session.network, split_names(",".join(wrt)))
    if len(ranges) > len(coordinates):
        raise click.UsageError(f"{len(ranges)} ranges are given, for {len(coordinates)} parameter")
    settings = session.graph.train
    settings = settings if epochs is None else replace(settings, epochs=epochs)
    settings = settings if learning_rate is None else replace(settings, learning_rate=learning_rate)
    surface = loss_surface(
        session.network,
        session.samples(data),
        settings,
        session.leaves,
        coordinates,
        [*ranges, *[None] * (len(coordinates) - len(ranges))],
        points or (CURVE_POINTS if len(coordinates) == 1 else CONTOUR_POINTS),
        path,
    )
    return surface_figure(surface, session.graph.name or "", log)


def _coordinates(network: Network, names: Sequence[str]) -> list[Coordinate]:
    """Return the one or two parameters that are named, or that the network has."""
    from dagprop.explain.coordinates import all_coordinates, entry_names, find_coordinate

    shapes: dict[str, Any] = {id: network.shapes[id] for id in network.graph.parameters()}
    if not shapes:
        raise click.UsageError("the graph has no trained parameters: there is no surface")
    found = [find_coordinate(name, shapes, "parameter") for name in names] or all_coordinates(shapes)
    if not names and len(found) > 2:
        some = ",".join(entry_names(shapes)[:2])
        raise click.UsageError(f"the graph has {len(found)} trained numbers: choose one or two, as in --wrt {some}")
    if len(found) > 2 or len(set(found)) < len(found):
        raise click.UsageError("a surface lies over one parameter, or over two that differ")
    return found


def _regions(graph: str, *, data: str | None, columns: str | None, **given: Any) -> Figure:
    from dagprop.cli.session import need_weights, open_session, refuse_two_readers
    from dagprop.explain.coordinates import split_names
    from dagprop.explain.regions import decision_regions
    from dagprop.render.explained_figures import regions_figure

    refuse_two_readers(graph, data)
    names = ("plugins", "verbose", "settings", "weights", "seed", "dtype")
    session = open_session(graph, **{name: given[name] for name in names})
    need_weights(session, graph)
    regions = decision_regions(session.network, session.samples(data), session.leaves, split_names(columns or ""))
    return regions_figure(regions, session.graph.name or "")
