"""CSV files: a header and rows, of which every cell is checked and none is dropped."""

from __future__ import annotations

import csv
import io
import math
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dagprop.errors import DataError, Problem, quote, suggest
from dagprop.record import record

REPORTED = 20
"""How many bad cells are named before the others are only counted."""


Labels = Mapping[str, tuple[int, Sequence[str]]]


@record
class CsvTable:
    """A CSV file whose header is read and whose rows are still text.

    Attributes
    ----------
    file : str
    header : tuple of str
        The names of the columns, without surrounding blanks.
    body : str
        The text behind the header.
    header_lines : int
        How many lines the header takes.
    """

    file: str
    header: tuple[str, ...]
    body: str
    header_lines: int

    def lines(self, rows: int) -> Sequence[int]:
        """Return the line on which each row begins; only a cell in quotes can go over several."""
        if '"' in self.body:
            return [line for line, _ in self.rows()]
        return range(self.header_lines + 1, self.header_lines + 1 + rows)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row with the line on which it begins; blank lines at the end are no rows.

        Raises
        ------
        DataError
            If quotes are not closed (DP401).
        """
        reader = csv.reader(io.StringIO(self.body, newline=""), strict=True)
        blank: list[tuple[int, list[str]]] = []
        line = self.header_lines + 1
        try:
            for row in reader:
                if row:
                    yield from blank
                    blank.clear()
                    yield line, row
                else:
                    blank.append((line, row))
                line = self.header_lines + reader.line_num + 1
        except csv.Error as error:
            raise _not_csv(self.file, error, line) from error


def parse_csv(file: str, text: str) -> CsvTable:
    """Read the header of a CSV text.

    Raises
    ------
    DataError
        If there is no header (DP405), a name stands in it twice (DP408), or quotes are not closed (DP401).
    """
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, strict=True)
    try:
        header = tuple(cell.strip() for cell in next(reader, ()))
    except csv.Error as error:
        raise _not_csv(file, error, reader.line_num) from error
    if not header:
        raise DataError(Problem("DP405", "the file is empty", "its first row must name the columns", file=file))
    twice = [name for name, count in Counter(header).items() if name and count > 1]
    if twice:
        places = "; ".join(
            f"{quote(name)} names columns {', '.join(str(i) for i, cell in enumerate(header, 1) if cell == name)}"
            for name in twice
        )
        raise DataError(Problem("DP408", f"two columns have the same name: {places}", file=file, line=1))
    return CsvTable(file, header, text[stream.tell() :], reader.line_num)


def read_columns(
    table: CsvTable, numbers: Sequence[int], labels: Labels
) -> tuple[np.ndarray[Any, Any], dict[str, np.ndarray[Any, Any]]]:
    """Return the asked-for columns of a table, in the order of its rows.

    Parameters
    ----------
    table : CsvTable
    numbers : sequence of int
        The columns that hold numbers, counted from 0.
    labels : mapping from str to (int, sequence of str)
        By input: the column that holds its labels, and the label of each class.

    Returns
    -------
    array of float64, shape (rows, len(numbers))
    dict from str to array of int64, shape (rows,)
        By input: the class of each label.

    Raises
    ------
    DataError
        With the first bad cells and rows, and a count of the others (DP402, DP407, DP408), or if there are no rows
        (DP405).
    """
    try:
        values, classes = _read_fast(table, numbers, labels)
    except (ValueError, KeyError):
        raise DataError(*_problems(table, numbers, labels)) from None
    if not np.isfinite(values).all() or "_" in table.body:  # float() takes "1_000" for a number
        problems = _problems(table, numbers, labels)
        if problems:
            raise DataError(*problems)
    if len(values) == 0:
        raise DataError(Problem("DP405", "the file has a header and no rows", file=table.file))
    return values, classes


def _read_fast(
    table: CsvTable, numbers: Sequence[int], labels: Labels
) -> tuple[np.ndarray[Any, Any], dict[str, np.ndarray[Any, Any]]]:
    """Return the columns, or raise as soon as anything is odd; what is odd is worked out afterwards."""
    width = len(table.header)
    values = array("d")
    lookups = [(array("q"), column, _lookup(names)) for column, names in labels.values()]
    rows = 0
    for _, row in table.rows():
        if len(row) != width:
            raise ValueError
        rows += 1
        values.extend([float(row[column]) for column in numbers])
        for classes, column, lookup in lookups:
            classes.append(lookup[row[column].strip()])
    numbers_by_row = np.array(values, dtype=np.float64).reshape(rows, len(numbers))
    found = (np.array(classes, dtype=np.int64) for classes, _, _ in lookups)
    return numbers_by_row, dict(zip(labels, found, strict=True))


_ROWS = -1
"""What stands for whole rows where else a column stands."""


@dataclass(slots=True)
class _Findings:
    """The problems of one column of numbers, of the labels of one input, or of whole rows: the first, and how many."""

    first: list[tuple[int, Problem]] = field(default_factory=list)
    count: int = 0
    texts: dict[str, None] = field(default_factory=dict)

    def add(self, row: int, problem: Problem) -> None:
        self.count += 1
        if len(self.first) < REPORTED:
            self.first.append((row, problem))


def _problems(table: CsvTable, numbers: Sequence[int], labels: Labels) -> list[Problem]:
    """Return what is wrong with the rows, in their order; the first row below the header is row 2."""
    sources: list[int | str] = [_ROWS, *numbers, *labels]
    findings = {source: _Findings() for source in sources}
    lookups = {id: (column, _lookup(names)) for id, (column, names) in labels.items()}
    width, rows = len(table.header), 0
    for rows, (line, row) in enumerate(table.rows(), start=1):
        if len(row) != width:
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            message = f"row {rows + 1} has {cells}, the header has {width}" if row else f"row {rows + 1} is blank"
            findings[_ROWS].add(rows, Problem("DP408", message, file=table.file, line=line))
            continue
        for column in numbers:
            reason = _why_no_number(row[column])
            if reason:
                findings[column].add(rows, _bad_cell(table, rows, line, column, reason))
                if reason.endswith("is not a number") and len(findings[column].texts) <= 10:
                    findings[column].texts[row[column].strip()] = None
        for id, (column, lookup) in lookups.items():
            label = row[column].strip()
            if label not in lookup:
                reason = f"{quote(label)} is not one of its classes" if label else "the cell is empty"
                hint = suggest(label, lookup) or f"the classes are: {', '.join(quote(name) for name in lookup)}"
                findings[id].add(rows, _bad_cell(table, rows, line, column, reason, "DP407", hint))
    text = [column for column in numbers if _is_text(findings[column], rows)]
    summaries = [_text_column(table.file, table.header[column], findings[column]) for column in text]
    single = [found for found in findings.values() if not _is_text(found, rows)]
    in_order = sorted((entry for found in single for entry in found.first), key=lambda entry: entry[0])
    problems = summaries + [problem for _, problem in in_order[:REPORTED]]
    more = sum(found.count for found in single) - len(in_order[:REPORTED])
    if more > 0:
        problems.append(
            Problem(problems[-1].code, f"and {more} more like these", "no row is ever left out", file=table.file)
        )
    return problems


def _is_text(found: _Findings, rows: int) -> bool:
    """Whether a column has no number at all, so that it must be a column of labels."""
    return rows > 1 and found.count == rows and bool(found.texts)


def _text_column(file: str, name: str, found: _Findings) -> Problem:
    shown = ", ".join(quote(text) for text in list(found.texts)[:10]) + (", ..." if len(found.texts) > 10 else "")
    message = f"the column {quote(name)} holds text, not numbers: {shown}"
    hint = "if these are labels, list them under the data's classes, in the order of their class numbers"
    return Problem("DP402", message, hint, file=file)


def _bad_cell(
    table: CsvTable, rows: int, line: int, column: int, reason: str, code: str = "DP402", hint: str | None = None
) -> Problem:
    message = f"row {rows + 1}, column {quote(table.header[column])}: {reason}"
    return Problem(code, message, hint, file=table.file, line=line)


def _why_no_number(cell: str) -> str | None:
    if not cell.strip():
        return "the cell is empty"
    try:
        number = float(cell) if "_" not in cell else None
    except ValueError:
        number = None
    if number is None:
        return f"{quote(cell)} is not a number"
    return None if math.isfinite(number) else f"{quote(cell)} is not a finite number"


def _lookup(labels: Sequence[str]) -> dict[str, int]:
    return {label.strip(): number for number, label in enumerate(labels)}


def _not_csv(file: str, error: csv.Error, line: int) -> DataError:
    hint = "a quote that is opened must be closed, and stand around the whole cell"
    return DataError(Problem("DP401", f"the text is not CSV: {error}", hint, file=file, line=line))
