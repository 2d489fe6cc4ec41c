"""One node at its operating point: what its forward rule does when its inputs move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import Array, Values
from dagprop.check.complex_namespace import complex_namespace
from dagprop.check.differences import EPSILON
from dagprop.plan.records import BackwardStep, ForwardStep
from dagprop.record import record


@record
class NodePoint:
    """One node with the values around it.

    Attributes
    ----------
    step : ForwardStep
    inputs : tuple of array or None
        By position.
    outputs : tuple of array
    values : dict from reference to array
        Of the whole network.
    shapes : mapping from reference to shape
    """

    step: ForwardStep
    inputs: tuple[Array | None, ...]
    outputs: tuple[Array, ...]
    values: Values
    shapes: Mapping[str, tuple[int, ...]]

    def change(self, directions: Mapping[int, Array], t: complex) -> tuple[Array, ...]:
        """Return the change of the outputs where the inputs at some positions move by t times a direction."""
        moved = [
            x + t * directions[position] if x is not None and position in directions else x
            for position, x in enumerate(self.inputs)
        ]
        results = run_rule(self.step, moved, t)
        return tuple(result - y for result, y in zip(results, self.outputs, strict=True))

    def repeats(self) -> bool:
        """Return whether the forward rule gives the same result when it runs again."""
        results = run_rule(self.step, self.inputs, 0.0)
        return all(np.array_equal(result, y, equal_nan=True) for result, y in zip(results, self.outputs, strict=True))

    def in_last_digits(self, step: BackwardStep, generator: np.random.Generator) -> Values:
        """Return the values that a rule reads, moved in their last digit."""
        moved: Values = {}
        for kind, source in step.arguments:
            for name in (source,) if kind == "value" else source if kind == "values" else ():
                moved[name] = last_digit(self.values[name], generator)
        return moved


DRAWS = 8
"""So often digits are moved at random: in one draw of a few, what they do to a difference may cancel."""


def last_digit(array: Array, generator: np.random.Generator) -> Array:
    """Return an array with each entry moved by two units in its last place, up or down."""
    return np.asarray(array * (1 + 2 * EPSILON * generator.choice([-1.0, 1.0], array.shape)))


def run_rule(step: ForwardStep, inputs: Sequence[Array | None], t: complex) -> tuple[Array, ...]:
    """Return what the forward rule of a step gives for inputs that were moved by a real or imaginary t."""
    xp = complex_namespace if isinstance(t, complex) else numpy_namespace
    first = [xp] if step.arguments[:1] == (("namespace", None),) else []
    result = step.rule(*first, *inputs, **step.attributes)
    results = result if isinstance(result, tuple) else (result,)
    arrays = (np.asarray(item) for item in results)
    return tuple(array if array.dtype.kind in "fc" else array.astype(np.float64) for array in arrays)
