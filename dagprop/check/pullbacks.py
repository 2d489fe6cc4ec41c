"""The check of a pullback: with an upstream gradient g drawn at random, ∂L/∂x must be the gradient of L = g · y.

The rule of an op with several outputs, or whose result has another shape than y, is checked in this way too.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from math import prod

import numpy as np

from dagprop.backends.reference import Array, Values, propagate
from dagprop.check.differences import complex_slopes, difference_slopes
from dagprop.check.findings import Outcome, outcome
from dagprop.check.gradients import Checked, Claim, check_claim
from dagprop.check.hints import not_finite_hint
from dagprop.check.last_digits import draws
from dagprop.check.node_point import NodePoint
from dagprop.check.records import Finding, Settings
from dagprop.check.rounded_array import last_digit
from dagprop.check.verdicts import Method, Verdicts
from dagprop.errors import ComputationError
from dagprop.plan.records import BackwardStep

MOST_OUTPUTS = 1000
"""The Jacobian of a wrong entry is looked for among so many entries of the output."""


def check_pullback(
    point: NodePoint, group: list[BackwardStep], blank: Finding, settings: Settings, generator: np.random.Generator
) -> Outcome:
    """Return what the check of the pullbacks of some inputs gives.

    Raises
    ------
    ClassIndexError
        If an input is a class index.
    ComputationError
        If a rule fails, or gives what does not fit.
    """
    names = point.step.outputs
    upstream = {
        name: generator.uniform(0.5, 1.0, y.shape) * generator.choice([-1.0, 1.0], y.shape)
        for name, y in zip(names, point.outputs, strict=True)
    }
    total = sum(point.values[step.target].size for step in group)

    def gradients(values: Values, given: Values, steps: list[BackwardStep] = group) -> tuple[Array, ...]:
        memory: dict[str, object] = {}
        return tuple(propagate(step, values, given, point.shapes, memory) for step in steps)

    def change(directions: Sequence[Array | None], t: complex) -> Array:
        moves = {step.position: w for step, w in zip(group, directions, strict=True) if w is not None}
        changes = point.change(moves, t)
        return np.asarray(sum((upstream[name] * c).sum() for name, c in zip(names, changes, strict=True)))

    claimed = gradients(point.values, upstream)

    @cache
    def noise() -> tuple[Array, ...]:
        bounds = [np.zeros(array.shape) for array in claimed]
        for values, steps in draws(point, group, generator):
            given = {name: last_digit(g, generator) for name, g in upstream.items()}
            with suppress(ComputationError):  # a rule that refuses other digits tells nothing of rounding
                moved = gradients(values, given, steps)
                bounds = [np.fmax(b, np.abs(m - c)) for b, m, c in zip(bounds, moved, claimed, strict=True)]
        return tuple(8 * bound for bound in bounds)

    scale = np.asarray(sum(np.abs(upstream[n] * y).sum() for n, y in zip(names, point.outputs, strict=True)))
    claim = Claim(tuple(point.values[step.target] for step in group), claimed, change, scale, noise)
    checked = check_claim(claim, settings, generator)

    def make(number: int, finding: Finding) -> Finding:
        entry = checked[number].entry
        finding = replace(finding, entry=entry)
        if finding.kind == "not finite":
            finite = all(np.isfinite(y).all() for y in (point.values[group[0].target], *point.outputs))
            return replace(finding, hint=not_finite_hint(finding, finite))
        return _single_derivative(point, group[0], finding) if finding.kind == "wrong" else finding

    result = outcome(*stacked(checked), blank, make, total)
    if len(group) == 1:
        return result
    return replace(result, subjects=len(group), largest=None)


def stacked(checked: list[Checked]) -> tuple[Verdicts, Array]:
    """Return the verdicts on single entries as one, and the steps that belong to them."""
    fields = ("kind", "claimed", "numeric", "left", "right", "relative")
    arrays = {name: np.array([getattr(item.verdict, name) for item in checked]).reshape(-1) for name in fields}
    all_complex = all(item.verdict.method == "complex step" for item in checked)
    method: Method = "complex step" if all_complex else "central differences"
    return Verdicts(**arrays, method=method), np.array([item.step for item in checked])


def _single_derivative(point: NodePoint, step: BackwardStep, finding: Finding) -> Finding:
    """Return a wrong entry of a gradient as a wrong ∂y/∂x of single entries, which can be checked by hand.

    Of all entries of y, that where rule and slope are farthest from each other; the finding as it is where the op has
    several outputs, the output is very large, or no entry is as wrong as the sum.
    """
    y = point.outputs[0]
    if len(point.outputs) > 1 or not 0 < prod(y.shape) <= MOST_OUTPUTS:
        return finding
    direction = np.zeros(point.values[step.target].shape)
    direction[finding.entry] = 1.0

    def along(t: complex) -> Array:
        return point.change({step.position: direction}, t)[0]

    sides = complex_slopes(along, np.abs(y))
    numeric = sides[0] if sides is not None else difference_slopes(along, np.abs(y)).central.value
    rule = np.zeros(y.size)
    for number in range(y.size):
        unit = np.zeros(y.size)
        unit[number] = 1.0
        given = {step.outputs[0]: unit.reshape(y.shape)}
        rule[number] = propagate(step, point.values, given, point.shapes, {})[finding.entry]
    away = np.nan_to_num(np.abs(rule - numeric.ravel()), nan=0.0)
    worst = int(away.argmax())
    a, b = float(rule[worst]), float(numeric.ravel()[worst])
    relative = abs(a - b) / max(abs(a), abs(b), 1e-300)
    if relative < finding.relative / 2:
        return replace(finding, hint=f"for an upstream gradient drawn at random; {finding.hint}".removesuffix("; "))
    output = tuple(int(i) for i in np.unravel_index(worst, y.shape))
    return replace(finding, output=output, rule=a, numeric=b, left=b, right=b, relative=relative)
