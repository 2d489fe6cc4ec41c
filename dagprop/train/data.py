"""Data: the samples that feed a graph's inputs, from a CSV or NPZ file, from arrays, or from the graph itself.

Columns are bound to inputs by name.  An input with a sample axis is fed by the columns that ``columns`` lists for it,
or else by the column (CSV) or array (NPZ) that has its own id.  An input of shape ``["N", 64]`` needs 64 columns, or an
array of shape (N, 64); ``"p0..p63"`` stands for all columns from ``p0`` to ``p63``, in the order of the header.  A
column of labels needs ``classes``: each label becomes its position in that list.  Rows keep their order.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from dagprop.errors import DataError, Problem, quote, suggest
from dagprop.graph.records import EMPTY, SAMPLE_AXIS, Graph, Shape
from dagprop.plan.abstract import format_shape
from dagprop.record import record
from dagprop.train.targets import REPORTED, check_targets, sample_text

if TYPE_CHECKING:
    from dagprop.plan.network import Network
    from dagprop.train.columns import Columns

Array = np.ndarray[Any, np.dtype[Any]]


@record(eq=False)
class Data:
    """Samples.

    Attributes
    ----------
    feeds : dict from str to array
        For each input with a sample axis, all its samples, along the first axis.
    rows : int
        How many samples there are.
    file : str, optional
        Where they come from.
    columns : mapping from str to tuple of str
        For each input that a CSV file feeds, the names of its columns.
    lines : sequence of int
        The line of a CSV file on which each sample begins.
    """

    feeds: dict[str, Array]
    rows: int
    file: str | None = None
    columns: Columns = field(default_factory=lambda: EMPTY)
    lines: Sequence[int] = ()

    def take(self, samples: Any) -> dict[str, Array]:
        """Return the feeds of some samples: an array of their numbers, or a slice."""
        return {id: values[samples] for id, values in self.feeds.items()}


def load_data(
    graph: Graph,
    network: Network,
    file: str | None = None,
    columns: Columns | None = None,
    classes: Columns | None = None,
    stdin: IO[Any] | None = None,
    inputs: Collection[str] | None = None,
) -> Data:
    """Return the samples for a graph.

    Parameters
    ----------
    graph : Graph
        As declared: it names its file, columns and classes.
    network : Network
        The same, prepared.
    file : str, optional
        A CSV or NPZ file instead of the graph's own; ``"-"`` is CSV on stdin.  Without any file the ``value``s of the
        inputs are the data.
    columns, classes : mapping from input id to sequence of str, optional
        Go before those of the graph, input by input.
    stdin : text or binary stream, optional
        Instead of the standard input.
    inputs : collection of str, optional
        The inputs to feed; default: all with a sample axis.  To predict, the target is not needed.

    Raises
    ------
    DataError
        If the file cannot be read or does not fit (DP401 to DP408), with everything that is wrong; a target is
        looked at once all are numbers.
    """
    source = graph.data
    columns = {**(source.columns if source else EMPTY), **(columns or {})}
    classes = {**(source.classes if source else EMPTY), **(classes or {})}
    wanted = fed_inputs(network, inputs)
    _refuse_unknown(network, [*columns, *classes])
    own = file is None
    if file is None and source is not None:
        file = os.path.join(os.path.dirname(graph.file), source.file) if graph.file else source.file
    if file is None:
        return data_from_values(network, inputs)
    from dagprop.train.columns import column_names, read_feeds  # what reads files is loaded where there is one
    from dagprop.train.csv_table import parse_csv
    from dagprop.train.npz import MAGIC

    content = _read(file, stdin, "the path is taken from the folder of the graph file" if own else None)
    name = "<stdin>" if file == "-" else file
    if content[:4] in MAGIC:
        data = _from_npz(name, content, wanted, columns, classes)
    else:
        table = parse_csv(name, _decode(name, content))
        feeds, rows = read_feeds(table, wanted, columns, classes)
        data = Data(feeds, rows, name, column_names(table, wanted, columns), table.lines(rows))
    check_targets(network, data.feeds, data)
    return data


def data_from_arrays(network: Network, arrays: Mapping[str, Any], inputs: Collection[str] | None = None) -> Data:
    """Return the samples that arrays by input id hold.

    Raises
    ------
    DataError
        If an input has neither an array nor a value (DP406), or an array is ragged (DP302), does not have the input's
        shape (DP303), is not finite (DP402), or has another number of rows than the others (DP404).
    """
    wanted = fed_inputs(network, inputs)
    _refuse_unknown(network, arrays)
    problems = [_nothing_for(id) for id in wanted if id not in arrays and _value(network, id) is None]
    found = {}
    for id in (id for id in wanted if id in arrays):
        try:
            found[id] = np.asarray(arrays[id])
        except ValueError:
            problems.append(Problem("DP302", f"the data for the input {quote(id)} is not a regular table of numbers"))
    return _checked(wanted, found, dict.fromkeys(found, "the array"), problems, None)


def data_from_values(network: Network, inputs: Collection[str] | None = None) -> Data:
    """Return the samples that the ``value``s of the inputs are; one without a sample axis is the same for all.

    Raises
    ------
    DataError
        If an input has no value (DP406), or the numbers of samples differ (DP404).
    """
    wanted = fed_inputs(network, inputs)
    found = {id: np.asarray(_value(network, id), dtype=np.float64) for id in wanted if _value(network, id) is not None}
    problems = [_nothing_for(id) for id in wanted if id not in found]
    single = [id for id, array in found.items() if array.ndim < len(wanted[id])]
    rows = max((len(array) for id, array in found.items() if id not in single), default=1)
    found.update({id: np.repeat(found[id][np.newaxis], rows, axis=0) for id in single})
    return _checked(wanted, found, dict.fromkeys(found, "the value"), problems, None)


def fed_inputs(network: Network, inputs: Collection[str] | None = None) -> dict[str, Shape]:
    """Return the inputs that samples feed, with their shapes: all, or those asked for, that have a sample axis."""
    return {
        id: network.shapes[id]
        for id, node in network.graph.nodes.items()
        if node.op == "input" and network.shapes[id][:1] == (SAMPLE_AXIS,) and (inputs is None or id in inputs)
    }


def _value(network: Network, id: str) -> Any:
    return network.node(id).attributes.get("value")


def _nothing_for(id: str) -> Problem:
    hint = 'feed it: data, --data FILE, or a "value" in the graph'
    return Problem("DP406", f"the input {quote(id)} has neither data nor a value", hint, node=id)


def _refuse_unknown(network: Network, ids: Collection[str]) -> None:
    known = fed_inputs(network)
    problems = []
    for id in dict.fromkeys(ids):
        if id not in known:
            hint = suggest(id, known) or f"inputs with samples are: {', '.join(known) or 'none'}"
            problems.append(Problem("DP305", f"data is given for {quote(id)}, which is no input with samples", hint))
    if problems:
        raise DataError(*problems)


def _read(file: str, stdin: IO[Any] | None, hint: str | None) -> bytes:
    try:
        if file == "-":
            stream = stdin if stdin is not None else sys.stdin
            content = getattr(stream, "buffer", stream).read()
            return content.encode() if isinstance(content, str) else bytes(content)
        with open(file, "rb") as opened:
            return opened.read()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(Problem("DP401", f"the data cannot be read: {reason}", hint, file=file)) from error


def _decode(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        hint = "save the table as CSV in UTF-8, or arrays as NPZ"
        message = f"the data is not UTF-8 text: byte 0x{content[error.start]:02x}"
        raise DataError(Problem("DP401", message, hint, file=file, line=line)) from error


def _from_npz(file: str, content: bytes, wanted: Mapping[str, Shape], columns: Columns, classes: Columns) -> Data:
    found: dict[str, Array] = {}
    sources: dict[str, str] = {}
    problems: list[Problem] = []
    from dagprop.train.npz import NpzError, open_npz

    try:
        with open_npz(io.BytesIO(content)) as archive:
            for id in wanted:
                given = columns.get(id, (id,))
                names = (given,) if isinstance(given, str) else tuple(given)
                if len(names) != 1 or names[0] not in archive.files:
                    problems.append(_no_array(file, id, names, archive.files))
                    continue
                array = archive[names[0]]
                sources[id] = f"the array {quote(names[0])}"
                if id in classes:
                    array = _class_numbers(file, sources[id], array, classes[id], problems)
                if array is not None:
                    found[id] = np.asarray(array)
    except NpzError as error:
        raise DataError(Problem("DP401", f"the NPZ file cannot be read: {error}", file=file)) from error
    return _checked(wanted, found, sources, problems, file)


def _no_array(file: str, id: str, names: Sequence[str], present: Sequence[str]) -> Problem:
    if len(names) != 1:
        return Problem(
            "DP403", f"the input {quote(id)} needs one array of an NPZ file, {len(names)} are named", file=file
        )
    message = f"there is no array {quote(names[0])}, which the input {quote(id)} needs"
    return Problem("DP403", message, suggest(names[0], present) or f"the arrays are: {', '.join(present)}", file=file)


def _class_numbers(
    file: str, source: str, labels: Array, classes: Sequence[str], problems: list[Problem]
) -> Array | None:
    lookup = {name.strip(): number for number, name in enumerate(classes)}
    texts = [str(label).strip() for label in np.ravel(labels)]
    unknown = [number for number, text in enumerate(texts) if text not in lookup]
    if unknown:
        hint = f"the classes are: {', '.join(map(quote, lookup))}"
        for number in unknown[:REPORTED]:
            place = sample_text([int(i) for i in np.unravel_index(number, np.shape(labels))])
            message = f"{source} holds {quote(texts[number])}{place}, which is not one of its classes"
            problems.append(Problem("DP407", message, hint, file=file))
        if len(unknown) > REPORTED:
            problems.append(Problem("DP407", f"and {len(unknown) - REPORTED} more like these", file=file))
        return None
    return np.array([lookup[text] for text in texts], dtype=np.int64).reshape(np.shape(labels))


def _checked(
    wanted: Mapping[str, Shape],
    found: Mapping[str, Array],
    sources: Mapping[str, str],
    problems: list[Problem],
    file: str | None,
) -> Data:
    """Return arrays as data once their types, shapes, entries and numbers of rows are known to be right."""
    for id, array in found.items():
        shape = wanted[id]
        fits = array.ndim == len(shape) and all(
            isinstance(expected, str) or size == expected for size, expected in zip(array.shape, shape, strict=True)
        )
        if array.dtype.kind not in "biuf":
            kind = "text" if array.dtype.kind in "US" else f"values of type {array.dtype}"
            hint = "if these are labels, list them under the data's classes" if kind == "text" else None
            problems.append(Problem("DP402", f"{sources[id]} for the input {quote(id)} holds {kind}", hint, file=file))
        elif not fits:
            message = f"{sources[id]} for the input {quote(id)} has shape {format_shape(array.shape)}"
            problems.append(Problem("DP303", f"{message}, it must be {format_shape(shape)}", file=file))
        elif not np.isfinite(array).all():
            bad = np.argwhere(~np.isfinite(array))
            message = f"{sources[id]} for the input {quote(id)} is not finite at {bad[0].tolist()}"
            more = f", and at {len(bad) - 1} other places" if len(bad) > 1 else ""
            problems.append(Problem("DP402", message + more, "indices count from 0", file=file))
    counts = {id: len(array) for id, array in found.items() if array.ndim}
    if not problems and len(set(counts.values())) > 1:
        listed = ", ".join(f"{quote(id)} has {count}" for id, count in counts.items())
        problems.append(Problem("DP404", f"the inputs do not have the same number of samples: {listed}", file=file))
    if not problems and 0 in counts.values():
        problems.append(Problem("DP405", "there are no samples", file=file))
    if problems:
        raise DataError(*problems)
    return Data(dict(found), next(iter(counts.values()), 1), file)
