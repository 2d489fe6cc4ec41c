"""Where a training went wrong: the first node whose value, or whose gradient, is not finite."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dagprop.backends.reference import Array, run
from dagprop.errors import ComputationError, Problem, quote
from dagprop.plan.network import Network
from dagprop.plan.outputs import loss_reference
from dagprop.plan.steps import plan


def non_finite_error(
    network: Network,
    leaves: Mapping[str, Array],
    new: Mapping[str, Array],
    epoch: int,
    step: int,
    learning_rate: float,
) -> ComputationError:
    """Run a step again, look at every value and gradient in the order in which they arise, and name the first bad one.

    Parameters
    ----------
    network : Network
    leaves : mapping from str to array
        The values of the leaves at which the step went wrong.
    new : mapping from str to array
        What the step made of them: the new parameters, memories and states.
    epoch, step : int
        When; both count from 1.
    learning_rate : float
    """
    when = f"in epoch {epoch}, step {step}"
    hint = f"a smaller learning rate than {learning_rate:g} may help"
    id, what = _first_non_finite(network, leaves, new)
    message = (
        f"the {what} of {quote(id)} ({network.node(id).op}) is not finite {when}; all values before it were finite"
    )
    return ComputationError(Problem("DP702", message, hint, node=id))


def _first_non_finite(network: Network, leaves: Mapping[str, Array], new: Mapping[str, Array]) -> tuple[str, str]:
    loss, parameters = loss_reference(network), network.graph.parameters()
    updates = tuple(node.attributes["update"] for node in network.graph.nodes.values() if node.attributes.get("update"))
    # Only what the loss and the states need was computed, so only that can be to blame.
    needed = {step.node for step in plan(network, (loss, *updates), (loss,), parameters).forward}
    computed = [id for id in network.order if id in leaves or id in needed]
    every = tuple(reference for id in computed for reference in network.outputs[id])
    done = run(plan(network, every, (loss,), every), leaves)
    for id in computed:
        if not all(np.isfinite(done.values[reference]).all() for reference in network.outputs[id]):
            return id, "value"
    for id in reversed(computed):
        if not all(np.isfinite(done.gradients[reference]).all() for reference in network.outputs[id]):
            return id, "gradient"
    name = next(name for name, value in new.items() if not np.isfinite(value).all())
    memory, of, id = name.rpartition(" of ")
    return id, memory if of else "updated value"
