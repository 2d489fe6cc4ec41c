"""Training networks of arrays: array programs, one for each size of batch, on the same parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from math import inf, prod
from typing import Any

import numpy as np

from dagprop.backends.arrays.batch_rows import row_finder, row_taker
from dagprop.backends.arrays.blas import threads
from dagprop.backends.arrays.program import compiled, empty
from dagprop.backends.arrays.team import Team, team
from dagprop.backends.coefficients import CoefficientArrays
from dagprop.backends.interrupts import uninterrupted
from dagprop.backends.reference import Array
from dagprop.backends.trainer import EpochOutcome, TrainingTask
from dagprop.graph.records import SAMPLE_AXIS
from dagprop.program.coefficients import split_coefficients
from dagprop.program.records import Program
from dagprop.program.trace import training_program
from dagprop.program.update import MEAN_LOSS


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
        self._copies = [{id: np.empty_like(array) for id, array in self._variables.items()} for _ in range(2)]
        self._steps: dict[int, _BatchStep] = {}
        self._team = team()
        compiled = self._step(task.batch_size).compiled  # what cannot be recorded is found now
        several = f", up to {self._team.size} threads" if self._team and compiled.seconds else ""
        self.title = compiled.title + several

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
        sizes = [len(samples) for samples in batches]
        steps = [self._step(size) for size in set(sizes)]
        for step in steps:
            step.rates.prepare(learning_rate, first, len(batches))
        thread_counts = [step.compiled.threads for step in steps]
        shared = len(batches) * max((step.compiled.seconds for step in steps), default=0.0)
        losses: list[float] = []
        compared = _Compared(self._task, sum(sizes))
        with ExitStack() as stack:
            asked = stack.enter_context(uninterrupted())
            stack.enter_context(np.errstate(all="ignore"))
            helped = self._team is not None and self._team.call_helpers(shared)
            # The threads of the library and ours would take the processors from each other.
            stack.enter_context(threads(None if None in thread_counts and not helped else 1))
            for number, samples in enumerate(batches):
                if asked():
                    break
                try:
                    step = self._step(len(samples))
                    losses.append(step(samples, number))
                except ValueError:  # a class index out of range: what the reference back end names the place of
                    losses.append(np.nan)
                    break
                compared.add(step.pair)
        interrupted = asked()  # from here on Ctrl-C raises KeyboardInterrupt again: none is lost in between
        # One of the copies is what the last epoch gave, which is still good if this one is not.
        self._copies.reverse()
        for id, array in self._variables.items():
            np.copyto(self._copies[0][id], array)
        self._given = {**variables, **self._copies[0]}
        return EpochOutcome(self._given, np.array(losses, float), compared.pairs(), interrupted)

    def _step(self, size: int) -> _BatchStep:
        if size not in self._steps:
            self._steps[size] = _BatchStep(
                self._task, size, self._sampled, {**self._fixed, **self._variables}, self._team
            )
        return self._steps[size]


def results(task: TrainingTask, program: Program) -> tuple[list[str], dict[str, str]]:
    """Return the outputs that a step of a training has to give, and the inputs that take on the value of others."""
    updates = {id: f"new {id}" for id in task.changing if id in program.inputs}
    # What no rule reads is no input: its new value comes out as any other value does.
    unread = [f"new {id}" for id in _unread(task, program)]
    return [MEAN_LOSS, *(task.compared or ()), *unread], updates


def _unread(task: TrainingTask, program: Program) -> list[str]:
    return [id for id in task.changing if id not in program.inputs]


class _BatchStep:
    """One step of training for a number of samples."""

    def __init__(
        self,
        task: TrainingTask,
        size: int,
        sampled: Mapping[str, Array],
        shared: Mapping[str, Array],
        team: Team | None,
    ) -> None:
        rows = {
            id: empty(prod(array.shape[1:]) * size, task.dtype).reshape(size, *array.shape[1:])
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
        self.compiled = compiled(program, wanted, updates, inputs, steps, team, rows.keys())
        names = [name for name in program.outputs if name in wanted]
        by_name = dict(zip(names, self.compiled.outputs, strict=True))
        self._loss = by_name[MEAN_LOSS]
        self.pair = [by_name[name] for name in task.compared or ()]
        """The last prediction and its target, if they are compared."""
        self._unread = [(shared[id], by_name[f"new {id}"]) for id in _unread(task, program)]
        self._states = [shared[id] for id in task.updates]
        sharing = team if self.compiled.seconds else None
        found = self.compiled.rows
        self._take = [
            row_finder(sampled[id], found[id]) if id in found else row_taker(sampled[id], array, sharing)
            for id, array in rows.items()
            if id in program.inputs
        ]

    def __call__(self, samples: Array, number: int) -> float:
        self.rates.set_step(number)
        for take in self._take:
            take(samples)
        self.compiled.step()
        for variable, value in self._unread:
            np.copyto(variable, value)
        if not all(np.isfinite(state).all() for state in self._states):
            return np.nan  # which the next step would hide, and which the caller looks for in the losses
        return float(self._loss)


class _Compared:
    """The predictions of an epoch and their targets, if they are compared.

    Parameters
    ----------
    task : TrainingTask
    rows : int
        How many samples there are.
    """

    def __init__(self, task: TrainingTask, rows: int) -> None:
        self._wanted = task.compared is not None
        self._by_sample = all(task.shapes[name][:1] == (SAMPLE_AXIS,) for name in task.compared or ())
        self._rows, self._done = rows, 0
        self._pairs: list[tuple[Array, Array]] = []

    def add(self, pair: Sequence[Array]) -> None:
        """Copy those of a batch."""
        if not pair:
            return
        prediction, target = pair
        if not self._by_sample:
            self._pairs.append((prediction.copy(), target.copy()))
            return
        if not self._pairs:
            shapes = [(self._rows, *array.shape[1:]) for array in pair]
            self._pairs = [(np.empty(shapes[0], prediction.dtype), np.empty(shapes[1], target.dtype))]
        behind = self._done + len(prediction)
        for whole, array in zip(self._pairs[0], pair, strict=True):
            np.copyto(whole[self._done : behind], array)
        self._done = behind

    def pairs(self) -> list[tuple[Array, Array]] | None:
        """Return one pair of all batches, if each sample has a row, else a pair for each; None if none is compared."""
        if not self._wanted:
            return None
        if self._by_sample:
            return [(predictions[: self._done], targets[: self._done]) for predictions, targets in self._pairs]
        return self._pairs


def _like(array: Array, dtype: Any) -> Array:
    memory = empty(array.size, np.dtype(dtype).name).reshape(array.shape)
    np.copyto(memory, array)
    return memory
