"""``dagprop equation``: the whole network as one equation, what is known in it and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.explain.equation import Equations


@click.command("equation")
@options.graph_argument
@click.option(
    "--length",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="About so many names, numbers and signs in one equation; a longer one is cut into several.",
)
@click.option(
    "--elide",
    type=click.IntRange(min=2),
    metavar="N",
    default=24,
    show_default=True,
    help="Show the first and last lines of a list, N in all, and leave out its middle.",
)
@click.option("--full", is_flag=True, help="Print every line of every list, and arrays whole.")
@options.document_options
@options.output_option
@options.digits_option
@options.json_option
@options.general
def command(
    graph: str,
    length: int,
    elide: int,
    full: bool,
    format: Any,
    standalone: bool,
    output: str | None,
    digits: int,
    as_json: bool,
    plugins: tuple[str, ...],
    verbose: bool,
) -> None:
    """Print the network as one equation, and step by step.

    A value that is used several times keeps its name, as does one that would make the equation too long; both have
    equations of their own.  Two tables say what is known and what has to be estimated.
    """
    from dagprop.cli.files import write_text
    from dagprop.cli.output import json_text
    from dagprop.cli.session import open_graph
    from dagprop.explain.equation import equations
    from dagprop.explain.equation_document import equation_document
    from dagprop.explain.numbers import Shown
    from dagprop.plan.network import prepare
    from dagprop.render.documents import render_document

    found = equations(prepare(open_graph(graph, plugins=plugins, verbose=verbose)), length)
    if as_json:
        write_text(json_text(_document(found)), output)
        return
    format, standalone = options.document_form(format, standalone, output)
    document = equation_document(found, None if full else elide)
    nodes = found.network.graph.nodes
    write_text(render_document(document, format, Shown(digits, full), nodes, standalone), output)


def _document(found: Equations) -> dict[str, Any]:
    from dagprop.explain.printer import Printer

    network, printer = found.network, Printer()
    unknown = network.graph.parameters()
    leaves = [network.node(id) for id in network.order if network.node(id).is_leaf]
    return {
        "roots": found.roots,
        "equations": {line.reference: printer(line.formula) for line in found.nested},
        "substitutions": {line.reference: printer(line.formula) for line in found.substitutions},
        "known": {
            node.id: {"op": node.op, "shape": network.shapes[node.id], "value": node.attributes.get("value")}
            for node in leaves
            if node.id not in unknown
        },
        "activations": [
            {
                "name": printer(activation.left),
                "form": printer(activation.form) if activation.form else None,
                "attributes": activation.attributes,
            }
            for activation in found.activations
        ],
        "unknown": {id: {"shape": network.shapes[id]} for id in unknown},
    }
