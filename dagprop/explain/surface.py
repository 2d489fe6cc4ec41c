"""The loss as a function of one or two numbers among the parameters, and the way that a training takes over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from dagprop.backends.reference import Array, Values, run
from dagprop.explain.coordinates import Coordinate
from dagprop.graph.records import TrainSettings
from dagprop.plan.network import Network
from dagprop.plan.outputs import loss_reference
from dagprop.plan.records import Plan
from dagprop.plan.steps import plan
from dagprop.record import record
from dagprop.train.data import Data
from dagprop.train.evaluation import CHUNK, evaluation_plan, gather_leaves
from dagprop.train.initializers import initial_values
from dagprop.train.loop import train_network
from dagprop.train.samples import split_samples

MOST_STEPS = 2000
"""The way of a training has a point for each step; if they are more, for each epoch."""


@record(eq=False)
class Surface:
    """The loss over a grid of one or two parameters, the others held.

    Attributes
    ----------
    coordinates : tuple of Coordinate
        One or two.
    axes : tuple of array
        The numbers that each takes.
    losses : array
        The mean loss over the training samples; of shape (len(axes[0]),), or (len(axes[1]), len(axes[0])).
    path : array of float64, shape (points, len(coordinates))
        Where the training went, from its start; no points if none was asked for.
    path_losses : array of float64, shape (points,)
        The loss on the surface below the path, for one coordinate; empty for two.
    each_step : bool
        Whether the path has a point for each step, not only for each epoch.
    whole : bool
        Whether the coordinates are all that is trained: else the path is seen from above, and touches the surface
        only at its end, where the others are held.
    """

    coordinates: tuple[Coordinate, ...]
    axes: tuple[Array, ...]
    losses: Array
    path: Array
    path_losses: Array
    each_step: bool
    whole: bool


def loss_surface(
    network: Network,
    data: Data,
    settings: TrainSettings,
    start: Mapping[str, Any],
    coordinates: Sequence[Coordinate],
    ranges: Sequence[tuple[float, float] | None],
    points: int,
    with_path: bool = True,
) -> Surface:
    """Train a network, and work out its loss around the way.

    Parameters
    ----------
    network : Network
        With a loss.
    data : Data
    settings : TrainSettings
    start : mapping from str to array_like
        What parameters and states start with; the others are initialised.
    coordinates : sequence of Coordinate
        One or two numbers of parameters.
    ranges : sequence of (float, float) or None
        Of each coordinate; None for what shows the path and as much around it.
    points : int
        Along each axis.
    with_path : bool
        Whether to train; else everything is held as it starts.

    Raises
    ------
    GraphError, DataError, ComputationError
        As a training does.
    """
    variables = {**initial_values(network, settings.seed), **start}
    steps = evaluation_plan(network)
    leaves = gather_leaves(network, data, variables, tuple(dict.fromkeys((*steps.leaves, *variables))))
    samples = split_samples(data.rows, settings.validation, settings.test, settings.seed).train
    held: Values = leaves.variables
    way = [_at(coordinates, held)]
    each_step = settings.epochs * -(-len(samples) // settings.batch_size) <= MOST_STEPS
    if with_path:
        way = []
        result = train_network(
            network,
            data,
            settings,
            start,
            on_variables=lambda variables: way.append(_at(coordinates, variables)),
            each_step=each_step,
        )
        held = result.parameters
    path = np.array(way)
    axes = tuple(np.linspace(*ends, points) for ends in _ranges(path, ranges))
    chunks = [samples[first : first + CHUNK] for first in range(0, len(samples), CHUNK)]
    batches = [(len(chunk), leaves.batch(chunk, held)) for chunk in chunks]
    loss = _Loss(plan(network, (loss_reference(network),)), held, batches)
    grid = [loss.at(coordinates, place[::-1]) for place in product(*reversed(axes))]
    trained = sum(held[id].size for id in network.graph.parameters())
    return Surface(
        coordinates=tuple(coordinates),
        axes=axes,
        losses=np.array(grid).reshape([len(axis) for axis in reversed(axes)]),
        path=path if with_path else path[:0],
        path_losses=np.array([loss.at(coordinates, p) for p in path if with_path and len(axes) == 1]),
        each_step=each_step,
        whole=trained == len(coordinates),
    )


def _at(coordinates: Sequence[Coordinate], variables: Mapping[str, Array]) -> list[float]:
    return [float(variables[coordinate.id][coordinate.index]) for coordinate in coordinates]


def _ranges(path: Array, given: Sequence[tuple[float, float] | None]) -> list[tuple[float, float]]:
    """Return the range of each axis: around the path as much as it is long, and at least 1."""
    low, high = path.min(axis=0), path.max(axis=0)
    around = max(float((high - low).max()), 1.0)
    found = zip(given, (low - around).tolist(), (high + around).tolist(), strict=True)
    return [ends or (first, last) for ends, first, last in found]


@record(eq=False)
class _Loss:
    """The mean loss over samples, as a function of a few numbers of parameters; the others are held."""

    steps: Plan
    held: Values
    batches: Sequence[tuple[int, Values]]

    def at(self, coordinates: Sequence[Coordinate], numbers: Sequence[float]) -> float:
        changed: Values = {}
        for coordinate, number in zip(coordinates, numbers, strict=True):
            id = coordinate.id
            changed[id] = coordinate.put(changed.get(id, self.held[id]), number)
        total = 0.0
        for count, leaves in self.batches:
            total += float(run(self.steps, {**leaves, **changed}).values[self.steps.outputs[0]].mean()) * count
        return total / sum(count for count, _ in self.batches)
