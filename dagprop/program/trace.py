"""The trace: a plan, run on symbols.

It does with symbols what the reference back end does with arrays - the rules, the sums over uses and over broadcast
axes, the mean over the samples, the update of the parameters - and what comes out is a program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from dagprop.errors import DagpropError, PluginError, Problem, quote
from dagprop.graph.collector import paused_collector
from dagprop.ops.arguments import place_of
from dagprop.ops.namespace import Namespace
from dagprop.plan.abstract import rule_error
from dagprop.plan.records import Argument, BackwardStep, ForwardStep, Plan
from dagprop.program.recorder import Recorder
from dagprop.program.records import Program
from dagprop.program.symbols import Symbol, elementwise, number_of, structural, symbolic_namespace
from dagprop.program.update import LEARNING_RATE, MEAN_LOSS, STEP, UpdateRule, gradient_name
from dagprop.record import record

Symbols = dict[str, Symbol]


@record(eq=False)
class Trace:
    """A plan that was run on symbols.

    Attributes
    ----------
    recorder : Recorder
    values, gradients : dict from reference to Symbol
    """

    recorder: Recorder
    values: Symbols
    gradients: Symbols


@paused_collector()
def trace(plan: Plan, shapes: Mapping[str, tuple[int, ...]], cotangents: bool = False) -> Trace:
    """Run a plan on symbols.

    Parameters
    ----------
    plan : Plan
    shapes : mapping from leaf id to shape
        The shape of each leaf, without names: a program is made for one number of samples.
    cotangents : bool
        Whether a run is given the upstream gradients, named as :func:`~dagprop.program.update.gradient_name` does;
        else the mean is back-propagated.

    Raises
    ------
    PluginError
        If a rule does what cannot be recorded, such as an ``if`` on a value (DP503).
    """
    recorder = Recorder()
    xp = symbolic_namespace(recorder)
    values = {leaf: Symbol(recorder, recorder.input(leaf, shapes[leaf])) for leaf in plan.leaves}
    for step in plan.forward:
        recorder.origin = str(step)
        try:
            result = _call(step, xp, values, {}, step.attributes)
            results = result if isinstance(result, tuple) else (result,)
            for name, value in zip(step.outputs, results, strict=True):
                values[name] = _real(recorder, value)
        except DagpropError:
            raise
        except (Exception, SystemExit) as error:  # a rule is anybody's code
            raise named_error(error, step) from error
    gradients: Symbols = {}
    for seed in plan.seeds:
        recorder.origin = f"d_{seed}"
        shape = values[seed].shape
        if cotangents:
            gradients[seed] = Symbol(recorder, recorder.input(gradient_name(seed), shape))  # type: ignore[arg-type]
        else:
            gradients[seed] = xp.full_like(values[seed], 1 / max(prod(map(int, shape)), 1))
    memory: dict[str, Any] = {}
    for use in plan.backward:
        recorder.origin = str(use)
        try:
            _propagate(recorder, use, xp, values, gradients, memory)
        except DagpropError:
            raise
        except (Exception, SystemExit) as error:  # a rule is anybody's code
            raise named_error(error, use) from error
    for name in plan.wrt:
        if name not in gradients:
            gradients[name] = xp.zeros_like(values[name])
    return Trace(recorder, values, gradients)


def training_program(
    plan: Plan, shapes: Mapping[str, tuple[int, ...]], updates: Mapping[str, str], dtype: str, rule: UpdateRule
) -> Program:
    """Return the program of one step of training.

    Parameters
    ----------
    plan : Plan
        Whose first output is the loss, from which it back-propagates, and whose ``wrt`` are the parameters.
    shapes : mapping from leaf id to shape
    updates : mapping from state id to reference
        The states, and the values that replace them.
    dtype : str
    rule : UpdateRule
        Of the parameters.

    Returns
    -------
    Program
        Its inputs are the leaves, the memories of the parameters, :data:`~dagprop.program.update.LEARNING_RATE` and
        :data:`~dagprop.program.update.STEP`.  Its outputs are :data:`~dagprop.program.update.MEAN_LOSS`, the plan's
        outputs, and for each parameter, memory and state its new value as ``"new " + id``.

    Raises
    ------
    PluginError
        If a rule does what cannot be recorded (DP503).
    """
    traced = trace(plan, shapes)
    recorder = traced.recorder
    recorder.origin = "mean over the samples"
    xp = symbolic_namespace(recorder)
    outputs = {MEAN_LOSS: xp.mean(traced.values[plan.outputs[0]])}
    outputs |= {name: traced.values[name] for name in plan.outputs}
    inputs = [*plan.leaves, LEARNING_RATE, STEP]
    for parameter in plan.wrt:
        names = (parameter, *rule.memory_ids(parameter))
        recorder.origin = f"new {parameter} ({rule.name})"
        new = record_update(recorder, rule, traced.values[parameter], traced.gradients[parameter], names[1:])
        outputs |= {f"new {name}": symbol for name, symbol in zip(names, new, strict=True)}
        inputs += names[1:]
    outputs |= {f"new {state}": traced.values[reference] for state, reference in updates.items()}
    return recorder.program(inputs, {name: symbol.number for name, symbol in outputs.items()}, dtype)


def update_program(rule: UpdateRule, shapes: Sequence[tuple[int, ...]], dtype: str) -> Program:
    """Return the program of one update for each shape of a parameter.

    Returns
    -------
    Program
        For the shape at position k the inputs ``k parameter``, ``k gradient`` and ``k `` with the name of each memory,
        and outputs of these names but ``k gradient``; and the learning rate and the number of the step.

    Raises
    ------
    PluginError
        If the rule does what cannot be recorded (DP503).
    """
    recorder = Recorder()
    inputs = [LEARNING_RATE, STEP]
    outputs: dict[str, int] = {}
    for place, shape in enumerate(shapes):
        recorder.origin = f"new parameter ({rule.name})"
        names = [f"{place} {name}" for name in ("parameter", "gradient", *rule.memories)]
        parameter, gradient = (Symbol(recorder, recorder.input(name, shape)) for name in names[:2])
        new = record_update(recorder, rule, parameter, gradient, names[2:])
        inputs += names
        outputs |= {name: symbol.number for name, symbol in zip((names[0], *names[2:]), new, strict=True)}
    return recorder.program(inputs, outputs, dtype)


def record_update(
    recorder: Recorder, rule: UpdateRule, parameter: Symbol, gradient: Symbol, memories: Sequence[str]
) -> list[Symbol]:
    """Record the update of one parameter; return its new value, and those of its memories, which are named inputs.

    Raises
    ------
    PluginError
        If the rule does what cannot be recorded, or gives another shape (DP503).
    """
    shape: tuple[Any, ...] = parameter.shape
    rate, step = (Symbol(recorder, recorder.input(name, ())) for name in (LEARNING_RATE, STEP))
    before = [Symbol(recorder, recorder.input(name, shape)) for name in memories]
    try:
        results = rule(symbolic_namespace(recorder), parameter, gradient, before, rate, step)
        new = [_real(recorder, result) for result in results]
        for name, symbol in zip(("parameter", *rule.memories), new, strict=True):
            if symbol.shape != shape:
                raise TypeError(f"the new {name} has shape {symbol.shape}, the parameter {shape}")
    except DagpropError:
        raise
    except (Exception, SystemExit) as error:  # a rule is anybody's code
        file, line = place_of(rule.function, error)
        message = f"the rule of the optimizer {quote(rule.name)} cannot be recorded: {rule_error(error)}"
        raise PluginError(Problem("DP503", message, file=file, line=line)) from error
    return new


def plan_program(plan: Plan, shapes: Mapping[str, tuple[int, ...]], dtype: str, cotangents: bool = False) -> Program:
    """Return the program that gives what a plan gives: its outputs by reference, gradients by :func:`gradient_name`."""
    traced = trace(plan, shapes, cotangents)
    outputs = {name: traced.values[name].number for name in plan.outputs}
    outputs |= {gradient_name(name): traced.gradients[name].number for name in plan.wrt}
    inputs = (*plan.leaves, *(gradient_name(seed) for seed in plan.seeds if cotangents))
    return traced.recorder.program(inputs, outputs, dtype)


def _propagate(
    recorder: Recorder,
    step: BackwardStep,
    xp: Namespace,
    values: Symbols,
    gradients: Symbols,
    memory: dict[str, Any],
) -> None:
    """Record what one use of a value adds to its gradient; the rule of a variadic input is called once for all."""
    if step.part is None:
        result = _call(step, xp, values, gradients, {})
    else:
        if memory.get("node") != step.node:
            memory.update(node=step.node, result=_call(step, xp, values, gradients, {}))
        result = memory["result"][step.part] if isinstance(memory["result"], tuple) else memory["result"]
    if step.kind == "derivative":
        output = gradients[step.outputs[0]]
        result = output * result
        if result.shape != output.shape:
            raise TypeError(f"there are local derivatives of shape {result.shape} for outputs of shape {output.shape}")
    contribution = _sum_to_shape(_real(recorder, result), values[step.target].shape)
    if step.accumulate:
        contribution = elementwise(recorder, "add", gradients[step.target], contribution)
    gradients[step.target] = contribution


def _sum_to_shape(gradient: Symbol, shape: Sequence[Any]) -> Symbol:
    """Return a gradient summed over the axes that broadcasting added or stretched."""
    if gradient.shape == shape:
        return gradient
    recorder = gradient.recorder
    added = gradient.ndim - len(shape)
    fits = added >= 0 and all(
        size in (1, wide) for size, wide in zip(shape, gradient.shape[max(added, 0) :], strict=True)
    )
    if not fits:
        raise TypeError(f"it gives shape {gradient.shape} for an input of shape {tuple(shape)}")
    if prod(map(int, gradient.shape)) == prod(shape):
        return structural(recorder, "reshape", (gradient,), (tuple(shape),), shape)
    stretched = [axis + added for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis + added] != 1]
    axes = (*range(added), *stretched)
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(gradient.shape))
    summed = structural(recorder, "sum", (gradient,), (axes, True), kept)
    return structural(recorder, "reshape", (summed,), (tuple(shape),), shape)


def _real(recorder: Recorder, value: object) -> Symbol:
    """Return what a rule gave as a symbol of numbers."""
    symbol = value if isinstance(value, Symbol) else Symbol(recorder, number_of(recorder, value))
    return elementwise(recorder, "real", symbol) if recorder.instructions[symbol.number].boolean else symbol


def _call(
    step: ForwardStep | BackwardStep, xp: Namespace, values: Symbols, gradients: Symbols, attributes: Mapping[str, Any]
) -> Any:
    """Return what a rule gives for symbols."""
    arguments = [
        values[argument[1]] if argument[0] == "value" else _argument(argument, xp, values, gradients)
        for argument in step.arguments
    ]
    return step.rule(*arguments, **attributes)


def named_error(error: BaseException, step: ForwardStep | BackwardStep) -> PluginError:
    """Return the error that names the rule that does what cannot be recorded (DP503)."""
    what = "forward rule" if isinstance(step, ForwardStep) else f"{step.kind} rule for {quote(step.input)}"
    file, line = place_of(step.rule, error)
    message = f"the {what} of {quote(step.op)} cannot be recorded: {rule_error(error)}"
    return PluginError(Problem("DP503", message, node=step.node, file=file, line=line))


def _argument(argument: Argument, xp: Namespace, values: Symbols, gradients: Symbols) -> Any:
    kind, source = argument
    match kind:
        case "namespace":
            return xp
        case "values":
            return tuple(values[name] for name in source)
        case "constant":
            return source
    found = tuple(gradients[name] if name in gradients else xp.zeros_like(values[name]) for name in source)
    return found if len(found) > 1 else found[0]
