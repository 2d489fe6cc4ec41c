"""``dagprop predict``: the outputs of a network, a row a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options
from dagprop.record import record

if TYPE_CHECKING:
    from dagprop.backends.reference import Array, Values
    from dagprop.graph.records import Shape
    from dagprop.plan.network import Network
    from dagprop.plan.outputs import Objective


@click.command("predict")
@options.graph_argument
@options.feeding
@options.backend_option
@options.row_option
@options.output_option
@click.option(
    "--digits", type=click.IntRange(1, 17), help="Significant digits.  [default: as many as tell numbers apart]"
)
@options.json_option
@options.general
def command(
    graph: str,
    data: str | None,
    row: int | None,
    backend: Any,
    output: str | None,
    digits: int | None,
    as_json: bool,
    **session_options: Any,
) -> None:
    """Print predictions as CSV, one row a sample.

    Targets are not needed.  Where the target is a class, the column "class" names the most likely one.
    """
    from dagprop.api import predict
    from dagprop.cli.files import write_text
    from dagprop.cli.output import json_text
    from dagprop.cli.session import need_weights, open_session, refuse_two_readers

    refuse_two_readers(graph, data)
    session = open_session(graph, **session_options)
    need_weights(session, graph)
    found = predict(session.graph, session.prediction_feeds(data, row), session.leaves, backend=backend)
    values = {name: _with_sample_axis(session.network, name, value) for name, value in found.items()}
    names = _written_names(session.network)
    target = _class_target(session.network, values)
    classes = _classes(target, values) if target else None
    if as_json:
        document: dict[str, Any] = {"outputs": {names.get(name, name): value for name, value in values.items()}}
        if classes is not None:
            document["class"] = classes
        text = json_text(document)
    else:
        columns: dict[str, list[str]] = {}
        for name, value in values.items():
            labels = target.labels if target and name == target.objective.prediction else ()
            columns |= _columns(names.get(name, name), session.network.shapes[name], value, labels, digits)
        if classes is not None:
            columns["class"] = [str(entry) for entry in classes]
        text = _csv(columns)
    write_text(text, output)


def _written_names(network: Network) -> dict[str, str]:
    """Return, for each value that the call of a definition gives, how the file refers to it."""
    from dagprop.graph.records import join_reference

    return {
        reference: join_reference(call, number)
        for call, references in network.graph.calls.items()
        if "/" not in call
        for number, reference in enumerate(references)
    }


def _with_sample_axis(network: Network, name: str, value: Array) -> Array:
    """Return a value with its sample axis, also where one sample was fed without it."""
    from dagprop.graph.records import SAMPLE_AXIS

    shape = network.shapes[name]
    return value[None] if shape[:1] == (SAMPLE_AXIS,) and value.ndim == len(shape) - 1 else value


@record
class _ClassTarget:
    """What says which class is predicted, and the labels of the classes if the graph gives them."""

    objective: Objective
    labels: tuple[str, ...]


def _class_target(network: Network, values: Values) -> _ClassTarget | None:
    from dagprop.train.metrics import class_objective

    objective = class_objective(network)
    if objective is None or objective.prediction not in values:
        return None
    data = network.graph.data
    return _ClassTarget(objective, tuple(data.classes.get(objective.target, ())) if data else ())


def _classes(target: _ClassTarget, values: Values) -> list[Any] | None:
    """Return the most likely class of each sample: its label where the graph names them, else its number."""
    from dagprop.train.metrics import predicted_classes

    numbers = predicted_classes(target.objective.op, values[target.objective.prediction])
    if numbers.ndim > 1:
        return None
    flat = numbers.reshape(-1).tolist()
    return [target.labels[number] for number in flat] if target.labels else flat


def _columns(name: str, shape: Shape, value: Array, labels: Sequence[str], digits: int | None) -> dict[str, list[str]]:
    """Return the columns of a value, one for each element that a sample has; the only row of one without samples."""
    from dagprop.explain.numbers import number_text
    from dagprop.graph.records import SAMPLE_AXIS

    table = value.reshape(len(value) if shape[:1] == (SAMPLE_AXIS,) else 1, -1)
    names = labels if len(labels) == table.shape[1] else range(table.shape[1])
    return {
        name if table.shape[1] == 1 else f"{name}[{element}]": [
            str(entry) if digits is None else number_text(float(entry), digits) for entry in column
        ]
        for element, column in zip(names, table.T, strict=True)
    }


def _csv(columns: Mapping[str, list[str]]) -> str:
    """Return columns as CSV; a value that is the same for all samples stands in each row."""
    import csv
    import io

    rows = max(len(column) for column in columns.values())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column * (rows if len(column) == 1 else 1) for column in columns.values()), strict=True))
    return text.getvalue().removesuffix("\n")
