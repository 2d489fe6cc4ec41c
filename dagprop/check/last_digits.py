"""Values moved in their last digit, to see how far rounding moves what a rule makes of them, and which must stay.

A rule may take a value for an index, a label or a code: beside it there is another meaning, or none.  No op has to say
so of its inputs, for its forward rule shows it.  A value may be moved if the outputs follow; where the rule refuses
what is beside it, or the outputs jump, it stays as it is, and so does whatever it is computed from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from dagprop.backends.reference import Array, Values
from dagprop.check.differences import EPSILON
from dagprop.check.node_point import NodePoint, run_rule
from dagprop.check.rounded_array import last_digit, rounded_array, rounding_namespace
from dagprop.plan.records import Argument, BackwardStep, ForwardStep, Plan

Step = TypeVar("Step", ForwardStep, BackwardStep)

DRAWS = 8
"""So often digits are moved at random: in one draw of a few, what they do to a difference may cancel."""

JUMP = 1e-3
"""An output that changes by more than this, relative to the values around it, does not follow a last digit."""


def draws(
    point: NodePoint, group: Sequence[BackwardStep], generator: np.random.Generator
) -> Iterator[tuple[Values, list[BackwardStep]]]:
    """Yield the values that some derivative rules read, moved at random, and the rules as they round at random."""
    fixed = fixed_inputs(point.step, point.values)
    names = dict.fromkeys(name for step in group for argument in step.arguments for name in _read(argument))
    steps = _rounding(group, fixed, generator)
    for _ in range(DRAWS):
        yield {name: _unless(name in fixed, point.values[name], generator) for name in names}, steps


def network_draws(
    plan: Plan, leaves: Values, values: Values, generator: np.random.Generator
) -> Iterator[tuple[Plan, Values]]:
    """Yield the leaves of a network, moved at random, and the plan as it rounds at random.

    Parameters
    ----------
    plan : Plan
        The parameters that it gives a gradient of are moved in any case.
    leaves : dict from str to array
    values : dict from reference to array
        Of all nodes.
    generator : numpy.random.Generator
    """
    fixed = fixed_values(plan.forward, values).difference(plan.wrt)
    forward = tuple(_rounding(plan.forward, fixed, generator))
    backward = tuple(_rounding(plan.backward, fixed, generator))
    for _ in range(DRAWS):
        moved = {id: _unless(id in fixed, value, generator) for id, value in leaves.items()}
        yield replace(plan, forward=forward, backward=backward), moved


def fixed_inputs(step: ForwardStep, values: Values) -> set[str]:
    """Return which inputs of a node must stay as they are."""
    names = [name for name in dict.fromkeys(step.inputs) if name is not None]
    if _follows(step, values, names):  # all at once: most rules compute with all of their inputs
        return set()
    return {name for name in names if not _follows(step, values, [name])}


def fixed_values(steps: Sequence[ForwardStep], values: Values) -> set[str]:
    """Return which values of a network must stay as they are: inputs of nodes, and what those are computed from."""
    fixed: set[str] = set()
    for step in reversed(steps):
        fixed |= fixed_inputs(step, values)
        if not fixed.isdisjoint(step.outputs):
            fixed.update(name for name in step.inputs if name is not None and _matters(step, values, name))
    return fixed


def _read(argument: Argument) -> Sequence[str]:
    """Return the values that one argument of a rule is."""
    kind, source = argument
    return (source,) if kind == "value" else source if kind == "values" else ()


def _rounding(steps: Sequence[Step], fixed: set[str], generator: np.random.Generator) -> list[Step]:
    """Return steps whose rules round at random, but for what they compute from fixed values alone."""
    xp = rounding_namespace(generator)

    def array(name: str, given: Array) -> Array:
        return given if name in fixed else rounded_array(given, generator)

    def argument(asked: Argument, given: Any) -> Any:
        kind, source = asked
        if kind == "namespace":
            return xp
        if kind == "values":
            return tuple(map(array, source, given))
        return array(source if kind == "value" else "", given) if isinstance(given, np.ndarray) else given

    def rounding(step: Step) -> Step:
        def rule(*given: Any, **attributes: Any) -> Any:
            return step.rule(*map(argument, step.arguments, given), **attributes)

        return step._replace(rule=rule)

    return [rounding(step) for step in steps]


def _unless(fixed: bool, value: Array, generator: np.random.Generator) -> Array:
    return value if fixed else last_digit(value, generator)


def _follows(step: ForwardStep, values: Values, names: Sequence[str]) -> bool:
    """Whether the outputs follow some inputs that are moved, each once up and once down, neighbours to other sides."""
    around = [values[name] for name in (*step.inputs, *step.outputs) if name is not None]
    size = max(float(np.abs(value).max(initial=0.0, where=np.isfinite(value))) for value in around)
    for results in _moved(step, values, names):
        if results is None:
            return False
        for result, name in zip(results, step.outputs, strict=True):
            if (np.abs(result - values[name]) > JUMP * size).any():
                return False
    return True


def _matters(step: ForwardStep, values: Values, name: str) -> bool:
    """Whether an output changes at all where an input is moved; a comparison gives the same."""
    return any(
        results is None or not all(map(np.array_equal, results, (values[output] for output in step.outputs)))
        for results in _moved(step, values, [name])
    )


def _moved(step: ForwardStep, values: Values, names: Sequence[str]) -> Iterator[tuple[Array, ...] | None]:
    """Yield what the forward rule gives where some inputs are moved, to both sides; None where it refuses them."""
    for side in (1, -1):
        signs = {name: side * (-1) ** number for number, name in enumerate(names)}
        inputs = [
            None if name is None else np.asarray(values[name] * (1 + 2 * EPSILON * signs.get(name, 0)))
            for name in step.inputs
        ]
        try:
            yield run_rule(step, inputs, 0.0)
        except (Exception, SystemExit):  # a rule is anybody's code
            yield None
