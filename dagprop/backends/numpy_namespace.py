"""The array namespace over NumPy: the names of :mod:`dagprop.ops.namespace` and nothing more."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dagprop.ops.namespace import CONSTANTS, NAMES, Namespace

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray[Any, np.dtype[Any]]
Axis = int | tuple[int, ...] | None


def _each_element(function: Callable[[float], float]) -> Callable[[ArrayLike], Array]:
    """Return a function of one number as a function of arrays, which keeps the dtype of floating-point numbers."""

    def apply(x: ArrayLike) -> Array:
        array = _floating(x)
        values = np.fromiter(map(function, array.ravel().tolist()), float, array.size)
        return values.reshape(array.shape).astype(array.dtype)

    return apply


def _of_numbers(function: np.ufunc) -> Callable[[ArrayLike], Array]:
    """Return a function that takes true and false as 1 and 0; NumPy would give numbers of 16 bits for them."""

    def apply(x: ArrayLike) -> Array:
        array = np.asarray(x)
        result: Array = function(array.astype(float) if array.dtype == bool else array)
        return result

    return apply


def _floating(x: ArrayLike) -> Array:
    array = np.asarray(x)
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(float)


def reshape(x: Array, shape: tuple[int | str, ...]) -> Array:
    """Give x another shape; a name in the shape is a size that follows from the others."""
    return np.reshape(x, [-1 if isinstance(size, str) else size for size in shape])


def count(x: ArrayLike, axis: Axis = None) -> int:
    """Return how many elements a reduction over these axes takes together."""
    shape = np.shape(x)
    axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return math.prod(shape[i] for i in axes)


def mean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the mean; that of no elements is NaN, as numpy.mean's, but without its warning."""
    with np.errstate(invalid="ignore"):
        array: Any = np.asarray(x)  # NumPy's own types know no sum whose keepdims is a variable
        result: Array = array.sum(axis=axis, keepdims=keepdims) / count(x, axis)
    return result


def logsumexp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return log(sum(exp(x))); the largest element is taken out first, so that nothing overflows."""
    array = _floating(x)
    largest = np.max(array, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, largest.dtype.type(0))  # inf - inf would be NaN
    with np.errstate(divide="ignore", over="ignore"):  # log(0) = -inf and exp(inf) = inf are the right answers here
        result: Array = np.log(np.exp(array - shift).sum(axis=axis, keepdims=True)) + shift
    return result if keepdims else result.squeeze(axis)


def one_hot(index: ArrayLike, size: int) -> Array:
    """Return an array with one more axis, which is 1 at the index and 0 elsewhere.

    Raises
    ------
    ValueError
        If an index is not a whole number from 0 to size - 1.
    """
    array = _floating(index)
    wrong = array[~((array >= 0) & (array < size) & (array == np.floor(array)))]
    if wrong.size:
        raise ValueError(f"the class index {wrong.flat[0]:g} is not a whole number from 0 to {size - 1}")
    return np.equal(array[..., None], np.arange(size)).astype(array.dtype)


_OF_NUMBERS = (
    *("sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
)

_OWN: dict[str, Any] = {
    **{name: _of_numbers(getattr(np, name)) for name in _OF_NUMBERS},
    "erf": _each_element(math.erf),
    "erfc": _each_element(math.erfc),
    **{function.__name__: function for function in (reshape, count, mean, logsumexp, one_hot)},
    **{name: getattr(math, name) for name in CONSTANTS},
}

numpy_namespace = Namespace("NumPy", {name: _OWN[name] if name in _OWN else getattr(np, name) for name in NAMES})
"""What rules are handed when they compute."""
