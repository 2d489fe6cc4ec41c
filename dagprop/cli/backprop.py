"""``dagprop backprop``: one forward and one backward pass, every number of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.backends.edges import Backprop
    from dagprop.explain.numbers import Shown
    from dagprop.plan.network import Network


@click.command("backprop")
@options.graph_argument
@options.feeding
@options.backend_option
@options.row_option
@click.option(
    "--lr",
    "--learning-rate",
    "lr",
    type=options.Finite(min=0),
    help="Also take one step of this learning rate with each parameter.",
)
@options.digits_option
@options.full_option
@options.json_option
@options.general
def command(
    graph: str,
    lr: float | None,
    data: str | None,
    row: int | None,
    backend: Any,
    digits: int,
    full: bool,
    as_json: bool,
    **session_options: Any,
) -> None:
    """Run forward and backward: every value and derivative.

    Inputs take their values as in "dagprop run".  The gradient of a node is the sum over its uses of the gradient of
    the user times the local derivative of the edge.
    """
    from dagprop.api import backprop
    from dagprop.cli.output import json_text
    from dagprop.cli.session import note_random_parameters, open_session, refuse_two_readers, warn_non_finite
    from dagprop.explain.numbers import Shown

    refuse_two_readers(graph, data)
    session = open_session(graph, **session_options)
    done = backprop(session.graph, session.feeds(data, row), session.parameters, backend=backend)
    network = session.network
    note_random_parameters(session)
    warn_non_finite(network, done.values)
    parameters: dict[str, dict[str, Any]] = {}
    for id in network.graph.parameters():
        parameters[id] = {"value": done.values[id], "grad": done.gradients[id]}
        if lr is not None:
            parameters[id]["new_value"] = done.values[id] - lr * done.gradients[id]
    if as_json:
        click.echo(json_text(_document(done, parameters)))
        return
    click.echo("\n\n".join(_tables(network, done, parameters, lr, Shown(digits, full))))


def _document(done: Backprop, parameters: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "loss": done.loss,
        "nodes": {name: {"value": done.values[name], "grad": done.gradients[name]} for name in done.values},
        "edges": [
            {
                "from": edge.source,
                "to": edge.target,
                "input": edge.input,
                "local": edge.local,
                "contribution": edge.contribution,
            }
            for edge in done.edges
        ],
        "parameters": parameters,
    }


def _tables(
    network: Network, done: Backprop, parameters: dict[str, dict[str, Any]], lr: float | None, shown: Shown
) -> list[str]:
    from dagprop.cli.output import names_text
    from dagprop.explain.notation import partial_text
    from dagprop.explain.numbers import array_text, number_text
    from dagprop.explain.tables import table
    from dagprop.explain.update_formulas import plain_note
    from dagprop.plan.outputs import loss_reference

    loss = loss_reference(network)
    forward = [
        (name, network.node(id).op, names_text(network.node(id).references), array_text(done.values[name], shown))
        for id in network.order
        for name in network.outputs[id]
    ]
    # The gradient of a node is complete when its last use was met: there its row shows the sum.
    last = {edge.source: number for number, edge in enumerate(done.edges)}
    uses = Counter(edge.source for edge in done.edges)
    pairs = Counter((edge.source, edge.target) for edge in done.edges)

    def gradient(number: int, source: str) -> str:
        name = partial_text(loss, source)
        if uses[source] == 1:
            return name
        total = array_text(done.gradients[source], shown)
        return f"{name} = sum of {uses[source]} = {total}" if last[source] == number else f"part of {name}"

    backward = [
        (
            partial_text(edge.target, edge.source)
            + (f" ({edge.input})" if pairs[edge.source, edge.target] > 1 else ""),
            "–" if edge.local is None else array_text(edge.local, shown),
            array_text(done.gradients[network.outputs[edge.target][0]], shown),
            array_text(edge.contribution, shown),
            gradient(number, edge.source),
        )
        for number, edge in enumerate(done.edges)
    ]
    header = ("edge", "local derivative", "× gradient of user", "= product", "adds to")
    too_large = any(edge.local is None for edge in done.edges)
    tables = [
        "Forward\n" + table(("node", "op", "inputs", "value"), forward),
        f"Loss {loss} = {number_text(done.loss, shown.digits)}"
        + (" (mean over the samples)" if done.values[loss].ndim else ""),
        "Backward, from the loss to the leaves: local derivative × gradient of the user, added up over the uses\n"
        + table(header, backward)
        + ("\n– a Jacobian of too many entries to be written out; its rule propagates without it" if too_large else ""),
    ]
    if parameters:
        names = ["parameter", "value", "gradient"] + (
            [f"new value = value - {lr:g} × gradient"] if lr is not None else []
        )
        rows = [[id, *(array_text(array, shown) for array in entry.values())] for id, entry in parameters.items()]
        note = plain_note(network.graph.train.optimizer) if lr is not None else None
        tables.append("Parameters\n" + table(names, rows) + (f"\n{note}" if note else ""))
    return tables
