"""Arrays that round at random: every result is moved in its last digit (Monte Carlo arithmetic; Parker, 1997).

What a rule gives for such arrays scatters as far as rounding alone may move it, also where digits are lost in the
middle of the rule and not in what it is given: 1 - p, where p is nearly 1, has the last digits of 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import Array
from dagprop.check.differences import EPSILON
from dagprop.ops.namespace import CONSTANTS, NAMES, UNARY, Namespace

_EXACT = frozenset((np.negative, np.positive, np.absolute))
"""The operators that give an entry as it is: there is nothing to round."""

_ROUNDS = (
    frozenset(UNARY)
    .difference(("abs", "sign", "floor", "ceil", "round", "isfinite", "logical_not"))
    .union(("pow", "sum", "mean", "prod", "logsumexp", "matmul"))
)
"""The functions of ``xp`` that round; the others choose among entries, or give whole numbers."""


def last_digit(array: Array, generator: np.random.Generator) -> Array:
    """Return an array with each entry moved by one to three units in its last place, up or down.

    They differ so that those of two operations seldom cancel.
    """
    units = 4 * generator.random(array.shape) - 2
    return np.asarray(array * (1 + EPSILON * (units + np.sign(units))))


class RoundedArray(np.ndarray[Any, np.dtype[Any]]):
    """An array whose results are moved in their last digit, and are such arrays again."""

    generator: np.random.Generator

    def __array_finalize__(self, source: Any) -> None:
        self.generator = getattr(source, "generator", None)  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, out: Any = None, **keywords: Any) -> Any:
        """Compute as NumPy does, and round the result at random."""
        result = getattr(ufunc, method)(*map(_plain, inputs), **keywords)
        if out is None:
            return _rounded(result, self.generator, moves=ufunc not in _EXACT)
        _plain(out[0])[...] = _rounded(result, self.generator, moves=ufunc not in _EXACT)  # x += y
        return out[0]


def rounded_array(array: Array, generator: np.random.Generator) -> RoundedArray:
    """Return the same array as one that rounds at random."""
    made = array.view(RoundedArray)
    made.generator = generator
    return made


def rounding_namespace(generator: np.random.Generator) -> Namespace:
    """Return the array namespace whose functions round at random what they make of arrays that do."""

    def rounding(name: str) -> Callable[..., Any]:
        function = getattr(numpy_namespace, name)

        def apply(*arguments: Any, **keywords: Any) -> Any:
            result = function(*map(_plain, arguments), **keywords)
            return _rounded(result, generator, name in _ROUNDS) if any(map(_rounds, arguments)) else result

        return apply

    own = {name: rounding(name) for name in NAMES.difference(CONSTANTS)}
    return Namespace("NumPy, rounding at random", own | {name: getattr(numpy_namespace, name) for name in CONSTANTS})


def _rounded(result: Any, generator: np.random.Generator, moves: bool) -> Any:
    if getattr(result, "dtype", None) is None or result.dtype.kind != "f":
        return result  # true and false, or how many elements there are
    return rounded_array(last_digit(result, generator) if moves else np.asarray(result), generator)


def _plain(value: Any) -> Any:
    """Return an argument with its arrays as they are; some functions take a list of them."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.view(np.ndarray) if isinstance(value, RoundedArray) else value


def _rounds(value: Any) -> bool:
    return any(map(_rounds, value)) if isinstance(value, (list, tuple)) else isinstance(value, RoundedArray)
