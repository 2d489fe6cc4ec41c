"""What a leaf needs: a value or a shape, and that the two agree."""

from __future__ import annotations

from collections.abc import Iterator

from dagprop.errors import Problem, quote
from dagprop.graph.arrays import array_shape
from dagprop.graph.fields import Path
from dagprop.graph.records import SAMPLE_AXIS, Node
from dagprop.graph.signature import describe, is_integer


def check_leaf(node: Node, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with value and shape of an input, parameter, constant or state, taken together."""
    shape, value = node.attributes.get("shape"), node.attributes.get("value")
    for position, size in enumerate(shape or ()):
        if is_integer(size) and size < 0:
            message = f"a size must be 0 or more, is {describe(size)}"
            yield Problem("DP108", message, None, node.id, (*path, "shape", position))
            return
    if node.op in ("parameter", "state") and "shape" not in node.attributes and "value" not in node.attributes:
        hint: str | None = 'write "value": 0.5, or "shape": [3] and "init": "glorot_uniform"'
        message = f'a {node.op} needs a "value" or a "shape"'
        yield Problem("DP304", message, hint, node.id, path)
    if value is None:
        return
    actual = array_shape(value)
    if node.op == "input" and shape is None:
        shape = (SAMPLE_AXIS,)
    if shape is None or _agrees(actual, shape):
        return
    if node.op == "input" and shape[:1] == (SAMPLE_AXIS,) and _agrees(actual, shape[1:]):
        return
    message = f"the value has the shape {_shape(actual)}, the declared shape is {_shape(shape)}"
    hint = None
    if node.op == "input" and "shape" not in node.attributes:
        message = f'the value has the shape {_shape(actual)}, an input without a "shape" has one number per sample'
        hint = f'add "shape": {_shape((SAMPLE_AXIS, *actual[1:]))}, or {_shape((SAMPLE_AXIS, *actual))} for one sample'
    yield Problem("DP302", message, hint, node.id, (*path, "value"))


def _agrees(actual: tuple[int, ...], declared: tuple[object, ...]) -> bool:
    return len(actual) == len(declared) and all(
        size == expected for size, expected in zip(actual, declared, strict=True) if isinstance(expected, int)
    )


def _shape(shape: tuple[object, ...]) -> str:
    return f"[{', '.join(quote(size) if isinstance(size, str) else str(size) for size in shape)}]"
