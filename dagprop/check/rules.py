"""Each rule by itself, at the values that its node has: local derivatives and pullbacks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dagprop.backends.reference import Values, code_place
from dagprop.check.complex_namespace import ClassIndexError
from dagprop.check.elementwise import check_elementwise
from dagprop.check.findings import Outcome, Tally, blank_finding
from dagprop.check.node_point import NodePoint
from dagprop.check.pullbacks import check_pullback
from dagprop.check.records import Part, Settings, Unchecked
from dagprop.errors import ComputationError
from dagprop.plan.network import Network
from dagprop.plan.records import BackwardStep, Plan
from dagprop.plan.steps import node_steps

MOST_ALONE = 50
"""The inputs of a node with more than this are checked in groups of so many; a group that is wrong is taken apart."""

UNSTEADY = "the forward rule gives another result each time it runs"


def check_rules(
    network: Network, plan: Plan, values: Values, settings: Settings, generator: np.random.Generator
) -> tuple[Part, tuple[Unchecked, ...]]:
    """Check the rule of every input of every node.

    Parameters
    ----------
    network : Network
    plan : Plan
        One that gives back every value.
    values : dict from reference to array
        Of a run of that plan, in float64.
    settings : Settings
    generator : numpy.random.Generator

    Returns
    -------
    part : Part
        With findings in forward order.
    unchecked : tuple of Unchecked
        The inputs that have no derivative, or no rule.
    """
    tally, unchecked = Tally(), []
    shapes = {name: value.shape for name, value in values.items()}
    for step in plan.forward:
        inputs = tuple(None if name is None else values[name] for name in step.inputs)
        point = NodePoint(step, inputs, tuple(values[name] for name in step.outputs), values, shapes)
        positions = [position for position, name in enumerate(step.inputs) if name is not None]
        steps, missing = node_steps(network, network.node(step.node), positions, set())
        unchecked += [
            Unchecked(step.node, step.op, name, "the op has no derivative rule for it")
            for name in dict.fromkeys(missing)
        ]
        size = 1 if len(steps) <= MOST_ALONE else MOST_ALONE
        groups = [steps[start : start + size] for start in range(0, len(steps), size)][::-1]
        while groups:
            group = groups.pop()
            try:
                found = _check_group(point, group, settings, generator)
            except ClassIndexError:
                if len(group) == 1:
                    reason = "a class index does not move by small steps"
                    unchecked.append(Unchecked(step.node, step.op, group[0].input, reason))
                    continue
                found = None
            if found is not None and found.findings and not point.repeats():
                unchecked.append(Unchecked(step.node, step.op, group[0].input, UNSTEADY))
            elif found is None or (len(group) > 1 and found.findings):
                middle = len(group) // 2
                groups += [group[middle:], group[:middle]]  # the last is taken first
            else:
                tally.add(found)
    return tally.part(), tuple(unchecked)


def _check_group(
    point: NodePoint, group: list[BackwardStep], settings: Settings, generator: np.random.Generator
) -> Outcome | None:
    """Return what the check of some inputs of a node gives; None where one of several fails."""
    first = group[0]
    blank = blank_finding(first.node, first.op, first.input, first.target, code_place(first.rule))
    try:
        if first.kind == "derivative" and len(point.outputs) == 1:
            found = check_elementwise(point, group, blank, settings, generator)
            if found is not None:
                return found
        return check_pullback(point, group, blank, settings, generator)
    except ComputationError as error:
        if len(group) > 1:
            return None
        problem = error.problems[0]
        failed = replace(blank, kind="wrong", hint=problem.message)
        size = point.values[first.target].size
        return Outcome(1, 0, size, "complex step", [failed], None)
