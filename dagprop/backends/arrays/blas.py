"""The gemm of the OpenBLAS that NumPy brings along, called directly: it adds a product to what is there already.

``numpy.matmul`` cannot do that.  It has to be NumPy's own library and no other: the threads of two libraries wait for
each other by spinning, and alternating between them is many times slower.  Where NumPy comes without such a library (or
with another one), the same is computed in three steps by NumPy.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dagprop.backends.reference import Array
from dagprop.record import record

_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112
_NAMES = (("scipy_", "64_"), ("", "64_"), ("scipy_", ""), ("", ""))
"""What builds of OpenBLAS put before and behind its names; ``64_`` says that its integers have 64 bits."""

Step = Callable[[], object]


@record
class Blas:
    """What is used of a library.

    Attributes
    ----------
    gemm, gemv : mapping from dtype name to function
    integer : ctypes type
        Of sizes.
    get_threads, set_threads : function
    """

    gemm: dict[str, Any]
    gemv: dict[str, Any]
    integer: Any
    get_threads: Callable[[], int]
    set_threads: Callable[[int], object]


@cache
def numpy_blas() -> Blas | None:
    """Return NumPy's OpenBLAS, or None where there is none that we know how to call."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs", package / ".libs"):
        for path in sorted(folder.glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(path))  # it is loaded already: this is a handle to the same copy
            except OSError:
                continue
            if found := _functions(library):
                return found
    return None


def _functions(library: Any) -> Blas | None:
    for prefix, suffix in _NAMES:
        try:
            gemm, gemv = (
                {name: getattr(library, f"{prefix}cblas_{letter}{what}{suffix}") for name, letter in _LETTERS.items()}
                for what in ("gemm", "gemv")
            )
            get, set_ = (getattr(library, f"{prefix}openblas_{verb}_num_threads{suffix}") for verb in ("get", "set"))
        except AttributeError:
            continue
        for function in (*gemm.values(), *gemv.values(), set_):
            function.restype = None
        return Blas(gemm, gemv, ctypes.c_int64 if suffix == "64_" else ctypes.c_int, get, set_)
    return None


_LETTERS = {"float32": "s", "float64": "d"}


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Let NumPy's matrix products use so many threads; None leaves it as it is."""
    blas = numpy_blas() if count is not None else None
    if blas is None or count is None:
        yield
        return
    before = blas.get_threads()
    if count >= before:  # never more than the user allows
        yield
        return
    blas.set_threads(count)
    try:
        yield
    finally:
        blas.set_threads(before)


def subtract_product(target: Array, rate: Array, left: Array, right: Array) -> Step:
    """Return what computes ``target -= rate * (left @ right)``, in place, each time that it is called.

    Parameters
    ----------
    target : array, C-contiguous
        With as many elements as the product has.
    rate : array of shape ()
    left : array of shape (m, k)
    right : array of shape (k, n)
        Both may be transposed views.
    """
    rows, columns = left.shape[0], right.shape[1]
    blas = numpy_blas()
    sides = [_side(array) for array in (left, right)]
    if blas is None or None in sides or not target.size or not left.size or target.dtype.name not in blas.gemm:
        return _in_three_steps(target.reshape(rows, columns), rate, lambda out: np.matmul(left, right, out))
    (left_order, left_stride), (right_order, right_stride) = (side for side in sides if side is not None)
    number, size = _number(target), blas.integer
    alpha = number(0.0)
    arguments = (
        *(ctypes.c_int(_ROW_MAJOR), ctypes.c_int(left_order), ctypes.c_int(right_order)),
        *(size(rows), size(columns), size(left.shape[1]), alpha),
        *(_address(left), size(left_stride), _address(right), size(right_stride)),
        *(number(1.0), _address(target), size(columns)),
    )
    return _call(blas.gemm[target.dtype.name], arguments, alpha, rate, (target, left, right))


def subtract_column_sums(target: Array, rate: Array, values: Array) -> Step:
    """Return what computes ``target -= rate * values.sum(axis=0)``, in place, each time that it is called.

    Parameters
    ----------
    target : array, C-contiguous
        With as many elements as ``values`` has columns.
    rate : array of shape ()
    values : array of shape (m, n)
    """
    rows, columns = values.shape
    blas = numpy_blas()
    side = _side(values)
    if blas is None or side is None or not values.size or target.dtype.name not in blas.gemv:
        return _in_three_steps(target.reshape(columns), rate, lambda out: np.add.reduce(values, 0, out=out))
    order, stride = side
    if order == _PLAIN:
        order, shape = _TRANSPOSED, (rows, columns)
    else:
        order, shape = _PLAIN, (columns, rows)
    number, size = _number(target), blas.integer
    alpha, ones = number(0.0), np.ones(rows, target.dtype)
    arguments = (
        *(ctypes.c_int(_ROW_MAJOR), ctypes.c_int(order), size(shape[0]), size(shape[1]), alpha),
        *(_address(values), size(stride), _address(ones), size(1), number(1.0), _address(target), size(1)),
    )
    return _call(blas.gemv[target.dtype.name], arguments, alpha, rate, (target, values, ones))


def _call(function: Any, arguments: tuple[Any, ...], alpha: Any, rate: Array, arrays: tuple[Array, ...]) -> Step:
    value = rate.item

    def step(_kept_alive: tuple[Array, ...] = arrays) -> None:
        alpha.value = -value()
        function(*arguments)

    return step


def _in_three_steps(target: Array, rate: Array, compute: Callable[[Array], object]) -> Step:
    product = np.empty_like(target)

    def step() -> None:
        compute(product)
        np.multiply(product, rate, product)
        np.subtract(target, product, target)

    return step


def _side(matrix: Array) -> tuple[int, int] | None:
    """Return whether a matrix lies transposed, and the distance of its rows; None if the gemm cannot read it."""
    (rows, columns), item = matrix.shape, matrix.itemsize
    down, right = (stride // item for stride in matrix.strides)
    if right == 1 and down >= columns:
        return _PLAIN, down
    if down == 1 and right >= rows:
        return _TRANSPOSED, right
    return None


def _number(array: Array) -> Any:
    return ctypes.c_float if array.dtype == np.float32 else ctypes.c_double


def _address(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
