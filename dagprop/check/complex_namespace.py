"""The array namespace on complex numbers, for the complex step: f(x + ih) = f(x) + ih·f'(x) - ...

The imaginary part of a result, divided by h, is the derivative of f to the last digit, for nothing is subtracted
(Squire & Trapp, 1998).  That holds where f is analytic; what is only piecewise so (abs, sign, maximum, rounding) must
choose its piece by the real part, as a comparison of complex numbers in NumPy does.  Where the real parts are equal it
compares the imaginary ones: a step of +ih takes the piece on the right, one of -ih that on the left, so that a kink
shows as a difference between the two.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import Array
from dagprop.ops.namespace import NAMES, Namespace


class ClassIndexError(Exception):
    """A step was taken along an input that is a class index: it is a whole number, there is nothing beside it."""


def _sign(x: ArrayLike) -> Array:
    z = np.asarray(x)
    sign: Array = np.where(z > 0, 1.0, np.where(z < 0, -1.0, 0.0))
    return sign


def _abs(x: ArrayLike) -> Array:
    z = np.asarray(x)
    return np.where(z < 0, -z, z)  # not the modulus, which has no complex derivative


def _by_real_part(name: str) -> Any:
    function = getattr(numpy_namespace, name)
    return lambda x: function(np.real(x))


def _no_complex(name: str) -> Any:
    def refuse(x: ArrayLike) -> NoReturn:
        raise TypeError(f"{name} is not defined here for complex numbers")

    function = getattr(numpy_namespace, name)
    return lambda x: refuse(x) if np.iscomplexobj(x) else function(x)


def _logsumexp(x: ArrayLike, axis: Any = None, keepdims: bool = False) -> Array:
    z = np.asarray(x)
    largest = np.max(z.real, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    result: Array = np.log(np.exp(z - shift).sum(axis=axis, keepdims=True)) + shift
    return result if keepdims else result.squeeze(axis)


def _one_hot(index: ArrayLike, size: int) -> Array:
    if np.imag(index).any():
        raise ClassIndexError
    result: Array = numpy_namespace.one_hot(np.real(index), size)
    return result


_OWN = {
    "sign": _sign,
    "abs": _abs,
    "logsumexp": _logsumexp,
    "one_hot": _one_hot,
    **{name: _by_real_part(name) for name in ("floor", "ceil", "round")},
    **{name: _no_complex(name) for name in ("erf", "erfc")},
}

complex_namespace = Namespace("complex NumPy", {name: _OWN.get(name, getattr(numpy_namespace, name)) for name in NAMES})
"""What forward rules are handed for a complex step."""
