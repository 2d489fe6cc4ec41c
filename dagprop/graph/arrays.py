"""Numbers in nested lists: their shape, what is wrong with them, and whether they can be the value of a leaf."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagprop.errors import Problem, quote
from dagprop.graph.fields import Path
from dagprop.graph.records import DEFAULT_INITIALIZER, INPUT_SHAPE, SAMPLE_AXIS, Node
from dagprop.graph.signature import describe, is_integer, is_number
from dagprop.record import record

MOST_AXES = 32
"""More axes than this are a mistake; every array library has a limit near it."""


@record(eq=False)
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


def fits(shape: Sequence[int], declared: Sequence[object]) -> bool:
    """Whether an array of a shape can be the value of a leaf: its symbols are free, one sample may lack its axis."""
    return _agrees(shape, declared) or (declared[:1] == (SAMPLE_AXIS,) and _agrees(shape, declared[1:]))


def _agrees(shape: Sequence[int], declared: Sequence[object]) -> bool:
    return len(shape) == len(declared) and all(
        size == expected for size, expected in zip(shape, declared, strict=True) if isinstance(expected, int)
    )


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


def check_leaf(node: Node, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with value and shape of an input, parameter, constant or state, taken together."""
    shape, value = node.attributes.get("shape"), node.attributes.get("value")
    for position, size in enumerate(shape or ()):
        if is_integer(size) and size < 0:
            message = f"a size must be 0 or more, is {describe(size)}"
            yield Problem("DP108", message, None, node.id, (*path, "shape", position))
            return
    if node.op in ("parameter", "state") and "shape" not in node.attributes and "value" not in node.attributes:
        hint: str | None = f'write "value": 0.5, or "shape": [3] and "init": {quote(DEFAULT_INITIALIZER)}'
        message = f'a {node.op} needs a "value" or a "shape"'
        yield Problem("DP304", message, hint, node.id, path)
    if value is None:
        return
    actual = array_shape(value)
    if node.op == "input" and shape is None:
        shape = INPUT_SHAPE
    if shape is None or (fits(actual, shape) if node.op == "input" else _agrees(actual, shape)):
        return
    message = f"the value has the shape {_shape(actual)}, the declared shape is {_shape(shape)}"
    hint = None
    if node.op == "input" and "shape" not in node.attributes:
        message = f'the value has the shape {_shape(actual)}, an input without a "shape" has one number per sample'
        hint = f'add "shape": {_shape((SAMPLE_AXIS, *actual[1:]))}, or {_shape((SAMPLE_AXIS, *actual))} for one sample'
    yield Problem("DP302", message, hint, node.id, (*path, "value"))


def _shape(shape: tuple[object, ...]) -> str:
    return f"[{', '.join(quote(size) if isinstance(size, str) else str(size) for size in shape)}]"
