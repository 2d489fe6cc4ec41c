"""Activations of the literature, and what they are worth by mpmath, which is told each of them once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath
from mpmath import mp


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log(1 + mp.exp(x))


@dataclass(frozen=True)
class Known:
    """A formula as a user types it, and the same for mpmath; ``kinks`` are where it has no derivative."""

    formula: str
    exact: Callable[..., Any]
    attributes: dict[str, float] = field(default_factory=dict)
    kinks: tuple[float, ...] = ()


FORMULAS = {
    "mish": Known("x*tanh(log(1+exp(x)))", lambda x: x * mp.tanh(softplus(x))),
    "swish": Known("x / (1 + exp(-beta*x))", lambda x, beta: x * sigmoid(beta * x), {"beta": 1.5}),
    "silu": Known("x*exp(x)/(1+exp(x))", lambda x: x * sigmoid(x)),
    "gelu": Known("0.5*x*(1+erf(x/sqrt(2)))", lambda x: x * mp.ncdf(x)),
    "gelu_tanh": Known(
        "0.5*x*(1+tanh(sqrt(2/pi)*(x+0.044715*x**3)))",
        lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3))),
    ),
    "selu": Known(
        "1.0507009873554805*where(x>0, x, 1.6732632423543772*(exp(x)-1))",
        lambda x: mp.mpf("1.0507009873554805") * (x if x > 0 else mp.mpf("1.6732632423543772") * mp.expm1(x)),
        kinks=(0,),
    ),
    "celu": Known(
        "max(0,x) + min(0,alpha*(exp(x/alpha)-1))",
        lambda x, alpha: max(0, x) + min(0, alpha * mp.expm1(x / alpha)),
        {"alpha": 1.3},
        kinks=(0,),
    ),
    "hard_swish": Known("x*min(max(x+3,0),6)/6", lambda x: x * min(max(x + 3, 0), 6) / 6, kinks=(-3, 3)),
    "square_plus": Known("(x+sqrt(x**2+b))/2", lambda x, b: (x + mp.sqrt(x * x + b)) / 2, {"b": 4.0}),
    "tanh_exp": Known("x*tanh(exp(x))", lambda x: x * mp.tanh(mp.exp(x))),
    "logish": Known("x*log(1+sigmoid(x))", lambda x: x * mp.log(1 + sigmoid(x))),
    "smish": Known("x*tanh(log(1+1/(1+exp(-x))))", lambda x: x * mp.tanh(mp.log(1 + sigmoid(x)))),
    "serf": Known("x*erf(log(1+exp(x)))", lambda x: x * mp.erf(softplus(x))),
    "phish": Known("x*tanh(0.5*x*(1+erf(x/sqrt(2))))", lambda x: x * mp.tanh(x * mp.ncdf(x))),
    "isru": Known("x/sqrt(1+a*x**2)", lambda x, a: x / mp.sqrt(1 + a * x * x), {"a": 1.0}),
    "isrlu": Known(
        "where(x>=0, x, x/sqrt(1+a*x**2))", lambda x, a: x if x >= 0 else x / mp.sqrt(1 + a * x * x), {"a": 3.0}
    ),
    "bent_identity": Known("(sqrt(x**2+1)-1)/2+x", lambda x: (mp.sqrt(x * x + 1) - 1) / 2 + x),
    "sqnl": Known(
        "piecewise(x>2, 1, x>=0, x-x**2/4, x>=-2, x+x**2/4, -1)",
        lambda x: 1 if x > 2 else x - x * x / 4 if x >= 0 else x + x * x / 4 if x >= -2 else -1,
        kinks=(-2, 2),
    ),
    "gcu": Known("x*cos(x)", lambda x: x * mp.cos(x)),
    "aria_2": Known(
        "x*(1+exp(-beta*x))**(-alpha)",
        lambda x, alpha, beta: x * sigmoid(beta * x) ** alpha,
        {"alpha": 1.5, "beta": 2.0},
    ),
    "cloglog": Known("1-exp(-exp(x))", lambda x: -mp.expm1(-mp.exp(x))),
    "bipolar_sigmoid": Known("(1-exp(-x))/(1+exp(-x))", lambda x: mp.tanh(x / 2)),
    "log_log_cosh": Known("log(cosh(x))", lambda x: mp.log(mp.cosh(x))),
    "lisht": Known("x*tanh(x)", lambda x: x * mp.tanh(x)),
    "elish": Known(
        "where(x>=0, x/(1+exp(-x)), (exp(x)-1)/(1+exp(-x)))",
        lambda x: (x if x >= 0 else mp.expm1(x)) * sigmoid(x),
        kinks=(0,),
    ),
    "symmetric_log": Known(
        "where(x>0, log(1+x), -log(1-x))", lambda x: mp.log(1 + x) if x > 0 else -mp.log(1 - x), kinks=(0,)
    ),
    "soft_sign": Known("x/(1+abs(x))", lambda x: x / (1 + abs(x)), kinks=(0,)),
    "hard_sigmoid": Known("clip(0.2*x+0.5, 0, 1)", lambda x: min(max(x / 5 + mp.mpf("0.5"), 0), 1), kinks=(-2.5, 2.5)),
    "tanh_by_hand": Known("(exp(x)-exp(-x))/(exp(x)+exp(-x))", mp.tanh),
    "soft_plus_beta": Known("log(1+exp(beta*x))/beta", lambda x, beta: softplus(beta * x) / beta, {"beta": 2.0}),
    "e_swish": Known("beta*x*sigmoid(x)", lambda x, beta: beta * x * sigmoid(x), {"beta": 1.375}),
    "d_silu": Known("sigmoid(x)*(1+x*(1-sigmoid(x)))", lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    "lecun_tanh": Known("1.7159*tanh(2*x/3)", lambda x: mp.mpf("1.7159") * mp.tanh(2 * x / 3)),
    "sine_wavelet": Known("sin(x)*exp(-x**2/2)", lambda x: mp.sin(x) * mp.exp(-x * x / 2)),
    "penalised_tanh": Known(
        "where(x>0, tanh(x), 0.25*tanh(x))", lambda x: mp.tanh(x) * (1 if x > 0 else mp.mpf("0.25")), kinks=(0,)
    ),
    "arctangent": Known("atan(x)", mp.atan),
    "snake": Known("x + sin(a*x)**2/a", lambda x, a: x + mp.sin(a * x) ** 2 / a, {"a": 1.5}),
    "gaussian": Known("exp(-x**2)", lambda x: mp.exp(-x * x)),
    "sigmoid_by_hand": Known("exp(x)/(1+exp(x))", sigmoid),
    "log_sigmoid": Known("-log(1+exp(-x))", lambda x: -softplus(-x)),
    "relu_6": Known("min(max(x,0),6)", lambda x: min(max(x, 0), 6), kinks=(0, 6)),
    "hard_shrink": Known("x if abs(x) > 0.5 else 0", lambda x: x if abs(x) > 0.5 else 0, kinks=(-0.5, 0.5)),
    "soft_shrink": Known("sign(x)*max(abs(x)-0.5, 0)", lambda x: mp.sign(x) * max(abs(x) - 0.5, 0), kinks=(-0.5, 0.5)),
    "cauchy": Known("1/(1+x**2)", lambda x: 1 / (1 + x * x)),
    "soft_plus_by_log1p": Known("log1p(exp(x))", softplus),
    "sech": Known("2/(exp(x)+exp(-x))", lambda x: 1 / mp.cosh(x)),
    "tanh_of_sinh": Known("sinh(x)/cosh(x)", mp.tanh),
    "log_of_sigmoid": Known("log(sigmoid(x))", lambda x: -softplus(-x)),
    "parametric_elu": Known(
        "where(x>=0, a/b*x, a*(exp(x/b)-1))",
        lambda x, a, b: a / b * x if x >= 0 else a * mp.expm1(x / b),
        {"a": 1.2, "b": 0.7},
    ),
    "gompertz": Known("exp(-b*exp(-x))", lambda x, b: mp.exp(-b * mp.exp(-x)), {"b": 2.0}),
}
"""More than twenty, by name."""

SEVERAL_INPUTS = {
    "slope_is_learnt": ("x if x > 0 else slope*x", ("x", "slope")),
    "beta_is_learnt": ("x*sigmoid(beta*x)", ("x", "beta")),
    "gated": ("a1*sigmoid(a2)", ("a1", "a2")),
    "larger": ("max(a1, a2)", ("a1", "a2")),
    "log_sum_exp": ("log(exp(x) + exp(w))", ("x", "w")),
    "log_cosh_loss": ("log(cosh(prediction - target))", ("prediction", "target")),
    "pseudo_huber": ("sqrt(1 + (prediction - target)**2) - 1", ("prediction", "target")),
    "quantile": ("max(0.3*(target - prediction), -0.7*(target - prediction))", ("prediction", "target")),
    "hinge": ("max(0, 1 - prediction*target)", ("prediction", "target")),
    "poisson": ("exp(prediction) - target*prediction", ("prediction", "target")),
    "logistic": ("log(1 + exp(-prediction*target))", ("prediction", "target")),
    "binary_cross_entropy": (
        "-target*log(sigmoid(prediction)) - (1 - target)*log(1 - sigmoid(prediction))",
        ("prediction", "target"),
    ),
    "binary_cross_entropy_of_logits": (
        *("max(logit, 0) - logit*target + log(1 + exp(-abs(logit)))", ("logit", "target")),
    ),
    "names_like_our_own": ("max(value0, 0)*slope0*sin(value1)", ("value0", "slope0", "value1")),
    "slope_is_learnt_in_halves": ("max(x, 0) + slope*min(x, 0)", ("x", "slope")),
    "weighted": ("weight*(prediction - target)**2", ("prediction", "target", "weight")),
}
"""Losses, and activations with what is learnt: formula and inputs."""

_SIZES = (1e-8, 1e-3, 0.07, 0.31, 0.77, 1.3, 1.9, 2.7, 4.1, 6.3, 9.9, 14.7, 20.0, 30.1, 36.9, 50.0, 99.0, 330.0, 700.0)
POINTS = sorted(sign * size for sign in (-1, 1) for size in _SIZES)


def exact(known: Known, x: float) -> tuple[float, float, float]:
    """Return value, derivative, and by how much the last digit of x moves the derivative, relative to it."""
    with mpmath.workdps(700):
        numbers = {name: mp.mpf(value) for name, value in known.attributes.items()}

        def f(z):
            return mp.mpf(known.exact(z, **numbers))

        h = mp.mpf(10) ** -60 * max(1, abs(x))
        z = mp.mpf(x)
        slope = (f(z + h) - f(z - h)) / (2 * h)
        moved = z * (1 + mp.mpf(2) ** -50)
        beside = (f(moved + h) - f(moved - h)) / (2 * h)
        return float(f(z)), float(slope), float(abs(beside / slope - 1)) if slope else 0.0
