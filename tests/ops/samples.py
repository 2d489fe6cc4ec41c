"""Inputs to try every op on, and a back-propagation of one op that knows nothing of dagprop's engine."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dagprop.author.trial import (
    Case,
    attribute_rows,
    elementwise_shapes,
    input_count,
    input_name,
    is_elementwise,
    rule_result,
)
from dagprop.ops.contract import Op
from dagprop.ops.declared import isolated
from dagprop.ops.plugins import load_plugin
from dagprop.ops.registry import ops

_FOLDER = Path(__file__).parents[2] / "plugins"
PLUGINS = sorted([*_FOLDER.glob("*.py"), *_FOLDER.glob("packaged/*.py")])

# Where a function is defined, or smooth, by (op, input); elsewhere any number will do.
POSITIVE = {("log", "x"), ("sqrt", "x"), ("power", "base")}
NOT_ZERO = {("divide", "denominator"), ("reciprocal", "x")}
PROBABILITY = {("cross_entropy", "target"), ("binary_cross_entropy_with_logits", "target")}
CHOICE = {("where", "condition")}
STEPS = {("where", "condition")}
"""Inputs whose gradient is 0 by convention: the output jumps."""

# The shapes to try an op on that is not elementwise; 5 stands for the number of samples.
SHAPES: dict[str, list[tuple[list[tuple[int, ...]], dict[str, Any]]]] = {
    "matmul": [
        ([(3,), (3,)], {}),
        ([(5, 3), (3,)], {}),
        ([(3,), (3, 2)], {}),
        ([(5, 3), (3, 2)], {}),
        ([(4, 5, 3), (3,)], {}),
        ([(3,), (4, 3, 2)], {}),
        ([(5, 3), (4, 3, 2)], {}),
        ([(4, 1, 5, 3), (2, 3, 2)], {}),
        ([(0, 3), (3, 2)], {}),
        ([(2, 0), (0, 3)], {}),
    ],
    "transpose": [
        ([(5, 3)], {}),
        ([()], {}),
        ([(5, 3, 2)], {"axes": (2, 0, 1)}),
        ([(5, 3, 2)], {"axes": (0, -1, 1)}),
        ([(0, 3)], {"axes": (1, 0)}),
    ],
    "reshape": [
        ([(5, 2, 3)], {"shape": (-1, 6)}),
        ([(5, 2, 3)], {"shape": ("N", 3, 2)}),
        ([(2, 3)], {"shape": (3, 2)}),
        ([()], {"shape": (1, 1)}),
        ([(0, 3)], {"shape": (-1,)}),
    ],
    "softmax": [([(5, 3)], {}), ([(3,)], {}), ([(5, 3, 2)], {"axis": 1}), ([(0, 3)], {})],
    "mean_squared_error": [([(5,), (5,)], {}), ([(5, 3), (5, 3)], {}), ([(5, 3), (3,)], {}), ([(), ()], {})],
    "cross_entropy": [([(5, 3), (5, 3)], {}), ([(3,), (3,)], {}), ([(5, 2, 3), (1, 2, 3)], {}), ([(0, 3), (0, 3)], {})],
}
SHAPES["log_softmax"] = SHAPES["softmax"]
for _name in ("sum", "mean", "max"):
    SHAPES[_name] = [
        ([shape], {"axis": axis, "keepdims": keepdims})
        for shape, axis in [((5, 3), None), ((5, 3), 0), ((5, 3), -1), ((5, 3, 2), (0, 2)), ((5, 3), (-2,)), ((), None)]
        for keepdims in (False, True)
    ]
    SHAPES[_name].append(([(0, 3)], {"axis": 1}))


@cache
def all_ops() -> dict[str, Op]:
    """Return the built-in ops and those of plugins/."""
    with isolated():  # other tests are not to find the plugins loaded
        for path in PLUGINS:
            load_plugin(str(path))
        return dict(ops())


def shapes_of(op: Op) -> list[list[tuple[int, ...] | None]]:
    """Return shapes for as many inputs as the op takes."""
    if op.rules and not is_elementwise(op):
        return [[(5, 3)] * input_count(op)]
    return elementwise_shapes(op)


def cases() -> list[Case]:
    """Return what to try each op on."""
    found: list[Case] = []
    for op in all_ops().values():
        rows = SHAPES.get(op.name) or [(shapes, {}) for shapes in shapes_of(op)]
        found += [
            Case(op, tuple(shapes), {**attributes, **given})
            for attributes in attribute_rows(op)
            for shapes, given in rows
        ]
    return found


def sample(case: Case, dtype: type = np.float64, seed: int = 0) -> list[np.ndarray | None]:
    """Return inputs for a case: read-only, all different, and not near a kink, in (-1.3, 1.3)."""
    generator = np.random.default_rng(seed)
    arrays: list[np.ndarray | None] = []
    for position, shape in enumerate(case.shapes):
        if shape is None:
            arrays.append(None)
            continue
        signature = case.op.signature.inputs[min(position, len(case.op.signature.inputs) - 1)]
        key = (case.op.name, signature.name)
        size = int(np.prod(shape))
        # Each step of 0.1 is used once over all inputs, so that no two numbers are near each other.
        values = (generator.permutation(size) * len(case.shapes) + position) * 0.1 + 0.15
        values = values / max(1.0, values.max(initial=0.0) / 1.3)
        if key in CHOICE:
            values = np.arange(size) % 2
        elif key in PROBABILITY:
            values = values / 3
        elif key not in POSITIVE:
            values = values * generator.choice([-1, 1], size)
        array = values.reshape(shape).astype(dtype)
        array.setflags(write=False)
        arrays.append(array)
    return arrays


def gradient(op: Op, position: int, inputs: Sequence[Any], attributes: dict[str, Any], g: Any) -> np.ndarray:
    """Return ∂L/∂input for a given ∂L/∂y."""
    result = rule_result(op, position, inputs, attributes, g)
    if op.rules[input_name(op, position)].kind == "derivative":
        result = g * result
    return unbroadcast(np.asarray(result), inputs[position].shape)


def unbroadcast(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the sum over the axes along which broadcasting repeated an array of that shape.

    Raises
    ------
    ValueError
        If the array cannot be what an array of that shape was broadcast to.
    """
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    for axis, size in enumerate(shape):
        if size == 1:
            array = array.sum(axis=axis, keepdims=True)
    if array.shape != shape:
        raise ValueError(f"{array.shape} is not what {shape} broadcasts to")
    return array


def numerical_gradient(function: Any, x: np.ndarray, g: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Return ∂L/∂x by central differences of fourth order, element by element."""
    x, result = np.array(x), np.zeros(np.shape(x))
    for index in np.ndindex(x.shape):
        differences = []
        for distance in (step, 2 * step):
            ahead, behind = np.array(x), np.array(x)
            ahead[index] += distance
            behind[index] -= distance
            differences.append(np.sum(g * (function(ahead) - function(behind))) / (2 * distance))
        result[index] = (4 * differences[0] - differences[1]) / 3
    return result
