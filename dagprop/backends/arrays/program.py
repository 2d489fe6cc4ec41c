"""Programs on arrays, run as the code that :mod:`dagprop.backends.arrays.code` makes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from dagprop.backends.arrays.blas import subtract_column_sums, subtract_product, threads
from dagprop.backends.arrays.code import ArrayCode, array_code
from dagprop.backends.arrays.code_text import NUMPY_NAMES, OTHER_NAMES
from dagprop.backends.arrays.products import ONE_THREAD
from dagprop.backends.arrays.team import Team
from dagprop.backends.numpy_namespace import numpy_namespace, one_hot
from dagprop.backends.reference import Array
from dagprop.backends.trainer import NotCompiledError
from dagprop.program.records import Program
from dagprop.record import record

ALIGNMENT = 64
"""Bytes: a line of the cache, and the longest vector of a processor."""

ARRAYS = "compiled: arrays"
"""What these back ends are, for the user."""


def empty(size: int, dtype: str) -> Array:
    """Return aligned memory for so many elements."""
    item = np.dtype(dtype).itemsize
    memory = np.empty(size * item + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size * item].view(dtype)


_NAMESPACE: dict[str, Any] = {
    **{name: getattr(np, name) for name in (*NUMPY_NAMES.values(), *OTHER_NAMES)},
    "erf": numpy_namespace.erf,
    "erfc": numpy_namespace.erfc,
    "one_hot": one_hot,
    "empty": empty,
    "empty_like": np.empty_like,
    "addresses": lambda array: empty(len(array), "int64"),
    "constant": lambda text, dtype: np.array(float.fromhex(text), dtype),
    "classes": lambda size, dtype: np.arange(size).astype(dtype),
    "subtract_product": subtract_product,
    "subtract_column_sums": subtract_column_sums,
}
"""What the code that is made of a program may use, and nothing more."""

Step = Callable[[], None]


def bind(
    code: ArrayCode, inputs: Sequence[Array], team: Team | None = None
) -> tuple[Step, tuple[Array, ...], dict[str, Array]]:
    """Return the function that computes a step of some code, the arrays that it leaves the outputs in, and ``rows``.

    Parameters
    ----------
    code : ArrayCode
    inputs : sequence of array
        C-contiguous: what a step reads each time, and where the new values of those that it updates go.
    team : Team, optional
        That shares the kernels whose columns are cut into parts.

    Raises
    ------
    NotCompiledError
        If the code has kernels and LLVM is not there.
    """
    names: dict[str, Any] = {"__builtins__": {}, **_NAMESPACE, "inputs": inputs}
    if code.llvm:
        from dagprop.backends.arrays.kernels import kernel_binder  # LLVM takes long to load

        names["kernel"] = kernel_binder(code.llvm, team)
    with np.errstate(all="ignore"):
        exec(compile(code.python, "<array program>", "exec"), names)
    # A function that is among its own names would be a circle.
    return names.pop("step"), names.pop("outputs"), names.pop("rows")


@record(eq=False)
class Compiled:
    """A program that can be run.

    Attributes
    ----------
    step : callable
        Computes once.
    outputs : tuple of array
        Where the results are then.
    title : str
        What it is, for the user.
    threads : int or None
        How many threads NumPy is to use: 1 where all products that are left to it are too small for several.
    seconds : float
        How long one thread takes for the kernels that a team shares, about.
    rows : mapping from str to array of int64
        The inputs that are not read in the array that was given for them, and where their rows' addresses are read.
    """

    step: Step
    outputs: tuple[Array, ...]
    title: str
    threads: int | None
    seconds: float
    rows: Mapping[str, Array]


def compiled(
    program: Program,
    outputs: Collection[str] | None,
    updates: Mapping[str, str],
    inputs: Sequence[Array],
    steps: float,
    team: Team | None = None,
    sampled: Collection[str] = (),
) -> Compiled:
    """Return what runs a program; it has kernels where they pay in so many steps and LLVM is there.

    The parameters are those of :func:`~dagprop.backends.arrays.code.array_code`, and of :func:`bind`.
    """
    code = array_code(program, outputs, updates, steps, team.size if team else 1, sampled)
    title = f"{ARRAYS} with fused kernels (LLVM)" if code.llvm else ARRAYS
    try:
        step, arrays, rows = bind(code, inputs, team)
    except NotCompiledError:
        code, title = array_code(program, outputs, updates), ARRAYS
        step, arrays, rows = bind(code, inputs)
    threads = 1 if code.largest <= ONE_THREAD else None
    return Compiled(step, arrays, title, threads, code.seconds, rows)


class ArrayProgram:
    """A program, ready to run.

    Parameters
    ----------
    program : Program
    outputs : collection of str, optional
        The names of the outputs that are wanted; by default all.
    runs : float
        How often it will run.
    """

    def __init__(self, program: Program, outputs: Collection[str] | None = None, runs: float = 1) -> None:
        self._names = [name for name in program.outputs if outputs is None or name in outputs]
        shapes = {name: program.instructions[number].shape for name, number in program.inputs.items()}
        self._inputs = {name: empty(prod(shape), program.dtype).reshape(shape) for name, shape in shapes.items()}
        inputs = list(self._inputs.values())
        self._compiled = compiled(program, outputs, {}, inputs, runs)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs for some inputs, which may have more than are needed.

        Raises
        ------
        ValueError
            If an input has another shape than the program was made for, or an index of ``one_hot`` is out of range.
        """
        for name, array in self._inputs.items():
            if np.shape(inputs[name]) != array.shape:
                raise ValueError(f"the input has shape {np.shape(inputs[name])}, the program is for {array.shape}")
            np.copyto(array, inputs[name])
        with np.errstate(all="ignore"), threads(self._compiled.threads):
            self._compiled.step()
        return {name: array.copy() for name, array in zip(self._names, self._compiled.outputs, strict=True)}
