"""Activations: the nonlinear functions between layers, element by element; and the softmax, along an axis.

The formulas are those of the lecture, written so that they lose no digits: where exp overflows, 1 / (1 + e⁻ˣ) is as
near to 0 as a number can be.
"""

from __future__ import annotations

import math
from typing import Literal

from dagprop.ops.registry import op


@op("sigmoid")
def sigmoid(xp, x):
    """Logistic sigmoid, σ(x) = 1 / (1 + e⁻ˣ)."""
    return 1 / (1 + xp.exp(-x))


@sigmoid.derivative("x")
def _(y):
    return y * (1 - y)


@op("tanh")
def tanh(xp, x):
    """Hyperbolic tangent, tanh x."""
    return xp.tanh(x)


@tanh.derivative("x")
def _(y):
    return 1 - y**2


@op("relu")
def relu(xp, x):
    """Rectified linear unit, max(x, 0) (Nair & Hinton, 2010); the derivative at 0 is taken as 0."""
    return xp.maximum(x, 0.0)


@relu.derivative("x")
def _(xp, x):
    return xp.where(x > 0, 1.0, 0.0)


@op("leaky_relu")
def leaky_relu(xp, x, *, alpha=0.01):
    """Leaky ReLU, x for x > 0, else αx (Maas et al., 2013); the derivative at 0 is taken as α."""
    return xp.where(x > 0, x, alpha * x)


@leaky_relu.derivative("x")
def _(xp, x, alpha):
    return xp.where(x > 0, 1.0, alpha)


@op("elu")
def elu(xp, x, *, alpha=1.0):
    """Exponential linear unit, x for x > 0, else α(eˣ - 1) (Clevert et al., 2016)."""
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0.0)))


@elu.derivative("x")
def _(xp, x, alpha):
    return xp.where(x > 0, 1.0, alpha * xp.exp(xp.minimum(x, 0.0)))


@op("softplus")
def softplus(xp, x):
    """Softplus, log(1 + eˣ) (Dugas et al., 2001)."""
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


@softplus.derivative("x")
def _(xp, x):
    return sigmoid.forward(xp, x)


@op("gelu")
def gelu(xp, x, *, approximate: Literal["none", "tanh"] = "none"):
    """Gaussian error linear unit, x·Φ(x), or ½x(1 + tanh(√(2/π)(x + 0.044715x³))) (Hendrycks & Gimpel, 2016)."""
    if approximate == "tanh":
        return x * sigmoid.forward(xp, _gelu_argument(x))
    return 0.5 * x * xp.erfc(-x / math.sqrt(2))


@gelu.derivative("x")
def _(xp, x, approximate):
    if approximate == "tanh":
        s = sigmoid.forward(xp, _gelu_argument(x))
        return s + x * s * (1 - s) * 2 * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    return 0.5 * xp.erfc(-x / math.sqrt(2)) + x * xp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _gelu_argument(x):
    # ½(1 + tanh u) = σ(2u), which does not cancel where tanh u is near -1.
    return 2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)


@op("swish")
def swish(xp, x, *, beta=1.0):
    """Swish, x·σ(βx) (Ramachandran et al., 2017)."""
    return x * sigmoid.forward(xp, beta * x)


@swish.derivative("x")
def _(xp, x, y, beta):
    s = sigmoid.forward(xp, beta * x)
    return s + beta * y * (1 - s)


@op("softmax")
def softmax(xp, x, *, axis=-1):
    """Softmax along an axis, e^xᵢ / Σⱼ e^xⱼ."""
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


@softmax.pullback("x")
def _(xp, g, y, axis):
    return y * (g - xp.sum(g * y, axis=axis, keepdims=True))


@op("log_softmax")
def log_softmax(xp, x, *, axis=-1):
    """Logarithm of the softmax along an axis, xᵢ - log Σⱼ e^xⱼ."""
    z = x - xp.max(x, axis=axis, keepdims=True)
    return z - xp.log(xp.sum(xp.exp(z), axis=axis, keepdims=True))


@log_softmax.pullback("x")
def _(xp, g, y, axis):
    return g - xp.exp(y) * xp.sum(g, axis=axis, keepdims=True)
