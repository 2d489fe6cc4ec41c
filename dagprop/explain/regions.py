"""Where in the plane of two inputs a classifier predicts which class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dagprop.backends.leaf_values import leaf_values
from dagprop.backends.reference import Array, run
from dagprop.errors import GraphError, Problem, quote
from dagprop.explain.coordinates import Coordinate, all_coordinates, find_coordinate
from dagprop.plan.network import Network
from dagprop.plan.outputs import Objective
from dagprop.plan.steps import plan
from dagprop.record import record
from dagprop.train.data import Data, fed_inputs
from dagprop.train.metrics import CLASS_LOSSES, class_objective, predicted_classes, true_classes

POINTS = 240
"""Along each axis of the plane."""

MARGIN = 0.1
"""As much of the range of the samples is shown around it."""


@record(eq=False)
class Regions:
    """The classes that are predicted over a grid of two inputs, the others at their means over the samples.

    Attributes
    ----------
    names : (str, str)
        Of the two inputs.
    labels : tuple of str
        Of the classes.
    x, y : array of float64, shape (points,)
    classes : array of int, shape (points, points)
        The row of the smallest ``y`` first.
    ahead : array of float64, shape (classes, points, points)
        How far the logit of each class is above the largest other one.
    samples : array of float64, shape (samples, 2)
    targets : array of int, shape (samples,)
        The class that each sample has; none where the target is not fed by the samples.
    held : dict from str to float
        What the other inputs are held at.
    """

    names: tuple[str, str]
    labels: tuple[str, ...]
    x: Array
    y: Array
    classes: Array
    ahead: Array
    samples: Array
    targets: Array
    held: dict[str, float]


def decision_regions(network: Network, data: Data, variables: Mapping[str, Any], chosen: Sequence[str] = ()) -> Regions:
    """Return where which class is predicted.

    Parameters
    ----------
    network : Network
        Whose loss compares logits with a class.
    data : Data
    variables : mapping from str to array_like
        The parameters and states.
    chosen : sequence of str
        Two numbers of inputs: names of columns of the data, or as in ``flower[2]``.  Without, the inputs are two.

    Raises
    ------
    GraphError
        If the network is no classifier of samples (DP206), the inputs are not two (DP011), or there is none of a name
        (DP104).
    """
    objective = _objective(network)
    steps = plan(network, (objective.prediction,))
    inputs = [id for id in fed_inputs(network) if id in steps.leaves]
    names = _names(data, inputs)
    across, up = _chosen(data, inputs, names, chosen)
    samples = np.stack([_column(data.feeds[c.id], c) for c in (across, up)], axis=-1).astype(float)
    axes = [_axis(column) for column in samples.T]
    means = {id: data.feeds[id].mean(axis=0, dtype=float) for id in inputs}
    feeds = {id: np.repeat(mean[np.newaxis], POINTS**2, axis=0) for id, mean in means.items()}
    for coordinate, values in zip((across, up), np.meshgrid(*axes), strict=True):
        _column(feeds[coordinate.id], coordinate)[:] = values.reshape(-1)
    logits = run(steps, leaf_values(network, steps.leaves, feeds, variables).arrays).values[objective.prediction]
    classes = predicted_classes(objective.op, logits)
    if classes.size != POINTS**2:
        message = f"{quote(objective.prediction)} predicts more than one class for each sample"
        raise GraphError(Problem("DP206", message, node=objective.prediction))
    count = logits.shape[-1] if objective.op == "cross_entropy" else 2
    source = network.graph.data
    labels = source.classes.get(objective.target, ()) if source else ()
    target = data.feeds.get(objective.target)
    return Regions(
        names=(names[across], names[up]),
        labels=tuple(labels) if len(labels) == count else tuple(f"class {number}" for number in range(count)),
        x=axes[0],
        y=axes[1],
        classes=classes.reshape(POINTS, POINTS),
        ahead=_ahead(logits.reshape(POINTS**2, -1)).reshape(-1, POINTS, POINTS),
        samples=samples if target is not None else samples[:0],
        targets=np.array([], int) if target is None else true_classes(objective.op, logits.ndim, target).reshape(-1),
        held={names[c]: float(means[c.id][c.index]) for c in names if c not in (across, up)},
    )


def _objective(network: Network) -> Objective:
    objective = class_objective(network)
    if objective is None:
        message = "the graph is no classifier: its loss compares no logits with a class"
        raise GraphError(Problem("DP206", message, f"the losses that do so are {' and '.join(CLASS_LOSSES)}"))
    return objective


def _names(data: Data, inputs: Sequence[str]) -> dict[Coordinate, str]:
    """Return every number of the inputs, with the name of the column that feeds it if there is one."""
    names: dict[Coordinate, str] = {}
    for id in inputs:
        places = all_coordinates({id: data.feeds[id].shape[1:]})
        columns = data.columns.get(id, ())
        names |= dict(zip(places, columns if len(columns) == len(places) else map(str, places), strict=True))
    return names


def _chosen(
    data: Data, inputs: Sequence[str], names: Mapping[Coordinate, str], chosen: Sequence[str]
) -> tuple[Coordinate, Coordinate]:
    by_name = {name: coordinate for coordinate, name in names.items()}
    shapes = {id: data.feeds[id].shape[1:] for id in inputs}
    if not chosen and len(names) == 2:
        first, second = names
        return first, second
    if len(chosen) != 2 or chosen[0] == chosen[1]:
        some = list(by_name)[-2:]
        message = f"a plane has two inputs; the network has {len(names)}" if not chosen else "a plane has two inputs"
        hint = f"choose two, as in --columns {','.join(some)}" if len(names) > 1 else "one input has no plane"
        raise GraphError(Problem("DP011", message, hint))
    known = dict.fromkeys(by_name, ()) | shapes
    found = [by_name[name] if name in by_name else find_coordinate(name, known, "input") for name in chosen]
    return found[0], found[1]


def _column(array: Array, coordinate: Coordinate) -> Array:
    """Return, as a view, what all samples have at a coordinate."""
    index: tuple[Any, ...] = (slice(None), *coordinate.index)
    view: Array = array[index]
    return view


def _ahead(logits: Array) -> Array:
    """Return how far each logit is above the largest other one, by class; a single logit is that of class 1."""
    if logits.shape[1] == 1:
        return np.stack([-logits[:, 0], logits[:, 0]])
    others: list[Array] = [np.delete(logits, number, axis=1).max(axis=1) for number in range(logits.shape[1])]
    ahead: Array = logits.T - np.stack(others)
    return ahead


def _axis(values: Array) -> Array:
    low, high = float(values.min()), float(values.max())
    around = MARGIN * (high - low) or 0.5
    return np.linspace(low - around, high + around, POINTS)
