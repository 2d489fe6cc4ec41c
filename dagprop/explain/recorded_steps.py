"""What a derivative rule comes down to: the multiplications that it makes, and the values that it really reads.

Both are found by recording the rule on symbols, so they are never declared, and a plugin has them like a built-in op.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from dagprop.errors import PluginError
from dagprop.plan.records import Argument, BackwardStep, Plan
from dagprop.program.records import Program
from dagprop.program.trace import plan_program
from dagprop.record import record

MULTIPLICATIONS = frozenset(("multiply", "divide", "pow"))
"""Primitives of one multiplication an entry; a matrix product has m·n·k."""

Shapes = Mapping[str, tuple[int, ...]]
Cache = dict[Any, tuple[frozenset[str], int]]


@record
class RecordedStep:
    """One backward step, recorded.

    Attributes
    ----------
    reads : frozenset of str
        The references of the values that the local derivative depends on.  Empty where it is a fixed number.
    multiplications : int
        Those between the local derivative and the gradient of the user.  An elementwise local derivative has one for
        each entry of the node; of other ops it is what their rule does with the gradient.
    """

    reads: frozenset[str]
    multiplications: int


def record_step(step: BackwardStep, shapes: Shapes, cache: Cache) -> RecordedStep:
    """Return what a backward step comes down to.

    A rule that cannot be recorded counts as a product with its whole Jacobian, and reads what it asks for.

    Parameters
    ----------
    step : BackwardStep
    shapes : mapping from reference to shape
    cache : dict
        The same for all steps of a graph: steps that differ in nothing but the names of values are recorded once.
    """
    names = dict.fromkeys((*_values_of(step), step.target, *step.outputs))
    neutral = {name: f"v{number}" for number, name in enumerate(names)}
    back = {new: name for name, new in neutral.items()}
    renamed = _renamed(step, neutral)
    sizes = {new: shapes[name] for name, new in neutral.items()}
    key = (step.rule, repr(renamed.arguments), renamed.target, renamed.outputs, step.part, tuple(sizes.values()))
    if key not in cache:
        cache[key] = _record(renamed, sizes)
    reads, multiplications = cache[key]
    if step.kind == "derivative":
        multiplications = prod(shapes[step.outputs[0]])
    return RecordedStep(frozenset(back[name] for name in reads), multiplications)


def count_multiplications(program: Program, of: frozenset[int] | None = None) -> int:
    """Return how many multiplications and divisions of numbers a program makes; or only those ``of`` some values."""
    total = 0
    for instruction in program.instructions:
        if of is not None and of.isdisjoint(instruction.operands):
            continue
        if instruction.primitive in MULTIPLICATIONS:
            total += prod(instruction.shape)
        elif instruction.primitive == "matmul":
            total += prod(instruction.shape) * program.instructions[instruction.operands[0]].shape[-1]
    return total


def _record(step: BackwardStep, shapes: Shapes) -> tuple[frozenset[str], int]:
    alone = Plan(tuple(shapes), (), (step,), (), step.outputs, (step.target,))
    try:
        program = plan_program(alone, shapes, "float64", cotangents=True)
    except PluginError:
        return frozenset(_values_of(step)), prod(shapes[step.outputs[0]]) * prod(shapes[step.target])
    used = {operand for instruction in program.instructions for operand in instruction.operands}
    reads = frozenset(name for name, number in program.inputs.items() if number in used and name in shapes)
    handed = {number for name, number in program.inputs.items() if name not in shapes}
    for number, instruction in enumerate(program.instructions):
        if not handed.isdisjoint(instruction.operands):
            handed.add(number)
    return reads, count_multiplications(program, frozenset(handed))


def _values_of(step: BackwardStep) -> list[str]:
    """Return the references of the values that a rule asks for."""
    single = [source for kind, source in step.arguments if kind == "value"]
    return single + [name for kind, sources in step.arguments if kind == "values" for name in sources]


def _renamed(step: BackwardStep, names: Mapping[str, str]) -> BackwardStep:
    def renamed(argument: Argument) -> Argument:
        kind, source = argument
        if kind == "value":
            return kind, names[source]
        return (kind, tuple(names[name] for name in source)) if kind in ("values", "gradient") else argument

    return step._replace(
        arguments=tuple(renamed(argument) for argument in step.arguments),
        target=names[step.target],
        outputs=tuple(names[name] for name in step.outputs),
        accumulate=False,
    )
