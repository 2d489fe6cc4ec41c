"""The check of a network: each rule by itself, then the gradients of the whole graph."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dagprop.backends.reference import Array, Values, run
from dagprop.check.findings import Tally, outcome
from dagprop.check.gradients import Checked, Claim, check_claim
from dagprop.check.node_point import last_digit, run_rule
from dagprop.check.pullbacks import stacked
from dagprop.check.records import Finding, GradientCheck, Part, Settings
from dagprop.check.rules import check_rules
from dagprop.plan.network import Network
from dagprop.plan.records import Plan
from dagprop.plan.steps import plan

MOST_NODE_RUNS = 400_000
"""The whole graph is run as often as this allows; a graph of more nodes has fewer of its entries checked one by one."""


def check_network(network: Network, leaves: Mapping[str, Array], settings: Settings) -> GradientCheck:
    """Check the rules of a network and its gradients at one operating point.

    Parameters
    ----------
    network : Network
    leaves : mapping from id to array
        Float64 values of all leaves.
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
        values = run(steps, leaves).values
        rules, unchecked = check_rules(network, steps, values, settings, generator)
        whole, missing = _check_whole(network, leaves, rules, settings, generator)
    return GradientCheck(rules, whole, missing, unchecked)


def _check_whole(
    network: Network, leaves: Mapping[str, Array], rules: Part, settings: Settings, generator: np.random.Generator
) -> tuple[Part | None, str]:
    """Return the check of ∂loss/∂parameter, or None and why there is none."""
    loss, parameters = network.graph.loss, network.graph.parameters()
    if loss is None:
        return None, "the graph has no loss"
    if not parameters:
        return None, "the graph has no parameter that is trained"
    if any(finding.failed and finding.rule != finding.rule for finding in rules.findings):
        return None, "a rule gives no gradient to check"
    steps = plan(network, (loss,), (loss,), parameters)
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

    def noise() -> tuple[Array, ...]:
        bounds = {id: np.zeros(gradient.shape) for id, gradient in gradients.items()}
        for _ in range(3):
            moved = run(steps, {id: last_digit(value, generator) for id, value in needed.items()}).gradients
            bounds = {id: np.fmax(bound, np.abs(moved[id] - gradients[id])) for id, bound in bounds.items()}
        return tuple(8 * bounds[id] for id in parameters)

    claim = Claim(
        tuple(leaves[id] for id in parameters),
        tuple(gradients[id] for id in parameters),
        change,
        np.asarray(np.abs(base).mean()),
        noise,
    )
    entries = max(1, MOST_NODE_RUNS // (2 * len(steps.forward) + 1))
    samples = settings.samples
    few = replace(settings, samples=None if samples is None else min(10 * samples, entries))
    checked = check_claim(claim, few, generator)
    kinks = bool(rules.of_kind("kink") or rules.of_kind("jump"))
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
    nothing = float("nan")
    for number, id in enumerate(parameters):
        own = [item for item in checked if item.part == number]
        if not own:
            continue
        blank = Finding(
            "right", id, "parameter", "", id, (), None, *[nothing] * 4, 0.0, 1, "complex step", "the whole graph"
        )

        def make(position: int, finding: Finding, own: list[Checked] = own) -> Finding:
            # Where a rule chooses one side of a kink, the whole gradient need not lie between the slopes of the sides.
            kind = "kink" if kinks and finding.kind == "wrong" else finding.kind
            return replace(finding, entry=own[position].entry, kind=kind)

        tally.add(outcome(*stacked(own), blank, make, 0))
    part = tally.part()
    return replace(part, subjects=len(parameters), total=total)
