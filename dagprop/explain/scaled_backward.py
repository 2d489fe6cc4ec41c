"""A backward pass that cannot underflow: how large the gradient is at every value, however deep the network.

Each gradient is kept as an array of moderate numbers times a power of two.  A thousand layers that divide it by four
each leave 10⁻⁶⁰², which no float64 holds, and which is still worth knowing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from dagprop.backends.reference import Array, Memory, Values, propagate
from dagprop.graph.records import SAMPLE_AXIS, Shape
from dagprop.plan.records import BackwardStep, Plan
from dagprop.record import record

LOG_2 = math.log10(2)


@record
class Arrival:
    """The size of a gradient where it has arrived.

    Attributes
    ----------
    log_size : float
        The decimal logarithm of the root mean square of ∂loss/∂value; ``-inf`` for 0, NaN where it is not finite.
        Of a value of each sample it is that of the sample's own loss, which the mean over N samples divides by N.
    uses : int
        Along how many uses it came.
    largest : BackwardStep or None
        The use that contributes most; None for the loss itself.
    log_part : float
        The logarithm of what that use alone contributes.
    """

    log_size: float
    uses: int
    largest: BackwardStep | None
    log_part: float


Scaled = tuple[Array, int]
"""An array, and the power of two that it is to be multiplied by."""


def arrivals(plan: Plan, values: Values, declared: Mapping[str, Shape], samples: int) -> dict[str, Arrival]:
    """Return the size of the gradient at every value that the backward pass of a plan meets.

    Parameters
    ----------
    plan : Plan
        With one seed, the loss.
    values : dict from reference to array
        Of a run of the plan that gives back every value.
    declared : mapping from reference to shape
        The shapes with names.
    samples : int
        What the name of the sample axis stands for.
    """
    shapes = {name: value.shape for name, value in values.items()}

    def log_size(name: str, gradient: Scaled) -> float:
        own = math.log10(samples) if declared[name][:1] == (SAMPLE_AXIS,) and samples else 0.0
        return own + _log_rms(gradient)

    (loss,) = plan.seeds
    seed = _scaled(np.full_like(values[loss], 1 / max(values[loss].size, 1)), 0)
    gradients: dict[str, Scaled] = {loss: seed}
    found = {loss: Arrival(log_size(loss, seed), 0, None, 0.0)}
    memory: Memory = {}
    node = ""
    with np.errstate(all="ignore"):
        for step in plan.backward:
            if step.node != node:
                node = step.node
                given, exponent = _aligned({name: gradients.pop(name) for name in step.outputs if name in gradients})
            part = _scaled(propagate(step, values, given, shapes, memory), exponent)
            size = log_size(step.target, part)
            before = found.get(step.target)
            if before is None:
                gradients[step.target] = part
                found[step.target] = Arrival(size, 1, step, size)
                continue
            gradients[step.target] = _sum(gradients[step.target], part)
            more = size > before.log_part or math.isnan(size)
            found[step.target] = Arrival(
                log_size(step.target, gradients[step.target]),
                before.uses + 1,
                step if more else before.largest,
                size if more else before.log_part,
            )
    return found


def _scaled(array: Array, exponent: int) -> Scaled:
    largest = float(np.abs(array).max(initial=0))
    if largest == 0 or not math.isfinite(largest):
        return array, 0
    own = math.frexp(largest)[1]
    return np.ldexp(array, -own), exponent + own


def _sum(left: Scaled, right: Scaled) -> Scaled:
    arrays, exponent = _aligned({"left": left, "right": right})
    return _scaled(arrays["left"] + arrays["right"], exponent)


def _aligned(given: Mapping[str, Scaled]) -> tuple[dict[str, Array], int]:
    """Return arrays with one common power of two, that of the largest; what is 2¹⁰⁰⁰ times smaller becomes 0."""
    if len(given) == 1:
        ((name, (array, exponent)),) = given.items()
        return {name: array}, exponent
    common = max((exponent for array, exponent in given.values() if array.any()), default=0)
    return {name: np.ldexp(array, max(exponent - common, -5000)) for name, (array, exponent) in given.items()}, common


def _log_rms(gradient: Scaled) -> float:
    array, exponent = gradient
    square = float(np.vdot(array, array)) / max(array.size, 1)
    if not square:
        return -math.inf
    return math.log10(square) / 2 + exponent * LOG_2 if math.isfinite(square) else math.nan
