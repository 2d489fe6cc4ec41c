"""Every edge of a network at one operating point: its local derivative and what it adds to the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from dagprop.backends.reference import Array, Memory, Values, apply_rule, propagate
from dagprop.graph.notebook import ShownInNotebooks
from dagprop.plan.records import BackwardStep, Plan
from dagprop.record import record

JACOBIAN_LIMIT = 1024
"""A local Jacobian with more entries than this is not written out."""


@record
class Edge:
    """One use of a value by a node.

    Attributes
    ----------
    source : str
        The reference of the value that is used.
    target : str
        The id of the node that uses it.
    input : str
        The name of the input that it feeds.
    position : int
        The position of that input.
    local : array or None
        The local derivative ∂y/∂x.  Of an elementwise op, an array of the shape of y; of another op the Jacobian, of
        the shape of y followed by the shape of x, or None where it would have more than :data:`JACOBIAN_LIMIT`
        entries.
    contribution : array
        What this use adds to ∂L/∂x.
    """

    source: str
    target: str
    input: str
    position: int
    local: Array | None
    contribution: Array


@record
class Backprop(ShownInNotebooks):
    """One forward and one backward pass, with everything in between.

    Attributes
    ----------
    loss : float
        The mean of the loss over the samples.
    values, gradients : dict from reference to array
        The value of every node, and ∂loss/∂node.
    edges : tuple of Edge
        Every use of a value, in the order in which the backward pass meets it.
    """

    loss: float
    values: Values
    gradients: Values
    edges: tuple[Edge, ...]


def edges(plan: Plan, values: Values, gradients: Values) -> Iterator[Edge]:
    """Yield the edges of the backward steps of a plan, in their order.

    Parameters
    ----------
    plan : Plan
        One that gives back every value and every gradient.
    values, gradients : dict from reference to array
        Of a run of that plan.
    """
    shapes = {name: value.shape for name, value in values.items()}
    with np.errstate(all="ignore"):
        memory: Memory = {}
        for step in plan.backward:
            # A node whose value reaches no seed has no gradient in the run: nothing arrives there.
            contribution = propagate(step, values, gradients, shapes, memory)  # first: it judges what the rule gives
            local = _local_derivative(step, values, gradients, shapes, memory)
            yield Edge(step.target, step.node, step.input, step.position, local, contribution)


def _local_derivative(
    step: BackwardStep, values: Values, gradients: Values, shapes: dict[str, tuple[int, ...]], memory: Memory
) -> Array | None:
    out, into = shapes[step.outputs[0]], shapes[step.target]
    dtype = values[step.target].dtype
    if step.kind == "derivative":
        return np.broadcast_to(np.asarray(apply_rule(step, values, gradients, shapes, memory), dtype=dtype), out)
    if len(step.outputs) > 1 or prod(out) * prod(into) > JACOBIAN_LIMIT:
        return None
    rows = []
    for number in range(prod(out)):
        unit = np.zeros(prod(out), dtype=dtype)
        unit[number] = 1
        rows.append(propagate(step, values, {step.outputs[0]: unit.reshape(out)}, shapes, {}))
    return np.asarray(rows, dtype=dtype).reshape((*out, *into))
