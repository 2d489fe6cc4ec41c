"""The reference back end: the plan, executed step by step with NumPy.

This is back-propagation as plainly as it can be written; every other back end must agree with it.  What no rule has to
care about is done here, once: data types, gradients of broadcast inputs, the sum over several uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.errors import ComputationError, DagpropError, Problem, error_text, quote
from dagprop.ops.arguments import place_of
from dagprop.plan.records import Argument, BackwardStep, ForwardStep, Plan
from dagprop.record import record

Array = np.ndarray[Any, np.dtype[Any]]
Values = dict[str, Array]

Memory = dict[str, Any]
"""The ``node`` whose variadic rule ran last, and its ``result``."""


@record(eq=False)
class Run:
    """What one execution of a plan gives: values and gradients by reference."""

    values: Values
    gradients: Values


def run(plan: Plan, leaves: Mapping[str, Array], cotangents: Mapping[str, Array] | None = None) -> Run:
    """Execute a plan.

    Parameters
    ----------
    plan : Plan
    leaves : mapping from str to array
        A value for each leaf of the plan, all of one dtype.
    cotangents : mapping from reference to array, optional
        What the backward pass starts with, in the shape of the value, for each seed of the plan.  By default the mean
        over the elements of each seed is back-propagated: 1/N everywhere.

    Returns
    -------
    Run
        The outputs of the plan and the gradients of its ``wrt``; zeros where nothing arrives.

    Raises
    ------
    ComputationError
        If a rule raises (DP701) or returns what does not fit (DP703).
    """
    with np.errstate(all="ignore"):
        values, shapes = _run_forward(plan, leaves)
        dtype = next(iter(leaves.values())).dtype if leaves else np.dtype(np.float64)
        gradients: Values = {}
        for seed in plan.seeds:
            shape, size = shapes[seed], max(int(np.prod(shapes[seed])), 1)
            given = np.full(shape, 1 / size) if cotangents is None else cotangents[seed]
            gradients[seed] = np.asarray(given, dtype=dtype)
        _run_backward(plan.backward, values, gradients, shapes)
    return Run(
        {name: values[name] for name in plan.outputs},
        {name: gradients[name] if name in gradients else np.zeros(shapes[name], dtype) for name in plan.wrt},
    )


def _run_forward(plan: Plan, leaves: Mapping[str, Array]) -> tuple[Values, dict[str, tuple[int, ...]]]:
    values: Values = {name: leaves[name] for name in plan.leaves}
    shapes = {name: value.shape for name, value in values.items()}
    dtype = next(iter(values.values())).dtype if values else np.dtype(np.float64)
    for step in plan.forward:
        try:
            result = step.rule(*_collect(step.arguments, values, {}, shapes), **step.attributes)
            results = result if isinstance(result, tuple) else (result,)
            for name, value in zip(step.outputs, results, strict=True):
                values[name] = array = as_array(value, dtype)
                shapes[name] = array.shape
        except (Exception, SystemExit) as error:  # a rule is anybody's code
            raise _rule_failed(step, error, shapes) from error
        for name in step.frees:
            del values[name]
    return values, shapes


def _run_backward(
    steps: Sequence[BackwardStep], values: Values, gradients: Values, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Add to ``gradients`` what each step contributes; forget values and gradients that nothing needs any more."""
    memory: Memory = {}
    for step in steps:
        contribution = propagate(step, values, gradients, shapes, memory)
        if step.accumulate:
            gradients[step.target] = gradients[step.target] + contribution
        else:
            gradients[step.target] = contribution
        for name in step.frees:
            del values[name]
        for name in step.frees_gradients:
            gradients.pop(name, None)


def propagate(
    step: BackwardStep,
    values: Values,
    gradients: Mapping[str, Array],
    shapes: Mapping[str, tuple[int, ...]],
    memory: Memory,
) -> Array:
    """Return what one use of a value adds to its gradient: ∂L/∂y · ∂y/∂x, or the pullback of ∂L/∂y.

    The memory is for :func:`apply_rule`.

    Raises
    ------
    ComputationError
        If the rule raises, or its result cannot be brought to the shape of the input.
    """
    result = apply_rule(step, values, gradients, shapes, memory)
    shape = shapes[step.target]
    try:
        given = as_array(result, values_dtype(gradients))
        if step.kind == "derivative":
            output = gradients[step.outputs[0]]
            given = given * output
            if given.shape != output.shape:
                raise ValueError("more local derivatives than there are outputs")
        array = sum_to_shape(given, shape)
    except (TypeError, ValueError):  # not numbers, or of a shape that does not go with the output's
        array = None
    if array is None:
        what = f"shape {result.shape}" if isinstance(result, np.ndarray) else f"a {type(result).__name__}"
        message = f"the {step.kind} rule of {quote(step.op)} for {quote(step.input)} gives {what}"
        raise ComputationError(Problem("DP703", f"{message}; its input has shape {shape}", node=step.node))
    return array


