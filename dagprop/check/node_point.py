"""One node at its operating point: what its forward rule does when its inputs move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import Array, Values
from dagprop.check.complex_namespace import complex_namespace
from dagprop.plan.records import ForwardStep
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


def run_rule(step: ForwardStep, inputs: Sequence[Array | None], t: complex) -> tuple[Array, ...]:
    """Return what the forward rule of a step gives for inputs that were moved by a real or imaginary t."""
    xp = complex_namespace if isinstance(t, complex) else numpy_namespace
    first = [xp] if step.arguments[:1] == (("namespace", None),) else []
    result = step.rule(*first, *inputs, **step.attributes)
    results = result if isinstance(result, tuple) else (result,)
    arrays = (np.asarray(item) for item in results)
    return tuple(array if array.dtype.kind in "fc" else array.astype(np.float64) for array in arrays)
