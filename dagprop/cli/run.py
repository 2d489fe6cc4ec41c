"""``dagprop run``: the forward pass, every node's value."""

from __future__ import annotations

from typing import Any

import click

from dagprop.cli import options


@click.command("run")
@options.graph_argument
@options.feeding
@options.backend_option
@options.row_option
@options.digits_option
@options.full_option
@options.json_option
@options.general
def command(
    graph: str,
    data: str | None,
    row: int | None,
    backend: Any,
    digits: int,
    full: bool,
    as_json: bool,
    **session_options: Any,
) -> None:
    """Run the forward pass: every node's value.

    Inputs take what --set says, else data where it is asked for (--data, --row), else their value in the file, else the
    graph's data.
    """
    from dagprop.api import forward
    from dagprop.cli.output import json_text, names_text
    from dagprop.cli.session import note_random_parameters, open_session, refuse_two_readers, warn_non_finite
    from dagprop.explain.numbers import Shown, array_text
    from dagprop.explain.tables import table

    refuse_two_readers(graph, data)
    session = open_session(graph, **session_options)
    values = forward(session.graph, session.feeds(data, row), session.parameters, backend=backend)
    network = session.network
    note_random_parameters(session)
    warn_non_finite(network, values)
    if as_json:
        click.echo(json_text({"nodes": {name: {"value": value} for name, value in values.items()}}))
        return
    rows = [
        (
            name,
            network.node(id).op,
            names_text(network.node(id).references),
            array_text(values[name], Shown(digits, full)),
        )
        for id in network.order
        for name in network.outputs[id]
    ]
    click.echo(table(("node", "op", "inputs", "value"), rows))
