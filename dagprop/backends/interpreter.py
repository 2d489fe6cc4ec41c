"""A program, executed instruction by instruction with NumPy: what every compiled form of it must agree with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import Array
from dagprop.program.records import Instruction, Program

_OWN: dict[str, Callable[..., Any]] = {
    "real": lambda x: x,
    "index": lambda x, key: x[thawed(key)],
    "concat": lambda *arrays: np.concatenate(arrays[:-1], axis=arrays[-1]),
    "permute_dims": lambda x, axes: np.transpose(x, axes),
    **{
        name: (lambda function: lambda x, axis, keepdims: function(x, axis=axis, keepdims=keepdims))(getattr(np, name))
        for name in ("sum", "prod", "max", "min")
    },
    "argmax": lambda x, axis, keepdims: np.argmax(x, axis=axis if axis is None else axis[0], keepdims=keepdims),
}


def interpret(program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return the outputs of a program for some inputs."""
    values: list[Any] = []
    with np.errstate(all="ignore"):
        for instruction in program.instructions:
            values.append(_execute(instruction, values, inputs, program.dtype))
    return {name: values[number] for name, number in program.outputs.items()}


def _execute(instruction: Instruction, values: list[Any], inputs: Mapping[str, Array], dtype: str) -> Any:
    primitive, parameters = instruction.primitive, instruction.parameters
    if primitive == "input":
        return inputs[parameters[0]]
    if primitive == "constant":
        return np.asarray(parameters[0], dtype=dtype)
    result = apply_primitive(primitive, [values[operand] for operand in instruction.operands], parameters)
    return result if instruction.boolean else result.astype(dtype, copy=False)


def apply_primitive(primitive: str, operands: Sequence[Any], parameters: Sequence[Any]) -> Array:
    """Return what a primitive gives for arrays."""
    function = _OWN.get(primitive) or getattr(numpy_namespace if primitive in _HELPERS else np, primitive)
    return np.asarray(function(*operands, *parameters))


_HELPERS = ("erf", "erfc", "one_hot")


def thawed(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the key of an ``index`` instruction as NumPy takes it."""
    return tuple(slice(*item[1:]) if isinstance(item, tuple) else item for item in key)
