"""What a network predicts, and what it predicts it for: found from its loss, declared nowhere twice."""

from __future__ import annotations

from dagprop.errors import GraphError, Problem
from dagprop.graph.records import split_reference
from dagprop.ops.contract import Op
from dagprop.plan.network import Network
from dagprop.record import record

PREDICTION_INPUTS = ("prediction", "logits")
"""What loss ops call the input that the network computes; the one behind it is the target."""


@record(eq=False)
class Objective:
    """A comparison of a prediction with a target inside the loss: the op that compares, and both references."""

    op: str
    prediction: str
    target: str


def loss_reference(network: Network) -> str:
    """Return the reference of the loss.

    Raises
    ------
    GraphError
        If the graph has none (DP206).
    """
    if network.graph.loss is None:
        hint = 'add "loss": "NODE" to the file, or back-propagate any gradient with dagprop.vjp'
        raise GraphError(Problem("DP206", "the graph has no loss", hint, file=network.graph.file))
    return network.graph.loss


def objectives(network: Network) -> tuple[Objective, ...]:
    """Return every comparison that the loss is made of, in the order of the graph."""
    if network.graph.loss is None:
        return ()
    comparing = {name for name, op in network.ops.items() if _compares(op)}
    nodes = network.graph.nodes
    left = sum(node.op in comparing for node in nodes.values())
    found = []
    needed = {split_reference(network.graph.loss)[0]}
    for id in reversed(network.order):
        if not left:  # what comes before cannot compare anything, however large the graph
            break
        node = nodes[id]
        left -= node.op in comparing
        if id not in needed:
            continue
        needed.update(split_reference(reference)[0] for reference in node.references)
        if node.op in comparing:
            prediction, target = node.references
            found.append(Objective(node.op, prediction, target))
    return tuple(reversed(found))


def _compares(op: Op) -> bool:
    inputs = op.signature.inputs
    return len(inputs) == 2 and inputs[0].name in PREDICTION_INPUTS and inputs[1].name == "target"


def prediction_outputs(network: Network) -> tuple[str, ...]:
    """Return the references of what ``predict`` gives.

    The graph's ``outputs``; without them what the loss compares with a target; without a loss every value that nothing
    uses.
    """
    if network.graph.outputs:
        return network.graph.outputs
    compared = tuple(dict.fromkeys(objective.prediction for objective in objectives(network)))
    if compared:
        return compared
    used = {reference for id in network.order for reference in network.node(id).references}
    return tuple(reference for id in network.order for reference in network.outputs[id] if reference not in used)
