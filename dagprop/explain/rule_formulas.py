"""The formulas of rules: each rule is run on symbols, as for the compiled back ends, and what it wrote is read off.

Nothing is reordered or worked out; only factors of 1, the 0 that Python's ``sum`` begins with, and changes of shape
that mathematics does not write are left out.  Where a rule calls the forward rule of a function that has a name of its
own, such as σ, the formula says that name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagprop.errors import DagpropError
from dagprop.explain.formula import Apply, Formula, Name, Number, Shape
from dagprop.ops import registry
from dagprop.ops.contract import Op
from dagprop.ops.namespace import Namespace
from dagprop.plan.records import Argument, BackwardStep, ForwardStep
from dagprop.program.recorder import Recorder
from dagprop.program.symbols import Symbol, symbolic_namespace
from dagprop.program.trace import named_error

NAMED = {
    "sigmoid": frozenset(("exp",)),
    "softplus": frozenset(("exp", "log1p")),
    "softmax": frozenset(("exp", "sum")),
    "log_softmax": frozenset(("exp", "log", "sum")),
}
"""The functions that are written by name where a rule computes them on the way, and what is found in it then."""

UPSTREAM = "∂"
"""Before the reference of an output, the name of its gradient in the formula of a pullback."""


def forward_formulas(step: ForwardStep, shapes: Mapping[str, Shape]) -> tuple[Formula, ...]:
    """Return the formula of each output of a step.

    Parameters
    ----------
    step : ForwardStep
    shapes : mapping from reference to shape
    """
    tracer = _Tracer(shapes)
    result = step.rule(*tracer.arguments(step.arguments), **step.attributes)
    results = result if isinstance(result, tuple) else (result,)
    return tuple(tracer.formula(item, step.op) for item in results)


def forward_or_name(
    step: ForwardStep, shapes: Mapping[str, Shape], results: Sequence[Shape] | None = None
) -> tuple[Formula, ...]:
    """Return the formula of each output of a step; where the rule cannot be recorded, the op by its name.

    Parameters
    ----------
    step : ForwardStep
    shapes : mapping from reference to shape
    results : sequence of shape, optional
        Those of the outputs, where the mapping does not have them.
    """
    try:
        return forward_formulas(step, shapes)
    except (Exception, SystemExit):  # a rule is anybody's code, and needs no formula to run
        operands = tuple(Name(name, shapes[name]) for name in step.inputs if name)
        several = len(step.outputs) > 1
        found = [shapes[name] for name in step.outputs] if results is None else results
        return tuple(
            Apply(step.op, operands, (f"output {number}",) if several else (), shape)
            for number, shape in enumerate(found)
        )


def op_formula(op: Op, attributes: Mapping[str, Any], operand: str = "x", shape: Shape = ()) -> Formula:
    """Return the formula of an op with one input; an attribute may be a :class:`Name`, and then stands as that."""
    names = {value.reference: value.shape for value in attributes.values() if isinstance(value, Name)}
    tracer = _Tracer({**names, operand: shape})
    namespace: list[Argument] = [("namespace", None)] if op.arguments[:1] == ("xp",) else []
    values: dict[str, Any] = {}
    for name, value in attributes.items():
        values[name] = tracer.arguments([("value", value.reference)])[0] if isinstance(value, Name) else value
    return tracer.formula(op.forward(*tracer.arguments([*namespace, ("value", operand)]), **values), op.name)


def op_formulas(
    op: Op, attributes: Mapping[str, Any], inputs: Mapping[str, Shape]
) -> tuple[Formula, dict[str, Formula]]:
    """Return the formula of an op with one output, and those of its rules, by input.

    Parameters
    ----------
    op : Op
    attributes : mapping from str to object
        A :class:`Name` stands as that.
    inputs : mapping from str to shape
        What the inputs are called, by position; the output is ``y``.
    """
    names = {value.reference: value.shape for value in attributes.values() if isinstance(value, Name)}
    shapes: dict[str, Shape] = {**names, **inputs}
    tracer = _Tracer(shapes)
    known: dict[str, Any] = {"xp": tracer.arguments([("namespace", None)])[0]}
    for name, value in attributes.items():
        known[name] = tracer.arguments([("value", value.reference)])[0] if isinstance(value, Name) else value
    values = tracer.arguments([("value", name) for name in inputs])
    first = [known["xp"]] if op.arguments[:1] == ("xp",) else []
    forward = op.forward(*first, *values, **{name: known[name] for name in attributes})
    shapes["y"] = shapes[UPSTREAM + "y"] = getattr(forward, "shape", ())
    known["y"], known["g"] = tracer.arguments([("value", "y"), ("value", UPSTREAM + "y")])
    for position, signature in enumerate(op.signature.inputs):
        known[signature.name] = tuple(values[position:]) if signature.variadic else values[position]
    rules: dict[str, Formula] = {}
    for position, name in enumerate(inputs):
        declared = op.signature.inputs[min(position, len(op.signature.inputs) - 1)]
        if declared.name in op.rules:
            rule = op.rules[declared.name]
            result = rule.function(*(known[argument] for argument in rule.arguments))
            if isinstance(result, tuple):
                result = result[position - len(op.signature.inputs) + 1]
            rules[name] = tracer.formula(result)
    return tracer.formula(forward, op.name), rules


def derivative_formulas(steps: Sequence[BackwardStep], shapes: Mapping[str, Shape]) -> Iterator[Formula]:
    """Yield the formula of each backward step: of its local derivative, or of its pullback.

    In that of a pullback the gradient of the output is a name, :data:`UPSTREAM` and the reference of the output.

    Raises
    ------
    PluginError
        If a rule does what cannot be recorded (DP503).
    """
    tracer = _Tracer(shapes)
    node, result = None, None
    for step in steps:
        if step.part is None or step.node != node:  # the rule of a variadic input is called once for all
            try:
                result = step.rule(*tracer.arguments(step.arguments))
            except DagpropError:
                raise
            except (Exception, SystemExit) as error:  # a rule is anybody's code
                raise named_error(error, step) from error
            node = step.node
        mine = result[step.part] if isinstance(result, tuple) and step.part is not None else result
        yield tracer.formula(mine)


class _Tracer:
    """A recorder and the symbols of the values that rules are run on."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._recorder = Recorder(as_written=True)
        self._xp: Namespace = symbolic_namespace(self._recorder)

    def arguments(self, arguments: Sequence[Argument]) -> list[Any]:
        """Return what a rule asks for."""
        collected: list[Any] = []
        for kind, source in arguments:
            match kind:
                case "namespace":
                    collected.append(self._xp)
                case "value":
                    collected.append(self._symbol(source, self._shapes[source]))
                case "values":
                    collected.append(tuple(self._symbol(name, self._shapes[name]) for name in source))
                case "constant":
                    collected.append(source)
                case "gradient":
                    found = tuple(self._symbol(UPSTREAM + name, self._shapes[name]) for name in source)
                    collected.append(found if len(found) > 1 else found[0])
        return collected

    def _symbol(self, name: str, shape: Shape) -> Symbol:
        return Symbol(self._recorder, self._recorder.input(name, shape))

    def formula(self, result: Any, op: str | None = None) -> Formula:
        """Return what a rule gave as a formula; ``op`` is the one whose own forward rule it is."""
        if not isinstance(result, Symbol):
            return Number(float(result))
        named = self._named(self._needed(result.number, {}), op)
        formulas: dict[int, Formula] = {}
        for number in self._needed(result.number, named):
            instruction = self._recorder.instructions[number]
            operands = tuple(formulas[operand] for operand in instruction.operands if operand in formulas)
            shape = instruction.shape
            match instruction.primitive:
                case "input":
                    formulas[number] = Name(instruction.parameters[0], shape)
                case "constant":
                    formulas[number] = Number(instruction.parameters[0])
                case _ if number in named:
                    name, operand = named[number]
                    formulas[number] = Apply(name, (formulas[operand],), (), shape)
                case "real":
                    formulas[number] = operands[0]
                case "add" if isinstance(operands[0], Number) and operands[0].value == 0 and operands[1].shape == shape:
                    formulas[number] = operands[1]
                case primitive:
                    formulas[number] = Apply(primitive, operands, instruction.parameters, shape)
        return formulas[result.number]

    def _needed(self, last: int, named: Mapping[int, tuple[str, int]]) -> list[int]:
        """Return the numbers of what a value is computed from, in order; of a named function only its operand."""
        needed, stack = {last}, [last]
        while stack:
            number = stack.pop()
            operands = (named[number][1],) if number in named else self._recorder.instructions[number].operands
            for operand in operands:
                if operand not in needed:
                    needed.add(operand)
                    stack.append(operand)
        return sorted(needed)

    def _named(self, numbers: Sequence[int], op: str | None) -> dict[int, tuple[str, int]]:
        """Return which values are a named function of another one: its rule, recorded on that, is there already."""
        primitives = {self._recorder.instructions[number].primitive for number in numbers}
        there = set(numbers)
        found: dict[int, tuple[str, int]] = {}
        for name, telltales in NAMED.items():
            for number in numbers if name != op and telltales <= primitives else ():
                try:
                    result = registry.ops()[name].forward(self._xp, Symbol(self._recorder, number))
                except (DagpropError, TypeError, ValueError, IndexError):
                    continue
                if result.number in there:
                    found.setdefault(result.number, (name, number))
        return found
