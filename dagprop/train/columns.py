"""Columns: which columns of a CSV file feed which input."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from dagprop.errors import DataError, Problem, quote, suggest
from dagprop.graph.records import SAMPLE_AXIS, Shape
from dagprop.plan.abstract import format_shape
from dagprop.train.csv_table import CsvTable, read_columns

Array = np.ndarray[Any, np.dtype[Any]]
Columns = Mapping[str, Sequence[str]]
"""By input id: names of columns, or labels."""

MOST_NAMED = 10
"""So many columns of a header are named in a message, or missing ones."""


def read_feeds(
    table: CsvTable, wanted: Mapping[str, Shape], columns: Columns, classes: Columns
) -> tuple[dict[str, Array], int]:
    """Return what a CSV file feeds to each input, and how many rows it has.

    Parameters
    ----------
    table : CsvTable
    wanted : mapping from str to shape
        The inputs to feed; the first axis of each is the sample axis.
    columns, classes : mapping from str to sequence of str
        By input: the columns that feed it, and the labels of its classes.

    Raises
    ------
    DataError
        If columns are missing (DP403) or their number does not fit (DP303), or cells are bad (DP402, DP407, DP408).
    """
    problems: list[Problem] = []
    bound: dict[str, list[int]] = {}
    for id, shape in wanted.items():
        found, wrong = _columns_of(table, id, columns.get(id))
        problems += wrong or _width_problems(table, id, shape, columns.get(id), len(found), id in classes)
        bound[id] = found
    if problems:
        raise DataError(*problems)
    numbers = list(dict.fromkeys(column for id in bound if id not in classes for column in bound[id]))
    labels = {id: (bound[id][0], classes[id]) for id in bound if id in classes}
    values, indices = read_columns(table, numbers, labels)
    places = {column: place for place, column in enumerate(numbers)}
    feeds: dict[str, Array] = {}
    for id, shape in wanted.items():
        if id in classes:
            feeds[id] = indices[id]
        else:
            # A symbolic size is whatever the columns make it; there is at most one.
            sizes = [-1 if isinstance(size, str) else size for size in shape[1:]]
            feeds[id] = values[:, [places[column] for column in bound[id]]].reshape(len(values), *sizes)
    return feeds, len(values)


def column_names(table: CsvTable, wanted: Mapping[str, Shape], columns: Columns) -> dict[str, tuple[str, ...]]:
    """Return the names of the columns that feed each input."""
    found = {id: _columns_of(table, id, columns.get(id))[0] for id in wanted}
    return {id: tuple(table.header[place] for place in places) for id, places in found.items()}


def _columns_of(table: CsvTable, id: str, names: Sequence[str] | str | None) -> tuple[list[int], list[Problem]]:
    """Return the columns that feed an input, or what is wrong with their names."""
    places = {name: place for place, name in enumerate(table.header) if name}
    found: list[int] = []
    problems = []
    for name in (id,) if names is None else (names,) if isinstance(names, str) else names:
        first, dots, last = name.partition("..")
        missing = [part for part in ((first, last) if dots and name not in places else (name,)) if part not in places]
        if missing:
            problems += [_no_column(table, id, part, mapped=names is not None) for part in missing]
        elif name in places:
            found.append(places[name])
        elif places[first] > places[last]:
            message = f"the input {quote(id)} is fed by {quote(name)}, but {quote(first)} stands behind {quote(last)}"
            problems.append(Problem("DP403", message, file=table.file, line=1))
        else:
            found.extend(range(places[first], places[last] + 1))
    return found, problems


def _no_column(table: CsvTable, id: str, name: str, mapped: bool) -> Problem:
    message = f"there is no column {quote(name)}, which the input {quote(id)} needs"
    only = table.header[0]
    if len(table.header) == 1 and any(mark in only for mark in ";\t|"):
        hint: str | None = "the header has no comma: the columns must be separated by commas"
    elif all(_is_number(cell) for cell in table.header):
        hint = "the first row must name the columns, and here it holds numbers"
    else:
        hint = suggest(name, table.header)
        shown = ", ".join(quote(cell) for cell in table.header[:MOST_NAMED])
        shown += ", ..." if len(table.header) > MOST_NAMED else ""
        hint = hint or f"the columns are: {shown}" + ("" if mapped else "; say which feeds the input: data, columns")
    return Problem("DP403", message, hint, file=table.file, line=1)


def _width_problems(
    table: CsvTable, id: str, shape: Shape, names: Sequence[str] | str | None, width: int, labelled: bool
) -> list[Problem]:
    needs = f"the input {quote(id)} of shape {format_shape(shape)}"
    if labelled:
        message = f"{needs} has classes, so its shape must be {format_shape((SAMPLE_AXIS,))} and it needs one column"
        fits = width == 1 and len(shape) == 1
    else:
        sizes = [size for size in shape[1:] if isinstance(size, int)]
        free = len(shape) - 1 - len(sizes)
        expected = math.prod(sizes)
        message = f"{needs} needs {expected} columns" if not free else f"{needs} cannot be fed from these columns"
        fits = width == expected if not free else free == 1 and expected > 0 and width % expected == 0
    if fits:
        return []
    ranges = [name for name in ((names,) if isinstance(names, str) else names or ()) if name not in table.header]
    gaps = [problem for name in ranges for problem in _gaps(table, id, name)]
    hint = 'columns may be given as a range, "first..last"'
    if ranges:
        hint = f"the range {quote(ranges[0])} is all that stand from its first to its last in the header"
    return gaps or [Problem("DP303", f"{message}; {width} given", hint, file=table.file)]


def _gaps(table: CsvTable, id: str, name: str) -> list[Problem]:
    """Return which columns of a numbered range, as ``p0..p63``, the header lacks."""
    ends = [re.fullmatch(r"(.*?)([0-9]{1,9})", end) for end in name.split("..", 1)]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0][1] != ends[1][1]:
        return []
    (stem, first), last = ends[0].groups(), ends[1][2]
    present = set(table.header)
    numbered = (f"{stem}{number:0{len(first)}}" for number in range(int(first), int(last) + 1))
    missing = list(islice((column for column in numbered if column not in present), MOST_NAMED + 1))
    if not missing:
        return []
    listed = ", ".join(map(quote, missing[:MOST_NAMED])) + (", ..." if len(missing) > MOST_NAMED else "")
    what = f"no column {listed}" if len(missing) == 1 else f"no columns {listed}"
    message = f"there {'is' if len(missing) == 1 else 'are'} {what}, which the input {quote(id)} needs"
    return [Problem("DP403", message, f"it is fed by {quote(name)}", file=table.file, line=1)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
