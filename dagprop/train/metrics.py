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
    if op == "cross_entropy":
        classes = target.argmax(axis=-1) if target.ndim == logits.ndim else target
        return float(np.mean(logits.argmax(axis=-1) == classes))
    return float(np.mean((logits > 0) == (target > 0.5)))
