"""How good predictions are: the accuracy, where the target is a class, and the metrics that somebody asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import as_array
from dagprop.backends.trainer import Batches
from dagprop.backends.updates import read_only
from dagprop.errors import GraphError, Problem
from dagprop.graph.records import SAMPLE_AXIS, Choice
from dagprop.plan.network import Network
from dagprop.plan.outputs import Objective, objectives
from dagprop.record import record
from dagprop.train.choices import chosen
from dagprop.train.contract import TrainingRule
from dagprop.train.running import run_rule, unfit

CLASS_LOSSES = ("cross_entropy", "binary_cross_entropy_with_logits")
"""The loss ops whose target is a class."""

Array = np.ndarray[Any, np.dtype[Any]]

Pair = tuple[Array, Array]
"""A prediction and its target."""


@record
class Scores:
    """What predictions are worth: the share of right ones, None where they are no classes; and metrics by name."""

    accuracy: float | None
    metrics: Mapping[str, float]


NO_SCORES = Scores(None, {})


@record(eq=False)
class Judge:
    """What predictions are judged by.

    Attributes
    ----------
    objective : Objective, optional
        The comparison in the loss whose prediction and target are looked at.
    classes : bool
        Whether the target is a class.
    by_sample : bool
        Whether prediction and target have a row for each sample.
    metrics : tuple of (TrainingRule, dict)
        With their settings.
    """

    objective: Objective | None
    classes: bool
    by_sample: bool
    metrics: tuple[tuple[TrainingRule, Mapping[str, Any]], ...]

    @property
    def compared(self) -> tuple[str, str] | None:
        """The references of what is compared, or None where nothing is."""
        return None if self.objective is None else (self.objective.prediction, self.objective.target)

    def scores(self, pairs: Sequence[Pair] | None, order: Batches) -> Scores:
        """Return the scores of predictions in batches, or of all of them in one pair.

        Raises
        ------
        ComputationError
            If a metric fails (DP701) or gives no numbers (DP703).
        """
        if not pairs or self.objective is None:
            return NO_SCORES
        if self.by_sample and len(pairs) > 1:
            predictions, targets = zip(*pairs, strict=True)
            pairs = [(np.concatenate(predictions), np.concatenate(targets))]
        weights = order.sizes().tolist() if len(pairs) > 1 else [len(order.order)]

        def mean(values: Sequence[float]) -> float:
            return float(sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights))

        op = self.objective.op
        return Scores(
            mean([accuracy(op, *pair) for pair in pairs]) if self.classes else None,
            {rule.name: mean([_measure(rule, settings, pair) for pair in pairs]) for rule, settings in self.metrics},
        )


def class_objective(network: Network) -> Objective | None:
    """Return the comparison of logits with a class that the loss is made of, if it is made of exactly one."""
    found = [objective for objective in objectives(network) if objective.op in CLASS_LOSSES]
    return found[0] if len(found) == 1 else None


def judge_of(network: Network, metrics: Sequence[Choice] = ()) -> Judge:
    """Return what the predictions of a network are judged by.

    Raises
    ------
    GraphError
        If a metric is wrong, or there are metrics and the loss does not compare one prediction with a target (DP011).
    """
    of_class = class_objective(network)
    found = objectives(network) if of_class is None and metrics else ()
    found = found if of_class is None else (of_class,)
    if metrics and len(found) != 1:
        message = f"the metrics need a prediction and its target, and the loss compares {len(found) or 'no'} such pairs"
        hint = "a loss op such as half_squared_error, with the inputs prediction and target, compares one"
        raise GraphError(Problem("DP011", message, hint))
    objective = found[0] if found else None
    by_sample = objective is not None and all(
        network.shapes[name][:1] == (SAMPLE_AXIS,) for name in (objective.prediction, objective.target)
    )
    return Judge(objective, of_class is not None, by_sample, tuple(chosen("metric", metric) for metric in metrics))


def metric_problems(network: Network) -> list[Problem]:
    """Return why the metrics of a graph file, each right in itself, cannot be measured (DP011)."""
    try:
        judge_of(network, network.graph.train.metrics)
    except GraphError as error:
        return [replace(problem, path=("train", "metrics")) for problem in error.problems]
    return []


def _measure(rule: TrainingRule, settings: Mapping[str, Any], pair: Pair) -> float:
    """Return what a metric says of predictions: the mean of what its rule gives."""
    prediction, target = (read_only(array) for array in pair)
    shapes = f"a prediction of shape {prediction.shape} and a target of shape {target.shape}"
    with np.errstate(all="ignore"):
        given = run_rule(rule, settings, shapes, xp=numpy_namespace, prediction=prediction, target=target)
    try:
        values = as_array(given, np.dtype(np.float64))
        if not values.size:
            raise TypeError("it returned an array without numbers")
    except TypeError as error:
        raise unfit(rule, f"no numbers: {error}") from error
    with np.errstate(all="ignore"):
        return float(values.mean())


def accuracy(op: str, logits: Array, target: Array) -> float:
    """Return the share of targets that the logits predict.

    Parameters
    ----------
    op : {"cross_entropy", "binary_cross_entropy_with_logits"}
        For the first the largest logit of the last axis is the predicted class, and a target of the same rank has the
        largest entry at its class; for the second, a logit above 0 predicts 1, and a target above ½ is 1.
    logits, target : array
    """
    return float(np.mean(predicted_classes(op, logits) == true_classes(op, logits.ndim, target)))


def predicted_classes(op: str, logits: Array) -> Array:
    """Return the number of the class that logits predict, for each sample; see :func:`accuracy`."""
    return logits.argmax(axis=-1) if op == "cross_entropy" else (logits > 0).astype(int)


def true_classes(op: str, rank: int, target: Array) -> Array:
    """Return the number of the class that a target is, for each sample, where the logits have ``rank`` axes."""
    if op == "cross_entropy":
        return target.argmax(axis=-1) if target.ndim == rank else target
    return (target > 0.5).astype(int)
