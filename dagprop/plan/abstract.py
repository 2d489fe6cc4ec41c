"""Arrays that know only their shape: a rule run on them tells the shape of its result.

A size is a number or a name, such as ``"N"``, that stands for a number that comes with the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NoReturn

from dagprop.errors import error_text
from dagprop.graph.records import Dimension, Shape
from dagprop.ops import namespace
from dagprop.ops.namespace import Namespace
from dagprop.plan.sizes import (
    Axis,
    ShapeError,
    broadcast,
    checked_axes,
    dimension,
    format_shape,
    indexed,
    product,
    total,
    why,
)

__all__ = ["AbstractArray", "ShapeError", "abstract_namespace", "broadcast", "format_shape", "shape_of"]


def _operator(self: AbstractArray, other: object) -> AbstractArray:
    return AbstractArray(broadcast(self.shape, shape_of(other)))


def _in_place(self: AbstractArray, *_: object) -> NoReturn:
    raise TypeError("a rule may not change an array in place: write x = x + 1 for x += 1, and xp.where for x[i] = 0")


def _value_needed(self: AbstractArray, *_: object) -> NoReturn:
    raise TypeError(
        f"a rule may not depend on values, only on shapes: no if, float() or loop over an array of shape {self}; "
        "use xp.where, and xp.exp for math.exp"
    )


def rule_error(error: BaseException) -> str:
    """Return what a rule has done wrong: NumPy says in its own words only that it was called."""
    text = error_text(error)
    return (
        "a rule may not use numpy itself: use the functions of xp, as xp.exp for numpy.exp"
        if "__array_ufunc__" in text
        else text
    )


class AbstractArray:
    """An array of which only the shape is known.

    Parameters
    ----------
    shape : tuple of int or str
        The sizes of its axes; a string is a symbolic dimension.
    """

    __slots__ = ("shape",)
    __array_ufunc__ = None  # so that numpy.exp(x) is an error, and an array times x is x's business

    def __init__(self, shape: Shape) -> None:
        self.shape: Shape = tuple(shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return format_shape(self.shape)

    def __neg__(self) -> AbstractArray:
        return self

    __pos__ = __abs__ = __neg__
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _operator
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _operator
    __lt__ = __le__ = __gt__ = __ge__ = _operator
    __eq__ = __ne__ = _operator  # type: ignore[assignment]
    __and__ = __rand__ = __or__ = __ror__ = _operator
    __invert__ = __neg__
    __hash__ = None  # type: ignore[assignment]

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = __setitem__ = _in_place
    __bool__ = __float__ = __int__ = __index__ = __complex__ = __iter__ = __len__ = __contains__ = _value_needed

    def __matmul__(self, other: object) -> AbstractArray:
        return matmul(self, other)

    def __rmatmul__(self, other: object) -> AbstractArray:
        return matmul(other, self)

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a rule may not use numpy itself: use the functions of xp, as xp.exp for numpy.exp")

    def __getitem__(self, key: object) -> AbstractArray:
        return AbstractArray(indexed(self.shape, key if isinstance(key, tuple) else (key,)))


def shape_of(value: object) -> Shape:
    """Return the shape of an array or number.

    Raises
    ------
    TypeError
        If the value is neither.
    """
    if isinstance(value, (int, float)):
        return ()
    if isinstance(value, str):
        raise TypeError(f"the size {value} is known only with the data: use xp.count(x, axis) to compute with it")
    shape = getattr(value, "shape", None)
    if not isinstance(shape, tuple):
        raise TypeError(f"expected an array or a number, got {type(value).__name__}")
    return shape


# The functions of xp, in the order of dagprop.ops.namespace.


def unary(x: object) -> AbstractArray:
    """Shape of every elementwise function of one argument."""
    return AbstractArray(shape_of(x))


def binary(x1: object, x2: object) -> AbstractArray:
    """Shape of every elementwise function of two arguments."""
    return AbstractArray(broadcast(shape_of(x1), shape_of(x2)))


def reduction(x: object, axis: Axis = None, keepdims: bool = False) -> AbstractArray:
    """Shape of every reduction."""
    shape = shape_of(x)
    gone = checked_axes(shape, axis)
    if keepdims:
        return AbstractArray(tuple(1 if i in gone else size for i, size in enumerate(shape)))
    return AbstractArray(tuple(size for i, size in enumerate(shape) if i not in gone))


def extremum(x: object, axis: Axis = None, keepdims: bool = False) -> AbstractArray:
    """Shape of max, min and argmax, which have no value for an empty axis."""
    shape = shape_of(x)
    result = reduction(x, axis, keepdims)
    if any(shape[i] == 0 for i in checked_axes(shape, axis)) and 0 not in result.shape:
        raise ShapeError(f"the maximum or minimum over no elements: axis {axis} of the shape {format_shape(shape)}")
    return result


def where(condition: object, x1: object, x2: object) -> AbstractArray:
    """Shape of a choice: all three broadcast."""
    return AbstractArray(broadcast(shape_of(condition), shape_of(x1), shape_of(x2)))


def matmul(x1: object, x2: object) -> AbstractArray:
    """Shape of a matrix product, by NumPy's rules."""
    left, right = shape_of(x1), shape_of(x2)
    both = f"shapes {format_shape(left)} and {format_shape(right)}"
    if not left or not right:
        raise ShapeError(f"{both} do not fit matmul: it needs at least one axis on each side")
    inner = left[-1], right[-2 if len(right) > 1 else 0]
    if inner[0] != inner[1]:
        raise ShapeError(f"{both} do not fit matmul: {why(*inner)[2:] or f'{inner[0]} and {inner[1]} differ'}")
    try:
        batch = broadcast(left[:-2], right[:-2])
    except ShapeError as error:
        raise ShapeError(f"{both} do not fit matmul: their leading axes do not broadcast") from error
    return AbstractArray(batch + left[-2:-1] + (right[-1:] if len(right) > 1 else ()))


