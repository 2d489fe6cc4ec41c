"""The history of a training in a file: a table with a row for each epoch.

As JSON Lines, a row is an object on a line of its own; as CSV, a row below a header; the names of the columns are the
same.  The first is ``epoch``, counted from 1; then come ``loss`` and what else was measured, such as ``accuracy``,
``validation_loss`` and ``validation_accuracy``, metrics by their names, and the ``learning_rate`` where a schedule
changes it.  On request there are also columns for each parameter (see :func:`parameter_columns`).  A row is written as
soon as its epoch ends, so that a training can be watched.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np

from dagprop.backends.reference import Array, run
from dagprop.errors import DagpropError, DataError, Problem, quote
from dagprop.graph.records import TrainSettings
from dagprop.plan.network import Network
from dagprop.record import record
from dagprop.train.csv_table import parse_csv, read_columns
from dagprop.train.data import Data
from dagprop.train.evaluation import CHUNK, evaluation_plan, gather_leaves
from dagprop.train.initializers import initial_values
from dagprop.train.records import EpochRecord
from dagprop.train.samples import split_samples

GRADIENT_NORM, NORM, VALUE = "gradient_norm:", "norm:", "value:"
"""What the names of the columns of a parameter begin with; its id follows."""

_HINT = 'a history is what "dagprop train GRAPH --history FILE.jsonl" writes'


@record(eq=False)
class History:
    """The history of one training.

    Attributes
    ----------
    name : str
        How it is told from others: the file it comes from.
    epochs : array of float64, shape (epochs,)
    columns : dict from str to array of float64, shape (epochs,)
        Without the epochs; NaN where a row has no number.
    """

    name: str
    epochs: Array
    columns: dict[str, Array]


class HistoryFile:
    """A history that is being written, epoch by epoch; a context manager.

    Parameters
    ----------
    path : str
        A name that ends in ``.csv`` makes it CSV, any other JSON Lines.

    Raises
    ------
    DagpropError
        If the file cannot be written (DP603).
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._csv = path.lower().endswith(".csv")
        self._header: tuple[str, ...] = ()
        try:
            self._stream = open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115 - closed when the context ends
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> HistoryFile:
        return self

    def __exit__(self, *reason: object) -> None:
        self._stream.close()

    def add(self, row: Mapping[str, float]) -> None:
        """Write the row of one epoch; all rows have the same columns."""
        text = self._csv_text(row) if self._csv else _json_text(row) + "\n"
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _csv_text(self, row: Mapping[str, float]) -> str:
        lines = [] if self._header else [",".join(row)]  # ids and our own names have no commas or quotes
        self._header = tuple(row)
        return "\n".join([*lines, ",".join(repr(value) for value in row.values())]) + "\n"

    def _unwritable(self, error: OSError) -> DagpropError:
        message = f"the history cannot be written: {error.strerror or error}"
        return DagpropError(Problem("DP603", message, "name another file with --history", file=self._path))


def _json_text(row: Mapping[str, float]) -> str:
    return json.dumps({name: value if math.isfinite(value) else None for name, value in row.items()})


def epoch_row(record: EpochRecord) -> dict[str, float]:
    """Return the row of an epoch, without what was not measured."""
    return {"epoch": record.epoch, **record.measures()}


def parameter_columns(
    network: Network, data: Data, settings: TrainSettings, start: Mapping[str, Any]
) -> Callable[[Mapping[str, Array]], dict[str, float]]:
    """Return a function from parameters to what a row says of them.

    For each parameter that is trained, ``norm:ID`` is its Euclidean norm and ``gradient_norm:ID`` that of the gradient
    of the mean loss over all training samples, both at the end of the epoch.  A parameter of one number has its value
    too, as ``value:ID``.

    Parameters
    ----------
    network : Network
        With a loss.
    data : Data
        What the training is given: its split is made again here.
    settings : TrainSettings
    start : mapping from str to array_like
        What parameters and states start with; the others are initialised.
    """
    ids = network.graph.parameters()
    steps = evaluation_plan(network, wrt=ids)
    variables = {**initial_values(network, settings.seed), **start}
    leaves = gather_leaves(network, data, variables, tuple(dict.fromkeys((*steps.leaves, *variables))))
    samples = split_samples(data.rows, settings.validation, settings.test, settings.seed).train

    def columns(variables: Mapping[str, Array]) -> dict[str, float]:
        gradients = {id: np.zeros(variables[id].shape) for id in ids}
        for first in range(0, len(samples), CHUNK):
            chunk = samples[first : first + CHUNK]
            for id, gradient in run(steps, leaves.batch(chunk, variables)).gradients.items():
                gradients[id] += gradient * (len(chunk) / len(samples))
        row = {}
        for id in ids:
            row[GRADIENT_NORM + id] = _norm(gradients[id])
            row[NORM + id] = _norm(variables[id])
            if variables[id].size == 1:
                row[VALUE + id] = float(variables[id].item())
        return row

    return columns


