"""Programs on arrays, run as the code that :mod:`dagprop.backends.array_code` makes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import inf, prod
from types import CodeType
from typing import Any

import numpy as np

from dagprop.backends.array_code import ArrayCode, array_code
from dagprop.backends.blas import subtract_column_sums, subtract_product, threads
from dagprop.backends.code_text import NUMPY_NAMES, OTHER_NAMES
from dagprop.backends.coefficients import CoefficientArrays
from dagprop.backends.interrupts import uninterrupted
from dagprop.backends.numpy_namespace import numpy_namespace, one_hot
from dagprop.backends.reference import Array
from dagprop.backends.trainer import EpochOutcome, NotCompiledError, TrainingTask
from dagprop.graph.records import SAMPLE_AXIS
from dagprop.program.coefficients import split_coefficients
from dagprop.program.records import Program
from dagprop.program.trace import training_program

ALIGNMENT = 64
"""Bytes: a line of the cache, and the longest vector of a processor."""

ARRAYS = "compiled: arrays"
"""What these back ends are, for the user."""

ONE_THREAD = 4e6
"""Up to so many operations, the largest product of a program is computed sooner by one thread than by several."""


def _empty(size: int, dtype: str) -> Array:
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
    "empty": _empty,
    "empty_like": np.empty_like,
    "constant": lambda text, dtype: np.array(float.fromhex(text), dtype),
    "classes": lambda size, dtype: np.arange(size).astype(dtype),
    "subtract_product": subtract_product,
    "subtract_column_sums": subtract_column_sums,
}
"""What the code that is made of a program may use, and nothing more."""

Step = Callable[[], None]


def _compiled(code: str) -> CodeType:
    return compile(code, "<array program>", "exec")


def bind(code: ArrayCode, inputs: Sequence[Array]) -> tuple[Step, tuple[Array, ...]]:
    """Return the function that computes a step of some code, and the arrays that it leaves the outputs in.

    Parameters
    ----------
    code : ArrayCode
    inputs : sequence of array
        C-contiguous: what a step reads each time, and where the new values of those that it updates go.

    Raises
    ------
    NotCompiledError
        If the code has kernels and LLVM is not there.
    """
    names: dict[str, Any] = {"__builtins__": {}, **_NAMESPACE}
    if code.llvm:
        from dagprop.backends.kernels import kernel_binder  # LLVM takes long to load

        names["kernel"] = kernel_binder(code.llvm)
    exec(_compiled(code.python), names)
    with np.errstate(all="ignore"):
        step, outputs = names["prepare"](inputs)
    return step, outputs


def compiled(
    program: Program,
    outputs: Collection[str] | None,
    updates: Mapping[str, str],
    inputs: Sequence[Array],
    steps: float,
) -> tuple[Step, tuple[Array, ...], str, int | None]:
    """Return what :func:`bind` makes of a program, what it is, for the user, and how many threads NumPy is to use.

    It has kernels where they pay in so many steps and LLVM is there.  There is 1 thread where all products that are
    left to NumPy are too small for several.
    """
    code = array_code(program, outputs, updates, steps)
    title = f"{ARRAYS} with fused kernels (LLVM)" if code.llvm else ARRAYS
    try:
        step, arrays = bind(code, inputs)
    except NotCompiledError:
        code, title = array_code(program, outputs, updates), ARRAYS
        step, arrays = bind(code, inputs)
    return step, arrays, title, 1 if code.largest <= ONE_THREAD else None


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
        self._inputs = {name: _empty(prod(shape), program.dtype).reshape(shape) for name, shape in shapes.items()}
        inputs = list(self._inputs.values())
        self._step, self._outputs, _, self._threads = compiled(program, outputs, {}, inputs, runs)

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
        with np.errstate(all="ignore"), threads(self._threads):
            self._step()
        return {name: array.copy() for name, array in zip(self._names, self._outputs, strict=True)}


class ArrayTrainer:
    """Trains a network by array programs, one for each size of batch that occurs.

    The parameters lie in one place as long as an epoch lasts, and every program changes them there.

    Parameters
    ----------
    task : TrainingTask

    Raises
    ------
    PluginError
        If a rule does what cannot be recorded (DP503).
    """

    def __init__(self, task: TrainingTask) -> None:
        self._task = task
        self._dtype = np.dtype(task.dtype)
        self._sampled = {id: np.asarray(task.sampled[id], self._dtype, order="C") for id in self._leaves(task.sampled)}
        self._fixed = {id: np.asarray(task.fixed[id], self._dtype, order="C") for id in self._leaves(task.fixed)}
        self._variables = {id: _like(array, self._dtype) for id, array in task.variables.items()}
        self._given: Mapping[str, Array] = {}
        """What the last epoch gave back; who comes with it again has the numbers that lie here."""
        self._steps: dict[int, _BatchStep] = {}
        self.title = self._step(task.batch_size).title  # what cannot be recorded is found now

    def _leaves(self, arrays: Iterable[str]) -> list[str]:
        return [id for id in arrays if id in self._task.plan.leaves]

    def epoch(
        self, variables: Mapping[str, Array], batches: Sequence[Array], learning_rate: float, first: int
    ) -> EpochOutcome:
        """Take one step of training for each batch; see :class:`~dagprop.backends.trainer.Trainer`."""
        given, self._given = self._given, {}
        if variables is not given:
            for id, array in self._variables.items():
                np.copyto(array, variables[id])
        steps = [self._step(size) for size in {len(samples) for samples in batches}]
        for step in steps:
            step.rates.prepare(learning_rate, first, len(batches))
        thread_counts = [step.threads for step in steps]
        losses: list[float] = []
        compared: list[tuple[Array, Array]] = []
        with uninterrupted() as asked, np.errstate(all="ignore"), threads(None if None in thread_counts else 1):
            for number, samples in enumerate(batches):
                if asked():
                    break
                try:
                    step = self._step(len(samples))
                    losses.append(step(samples, number))
                except ValueError:  # a class index out of range: what the reference back end names the place of
                    losses.append(np.nan)
                    break
                compared += step.compared()
            interrupted = asked()
        pairs = None if self._task.compared is None else self._together(compared)
        changed = {id: array.copy() for id, array in self._variables.items()}
        self._given = {**variables, **changed}
        return EpochOutcome(self._given, np.array(losses, float), pairs, interrupted)

    def _together(self, pairs: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
        """Return pairs of one batch each as one pair of all, if they have a row for each sample."""
        by_sample = all(self._task.shapes[name][:1] == (SAMPLE_AXIS,) for name in self._task.compared or ())
        if not by_sample or not pairs:
            return pairs
        predictions, targets = zip(*pairs, strict=True)
        return [(np.concatenate(predictions), np.concatenate(targets))]

    def _step(self, size: int) -> _BatchStep:
        if size not in self._steps:
            self._steps[size] = _BatchStep(self._task, size, self._sampled, {**self._fixed, **self._variables})
        return self._steps[size]


def results(task: TrainingTask, program: Program) -> tuple[list[str], dict[str, str]]:
    """Return the outputs that a step of a training has to give, and the inputs that take on the value of others."""
    memories = (memory for memories in task.memories.values() for memory in memories)
    changing = (*task.plan.wrt, *memories, *task.updates)
    updates = {id: f"new {id}" for id in changing if id in program.inputs}
    # What no rule reads is no input: its new value comes out as any other value does.
    unread = [f"new {id}" for id in _unread(task, program)]
    return ["loss", *(task.compared or ()), *unread], updates


def _unread(task: TrainingTask, program: Program) -> list[str]:
    memories = (memory for memories in task.memories.values() for memory in memories)
    return [id for id in (*task.plan.wrt, *memories, *task.updates) if id not in program.inputs]


class _BatchStep:
    """One step of training for a number of samples."""

    def __init__(
        self, task: TrainingTask, size: int, sampled: Mapping[str, Array], shared: Mapping[str, Array]
    ) -> None:
        rows = {
            id: _empty(prod(array.shape[1:]) * size, task.dtype).reshape(size, *array.shape[1:])
            for id, array in sampled.items()
        }
        leaves = {**shared, **rows}
        shapes = {id: leaves[id].shape for id in task.plan.leaves}
        split = split_coefficients(training_program(task.plan, shapes, task.updates, task.dtype, task.rule))
        program = split.program
        self.rates = CoefficientArrays(split, task.dtype)
        leaves |= self.rates.arrays
        wanted, updates = results(task, program)
        # A short last batch comes once an epoch only: it is not worth another compilation.
        steps = task.steps if size == task.batch_size or task.steps == inf else 0
        inputs = [leaves[name] for name in program.inputs]
        self._step, outputs, self.title, self.threads = compiled(program, wanted, updates, inputs, steps)
        names = [name for name in program.outputs if name in wanted]
        by_name = dict(zip(names, outputs, strict=True))
        self._loss = by_name["loss"]
        self._pair = [by_name[name] for name in task.compared or ()]
        self._unread = [(shared[id], by_name[f"new {id}"]) for id in _unread(task, program)]
        self._states = [shared[id] for id in task.updates]
        self._rows = [(sampled[id], array) for id, array in rows.items() if id in program.inputs]

    def __call__(self, samples: Array, number: int) -> float:
        self.rates.set_step(number)
        for source, batch in self._rows:
            source.take(samples, 0, batch, "clip")  # numbers are in range; to look would take another array
        self._step()
        for variable, value in self._unread:
            np.copyto(variable, value)
        if not all(np.isfinite(state).all() for state in self._states):
            return np.nan  # which the next step would hide, and which the caller looks for in the losses
        return float(self._loss)

    def compared(self) -> list[tuple[Array, Array]]:
        """Return copies of the last prediction and its target, if they are compared."""
        return [(self._pair[0].copy(), self._pair[1].copy())] if self._pair else []


def _like(array: Array, dtype: Any) -> Array:
    memory = _empty(array.size, np.dtype(dtype).name).reshape(array.shape)
    np.copyto(memory, array)
    return memory
