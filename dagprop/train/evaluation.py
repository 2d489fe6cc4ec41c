"""How good a network is on samples: the mean loss, and the accuracy where the target is a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dagprop.backends.leaf_values import leaf_values
from dagprop.backends.reference import Array, run
from dagprop.backends.select import REFERENCE, Backend, check_backend, choose_evaluator, execute, say
from dagprop.backends.trainer import Batches, EpochOutcome, Trainer, TrainingTask
from dagprop.plan.network import Network
from dagprop.plan.outputs import Objective, loss_reference
from dagprop.plan.records import Plan
from dagprop.plan.steps import plan
from dagprop.train.data import Data, fed_inputs
from dagprop.train.metrics import accuracy, class_objective
from dagprop.train.targets import check_targets

CHUNK = 4096
"""How many samples go through the network at a time, so that memory does not grow with the data."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean loss and accuracy over samples; the accuracy is None where the target is not a class."""

    loss: float
    accuracy: float | None
    samples: int


@dataclass(frozen=True, slots=True, eq=False)
class Leaves:
    """The leaves of a network with all samples, checked once and then cut into batches.

    Attributes
    ----------
    sampled : dict from str to array
        The inputs with a sample axis.
    fixed : dict from str to array
        The constants, and the inputs without a sample axis.
    variables : dict from str to array
        The parameters and states.
    rows : int
        How many samples there are.
    """

    sampled: dict[str, Array]
    fixed: dict[str, Array]
    variables: dict[str, Array]
    rows: int

    def batch(self, samples: Any, variables: Mapping[str, Array]) -> dict[str, Array]:
        """Return the leaves of one run: some samples (their numbers, or a slice) at some values of the variables."""
        return {**self.fixed, **variables, **{id: values[samples] for id, values in self.sampled.items()}}


def gather_leaves(network: Network, data: Data, variables: Mapping[str, Array], needed: tuple[str, ...]) -> Leaves:
    """Return the leaves that a plan needs, in the dtype of the graph.

    Raises
    ------
    GraphError
        If values do not fit the graph (DP302 to DP306).
    DataError
        If a target is no class (DP407).
    """
    arrays = leaf_values(network, needed, data.feeds, variables).arrays
    check_targets(network, arrays)
    sampled = fed_inputs(network)
    by_kind: dict[str, dict[str, Array]] = {"sampled": {}, "fixed": {}, "variables": {}}
    for id, array in arrays.items():
        kind = "variables" if network.node(id).op in ("parameter", "state") else "fixed"
        by_kind["sampled" if id in sampled else kind][id] = array
    return Leaves(**by_kind, rows=data.rows)


def evaluate(network: Network, data: Data, variables: Mapping[str, Array], backend: Backend = "auto") -> Evaluation:
    """Return mean loss and accuracy over all samples.

    Parameters
    ----------
    network : Network
    data : Data
    variables : mapping from str to array
        The parameters and states.
    backend : {"auto", "reference", "compiled"}

    Raises
    ------
    GraphError
        If the graph has no loss (DP206), or values do not fit.
    """
    check_backend(backend)
    if backend != "compiled":
        say(REFERENCE)
    leaves = gather_leaves(network, data, variables, evaluation_plan(network).leaves)
    return evaluate_samples(network, leaves, np.arange(data.rows), leaves.variables, backend)


def evaluate_samples(
    network: Network,
    leaves: Leaves,
    samples: Array,
    variables: Mapping[str, Array],
    backend: Backend = "auto",
    evaluator: tuple[Trainer, int] | None = None,
) -> Evaluation:
    """Return mean loss and accuracy over some samples, given by number.

    They go through the network in chunks, and a loss that is one number for a whole chunk counts once per sample.
    What computes them is the ``evaluator`` of a training that is compiled, as long as its numbers are finite.
    """
    compiled = evaluate_compiled(network, evaluator, samples, variables) if evaluator else None
    if compiled is not None:
        return compiled
    steps, objective = evaluation_plan(network), class_objective(network)
    compute = partial(execute, backend=backend) if backend == "compiled" else run
    loss = hits = 0.0
    for start in range(0, len(samples), CHUNK):
        chunk = samples[start : start + CHUNK]
        values = compute(steps, leaves.batch(chunk, variables)).values
        loss += float(values[steps.outputs[0]].mean()) * len(chunk)
        if objective is not None:
            hits += accuracy(objective.op, values[objective.prediction], values[objective.target]) * len(chunk)
    return Evaluation(loss / len(samples), None if objective is None else hits / len(samples), len(samples))


def compiled_evaluator(
    network: Network, trainer: Trainer | None, task: TrainingTask, rows: int
) -> tuple[Trainer, int] | None:
    """Return what computes the losses of so many samples where their training is compiled, else None."""
    return choose_evaluator(trainer, task, evaluation_plan(network), min(CHUNK, rows)) if rows else None


def evaluate_compiled(
    network: Network, evaluator: tuple[Trainer, int], samples: Array, variables: Mapping[str, Array]
) -> Evaluation | None:
    """Return the same from compiled code, or None where the reference has to say what is wrong."""
    trainer, size = evaluator
    order = Batches(samples, size)
    try:
        outcome = trainer.epoch(variables, order, 0.0)
    except Exception:  # anybody's rule may fail in compiled code; the reference says where
        return None
    if outcome.interrupted:
        raise KeyboardInterrupt
    if not outcome.is_finite():
        return None
    loss, hits = sums(outcome, order, class_objective(network))
    return Evaluation(loss / len(samples), None if hits is None else hits / len(samples), len(samples))


def sums(outcome: EpochOutcome, order: Batches, objective: Objective | None) -> tuple[float, float | None]:
    """Return the sums over the samples of an epoch of the loss and of the hits."""
    pairs, losses = outcome.compared, outcome.losses
    loss = float(losses.sum()) * order.size
    if len(losses):
        loss -= float(losses[-1]) * (order.size * len(order) - len(order.order))  # the last batch may be short
    if objective is None or pairs is None:
        return loss, None
    weights = order.sizes().tolist() if len(pairs) == len(order) else [len(order.order)]
    hits = [accuracy(objective.op, *pair) * weight for pair, weight in zip(pairs, weights, strict=True)]
    return loss, sum(hits)


def evaluation_plan(network: Network, wrt: tuple[str, ...] = (), also: tuple[str, ...] = ()) -> Plan:
    """Return the plan that gives the loss first, what the accuracy needs, ``also``, and the gradients of ``wrt``."""
    loss, objective = loss_reference(network), class_objective(network)
    compared = () if objective is None else (objective.prediction, objective.target)
    return plan(network, tuple(dict.fromkeys((loss, *compared, *also))), (loss,) if wrt else (), wrt)
