"""Sizes and shapes as numbers and names: what holds whatever number a name such as ``"N"`` stands for.

What holds for every value of the names is accepted; what holds only for some (a size ``"N"`` beside a size 3) is an
error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from dagprop.graph.records import Dimension, Shape

Axis = int | Sequence[int] | None


class ShapeError(ValueError):
    """The shapes do not fit together, or would not for some size of a symbolic dimension."""


def format_shape(shape: Shape) -> str:
    """Return a shape as messages show it: ``(N, 3)``, ``(4,)``, ``()``."""
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that results when arrays of these shapes are combined element by element.

    Raises
    ------
    ShapeError
        If two sizes of an axis differ, or may, and neither is 1.
    """
    result: Shape = ()
    for shape in shapes:
        if shape == result:
            continue
        ndim = max(len(result), len(shape))
        pairs = zip(_padded(result, ndim), _padded(shape, ndim), strict=True)
        result = tuple(_broadcast_size(a, b, result, shape) for a, b in pairs)
    return result


def _padded(shape: Shape, ndim: int) -> Shape:
    return (1,) * (ndim - len(shape)) + shape


def _broadcast_size(a: Dimension, b: Dimension, left: Shape, right: Shape) -> Dimension:
    if a == b or b == 1:
        return a
    if a == 1:
        return b
    raise ShapeError(f"shapes {format_shape(left)} and {format_shape(right)} do not broadcast{why(a, b)}")


def why(a: Dimension, b: Dimension) -> str:
    """Return what a message adds where sizes are not known to differ, or nothing."""
    return f": {a} and {b} may differ" if isinstance(a, str) or isinstance(b, str) else ""


def product(shape: Shape) -> tuple[int, Counter[str]]:
    """Return the number of elements as a number times names: (N, 8, 8) is 64 and {N: 1}."""
    number, names = 1, Counter[str]()
    for size in shape:
        # A sum such as "N+3" is a name of its own; a product such as "8*N" is taken apart.
        for factor in [size] if isinstance(size, int) or "+" in size else size.split("*"):
            if isinstance(factor, int) or factor.isdigit():
                number *= int(factor)
            else:
                names[factor] += 1
    return number, names


def dimension(number: int, names: Counter[str]) -> Dimension:
    """Return a number times names as one size: 8 and {N: 1} is ``"8*N"``."""
    if number == 0 or not names:
        return number
    factors = sorted(names.elements())
    if number == 1 and len(factors) == 1:
        return factors[0]
    return "*".join([str(number)] * (number != 1) + [f"({name})" if "+" in name else name for name in factors])


def total(sizes: Sequence[Dimension]) -> Dimension:
    """Return the sum of sizes along one axis: 3 and N is ``"N+3"``, N and N is ``"2*N"``."""
    number, terms = 0, Counter[str]()
    for size in sizes:
        for term in [size] if isinstance(size, int) or "(" in size else size.split("+"):
            factor, names = product((int(term) if str(term).isdigit() else term,))
            if names:
                terms[str(dimension(1, names))] += factor
            else:
                number += factor
    parts = [name if factor == 1 else f"{factor}*{name}" for name, factor in sorted(terms.items())]
    return "+".join(parts + [str(number)] * (number != 0)) if parts else number


def checked_axes(shape: Shape, axis: Axis) -> tuple[int, ...]:
    """Return axes as numbers from 0, checked."""
    if axis is None:
        return tuple(range(len(shape)))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    for number in axes:
        if not -len(shape) <= number < len(shape):
            raise ShapeError(f"axis {number} is out of range for the shape {format_shape(shape)}")
    positive = tuple(number % len(shape) for number in axes)
    if len(set(positive)) < len(positive):
        raise ShapeError(f"axes {axes} of the shape {format_shape(shape)} name one axis twice")
    return positive


def indexed(shape: Shape, key: tuple[Any, ...]) -> Shape:
    """Return the shape of ``x[key]``.

    Raises
    ------
    ShapeError
        If there are too many indices, or one is out of range or may be.
    TypeError
        If an index is none of integer, slice, None and ``...``.
    """
    taken = sum(item is not None and item is not Ellipsis for item in key)
    if taken > len(shape):
        raise ShapeError(f"too many indices for the shape {format_shape(shape)}: {taken}")
    if not any(item is Ellipsis for item in key):
        key = (*key, Ellipsis)
    result: list[Dimension] = []
    rest = list(shape)
    for item in key:
        if item is None:
            result.append(1)
        elif item is Ellipsis:
            whole = len(rest) - sum(later is not None for later in key[key.index(Ellipsis) + 1 :])
            result += rest[:whole]
            del rest[:whole]
        elif isinstance(item, slice):
            result.append(_sliced(rest.pop(0), item, shape))
        elif isinstance(item, int):
            size = rest.pop(0)
            if isinstance(size, int) and not -size <= item < size:
                raise ShapeError(f"index {item} is out of range for an axis of size {size} of {format_shape(shape)}")
        else:
            raise TypeError(
                f"an index must be an integer, a slice, None or ..., not {type(item).__name__}; "
                "use xp.where or xp.one_hot to choose by value"
            )
    return tuple(result)


def _sliced(size: Dimension, item: slice, shape: Shape) -> Dimension:
    if isinstance(size, int):
        return len(range(*item.indices(size)))
    if item.start is None and item.stop is None and item.step in (None, 1, -1):
        return size
    raise ShapeError(f"the axis {size} of {format_shape(shape)} can only be taken whole: its size comes with the data")
