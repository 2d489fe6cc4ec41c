"""``dagprop cost``: what the gradient costs with back-propagation, and in the other ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.explain.cost import Cost, ParameterCost

MOST_PARAMETERS = 24
"""Rows of the table of parameters; the middle of a longer one is left out."""


@click.command("cost")
@options.graph_argument
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=1, show_default=True, help="Samples, where the graph has some."
)
@options.json_option
@options.output_option
@options.general
def command(
    graph: str, batch_size: int, as_json: bool, output: str | None, plugins: tuple[str, ...], verbose: bool
) -> None:
    """Count the multiplications of a gradient.

    Counted are the multiplications between the factors of the chain rule, one for each pair of numbers; a factor of 1
    counts like any other.  A product with the matrix of a layer has m·n·k of them, an elementwise derivative one an
    entry; sums have none.  Working out the factors is the same in every way and not counted.
    """
    from dagprop.api import cost
    from dagprop.cli.files import write_text
    from dagprop.cli.long_texts import allow_long_integers
    from dagprop.cli.output import json_text
    from dagprop.cli.session import open_graph

    found = cost(open_graph(graph, plugins=plugins, verbose=verbose), batch_size=batch_size)
    if as_json:
        allow_long_integers()
    write_text(json_text(_document(found)) if as_json else _text(found), output)


def _document(found: Cost) -> dict[str, Any]:
    passes = found.forward_pass
    return {
        "sizes": found.sizes,
        "edges": found.edges,
        "paths": found.paths,
        "entries": found.entries,
        "forward_pass": passes,
        "reverse": found.reverse,
        "forward": found.forward,
        "without_reuse": found.without_reuse,
        "finite_differences": {
            name: {"passes": count, "multiplications": None if passes is None else count * passes}
            for name, count in (("one_sided", found.one_sided_passes), ("central", found.central_passes))
        },
        "parameters": {
            parameter.id: {
                "entries": parameter.entries,
                "paths": parameter.paths,
                "reverse": parameter.reverse,
                "forward": parameter.forward,
                "without_reuse": parameter.without_reuse,
            }
            for parameter in found.parameters
        },
    }


def _text(found: Cost) -> str:
    from dagprop.cli.long_texts import integer_text
    from dagprop.cli.output import count_text
    from dagprop.explain.tables import table

    def differences(passes: int) -> str:
        return "?" if found.forward_pass is None else integer_text(passes * found.forward_pass)

    inexact = "O(numbers × forward pass), and not exact"
    ways = [
        ("reverse mode, with reuse", integer_text(found.reverse), "O(edges), however many numbers are trained"),
        ("forward mode", integer_text(found.forward), "O(numbers × edges)"),
        (
            "without reuse",
            integer_text(found.without_reuse),
            "O(paths × length), exponential in the depth where values fan out",
        ),
        (
            "one-sided differences",
            differences(found.one_sided_passes),
            f"{inexact}; {found.one_sided_passes} forward passes",
        ),
        ("central differences", differences(found.central_passes), f"{inexact}; {found.central_passes} forward passes"),
    ]
    paths = "1 path" if found.paths == 1 else f"{integer_text(found.paths)} paths"
    head = f"{count_text(found.entries, 'number')} to train"
    where = "".join(f", {name} = {size}" for name, size in found.sizes.items())
    parts = [
        f"{head}, {paths}, {count_text(found.edges, 'edge')} between the loss and the parameters{where}\n"
        + table(("way", "multiplications", "grows with"), ways, right=(1,))
    ]
    if found.parameters:
        parts.append(_parameters(found))
    lost = [parameter.id for parameter in found.parameters if not parameter.paths]
    if lost:
        parts.append(f"{', '.join(lost)}: no path from the loss, so the gradient is 0")
    return "\n\n".join(parts)


def _ways(parameter: ParameterCost) -> tuple[int, int, int]:
    return parameter.reverse, parameter.forward, parameter.without_reuse


def _parameters(found: Cost) -> str:
    from dagprop.cli.long_texts import integer_text, middle_shortened
    from dagprop.explain.tables import table

    header = ("parameter", "entries", "paths", "with reuse", "forward mode", "without reuse")
    rows = [
        (parameter.id, *map(integer_text, (parameter.entries, parameter.paths, *_ways(parameter))))
        for parameter in found.parameters
    ]
    lines = table(header, rows, right=(1, 2, 3, 4, 5)).splitlines()
    return "\n".join(
        [
            "In the order of the backward pass; with reuse, what each adds to the parameters before it",
            lines[0],
            *middle_shortened(lines[1:], MOST_PARAMETERS),
        ]
    )
