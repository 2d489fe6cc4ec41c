"""What a back end that trains is given, and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol, overload

import numpy as np

from dagprop.backends.reference import Array
from dagprop.graph.records import Shape
from dagprop.plan.records import Plan
from dagprop.program.update import UpdateRule
from dagprop.record import record


@record(eq=False)
class TrainingTask:
    """What is trained, on what.

    Attributes
    ----------
    plan : Plan
        Its first output and only seed is the loss; its ``wrt`` are the parameters that training changes.
    shapes : mapping from reference to shape
        As declared and inferred, with ``"N"`` for the number of samples.
    updates : mapping from state id to reference
        The states that training changes, and the values that replace them.
    compared : (str, str), optional
        The references of the prediction and the target whose values the accuracy and metrics are worked out from.
    rule : UpdateRule
        How the parameters are changed.
    dtype : str
    sampled, fixed, variables : mapping from leaf id to array
        The inputs with all their samples; the constants and inputs without samples; the parameters and states, and
        what the rule remembers for each parameter.
    batch_size : int
    steps : float
        How many there will be, as far as is known: what takes long to prepare has to pay; infinite where it shall be
        done anyhow.
    """

    plan: Plan
    shapes: Mapping[str, Shape]
    updates: Mapping[str, str]
    compared: tuple[str, str] | None
    rule: UpdateRule
    dtype: str
    sampled: Mapping[str, Array]
    fixed: Mapping[str, Array]
    variables: Mapping[str, Array]
    batch_size: int
    steps: float = 0

    @property
    def memories(self) -> dict[str, tuple[str, ...]]:
        """What is remembered for each parameter that is trained."""
        return {parameter: self.rule.memory_ids(parameter) for parameter in self.plan.wrt}

    @property
    def changing(self) -> tuple[str, ...]:
        """The parameters that are trained, their memories, and the states, each once."""
        memories = (memory for memories in self.memories.values() for memory in memories)
        return tuple(dict.fromkeys((*self.plan.wrt, *memories, *self.updates)))


SMALL = 4096
"""Up to so many numbers, arrays are rather copied together than looked at one by one."""

FEW = 16
"""So many single numbers are looked at one by one all the same."""


@record(eq=False)
class EpochOutcome:
    """One pass over the samples.

    Attributes
    ----------
    variables : dict from str to array
        The parameters, their memories and the states behind the last whole step.  They are good until the epoch behind
        the next: then the trainer may write to the same memory again.
    losses : array of float64
        The loss of every step, taken before its update.
    compared : sequence of (prediction, target), optional
        For each step; or one pair for all samples of the epoch together.
    interrupted : bool
        Whether Ctrl-C ended the epoch early.  ``variables`` and ``losses`` are those of the whole steps until then.
    """

    variables: dict[str, Array]
    losses: Array
    compared: Sequence[tuple[Array, Array]] | None
    interrupted: bool = False

    def is_finite(self) -> bool:
        """Whether every loss, parameter and state is a finite number."""
        values = (self.losses, *self.variables.values())
        small = [value for value in values if value.size < SMALL]
        # To find the ends of the range takes no memory, and a NaN is at both.
        if not all(
            math.isfinite(value.min()) and math.isfinite(value.max()) for value in values if value.size >= SMALL
        ):
            return False
        if len(small) <= FEW and all(value.size == 1 for value in small):
            return all(math.isfinite(value.item()) for value in small)  # NumPy's way would be felt
        # Thousands of single numbers are one question.
        return bool(np.isfinite(np.concatenate([value.reshape(-1) for value in small])).all())


class Batches(Sequence[Array]):
    """The samples of an epoch in their order, cut into batches: each item is an array of the numbers of its samples.

    Parameters
    ----------
    order : array of int
        The numbers of all the samples.
    size : int
        Of a batch; the last may be short.
    """

    def __init__(self, order: Array, size: int) -> None:
        self.order = order
        self.size = size

    def __len__(self) -> int:
        return -(-len(self.order) // self.size)

    @overload
    def __getitem__(self, number: int) -> Array: ...

    @overload
    def __getitem__(self, number: slice) -> list[Array]: ...

    def __getitem__(self, number: int | slice) -> Array | list[Array]:
        if isinstance(number, slice):
            return [self[item] for item in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self.order[number * self.size : (number + 1) * self.size]

    def sizes(self) -> Array:
        """Return the number of samples of each batch."""
        sizes = np.full(len(self), self.size)
        sizes[-1:] = len(self.order) - (len(self) - 1) * self.size
        return sizes


class Trainer(Protocol):
    """A back end that trains one network on one set of samples."""

    title: str
    """What it is, for the user."""

    def epoch(self, variables: Mapping[str, Array], batches: Batches, learning_rate: float, first: int) -> EpochOutcome:
        """Take one step of training for each batch, which is the numbers of its samples; the first has this number.

        Non-finite numbers are no error here: the caller looks for them in the outcome, and finds where they came from.
        """
        ...


class NotCompiledError(Exception):
    """A network that a back end cannot compile, or should not; the text says why."""
