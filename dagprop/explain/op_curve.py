"""An op of numbers as a curve: its value and its derivative over one of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dagprop.backends.leaf_values import leaf_values
from dagprop.backends.reference import Array, run
from dagprop.errors import GraphError, Problem, quote, suggest
from dagprop.graph.records import SAMPLE_AXIS, Graph, Node
from dagprop.ops.contract import Op
from dagprop.ops.registry import ops
from dagprop.plan.network import prepare
from dagprop.plan.steps import plan
from dagprop.record import record

POINTS = 601
"""Where a curve is computed."""

_RESULT = "y"
"""The node of the op; no input of an op may have this name."""


@record(eq=False)
class OpCurve:
    """The forward and the derivative curve of an op.

    Attributes
    ----------
    op, over : str
        The op, and the input that changes.
    x : array of float64, shape (points,)
    values, derivatives : array of float64, shape (points,)
        The local derivative by the input, as its rule gives it.
    settings : dict from str to object
        The attributes that were given, and the other inputs.
    """

    op: str
    over: str
    x: Array
    values: Array
    derivatives: Array
    settings: dict[str, Any]


def op_curve(
    name: str, settings: Mapping[str, Any], ends: tuple[float, float] = (-6.0, 6.0), over: str | None = None
) -> OpCurve:
    """Return the curve of an op.

    Parameters
    ----------
    name : str
    settings : mapping from str to object
        Attributes of the op, and numbers for its other inputs: without, they are 1.
    ends : (float, float)
        The range of the input.
    over : str, optional
        The input that changes; by default the first.

    Raises
    ------
    GraphError
        If the op is not elementwise (DP301), has no such input (DP106), or does not take the settings.
    """
    op = ops().get(name)
    by_rule = {input: _names(op, input) for input, rule in op.rules.items() if rule.kind == "derivative"} if op else {}
    elementwise = [each for names in by_rule.values() for each in names]
    if op is None or not elementwise:
        message = f"{quote(name)} cannot be drawn as a curve: it is no op that works number by number"
        raise GraphError(Problem("DP301", message, "such ops are sigmoid, log and half_squared_error"))
    varied = over or elementwise[0]
    if varied not in elementwise:
        hint = suggest(varied, elementwise) or f"inputs with a local derivative are: {', '.join(elementwise)}"
        raise GraphError(Problem("DP106", f"{quote(name)} has no derivative by an input {quote(varied)}", hint))
    optional = {s.name for s in op.signature.inputs if s.optional and s.name != varied and s.name not in settings}
    inputs = [each for s in op.signature.inputs if s.name not in optional for each in _names(op, s.name)]
    held = {input: settings.get(input, 1.0) for input in inputs if input != varied}
    attributes = {key: value for key, value in settings.items() if key not in inputs}
    nodes = {input: Node(input, "constant", attributes={"value": value}) for input, value in held.items()}
    nodes[varied] = Node(varied, "input", attributes={"shape": [SAMPLE_AXIS]})
    variadic = any(s.variadic for s in op.signature.inputs)
    nodes[_RESULT] = Node(_RESULT, name, tuple(inputs) if variadic else {each: each for each in inputs}, attributes)
    try:
        network = prepare(Graph(nodes, outputs=(_RESULT,)))
    except GraphError as error:  # the graph is ours: the user knows none of its nodes
        raise GraphError(*(replace(p, node=p.node if p.node in held else None) for p in error.problems)) from error
    (result,) = network.outputs[_RESULT][:1]
    if network.shapes[result] != (SAMPLE_AXIS,):
        raise GraphError(Problem("DP301", f"{quote(name)} does not give a number for a number"))
    x = np.linspace(*ends, POINTS)
    steps = plan(network, (result,), (result,), (varied,))
    leaves = leaf_values(network, steps.leaves, {varied: x}).arrays
    done = run(steps, leaves, {result: np.ones(POINTS)})
    return OpCurve(name, varied, x, done.values[result], done.gradients[varied], {**attributes, **held})


def _names(op: Op, input: str) -> tuple[str, ...]:
    """Return what an input is called here; one that takes any number of values takes two, ``xs0`` and ``xs1``."""
    variadic = any(signature.variadic for signature in op.signature.inputs if signature.name == input)
    return (f"{input}0", f"{input}1") if variadic else (input,)
