"""Training networks of single numbers in machine code: the loop over the samples of an epoch is inside.

Small programs are compiled whole, with the parameters in registers.  Large ones, which would take long to compile, run
on a machine that is compiled once (:mod:`dagprop.backends.scalar.bytecode`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from dagprop.backends.coefficients import Coefficients
from dagprop.backends.llvm.code import TYPES, check_single, library_functions
from dagprop.backends.llvm.engine import Effort, MachineCode, addresses, machine_code
from dagprop.backends.llvm.exponential import powers
from dagprop.backends.reference import Array
from dagprop.backends.scalar.bytecode import encode, operations_of
from dagprop.backends.scalar.code import EPOCH_SIGNATURE, EVALUATE_SIGNATURE, Roles, epoch_text, evaluate_text
from dagprop.backends.scalar.machine_code import MACHINE_SIGNATURE, machine_text
from dagprop.backends.scalar.updates import ScalarUpdate, scalar_updates
from dagprop.backends.trainer import Batches, EpochOutcome, NotCompiledError, TrainingTask
from dagprop.graph.records import SAMPLE_AXIS
from dagprop.program.records import Program
from dagprop.program.trace import plan_program

COMPILED_SIZE = 300
"""Programs of more instructions run on the machine instead."""

EVALUATED_SIZE = 20_000
"""Programs of more instructions are not compiled to be run once: LLVM takes time by the square of the calls in them."""

WORTH = 10_000_000
"""So many operations make up for the milliseconds that good machine code takes longer to make than quick code."""

FIRST_CALL = 50_000
"""About how many operations the first call does, from which the others are measured."""

_NO_RATES = np.empty(0)
"""The table of steps that have no coefficients of their own."""

Updates = Mapping[str, ScalarUpdate]
"""By parameter."""

SCALAR = "compiled scalar program (LLVM)"

CALL_SECONDS = 0.01
"""About how long a call into machine code may take, unless one step takes longer; Ctrl-C has to wait for it."""


def scalar_program(task: TrainingTask) -> Program:
    """Return the program of one sample, if a training step works on single numbers alone.

    Raises
    ------
    NotCompiledError
        If it does not, or the samples of a batch do not go each its own way.
    """
    if any(value.size != 1 for value in (*task.fixed.values(), *task.variables.values())):
        raise NotCompiledError("the graph has arrays")
    if any(value[:1].size != 1 for value in task.sampled.values()):
        raise NotCompiledError("a sample is an array")
    if is_batched(task) and not is_samplewise(task):
        raise NotCompiledError("the samples of a batch are combined before the loss")
    shapes = {id: value.shape for id, value in {**task.fixed, **task.variables}.items()}
    shapes |= {id: (1, *value.shape[1:]) for id, value in task.sampled.items()}
    program = plan_program(task.plan, shapes, task.dtype)
    check_single(program)
    return program


def is_batched(task: TrainingTask) -> bool:
    """Whether a step goes over several samples; without samples all are the same."""
    return task.batch_size > 1 and any(leaf in task.sampled for leaf in task.plan.leaves)


def is_samplewise(task: TrainingTask) -> bool:
    """Whether each sample has a loss of its own, to which no other sample contributes."""
    if task.shapes[task.plan.outputs[0]] != (SAMPLE_AXIS,):
        return False
    pullbacks = {step.node for step in task.plan.backward if step.kind == "pullback"}
    derivatives = {step.node for step in task.plan.backward} - pullbacks
    for step in task.plan.forward:
        shapes = [task.shapes[name] for name in (*step.inputs, *step.outputs) if name]
        if any(SAMPLE_AXIS in shape for shape in shapes) and step.node not in derivatives:
            return False  # an op that has local derivatives works element by element; of others nothing is known
        if any(shape != (SAMPLE_AXIS,) and np.prod([1, *map(_size, shape)]) != 1 for shape in shapes):
            return False
    return all(SAMPLE_AXIS not in task.shapes[reference] for reference in task.updates.values())


def _size(size: int | str) -> int:
    return size if isinstance(size, int) else 2


def roles_of(program: Program, task: TrainingTask, coefficients: Coefficients) -> Roles:
    """Return what the values of a scalar program are to the training."""
    changing = dict.fromkeys(task.changing)
    others = (name for name in program.inputs if name not in task.sampled and name not in changing)
    return Roles(
        leaves=(*changing, *others, *coefficients.fixed),
        sampled=tuple(name for name in program.inputs if name in task.sampled),
        loss=task.plan.outputs[0],
        parameters=tuple(task.plan.wrt),
        memories=tuple(memory for memories in task.memories.values() for memory in memories),
        varying=coefficients.varying,
        updates=task.updates,
        compared=tuple(task.compared or ()),
    )


class ScalarTrainer:
    """Machine code for a training.

    Parameters
    ----------
    task : TrainingTask

    Raises
    ------
    NotCompiledError
        If the network does not work on single numbers.
    """

    def __init__(self, task: TrainingTask) -> None:
        program = scalar_program(task)
        updates, self._coefficients = scalar_updates(task)
        roles = roles_of(program, task, self._coefficients)
        self._task, self._roles, self._batched = task, roles, is_batched(task)
        self._columns = [np.ascontiguousarray(task.sampled[name].reshape(-1)) for name in roles.sampled]
        self._column_addresses = addresses(self._columns)
        # Two operations a parameter are what plain gradient descent takes.
        size = len(program.instructions) + sum(max(update.size - 2, 0) for update in updates.values())
        operations = size * (task.batch_size if self._batched else 1)  # of a step
        self._steps = max(1, FIRST_CALL // operations)
        pays = task.steps * operations > WORTH
        self._shapes = [task.variables[name].shape for name in roles.changing]
        self._given: Mapping[str, Array] = {}
        if size <= COMPILED_SIZE:
            self.title = SCALAR
            self._memory, slots, self._call = self._compiled(program, updates, "all" if pays else "quick")
        else:
            self.title = "scalar program on a compiled machine (LLVM)"
            self._memory, slots, self._call = self._interpreted(program, updates, "code" if pays else "quick")
        self._start = self._memory.copy()
        self._rates = {name: slots[name] for name in self._coefficients.fixed}
        self._slots = {name: slots[name] for name in roles.leaves if name not in self._rates}
        self._changing = np.array([slots[name] for name in roles.changing], np.intp)

    def epoch(self, variables: Mapping[str, Array], batches: Batches, learning_rate: float, first: int) -> EpochOutcome:
        """Take one step of training for each batch; see :class:`~dagprop.backends.trainer.Trainer`."""
        task, rates = self._task, self._coefficients
        samplewise = any(leaf in task.sampled for leaf in task.plan.leaves)
        order = np.ascontiguousarray(batches.order, np.int64)
        steps = len(batches)
        size, rows = (batches.size, len(order)) if samplewise else (1, steps)
        losses = np.empty(steps)
        pairs = np.empty((rows if task.compared else 0, 2), task.dtype)
        progress = np.zeros(1, np.int64)
        given, self._given = self._given, {}
        if variables is not given:  # what this trainer gave at the end of an epoch is still in its memory
            leaves = {**task.fixed, **variables}
            self._memory[:] = self._start
            self._memory[list(self._slots.values())] = [leaves[name].item() for name in self._slots]
        for name, value in rates.of_rate(learning_rate).items():
            self._memory[self._rates[name]] = value
        interrupted = False
        try:
            while (done := int(progress[0])) < steps:
                start = time.perf_counter()
                last = min(done + self._steps, steps)
                table = rates.of_steps(learning_rate, first + done, last - done) if rates.varying else _NO_RATES
                self._call(order, losses, pairs, progress, table, done, last, size, rows)
                ratio = CALL_SECONDS / max(time.perf_counter() - start, 1e-9)
                if last - done == self._steps and not 0.5 < ratio < 2:
                    self._steps = max(1, int(self._steps * min(ratio, 4.0)))
        except KeyboardInterrupt:  # between two calls: the memory is that behind the last whole step
            done, interrupted = int(progress[0]), True
        self._given = {**variables, **self._changed()}
        compared = self._pairs(pairs, samplewise) if task.compared and not interrupted else None
        return EpochOutcome(self._given, losses[:done], compared, interrupted)

    def _changed(self) -> dict[str, Array]:
        """Return copies of the parameters and states."""
        names = self._roles.changing
        numbers = self._memory[self._changing].reshape(-1, 1)
        return {name: value.reshape(shape) for name, value, shape in zip(names, numbers, self._shapes, strict=True)}

    def _pairs(self, pairs: Array, samplewise: bool) -> Sequence[tuple[Array, Array]]:
        """Return the compared values in their shapes: of all samples, or without samples for each step."""
        if not samplewise:
            return [(pair[0], pair[1]) for pair in pairs]
        ranks = [max(len(self._task.shapes[name]), 1) for name in self._task.compared or ()]
        columns = [pairs[:, place].reshape(len(pairs), *(1,) * (rank - 1)) for place, rank in enumerate(ranks)]
        return [(columns[0], columns[1])]

    def _compiled(
        self, program: Program, updates: Updates, effort: Effort
    ) -> tuple[Array, Mapping[str, int], Callable[..., None]]:
        """Return the memory, where the leaves lie in it, and what does some steps, of a program compiled whole."""
        roles, dtype = self._roles, self._task.dtype
        memory = np.zeros(max(len(roles.leaves), 1), dtype)
        address, table = memory.ctypes.data, powers().ctypes.data

        @cache
        def epoch(as_written: bool = False) -> Callable[..., None]:
            text = epoch_text(program, roles, updates, self._batched, as_written)
            return compiled(text, EPOCH_SIGNATURE, dtype, effort).functions["epoch"]

        quick = epoch()

        def call(
            order: Array, losses: Array, pairs: Array, progress: Array, rates: Array,
            first: int, last: int, size: int, rows: int,
        ) -> None:  # fmt: skip
            def steps(function: Callable[..., None], begin: int, end: int) -> None:
                function(
                    address, self._column_addresses, order.ctypes.data, losses.ctypes.data, pairs.ctypes.data,
                    progress.ctypes.data, rates[begin - first :].ctypes.data, table, begin, end, size, rows,
                )  # fmt: skip

            steps(quick, first, last)
            while (done := int(progress[0])) < last:  # before a step in which the order of products may matter
                steps(epoch(as_written=True), done, done + 1)
                steps(quick, done + 1, last)

        return memory, {name: slot for slot, name in enumerate(roles.leaves)}, call

    def _interpreted(
        self, program: Program, updates: Updates, effort: Effort
    ) -> tuple[Array, Mapping[str, int], Callable[..., None]]:
        """Return the same of a program that runs on the machine."""
        roles, dtype = self._roles, self._task.dtype
        code = encode(program, roles, updates, self._batched)
        text = machine_text(TYPES[dtype], operations_of(code))
        function = compiled(text, MACHINE_SIGNATURE, dtype, effort).functions["machine"]
        memory = code.values
        slots = np.array([code.slots[name] for name in roles.sampled], np.int64)
        table = powers().ctypes.data
        # The machine finds the loss behind the two compared values.
        special = np.array([*code.compared, *[0] * (2 - len(code.compared)), code.loss], np.int64)

        def call(
            order: Array, losses: Array, pairs: Array, progress: Array, rates: Array,
            first: int, last: int, size: int, rows: int,
        ) -> None:  # fmt: skip
            function(
                memory.ctypes.data, order.ctypes.data, code.sample.ctypes.data, len(code.sample),
                code.update.ctypes.data, len(code.update), self._column_addresses, len(slots),
                slots.ctypes.data, losses.ctypes.data, pairs.ctypes.data, special.ctypes.data,
                len(code.compared), progress.ctypes.data, rates.ctypes.data, table, len(roles.varying),
                first, last, size, rows, code.special,
            )  # fmt: skip

        return memory, code.slots, call


def evaluate(program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return the outputs of a program of single numbers for some inputs, computed in machine code.

    Raises
    ------
    NotCompiledError
        If the program works on arrays, or is large.
    """
    check_single(program)
    if len(program.instructions) > EVALUATED_SIZE:
        raise NotCompiledError("to compile so many operations takes longer than to compute them")
    function = compiled(evaluate_text(program), EVALUATE_SIGNATURE, program.dtype, "quick").functions["evaluate"]
    given = np.array([inputs[name].reshape(()) for name in program.inputs], program.dtype)
    found = np.empty(len(program.outputs), program.dtype)
    function(given.ctypes.data, found.ctypes.data, powers().ctypes.data)
    shapes = [program.instructions[number].shape for number in program.outputs.values()]
    return {name: value.reshape(shape) for name, value, shape in zip(program.outputs, found, shapes, strict=True)}


def compiled(text: str, signature: tuple[str, str], dtype: str, effort: Effort) -> MachineCode:
    """Return machine code for one function."""
    kind = TYPES[dtype]
    library = tuple(name for name in library_functions(kind) if f"@{name}(" in text or name.startswith("fmod"))
    return machine_code(text, (signature,), library, effort)


def scalar_text(task: TrainingTask) -> str:
    """Return the code of a training, or without a loss of one forward pass, in LLVM's language.

    Raises
    ------
    NotCompiledError
        If the network works on arrays.
    """
    program = scalar_program(task)
    if not task.plan.seeds:
        return evaluate_text(program)
    updates, coefficients = scalar_updates(task)
    return epoch_text(program, roles_of(program, task, coefficients), updates, is_batched(task))
