"""``dagprop predict``: the outputs of a network, a row a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.backends.reference import Values
    from dagprop.plan.network import Network


@click.command("predict")
@options.graph_argument
@options.feeding
@options.row_option
@options.output_option
@click.option("--digits", type=click.IntRange(1, 17), default=17, show_default=True, help="Significant digits.")
@options.json_option
@options.general
def command(
    graph: str,
    data: str | None,
    row: int | None,
    output: str | None,
    digits: int,
    as_json: bool,
    **session_options: Any,
) -> None:
    """Print predictions as CSV, one row a sample.

    Targets are not needed.  Where the target is a class, the column "class" names the most likely one.
    """
    from dagprop.api import predict
    from dagprop.cli.output import json_text
    from dagprop.cli.session import need_weights, open_session, refuse_two_readers, write_text

    refuse_two_readers(graph, data)
    session = open_session(graph, **session_options)
    need_weights(session, graph)
    values = predict(session.graph, session.prediction_feeds(data, row), session.leaves)
    classes = _classes(session.network, values)
    if as_json:
        document: dict[str, Any] = {"outputs": dict(values)}
        if classes is not None:
            document["class"] = classes
        text = json_text(document)
    else:
        text = _csv(session.network, values, classes, digits)
    write_text(text, output)


def _classes(network: Network, values: Values) -> list[Any] | None:
    """Return the most likely class of each sample: its label where the graph names them, else its number."""
    from dagprop.train.metrics import class_objective

    objective = class_objective(network)
    if objective is None or objective.prediction not in values:
        return None
    logits = values[objective.prediction]
    numbers = logits.argmax(axis=-1) if objective.op == "cross_entropy" else (logits > 0).astype(int)
    if numbers.ndim > 1:
        return None
    data = network.graph.data
    labels = data.classes.get(objective.target) if data else None
    flat = numbers.reshape(-1).tolist()
    return [labels[number] for number in flat] if labels else flat


def _csv(network: Network, values: Values, classes: list[Any] | None, digits: int) -> str:
    """Return values as CSV: a column an element, a row a sample."""
    import csv
    import io

    from dagprop.cli.output import number_text
    from dagprop.graph.records import SAMPLE_AXIS

    columns: dict[str, list[str]] = {}
    for name, value in values.items():
        sampled = network.shapes[name][:1] == (SAMPLE_AXIS,) and value.ndim == len(network.shapes[name])
        table = value.reshape(len(value), -1) if sampled else value.reshape(1, -1)
        for number, column in enumerate(table.T):
            title = name if table.shape[1] == 1 else f"{name}[{number}]"
            columns[title] = [number_text(float(entry), digits) for entry in column]
    if classes is not None:
        columns["class"] = [str(entry) for entry in classes]
    rows = max(len(column) for column in columns.values())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    # A value that is the same for all samples stands in each row.
    writer.writerows(zip(*(column * (rows if len(column) == 1 else 1) for column in columns.values()), strict=True))
    return text.getvalue().removesuffix("\n")