def _norm(array: Array) -> float:
    return math.hypot(*array.reshape(-1).tolist())  # neither overflows nor loses small numbers


def read_history(path: str, stdin: IO[bytes] | None = None) -> History:
    """Return the history of a file.

    Parameters
    ----------
    path : str
        JSON Lines, CSV, or the object that ``dagprop train --json`` prints; ``"-"`` reads ``stdin``.
    stdin : binary stream, optional

    Raises
    ------
    DataError
        If the file cannot be read, or is no history (DP409, and DP402 to DP408 for what is wrong in a CSV table).
    """
    name = "<stdin>" if path == "-" else path
    text = _read(path, name, stdin)
    if not text.strip():
        raise DataError(Problem("DP409", "the history is empty", _HINT, file=name))
    columns = _from_json(name, text) if text.lstrip()[0] in "{[" else _from_csv(name, text)
    epochs = columns.pop("epoch", None)
    if epochs is None:
        raise DataError(Problem("DP409", 'this is no history: it has no column "epoch"', _HINT, file=name))
    if not (np.diff(epochs) > 0).all():  # also where one is missing, which is NaN
        raise DataError(Problem("DP409", "the epochs of a history must be numbers that grow", _HINT, file=name))
    return History(name, epochs, columns)


def _read(path: str, name: str, stdin: IO[bytes] | None) -> str:
    try:
        if path == "-":
            return (stdin or sys.stdin.buffer).read().decode("utf-8-sig")
        with open(path, "rb") as stream:
            return stream.read().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(Problem("DP409", f"the history cannot be read: {reason}", _HINT, file=name)) from error


def _from_csv(name: str, text: str) -> dict[str, Array]:
    table = parse_csv(name, text)
    if "epoch" not in table.header:
        return {}
    values, _ = read_columns(table, range(len(table.header)), {})
    return dict(zip(table.header, values.T, strict=True))


def _from_json(name: str, text: str) -> dict[str, Array]:
    rows = _rows(name, text)
    columns = dict.fromkeys(key for _, row in rows for key in row)
    return {key: np.array([_number(name, line, row, key) for line, row in rows]) for key in columns}


def _rows(name: str, text: str) -> list[tuple[int | None, Mapping[str, Any]]]:
    """Return the rows of JSON Lines with their lines, or those of the one object that ``train --json`` prints."""
    found: list[tuple[int | None, Mapping[str, Any]]] = []
    for line, row_text in enumerate(text.splitlines(), start=1):
        if not row_text.strip():
            continue
        try:
            row = json.loads(row_text)
        except (ValueError, RecursionError) as error:
            if _is_graph(text):
                break
            message = "the line is not a JSON object: each epoch of a history is one, on a line of its own"
            raise DataError(Problem("DP409", message, _HINT, file=name, line=line)) from error
        if not isinstance(row, dict):
            raise DataError(Problem("DP409", "the line is not a JSON object", _HINT, file=name, line=line))
        found.append((line, row))
    if _is_graph(text):
        hint = f"--surface and --regions draw graphs; {_HINT}"
        raise DataError(Problem("DP409", "this is a graph, not the history of a training", hint, file=name))
    history = found[0][1].get("history") if len(found) == 1 else None
    if isinstance(history, list) and all(isinstance(row, dict) for row in history):
        if not history:
            raise DataError(Problem("DP409", "the history has no epochs", file=name))
        return [(None, row) for row in history]
    return found


def _is_graph(text: str) -> bool:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "nodes" in document


def _number(name: str, line: int | None, row: Mapping[str, Any], key: str) -> float:
    value = row.get(key)
    if value is None or value in ("NaN", "Infinity", "-Infinity"):
        return math.nan  # a gap in the curve
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError
        return float(value)
    except (TypeError, OverflowError):
        message = f"{quote(key)} is not a number: {quote(value)}"
        raise DataError(Problem("DP409", message, _HINT, file=name, line=line)) from None
