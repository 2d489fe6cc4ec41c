"""What a wrong derivative looks like: a hint for whoever looks for the mistake."""

from __future__ import annotations

import numpy as np

from dagprop.backends.reference import Array
from dagprop.check.differences import difference_slopes
from dagprop.check.node_point import NodePoint
from dagprop.check.records import Finding
from dagprop.plan.records import BackwardStep


def ratio_hint(finding: Finding) -> str:
    """Return what the ratio of the two numbers looks like, or "" where nothing comes to mind."""
    rule, numeric = finding.rule, finding.numeric
    if not (np.isfinite(rule) and np.isfinite(numeric)):
        return finding.hint
    if rule == 0:
        return "the rule gives 0, as if the output did not depend on this input"
    if abs(numeric) <= 1e-9 * abs(rule):
        return "the output does not change with this input; a straight-through rule is no derivative"
    ratio = rule / numeric
    if abs(ratio + 1) < 1e-6:
        return "the sign is wrong"
    if abs(ratio * numeric * numeric - 1) < 1e-6:
        return "the rule gives the reciprocal of the derivative"
    return f"the rule gives {ratio:.6g} times the derivative"


def other_input(point: NodePoint, step: BackwardStep, finding: Finding, entry: tuple[int, ...]) -> str:
    """Return which input the rule seems to be the derivative by, where that is another than its own, or ""."""
    y = point.outputs[0]
    own = point.inputs[step.position]
    for position, x in enumerate(point.inputs[:8]):
        if x is None or position == step.position or x is own:
            continue

        def along(t: complex, position: int = position, x: Array = x) -> Array:
            return np.broadcast_to(point.change({position: np.ones(x.shape)}, t)[0], y.shape)

        slope = float(difference_slopes(along, np.abs(y)).central.value[entry])
        if finding.rule and abs(slope - finding.rule) <= 1e-6 * abs(finding.rule):
            return f"it is the derivative by the input at position {position}, {point.step.inputs[position]}"
    return ""
