"""Accuracy: the share of samples whose class is predicted right."""

from __future__ import annotations

from typing import Any

import numpy as np

from dagprop.plan.network import Network
from dagprop.plan.outputs import Objective, objectives

CLASS_LOSSES = ("cross_entropy", "binary_cross_entropy_with_logits")
"""The loss ops whose target is a class."""


def class_objective(network: Network) -> Objective | None:
    """Return the comparison of logits with a class that the loss is made of, if it is made of exactly one."""
    found = [objective for objective in objectives(network) if objective.op in CLASS_LOSSES]
    return found[0] if len(found) == 1 else None


def accuracy(op: str, logits: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> float:
    """Return the share of targets that the logits predict.

    Parameters
    ----------
    op : {"cross_entropy", "binary_cross_entropy_with_logits"}
        For the first the largest logit of the last axis is the predicted class, and a target of the same rank has the
        largest entry at its class; for the second, a logit above 0 predicts 1, and a target above ½ is 1.
    logits, target : array
    """
    return float(np.mean(predicted_classes(op, logits) == true_classes(op, logits.ndim, target)))


def predicted_classes(op: str, logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the number of the class that logits predict, for each sample; see :func:`accuracy`."""
    return logits.argmax(axis=-1) if op == "cross_entropy" else (logits > 0).astype(int)


def true_classes(op: str, rank: int, target: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the number of the class that a target is, for each sample, where the logits have ``rank`` axes."""
    if op == "cross_entropy":
        return target.argmax(axis=-1) if target.ndim == rank else target
    return (target > 0.5).astype(int)
