"""The forward pass, value by value: by its rule, with numbers put in, and worked out."""

from __future__ import annotations

from collections.abc import Iterator

from dagprop.backends.reference import Array, Values
from dagprop.explain.derivation import SMALL
from dagprop.explain.derivation_records import Derivation
from dagprop.explain.document import Block, Equation, in_part, without_middle
from dagprop.explain.formula import Formula, Name, Number, Value, names_in, substitute
from dagprop.explain.rule_formulas import forward_or_name
from dagprop.plan.records import ForwardStep

MOST_STEPS = 24
"""Of more steps, only the first and the last are shown."""

MOST_TERMS = 8
"""A sum or product of more parts is shortened in the middle."""


def forward_blocks(derivation: Derivation, every_line: bool) -> Iterator[Block]:
    """Return an equation for each value that the forward pass computes."""

    def blocks(step: ForwardStep) -> Iterator[Block]:
        return forward_equations(step, derivation.values)

    left_out = "steps are left out here: --full shows them."
    return in_part(derivation.plan.forward, None if every_line else MOST_STEPS, blocks, left_out)


def forward_equations(step: ForwardStep, values: Values) -> Iterator[Equation]:
    """Yield what a forward step computes, output by output."""
    shapes = {name: values[name].shape for name in (*step.inputs, *step.outputs) if name}
    for name, formula in zip(step.outputs, forward_or_name(step, shapes), strict=True):
        yield worked_out(Name(name, shapes[name]), formula, values, values[name])


def worked_out(left: Formula, formula: Formula, values: Values, result: Array) -> Equation:
    """Return a formula, the same with numbers for its names if they are few, and what it comes to."""
    rows = [without_middle(formula, MOST_TERMS)]
    names = names_in(formula)
    if names and all(values[name].size <= SMALL for name in names):
        numbers = substitute(formula, {name: Value(values[name], values[name].shape) for name in names})
        rows.append(without_middle(numbers, MOST_TERMS))
    if not isinstance(rows[-1], Value | Number):
        rows.append(Value(result, result.shape))
    return Equation(left, tuple(rows))
