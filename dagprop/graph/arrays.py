"""Numbers in nested lists: their shape, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dagprop.graph.signature import describe, is_number

MOST_AXES = 32
"""More axes than this are a mistake; every array library has a limit near it."""


@dataclass(frozen=True, slots=True)
class ArrayFault:
    """An element of a nested list that does not fit: where it is, and what is wrong, in words."""

    position: tuple[int, ...]
    message: str


def array_shape(value: object) -> tuple[int, ...]:
    """Return the shape of a number or of nested lists of numbers that have no faults."""
    shape: list[int] = []
    while isinstance(value, (list, tuple)):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def find_array_faults(value: object) -> list[ArrayFault]:
    """Return what keeps a JSON value from being an array: elements that are no numbers, rows of unequal length.

    The lists are read level by level, outermost first; the first level with faults is reported whole.
    """
    shape: list[int] = []
    level: Sequence[object] = [value]
    while isinstance(level[0], (list, tuple)):
        length = len(level[0])
        faults = []
        for index, item in enumerate(level):
            if not isinstance(item, (list, tuple)):
                message = f"the value is ragged: here is {describe(item)}, where its first neighbour is a list"
                faults.append(ArrayFault(_position(index, shape), message))
            elif len(item) != length:
                message = f"the value is ragged: this row has {_elements(len(item))}, the first row has {length}"
                faults.append(ArrayFault(_position(index, shape), message))
        if not faults and length == 0:
            faults.append(ArrayFault(_position(0, shape), "the value has a list without elements"))
        if not faults and len(shape) == MOST_AXES:
            faults.append(ArrayFault((), f"the value has more than {MOST_AXES} axes"))
        if faults:
            return faults
        shape.append(length)
        level = [element for item in level if isinstance(item, (list, tuple)) for element in item]
    return [
        ArrayFault(_position(index, shape), _not_a_number(item))
        for index, item in enumerate(level)
        if not is_number(item)
    ]


def _position(index: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the indices, axis by axis, of an element that is the ``index``-th of its level."""
    position = []
    for length in reversed(shape):
        index, rest = divmod(index, length)
        position.append(rest)
    return tuple(reversed(position))


def _not_a_number(item: object) -> str:
    if isinstance(item, (list, tuple)):
        return "the value is ragged: here is a list, where its first neighbour is a number"
    return f"a number is expected, here is {describe(item)}"


def _elements(count: int) -> str:
    return "1 element" if count == 1 else f"{count} elements"
