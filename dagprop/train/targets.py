"""Targets that are classes must be classes: an index that no logit has would count as no loss at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dagprop.backends.reference import Array
from dagprop.errors import DataError, Problem, quote
from dagprop.plan.network import Network
from dagprop.plan.outputs import Objective, objectives


def check_targets(network: Network, leaves: Mapping[str, Array]) -> None:
    """Refuse samples whose target is no class.

    Parameters
    ----------
    network : Network
    leaves : mapping from str to array
        The values of the leaves; targets that are computed by the network are not looked at.

    Raises
    ------
    DataError
        With every target that holds what the loss cannot mean (DP407).
    """
    found = [
        _wrong_target(network, objective, leaves) for objective in objectives(network) if objective.target in leaves
    ]
    problems = [problem for problem in found if problem is not None]
    if problems:
        raise DataError(*problems)


def class_problems(network: Network) -> list[Problem]:
    """Return where a graph names more or fewer classes of a target than there are logits for (DP407)."""
    classes = network.graph.data.classes if network.graph.data else {}
    problems = []
    for objective in objectives(network):
        labels, logits = classes.get(objective.target), network.shapes[objective.prediction]
        if objective.op != "cross_entropy" or labels is None or not logits or not isinstance(logits[-1], int):
            continue
        if len(network.shapes[objective.target]) == len(logits) - 1 and len(labels) != logits[-1]:
            message = (
                f"{quote(objective.target)} has {len(labels)} classes, {quote(objective.prediction)} has {logits[-1]}"
            )
            path = ("data", "classes", objective.target)
            problems.append(Problem("DP407", message, "give both the same number", node=objective.target, path=path))
    return problems


def _wrong_target(network: Network, objective: Objective, leaves: Mapping[str, Array]) -> Problem | None:
    target, logits = leaves[objective.target], network.shapes[objective.prediction]
    if objective.op == "binary_cross_entropy_with_logits":
        bad = (target < 0) | (target > 1)
        expected = "it must be 0, 1 or a probability"
    elif objective.op == "cross_entropy" and target.ndim == len(logits) - 1 and isinstance(logits[-1], int):
        bad = (target < 0) | (target >= logits[-1]) | (target != np.floor(target))
        expected = f"the classes of {quote(objective.prediction)} are 0 to {logits[-1] - 1}"
    else:
        return None
    if not bad.any():
        return None
    first = tuple(np.argwhere(bad)[0].tolist())
    place = f" at sample {first[0] + 1}" if first else ""
    message = f"the target {quote(objective.target)} is {target[first]:g}{place}; {expected}"
    hint = "classes count from 0; labels become such numbers by the data's classes"
    return Problem("DP407", message, hint, node=objective.target)
