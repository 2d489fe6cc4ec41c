"""Arithmetic: elementwise, with broadcasting; the derivative rules are those of every table of derivatives."""

from __future__ import annotations

import math
from functools import reduce
from itertools import accumulate
from operator import mul

from dagprop.ops.registry import op


@op("add")
def add(xp, *xs):
    """Sum of two or more values, x₀ + x₁ + ... + xₙ."""
    return reduce(lambda total, x: total + x, xs)


@add.derivative("xs")
def _():
    return 1


@op("subtract")
def subtract(xp, left, right):
    """Difference, left - right."""
    return left - right


@subtract.derivative("left")
def _():
    return 1


@subtract.derivative("right")
def _():
    return -1


@op("multiply")
def multiply(xp, *xs):
    """Product of two or more values, x₀ · x₁ · ... · xₙ."""
    return math.prod(xs)


@multiply.derivative("xs")
def _(xs):
    # For each x the product of those before it and those behind it, and not y / x: x may be 0.
    before = accumulate(xs[:-1], mul, initial=1)
    behind = accumulate(reversed(xs[1:]), mul, initial=1)
    return tuple(left * right for left, right in zip(before, reversed(list(behind)), strict=True))


@op("divide")
def divide(xp, numerator, denominator):
    """Quotient, numerator / denominator."""
    return numerator / denominator


@divide.derivative("numerator")
def _(denominator):
    return 1 / denominator


@divide.derivative("denominator")
def _(y, denominator):
    return -y / denominator


@op("negative")
def negative(xp, x):
    """Negative, -x."""
    return -x


@negative.derivative("x")
def _():
    return -1


@op("reciprocal")
def reciprocal(xp, x):
    """Reciprocal, 1/x."""
    return 1 / x


@reciprocal.derivative("x")
def _(y):
    return -y * y


@op("power")
def power(xp, base, exponent):
    """Power, base^exponent; 0^0 is 1."""
    return base**exponent


@power.derivative("base")
def _(xp, base, exponent):
    # x⁰ is constant, and the formula would be 0 · 0⁻¹ at the base 0.
    constant = exponent == 0
    return xp.where(constant, 0.0, exponent * base ** xp.where(constant, 1.0, exponent - 1))


@power.derivative("exponent")
def _(xp, base, exponent, y):
    # y · log(base); at the base 0 its limit, 0; below 0 the power of a real exponent is not real.
    return xp.where(base < 0, xp.nan, y * xp.log(xp.where(base > 0, base, 1.0)))


@op("maximum")
def maximum(xp, *xs):
    """Largest of two or more values, element by element; equal ones share the gradient equally."""
    return reduce(xp.maximum, xs)


@op("minimum")
def minimum(xp, *xs):
    """Smallest of two or more values, element by element; equal ones share the gradient equally."""
    return reduce(xp.minimum, xs)


@maximum.derivative("xs")
@minimum.derivative("xs")
def _(xp, xs, y):
    chosen = [xp.where(x == y, 1.0, 0.0) for x in xs]
    equal = sum(chosen)
    return tuple(x / equal for x in chosen)


@op("affine")
def affine(xp, w, x, b=None):
    """Sum node of a neuron, a = w·x + b, element by element; b may be left out."""
    return w * x if b is None else w * x + b


@affine.derivative("w")
def _(x):
    return x


@affine.derivative("x")
def _(w):
    return w


@affine.derivative("b")
def _():
    return 1


@op("where")
def where(xp, condition, then, otherwise):
    """Choice, ``then`` where the condition is not 0, else ``otherwise``; no gradient reaches the condition."""
    return xp.where(condition != 0, then, otherwise)


@where.derivative("condition")
def _():
    return 0


@where.derivative("then")
def _(xp, condition):
    return xp.where(condition != 0, 1.0, 0.0)


@where.derivative("otherwise")
def _(xp, condition):
    return xp.where(condition != 0, 0.0, 1.0)


@op("identity")
def identity(xp, x):
    """Identity, x."""
    return x


@identity.derivative("x")
def _():
    return 1
