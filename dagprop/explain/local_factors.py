"""The links of the chain rule: each hands the gradient of one value down to one value that it was made from.

A link is an edge of the graph, one use of a value, so ``x * x`` has two.  Links are linear in the gradient that they
hand down; between single numbers a link is a factor, the local derivative.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dagprop.backends.reference import Array, Memory, Values, propagate
from dagprop.plan.records import BackwardStep, Plan
from dagprop.record import record


@record(eq=False)
class Link:
    """One edge as a factor of the chain rule, ∂source/∂target.

    Attributes
    ----------
    source : str
        The reference of the value whose gradient is handed down, on the side of the loss.
    target : str
        The reference of the value that it is handed to.
    step : BackwardStep
        The step of the plan that does it.
    """

    source: str
    target: str
    step: BackwardStep


def links(plan: Plan) -> tuple[Link, ...]:
    """Return the links of the backward steps of a plan, in their order: a value's are behind those that lead to it."""
    begun = set(plan.seeds)
    found = []
    for step in plan.backward:
        # A local derivative is that of the first output; a pullback takes the gradients of all outputs together.
        outputs = step.outputs[:1] if step.kind == "derivative" else step.outputs
        found += [Link(output, step.target, step) for output in outputs if output in begun]
        begun.add(step.target)
    return tuple(found)


def send(link: Link, gradient: Array, values: Values, shapes: Mapping[str, tuple[int, ...]], memory: Memory) -> Array:
    """Return what a link makes of a gradient of its source.

    Parameters
    ----------
    link : Link
    gradient : array
        In the shape of the source.
    values : dict from reference to array
        Of a run of the plan that gives back every value.
    shapes : mapping from reference to shape
        Of the values.
    memory : dict
        The same for links that stand behind one another: a rule of many inputs then runs once for all of them.

    Returns
    -------
    array
        In the shape of the target.
    """
    # What a pullback returned depends on the gradient it was handed, so that cannot be remembered.
    remembered = memory if link.step.kind == "derivative" else {}
    return propagate(link.step, values, {link.source: gradient}, shapes, remembered)


def local_factors(
    links: tuple[Link, ...], values: Values, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[float, ...] | None:
    """Return the local derivative of each link, or None where a link joins arrays of more than one number."""
    if any(values[name].size != 1 for link in links for name in (link.source, link.target)):
        return None
    memory: Memory = {}
    return tuple(float(send(link, np.ones_like(values[link.source]), values, shapes, memory).sum()) for link in links)
