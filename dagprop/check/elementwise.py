"""The check of a local derivative ∂y/∂x: all entries at once, for each entry of y depends on one of x.

All entries of x move together by random steps w.  If the op is elementwise, entry k of y then changes by
∂yₖ/∂xₖ · wₖ, whatever the others do; if it is not, the random steps make that visible.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from dagprop.backends.reference import Array, Values, apply_rule
from dagprop.check.findings import Outcome, outcome
from dagprop.check.gradients import random_direction
from dagprop.check.hints import not_finite_hint, other_input
from dagprop.check.last_digits import draws
from dagprop.check.node_point import NodePoint
from dagprop.check.records import Finding, Settings
from dagprop.check.verdicts import judge
from dagprop.errors import ComputationError
from dagprop.plan.records import BackwardStep


def check_elementwise(
    point: NodePoint, group: list[BackwardStep], blank: Finding, settings: Settings, generator: np.random.Generator
) -> Outcome | None:
    """Return what the check of the local derivatives of some inputs gives.

    None where a rule gives what is larger than the output: as a local derivative, it cannot be compared.

    Raises
    ------
    ClassIndexError
        If an input is a class index.
    ComputationError
        If a rule fails.
    """
    y = point.outputs[0]
    directions = {step.position: random_direction(generator, point.values[step.target]) for step in group}
    claimed = _claimed(point, group, directions, point.values)
    if claimed is None:
        return None

    def along(t: complex) -> Array:
        return np.broadcast_to(point.change(directions, t)[0], y.shape)

    def noise() -> Array:
        bound = np.zeros(y.shape)
        for values, steps in draws(point, group, generator):
            with suppress(ComputationError):  # a rule that refuses other digits tells nothing of rounding
                moved = _claimed(point, steps, directions, values)
                if moved is not None:
                    bound = np.fmax(bound, np.abs(moved - claimed))
        return 8 * bound

    finite = np.isfinite(y)
    for step in group:
        finite = finite & np.isfinite(point.values[step.target])
    verdicts = judge(along, np.where(finite, np.abs(y), np.nan), claimed, noise, settings.tolerance)
    steps = np.broadcast_to(sum(directions.values()), y.shape)

    def make(number: int, finding: Finding) -> Finding:
        output = tuple(int(i) for i in np.unravel_index(number, y.shape))
        own = point.values[group[0].target].shape
        entry = tuple(0 if size == 1 else i for size, i in zip(own, output[len(output) - len(own) :], strict=True))
        hint = finding.hint
        if finding.kind == "not finite":
            x = point.values[group[0].target]
            hint = not_finite_hint(finding, bool(np.isfinite(x[entry]) and np.isfinite(y[output])))
        if finding.kind == "wrong":
            hint = other_input(point, group[0], finding, output) or hint
        return replace(finding, entry=entry, output=output, hint=hint)

    result = outcome(verdicts, steps, blank, make, y.size)
    if len(group) == 1:
        return result
    return replace(result, subjects=len(group), largest=None)


def _claimed(point: NodePoint, group: list[BackwardStep], directions: dict[int, Array], values: Values) -> Array | None:
    """Return the change of y that the rules say, or None where it does not have the shape of y."""
    y = point.outputs[0]
    memory: dict[str, object] = {}
    total = np.zeros(y.shape)
    for step in group:
        local = apply_rule(step, values, {}, point.shapes, memory)
        try:
            total = total + np.broadcast_to(np.asarray(local, dtype=np.float64) * directions[step.position], y.shape)
        except (TypeError, ValueError):
            return None
    return total
