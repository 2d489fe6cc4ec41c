"""How good a network is on samples: the mean loss, the accuracy where the target is a class, and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Any

import numpy as np

from dagprop.backends.leaf_values import leaf_values
from dagprop.backends.reference import Array, run
from dagprop.backends.select import REFERENCE, Backend, check_backend, choose_evaluator, execute, say
from dagprop.backends.trainer import Batches, EpochOutcome, Trainer, TrainingTask
from dagprop.graph.records import Choice
from dagprop.plan.network import Network
from dagprop.plan.outputs import loss_reference
from dagprop.plan.records import Plan
from dagprop.plan.steps import plan
from dagprop.record import record
from dagprop.train.data import Data, fed_inputs
from dagprop.train.metrics import Judge, Pair, judge_of
from dagprop.train.targets import check_targets

CHUNK = 4096
"""How many samples go through the network at a time, so that memory does not grow with the data."""


@record
class Evaluation:
    """Mean loss and accuracy over samples, None where the target is not a class; and metrics by name."""

    loss: float
    accuracy: float | None
    samples: int
    metrics: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, float | None]:
        """Return the object that ``--json`` prints."""
        return {"loss": self.loss, "accuracy": self.accuracy, **self.metrics, "samples": self.samples}


@record(eq=False)
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


def evaluate(
    network: Network,
    data: Data,
    variables: Mapping[str, Array],
    backend: Backend = "auto",
    metrics: Sequence[Choice] = (),
) -> Evaluation:
    """Return mean loss, accuracy and metrics over all samples.

    Parameters
    ----------
    network : Network
    data : Data
    variables : mapping from str to array
        The parameters and states.
    backend : {"auto", "reference", "compiled"}
    metrics : sequence of str or mapping
        Each a name, or a name and settings.

    Raises
    ------
    GraphError
        If the graph has no loss (DP206), values do not fit, or a metric is wrong (DP011).
    ComputationError
        If a rule fails.
    """
    check_backend(backend)
    judge = judge_of(network, metrics)
    if backend != "compiled":
        say(REFERENCE)
    leaves = gather_leaves(network, data, variables, evaluation_plan(network, judge).leaves)
    return evaluate_samples(network, judge, leaves, np.arange(data.rows), leaves.variables, backend)


def evaluate_samples(
    network: Network,
    judge: Judge,
    leaves: Leaves,
    samples: Array,
    variables: Mapping[str, Array],
    backend: Backend = "auto",
    evaluator: tuple[Trainer, int] | None = None,
) -> Evaluation:
    """Return mean loss, accuracy and metrics over some samples, given by number.

    They go through the network in chunks, and a loss that is one number for a whole chunk counts once per sample.
    What computes them is the ``evaluator`` of a training that is compiled, as long as its numbers are finite.
    """
    compiled = evaluate_compiled(judge, evaluator, samples, variables) if evaluator else None
    if compiled is not None:
        return compiled
    steps = evaluation_plan(network, judge)
    compute = partial(execute, backend=backend) if backend == "compiled" else run
    loss = 0.0
    pairs: list[Pair] = []
    order = Batches(samples, CHUNK)
    for chunk in order:
        values = compute(steps, leaves.batch(chunk, variables)).values
        loss += float(values[steps.outputs[0]].mean()) * len(chunk)
        if judge.compared is not None:
            pairs.append((values[judge.compared[0]], values[judge.compared[1]]))
    scores = judge.scores(pairs, order)
    return Evaluation(loss / len(samples), scores.accuracy, len(samples), scores.metrics)


def compiled_evaluator(
    network: Network, judge: Judge, trainer: Trainer | None, task: TrainingTask, rows: int
) -> tuple[Trainer, int] | None:
    """Return what computes the losses of so many samples where their training is compiled, else None."""
    return choose_evaluator(trainer, task, evaluation_plan(network, judge), min(CHUNK, rows)) if rows else None


def evaluate_compiled(
    judge: Judge, evaluator: tuple[Trainer, int], samples: Array, variables: Mapping[str, Array]
) -> Evaluation | None:
    """Return the same from compiled code, or None where the reference has to say what is wrong."""
    trainer, size = evaluator
    order = Batches(samples, size)
    try:
        outcome = trainer.epoch(variables, order, 0.0, 1)
    except Exception:  # anybody's rule may fail in compiled code; the reference says where
        return None
    if outcome.interrupted:
        raise KeyboardInterrupt
    if not outcome.is_finite():
        return None
    scores = judge.scores(outcome.compared, order)
    return Evaluation(loss_sum(outcome, order) / len(samples), scores.accuracy, len(samples), scores.metrics)


def loss_sum(outcome: EpochOutcome, order: Batches) -> float:
    """Return the sum over the samples of an epoch of the loss."""
    losses = outcome.losses
    loss = float(losses.sum()) * order.size
    if len(losses):
        loss -= float(losses[-1]) * (order.size * len(order) - len(order.order))  # the last batch may be short
    return loss


def evaluation_plan(
    network: Network, judge: Judge | None = None, wrt: tuple[str, ...] = (), also: tuple[str, ...] = ()
) -> Plan:
    """Return the plan that gives the loss first, what is judged, ``also``, and the gradients of ``wrt``."""
    loss = loss_reference(network)
    compared = (judge_of(network) if judge is None else judge).compared or ()
    return plan(network, tuple(dict.fromkeys((loss, *compared, *also))), (loss,) if wrt else (), wrt)
