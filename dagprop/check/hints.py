"""What a wrong derivative looks like: a hint for whoever looks for the mistake."""

from __future__ import annotations

from math import isfinite, isnan

import numpy as np

from dagprop.backends.reference import Array
from dagprop.check.differences import difference_slopes
from dagprop.check.node_point import NodePoint
from dagprop.check.records import Finding
from dagprop.plan.records import BackwardStep


def ratio_hint(rule: float, numeric: float) -> str:
    """Return what a rule looks like that gives the same multiple of the derivative everywhere."""
    if not (isfinite(rule) and isfinite(numeric)):
        return ""
    if rule == 0:
        return "the rule gives 0, as if the output did not depend on this input"
    if abs(numeric) <= 1e-9 * abs(rule):
        return "the output does not change with this input"
    ratio = rule / numeric
    return "the sign is wrong" if abs(ratio + 1) < 1e-6 else f"the rule gives {ratio:.6g} times the derivative"


def not_finite_hint(finding: Finding, finite_values: bool) -> str:
    """Return what is not finite where a slope or a rule is not."""
    if not finite_values:
        return "a value is not finite there"
    if not isnan(finding.numeric):
        return "the rule gives no number where there is a derivative"
    if isnan(finding.left) and isnan(finding.right):
        return "the forward rule gives no number beside this value"
    return "moved by smaller and smaller steps, the slope has no limit"


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
            return f"the rule gives the derivative by another input: by {point.step.inputs[position]}"
    return ""
