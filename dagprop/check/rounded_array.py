"""Arrays that round at random: every result is moved in its last digit (Monte Carlo arithmetic; Parker, 1997).

What a rule gives for such arrays scatters as far as rounding alone may move it, also where digits are lost in the
middle of the rule and not in what it is given: 1 - p, where p is nearly 1, has the last digits of 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dagprop.backends.reference import Array
from dagprop.check.differences import EPSILON

_EXACT = frozenset(
    (np.negative, np.positive, np.absolute, np.sign, np.floor, np.ceil, np.rint, np.trunc, np.maximum, np.minimum)
)
"""What gives an entry as it is, or a whole number: there is nothing to round."""


def last_digit(array: Array, generator: np.random.Generator) -> Array:
    """Return an array with each entry moved by one to three units in its last place, up or down.

    They differ so that those of two operations seldom cancel.
    """
    units = generator.uniform(1.0, 3.0, array.shape) * generator.choice([-1.0, 1.0], array.shape)
    return np.asarray(array * (1 + EPSILON * units))


class RoundedArray(np.ndarray[Any, np.dtype[Any]]):
    """An array whose results are moved in their last digit, and are such arrays again."""

    generator: np.random.Generator

    def __array_finalize__(self, source: Any) -> None:
        self.generator = getattr(source, "generator", None)  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, out: Any = None, **keywords: Any) -> Any:
        """Compute as NumPy does, and round the result at random."""
        result = getattr(ufunc, method)(*map(_plain, inputs), **keywords)
        if isinstance(result, tuple) or np.asarray(result).dtype.kind != "f":
            return result
        rounded = result if ufunc in _EXACT else last_digit(np.asarray(result), self.generator)
        if out is not None:  # x += y
            _plain(out[0])[...] = rounded
            return out[0]
        return rounded_array(np.asarray(rounded), self.generator)


def rounded_array(array: Array, generator: np.random.Generator) -> RoundedArray:
    """Return the same array as one that rounds at random."""
    made = array.view(RoundedArray)
    made.generator = generator
    return made


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, RoundedArray) else value
