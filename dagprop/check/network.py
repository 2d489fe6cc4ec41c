"""The check of a network: each rule by itself, then the gradients of the whole graph."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache

import numpy as np

from dagprop.backends.leaf_values import LeafValues
from dagprop.backends.reference import Array, Values, run
from dagprop.check.complex_namespace import ClassIndexError
from dagprop.check.differences import LEVELS, complex_slopes
from dagprop.check.findings import Tally, blank_finding, outcome
from dagprop.check.gradients import Checked, Claim, check_claim, random_direction
from dagprop.check.last_digits import network_draws
from dagprop.check.node_point import run_rule
from dagprop.check.pullbacks import stacked
from dagprop.check.records import Finding, GradientCheck, Part, Settings
from dagprop.check.rules import UNSTEADY, check_rules
from dagprop.errors import ComputationError, GraphError
from dagprop.graph.records import SAMPLE_AXIS
from dagprop.plan.network import Network
from dagprop.plan.records import Plan
from dagprop.plan.steps import plan

MOST_WORK = 100_000_000
"""The whole graph is run as often as this allows, in numbers that the nodes give; a node counts as 1000 at least."""


def check_network(network: Network, leaves: LeafValues, settings: Settings) -> GradientCheck:
    """Check the rules of a network and its gradients at one operating point.

    Parameters
    ----------
    network : Network
    leaves : LeafValues
        Of all leaves, in float64.
    settings : Settings

    Raises
    ------
    ComputationError
        If a forward rule fails.
    """
    every = tuple(reference for id in network.order for reference in network.outputs[id])
    steps = plan(network, every)
    generator = np.random.default_rng(settings.seed)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # A rule that drops an imaginary part does not work on complex numbers: that is an error, and not a warning.
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        values = run(steps, leaves.arrays).values
        rules, unchecked = check_rules(network, steps, values, settings, generator)
        if any(item.reason == UNSTEADY for item in unchecked):
            whole, missing = None, "a forward rule gives another result each time it runs"
        else:
            whole, missing = _check_whole(network, leaves.arrays, rules, values, settings, generator)
    whole = whole and _as_fed(whole, network, leaves)
    return GradientCheck(_as_fed(rules, network, leaves), whole, missing, unchecked)


def _as_fed(part: Part, network: Network, leaves: LeafValues) -> Part:
    """Return findings with the entries as the user counts them: without the sample axis, if one sample was fed."""

    def entry_of(name: str, entry: tuple[int, ...]) -> tuple[int, ...]:
        sampled = leaves.one_sample and network.shapes[name][:1] == (SAMPLE_AXIS,)
        return entry[1:] if sampled else entry

    def plain(finding: Finding) -> Finding:
        output = network.outputs[finding.node][0]
        of = None if finding.output is None else entry_of(output, finding.output)
        return replace(finding, entry=entry_of(finding.source, finding.entry), output=of)

    return replace(part, findings=tuple(map(plain, part.findings)), largest=part.largest and plain(part.largest))


def largest_rounding(exact: Mapping[str, Array], rounded: Mapping[str, Array]) -> float:
    """Return the largest difference of gradients in float32 from those in float64.

    Relative to the largest entry of the gradient of each parameter: one near 0 among large ones has no exact digit.
    """
    largest = 0.0
    for id, gradient in exact.items():
        size = float(np.abs(gradient).max(initial=0.0))
        away = float(np.abs(gradient - rounded[id]).max(initial=0.0))
        largest = max(largest, away / size if size else away)
    return largest


def _check_whole(
    network: Network,
    leaves: Mapping[str, Array],
    rules: Part,
    values: Values,
    settings: Settings,
    generator: np.random.Generator,
) -> tuple[Part | None, str]:
    """Return the check of ∂loss/∂parameter, or None and why there is none."""
    loss, parameters = network.graph.loss, network.graph.parameters()
    if loss is None:
        return None, "the graph has no loss"
    if not parameters:
        return None, "the graph has no parameter that is trained"
    if any(finding.failed and finding.rule != finding.rule for finding in rules.findings):
        return None, "a rule gives no gradient to check"
    try:
        steps = plan(network, (loss,), (loss,), parameters)
    except GraphError as error:
        return None, error.problems[0].message
    needed = {id: leaves[id] for id in steps.leaves}
    done = run(steps, needed)
    base, gradients = done.values[loss], done.gradients
    if not base.size:
        return None, "there are no samples"

    def change(directions: Sequence[Array | None], t: complex) -> Array:
        moved = dict(needed)
        for id, direction in zip(parameters, directions, strict=True):
            if direction is not None and id in moved:
                moved[id] = moved[id] + t * direction
        return np.asarray((_forward(steps, moved, t)[loss] - base).mean())

    @cache
    def noise() -> tuple[Array, ...]:
        bounds = {id: np.zeros(gradient.shape) for id, gradient in gradients.items()}
        for rounding, drawn in network_draws(steps, needed, values, generator):
            with suppress(ComputationError):  # a rule that refuses other digits tells nothing of rounding
                moved = run(rounding, drawn).gradients
                bounds = {id: np.fmax(bound, np.abs(moved[id] - gradients[id])) for id, bound in bounds.items()}
        return tuple(8 * bounds[id] for id in parameters)

    claim = Claim(
        tuple(leaves[id] for id in parameters),
        tuple(gradients[id] for id in parameters),
        change,
        np.asarray(np.abs(base).mean()),
        noise,
    )
    samples = settings.samples
    try:
        if samples is not None:
            work = sum(max(1000, *(values[name].size for name in step.outputs)) for step in steps.forward)
            directions = [random_direction(generator, point) for point in claim.points]
            exact = complex_slopes(lambda t: change(directions, t), claim.scale) is not None
            samples = max(1, min(10 * samples, MOST_WORK // (work * (2 if exact else 2 * LEVELS) + 1)))
        checked = check_claim(claim, replace(settings, samples=samples), generator)
    except ClassIndexError:
        return None, "a class index is a parameter, or computed from one, and does not move by small steps"
    kinks = not rules.failed and bool(rules.of_kind("kink") or rules.of_kind("jump"))
    return _part(parameters, checked, sum(point.size for point in claim.points), kinks), ""


def _forward(steps: Plan, values: Values, t: complex) -> Values:
    """Run the forward steps of a plan on values that were moved by a real or imaginary t."""
    for step in steps.forward:
        inputs = [None if name is None else values[name] for name in step.inputs]
        values.update(zip(step.outputs, run_rule(step, inputs, t), strict=True))
    return values


def _part(parameters: Sequence[str], checked: Sequence[Checked], total: int, kinks: bool) -> Part:
    """Return the verdicts on the gradients, by parameter."""
    tally = Tally()
    for number, id in enumerate(parameters):
        own = [item for item in checked if item.part == number]
        if not own:
            continue
        blank = blank_finding(id, "parameter", "", id, "the whole graph")

        def make(position: int, finding: Finding, own: list[Checked] = own) -> Finding:
            # Where a rule chooses one side of a kink, the whole gradient need not lie between the slopes of the sides.
            kind = "kink" if kinks and finding.kind == "wrong" else finding.kind
            return replace(finding, entry=own[position].entry, kind=kind)

        tally.add(outcome(*stacked(own), blank, make, 0))
    part = tally.part()
    return replace(part, subjects=len(parameters), total=total)
