"""Losses: how far a prediction is from its target; the smaller the better."""

from __future__ import annotations

from dagprop.ops.activations import log_softmax, sigmoid, softmax
from dagprop.ops.registry import op


@op("half_squared_error")
def half_squared_error(xp, prediction, target):
    """Half the squared error, element by element, ½(y - ŷ)²."""
    return 0.5 * (target - prediction) ** 2


@half_squared_error.derivative("prediction")
def _(prediction, target):
    return -(target - prediction)


@half_squared_error.derivative("target")
def _(prediction, target):
    return target - prediction


@op("absolute_error")
def absolute_error(xp, prediction, target):
    """Absolute error, element by element, abs(y - ŷ); the derivative at 0 is taken as 0."""
    return xp.abs(target - prediction)


@absolute_error.derivative("prediction")
def _(xp, prediction, target):
    return xp.sign(prediction - target)


@absolute_error.derivative("target")
def _(xp, prediction, target):
    return xp.sign(target - prediction)


@op("mean_squared_error")
def mean_squared_error(xp, prediction, target):
    """Mean of the squared errors of all elements, 1/n Σᵢ (yᵢ - ŷᵢ)²."""
    error = target - prediction
    if error.shape not in (prediction.shape, target.shape):
        # (N, 1) and (N,) would be compared each with each, and the mean would hide it.
        raise ValueError("prediction and target must have the same shape, or one must broadcast to the other")
    return xp.mean(error * error)


@mean_squared_error.pullback("prediction")
def _(xp, g, prediction, target):
    return g * 2 * (prediction - target) / xp.count(prediction - target)


@mean_squared_error.pullback("target")
def _(xp, g, prediction, target):
    return g * 2 * (target - prediction) / xp.count(prediction - target)


@op("binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(xp, logits, target):
    """Cross entropy of σ(z) and a target in [0, 1], element by element, -y log σ(z) - (1 - y) log(1 - σ(z))."""
    return xp.maximum(logits, 0.0) - logits * target + xp.log1p(xp.exp(-xp.abs(logits)))


@binary_cross_entropy_with_logits.derivative("logits")
def _(xp, logits, target):
    return sigmoid.forward(xp, logits) - target


@binary_cross_entropy_with_logits.derivative("target")
def _(logits):
    return -logits


@op("cross_entropy")
def cross_entropy(xp, logits, target):
    """Cross entropy of softmax(logits) along the last axis and a target, -Σₖ yₖ log softmax(z)ₖ.

    The target is a class index (one axis less than the logits) or a probability of each class (as one-hot vectors are).
    """
    return -xp.sum(_probabilities(xp, logits, target) * log_softmax.forward(xp, logits), axis=-1)


@cross_entropy.pullback("logits")
def _(xp, g, logits, target):
    y = _probabilities(xp, logits, target)
    if target.ndim < logits.ndim:  # a class: its probabilities add up to 1
        return g[..., None] * (softmax.forward(xp, logits) - y)
    return g[..., None] * (softmax.forward(xp, logits) * xp.sum(y, axis=-1, keepdims=True) - y)


@cross_entropy.pullback("target")
def _(xp, g, logits, target):
    if target.ndim < logits.ndim:
        return xp.zeros_like(target)  # a class index does not move by small steps
    return -g[..., None] * log_softmax.forward(xp, logits)


def _probabilities(xp, logits, target):
    """Return the target as one probability per class."""
    if target.ndim == logits.ndim - 1:
        return xp.one_hot(target, logits.shape[-1])
    if target.shape[-1:] != logits.shape[-1:]:
        raise ValueError(
            "the target must hold class indices (one axis less than the logits) "
            "or one probability per class (the same last axis)"
        )
    return target
