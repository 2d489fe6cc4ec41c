"""Targets that are classes must be classes: an index that no logit has would count as no loss at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dagprop.backends.reference import Array
from dagprop.errors import DataError, Problem, quote
from dagprop.plan.network import Network
from dagprop.plan.outputs import Objective, objectives

if TYPE_CHECKING:
    from dagprop.train.data import Data

HINT = "classes count from 0; labels become such numbers by the data's classes"


REPORTED = 20
"""How many wrong targets are named before the others are only counted."""


def check_targets(network: Network, leaves: Mapping[str, Array], data: Data | None = None) -> None:
    """Refuse samples whose target is no class.

    Parameters
    ----------
    network : Network
    leaves : mapping from str to array
        The values of the leaves; targets that are computed by the network are not looked at.
    data : Data, optional
        Where they come from.

    Raises
    ------
    DataError
        With the first targets that hold what the loss cannot mean, and a count of the others (DP407).
    """
    problems = []
    for objective in objectives(network):
        if objective.target in leaves:
            problems += _wrong_targets(network, objective, leaves[objective.target], data)
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


def _wrong_targets(network: Network, objective: Objective, target: Array, data: Data | None) -> list[Problem]:
    logits = network.shapes[objective.prediction]
    if objective.op == "binary_cross_entropy_with_logits":
        bad = (target < 0) | (target > 1)
        expected = "it must be 0, 1 or a probability"
    elif objective.op == "cross_entropy" and target.ndim == len(logits) - 1 and isinstance(logits[-1], int):
        bad = (target < 0) | (target >= logits[-1]) | (target != np.floor(target))
        expected = f"the classes of {quote(objective.prediction)} are 0 to {logits[-1] - 1}"
    else:
        return []
    places = np.argwhere(bad).tolist()
    if len(places) > 1 and bad.all() and (target == target.flat[0]).all():  # one value for all samples: --set y=7
        places = [[]]
    columns = data.columns.get(objective.target) if data and data.lines else None
    problems = []
    for place in places[:REPORTED]:
        value = f"{(target[tuple(place)] if place else target.flat[0]):g}"
        if data and columns and place:
            sample, *rest = place
            column = columns[int(np.ravel_multi_index(rest, target.shape[1:])) if rest else 0]
            message = f"row {sample + 2}, column {quote(column)}: {value} is no target; {expected}"
            problems.append(Problem("DP407", message, HINT, file=data.file, line=data.lines[sample]))
        else:
            message = f"the target {quote(objective.target)} is {value}{sample_text(place)}; {expected}"
            problems.append(Problem("DP407", message, HINT, file=data.file if data else None, node=objective.target))
    if len(places) > REPORTED:
        more = f"and {len(places) - REPORTED} more like these"
        problems.append(Problem("DP407", more, "no row is ever left out", file=data.file if data else None))
    return problems


def sample_text(place: Sequence[int]) -> str:
    """Return where in an array of samples an entry stands: `` at sample 3, index 2``; samples count from 1."""
    if not place:
        return ""
    index = str(place[0]) if len(place) == 1 else f"[{', '.join(map(str, place))}]"
    return f" at sample {place[0] + 1}, index {index}"