def matrix_transpose(x: object) -> AbstractArray:
    """Swap the last two axes."""
    shape = shape_of(x)
    if len(shape) < 2:
        raise ShapeError(f"matrix_transpose needs two axes or more, the shape is {format_shape(shape)}")
    return AbstractArray((*shape[:-2], shape[-1], shape[-2]))


def permute_dims(x: object, axes: Sequence[int]) -> AbstractArray:
    """Put the axes in another order."""
    shape = shape_of(x)
    if len(axes) != len(shape):
        raise ShapeError(f"axes {tuple(axes)} do not name each axis of the shape {format_shape(shape)} once")
    return AbstractArray(tuple(shape[i] for i in checked_axes(shape, axes)))


def reshape(x: object, shape: Sequence[Dimension]) -> AbstractArray:
    """Check that the number of elements stays; find the size that is -1."""
    old, new = shape_of(x), tuple(shape)
    both = f"the shape {format_shape(old)} cannot become {format_shape(new)}"
    unknown = [i for i, size in enumerate(new) if size == -1]
    if len(unknown) > 1:
        raise ShapeError(f"{both}: only one size may be -1")
    elements, names = product(old)
    if not unknown:
        if (elements, names) != product(new) and not (elements == 0 == product(new)[0]):
            raise ShapeError(f"{both}: it has {dimension(elements, names)} elements, not {dimension(*product(new))}")
        return AbstractArray(new)
    known, known_names = product(tuple(size for size in new if size != -1))
    if known == 0 or elements % known or not known_names <= names:
        raise ShapeError(f"{both}: {dimension(elements, names)} elements are not a multiple of "
                         f"{dimension(known, known_names)}")  # fmt: skip
    found = dimension(elements // known, names - known_names)
    return AbstractArray(tuple(found if size == -1 else size for size in new))


def expand_dims(x: object, axis: Axis = 0) -> AbstractArray:
    """Add axes of size 1."""
    shape = shape_of(x)
    axes = (axis,) if isinstance(axis, int) else tuple(axis or ())
    added = checked_axes((1,) * (len(shape) + len(axes)), axes)
    rest = iter(shape)
    return AbstractArray(tuple(1 if i in added else next(rest) for i in range(len(shape) + len(axes))))


def squeeze(x: object, axis: Axis) -> AbstractArray:
    """Remove axes of size 1."""
    shape = shape_of(x)
    axes = checked_axes(shape, () if axis is None else axis)
    if any(shape[i] != 1 for i in axes):
        raise ShapeError(f"axis {axis} of the shape {format_shape(shape)} is not of size 1")
    return AbstractArray(tuple(size for i, size in enumerate(shape) if i not in axes))


def broadcast_to(x: object, shape: Sequence[Dimension]) -> AbstractArray:
    """Check that broadcasting leads to the shape."""
    old, new = shape_of(x), tuple(shape)
    if broadcast(old, new) != new:
        raise ShapeError(f"the shape {format_shape(old)} does not broadcast to {format_shape(new)}")
    return AbstractArray(new)


def concat(arrays: Sequence[object], axis: int = 0) -> AbstractArray:
    """Add up the sizes along one axis."""
    shapes = [shape_of(array) for array in arrays]
    first = shapes[0]
    (along,) = checked_axes(first, axis)
    for shape in shapes[1:]:
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, shape, strict=True)) if i != along
        ):
            raise ShapeError(
                f"shapes {format_shape(first)} and {format_shape(shape)} cannot be joined along axis {axis}"
            )
    return AbstractArray((*first[:along], total([shape[along] for shape in shapes]), *first[along + 1 :]))


def stack(arrays: Sequence[object], axis: int = 0) -> AbstractArray:
    """Add an axis along which the arrays lie."""
    shapes = [shape_of(array) for array in arrays]
    for shape in shapes[1:]:
        if shape != shapes[0]:
            raise ShapeError(f"shapes {format_shape(shapes[0])} and {format_shape(shape)} cannot be stacked")
    (along,) = checked_axes((*shapes[0], 1), axis)
    return AbstractArray((*shapes[0][:along], len(shapes), *shapes[0][along:]))


def full_like(x: object, number: object) -> AbstractArray:
    """Shape of an array filled with one number."""
    return broadcast_to(number, shape_of(x))


def one_hot(index: object, size: Dimension) -> AbstractArray:
    """Add a last axis, one element for each class."""
    return AbstractArray((*shape_of(index), size))


def count(x: object, axis: Axis = None) -> AbstractArray:
    """Shape of a number."""
    checked_axes(shape_of(x), axis)
    return AbstractArray(())


_FUNCTIONS: tuple[Callable[..., AbstractArray], ...] = (
    *(where, matmul, matrix_transpose, permute_dims, reshape, expand_dims, squeeze, broadcast_to),
    *(concat, stack, full_like, one_hot, count),
)

abstract_namespace = Namespace(
    "shapes only",
    {
        **dict.fromkeys((*namespace.UNARY, "zeros_like", "ones_like"), unary),
        **dict.fromkeys(namespace.BINARY, binary),
        **dict.fromkeys(namespace.REDUCTIONS, reduction),
        **dict.fromkeys(("max", "min", "argmax"), extremum),
        **{function.__name__: function for function in _FUNCTIONS},
        **{name: getattr(math, name) for name in namespace.CONSTANTS},
    },
)
"""What rules are handed when only shapes are asked for."""
