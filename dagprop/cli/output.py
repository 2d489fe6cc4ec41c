"""How results are printed: tables for people, one JSON object for programs."""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from dagprop.errors import Problem

if TYPE_CHECKING:
    from dagprop.backends.reference import Array
    from dagprop.plan.network import Network

MOST_NAMES = 8
"""Names of inputs that a cell of a table holds."""

SHOWN_ENTRIES = 6
"""An array with more entries is not printed in full."""


def to_json(value: Any) -> Any:
    """Return a value as JSON can hold it: arrays as lists, non-finite numbers as texts."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return the one object that ``--json`` prints."""
    return json.dumps(to_json(value), ensure_ascii=False, allow_nan=False, indent=indent)


def note(text: str) -> None:
    """Say something on standard error; where that cannot be written, the work goes on."""
    with suppress(OSError):
        click.echo(text, err=True)


def names_text(names: Sequence[str]) -> str:
    """Return names for a cell of a table; of very many the first, and how many there are."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown}, ... ({len(names)})"


def problems_json(problems: Iterable[Problem]) -> str:
    """Return problems as the object that ``--json`` prints for errors."""
    return json_text({"errors": [problem.to_json() for problem in problems]})


def number_text(number: float, digits: int) -> str:
    """Return a number with significant digits, not decimals, so that small ones do not become 0."""
    return f"{number + 0.0:.{digits}g}"  # the 0.0 turns -0 into 0


@dataclass(frozen=True, slots=True)
class Shown:
    """How numbers are shown: with how many significant digits, and whether arrays are printed whole."""

    digits: int
    full: bool = False


def array_text(array: Array, shown: Shown) -> str:
    """Return an array on one line: its numbers in brackets by axis, or shape and range where they are many."""
    import numpy as np

    if array.ndim == 0:
        return number_text(float(array), shown.digits)
    if array.size > SHOWN_ENTRIES and array.ndim > 1 and not shown.full:
        low, high = number_text(array.min(), shown.digits), number_text(array.max(), shown.digits)
        size = shape_text(array.shape)
        return f"{size} numbers, all {low}" if low == high else f"{size} numbers, {low} to {high}"

    def entry(number: Any) -> str:
        return number_text(float(number), shown.digits)

    most = array.size if shown.full else SHOWN_ENTRIES
    text = np.array2string(array, max_line_width=10**9, threshold=most, edgeitems=2, formatter={"float_kind": entry})
    return " ".join(text.split()).replace("[ ", "[")


def score_text(name: str, loss: float, accuracy: float | None, digits: int) -> str:
    """Return a loss, and the accuracy where there is one: ``test loss 0.0921  test accuracy 97.2 %``."""
    text = f"{name} {number_text(loss, digits)}"
    return text if accuracy is None else f"{text}  {name.replace('loss', 'accuracy')} {100 * accuracy:.2f} %"


def count_text(number: int, thing: str) -> str:
    """Return a count with its noun: ``1 node``, ``2 nodes``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def shape_text(shape: Sequence[int | str]) -> str:
    """Return a shape for a table; a scalar has none."""
    return " x ".join(str(size) for size in shape)


def parameter_sizes(network: Network, *, by_call: bool = False) -> Counter[str]:
    """Return how many numbers training changes, by node; or by node of the file, with what a call expands to."""
    sizes = Counter[str]()
    for id in network.graph.parameters():
        origin = network.node(id).origin
        sizes[origin[0] if by_call and origin else id] += math.prod(int(size) for size in network.shapes[id])
    return sizes


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Return rows in aligned columns under a header.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequences of str
    right : sequence of int
        The columns that are aligned at the right.
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(_pad(cell, widths[column], column in right) for column, cell in enumerate(line)).rstrip()
        for line in lines
    )


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
