"""What compiled code has to be told of each step: the coefficients of an update."""

from __future__ import annotations

import numpy as np

from dagprop.backends.interpreter import interpret
from dagprop.backends.reference import Array
from dagprop.program.coefficients import Split
from dagprop.program.update import LEARNING_RATE, STEP


class Coefficients:
    """The coefficients of the steps of a training; see :mod:`dagprop.program.coefficients`.

    Parameters
    ----------
    split : Split
    """

    def __init__(self, split: Split) -> None:
        self.fixed, self.varying = split.fixed, split.varying
        self._program = split.coefficients
        self._last: tuple[float, dict[str, float]] | None = None

    def of_rate(self, learning_rate: float) -> dict[str, float]:
        """Return the coefficients that are the same in all steps of a learning rate."""
        if self._last is None or self._last[0] != learning_rate:  # with most schedules it stays for long
            found = interpret(self._program, {LEARNING_RATE: np.array(learning_rate), STEP: np.array(1.0)})
            self._last = learning_rate, {name: float(found[name]) for name in self.fixed}
        return self._last[1]

    def of_steps(self, learning_rate: float, first: int, count: int) -> Array:
        """Return the varying coefficients, of which there are some, of so many steps from a number on: a row a step."""
        rates = np.full(count, learning_rate, np.float64)
        numbers = np.arange(first, first + count, dtype=np.float64)
        found = interpret(self._program, {LEARNING_RATE: rates, STEP: numbers})
        return np.stack([found[name] for name in self.varying], axis=1)


class CoefficientArrays:
    """The coefficients of a program of arrays, where its steps read them.

    Parameters
    ----------
    split : Split
    dtype : str

    Attributes
    ----------
    arrays : dict from str to array
        A single number for each coefficient.
    """

    def __init__(self, split: Split, dtype: str) -> None:
        self._coefficients = coefficients = Coefficients(split)
        self._fixed = {name: np.zeros((), dtype) for name in coefficients.fixed}
        self._now = np.zeros(len(coefficients.varying), dtype)
        self._rows = np.zeros((0, len(self._now)), dtype)
        varying = {name: self._now[place : place + 1].reshape(()) for place, name in enumerate(coefficients.varying)}
        self.arrays = {**self._fixed, **varying}

    def prepare(self, learning_rate: float, first: int, count: int) -> None:
        """Work out the coefficients of so many steps, of which the first has this number."""
        for name, value in self._coefficients.of_rate(learning_rate).items():
            self._fixed[name][...] = value
        if self._now.size:
            self._rows = self._coefficients.of_steps(learning_rate, first, count)

    def set_step(self, number: int) -> None:
        """Put the coefficients of a step, counted from 0, where they are read."""
        if self._now.size:
            self._now[:] = self._rows[number]