def apply_rule(
    step: BackwardStep,
    values: Values,
    gradients: Mapping[str, Array],
    shapes: Mapping[str, tuple[int, ...]],
    memory: Memory,
) -> Any:
    """Return what the rule of a backward step returns: the local derivative, or ∂L/∂x.

    The rule of a variadic input is called once for all the steps of its node, one behind the other: the memory holds
    what it returned.
    """
    if step.part is not None and memory.get("node") == step.node:
        return _part(memory["result"], step.part)
    try:
        result = step.rule(*_collect(step.arguments, values, gradients, shapes))
        if step.part is None:
            return result
        memory.update(node=step.node, result=result)
        return _part(result, step.part)
    except (Exception, SystemExit) as error:  # a rule is anybody's code
        raise _rule_failed(step, error, shapes) from error


def _part(result: Any, part: int) -> Any:
    return result[part] if isinstance(result, tuple) else result


def as_array(value: Any, dtype: np.dtype[Any]) -> Array:
    """Return what a rule gave as an array of a dtype.

    Raises
    ------
    TypeError
        If it is neither an array nor a number, or not real.
    """
    if not isinstance(value, (np.ndarray, np.generic, int, float)):
        raise TypeError(f"it returned {type(value).__name__}, neither an array nor a number")
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"it returned {array.dtype}, which are no real numbers")
    return array.astype(dtype, copy=False)


def sum_to_shape(gradient: Array, shape: tuple[int, ...]) -> Array | None:
    """Return the gradient of a value that was broadcast: summed over the axes that broadcasting added or stretched.

    None where the gradient's shape cannot come from broadcasting ``shape``.
    """
    if gradient.shape == shape:
        return gradient
    added = gradient.ndim - len(shape)
    if added < 0:
        return None
    stretched = tuple(
        axis + added for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis + added] != 1
    )
    summed: Array = gradient.sum(axis=(*range(added), *stretched), keepdims=True)
    summed = summed.reshape(summed.shape[added:])
    return summed if summed.shape == shape else None


def values_dtype(values: Mapping[str, Array]) -> np.dtype[Any]:
    """Return the dtype that all values of a run share."""
    return next(iter(values.values())).dtype


def _collect(
    arguments: Sequence[Argument],
    values: Mapping[str, Array],
    gradients: Mapping[str, Array],
    shapes: Mapping[str, tuple[int, ...]],
) -> list[Any]:
    """Return the arguments that a rule asks for."""
    collected: list[Any] = []
    for kind, source in arguments:
        if kind == "value":
            collected.append(values[source])
        elif kind == "constant":
            collected.append(source)
        elif kind == "namespace":
            collected.append(numpy_namespace)
        elif kind == "values":
            collected.append(tuple(values[name] for name in source))
        else:
            collected.append(_output_gradients(source, gradients, shapes))
    return collected


def _output_gradients(
    outputs: Sequence[str], gradients: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]
) -> Array | tuple[Array, ...]:
    """Return the ``g`` of a rule: one array, or for an op with several outputs a tuple with zeros for the unused."""
    if len(outputs) == 1:
        return gradients[outputs[0]]
    dtype = values_dtype(gradients)
    return tuple(gradients[name] if name in gradients else np.zeros(shapes[name], dtype) for name in outputs)


def _rule_failed(
    step: ForwardStep | BackwardStep, error: BaseException, shapes: Mapping[str, tuple[int, ...]]
) -> DagpropError:
    what = "forward rule" if isinstance(step, ForwardStep) else f"{step.kind} rule for {quote(step.input)}"
    sources = [source for kind, source in step.arguments if kind == "value"]
    inputs = ", ".join(f"{quote(name)} has shape {shapes[name]}" for name in sources)
    message = f"the {what} of {quote(step.op)} failed: {error_text(error)}; {inputs}".removesuffix("; ")
    return ComputationError(Problem("DP701", message, f"it fails at {code_place(step.rule, error)}", node=step.node))


def code_place(rule: Callable[..., Any], error: BaseException | None = None) -> str:
    """Return file and line of a rule, or of where in it an error was raised."""
    file, line = place_of(rule, error)
    return f"{file}:{line}"
