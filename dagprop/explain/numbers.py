"""How numbers and arrays are written for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dagprop.record import record

if TYPE_CHECKING:
    from dagprop.backends.reference import Array

SHOWN_ENTRIES = 6
"""An array with more entries is not printed in full."""


def number_text(number: float, digits: int) -> str:
    """Return a number with significant digits, not decimals, so that small ones do not become 0."""
    return f"{number + 0.0:.{digits}g}"  # the 0.0 turns -0 into 0


def number_of_log(log: float) -> float:
    """Return the number of a decimal logarithm; one that no float64 holds is 0 or infinite."""
    return 10**log if log < 308 else math.inf if log >= 308 else math.nan


def log_text(log: float, digits: int) -> str:
    """Return a number by its decimal logarithm, with significant digits, however small or large it is."""
    if math.isnan(log):
        return "–"
    if log == -math.inf or abs(log) < 300:
        return number_text(number_of_log(log), digits)
    exponent = math.floor(log)
    return f"{number_text(10 ** (log - exponent), digits)}e{exponent:+d}"


@record
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


def shape_text(shape: Sequence[int | str]) -> str:
    """Return a shape for a table; a scalar has none."""
    return " x ".join(str(size) for size in shape)
