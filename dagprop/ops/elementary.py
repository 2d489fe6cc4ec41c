"""Elementary functions of one value, element by element."""

from __future__ import annotations

from dagprop.ops.registry import op


@op("exp")
def exp(xp, x):
    """Exponential, eˣ."""
    return xp.exp(x)


@exp.derivative("x")
def _(y):
    return y


@op("log")
def log(xp, x):
    """Natural logarithm, log x."""
    return xp.log(x)


@log.derivative("x")
def _(x):
    return 1 / x


@op("sqrt")
def sqrt(xp, x):
    """Square root, √x."""
    return xp.sqrt(x)


@sqrt.derivative("x")
def _(y):
    return 0.5 / y


@op("abs")
def absolute(xp, x):
    """Absolute value, abs(x); the derivative at 0 is taken as 0."""
    return xp.abs(x)


@absolute.derivative("x")
def _(xp, x):
    return xp.sign(x)


@op("sin")
def sin(xp, x):
    """Sine, sin x (x in radians)."""
    return xp.sin(x)


@sin.derivative("x")
def _(xp, x):
    return xp.cos(x)


@op("cos")
def cos(xp, x):
    """Cosine, cos x (x in radians)."""
    return xp.cos(x)


@cos.derivative("x")
def _(xp, x):
    return -xp.sin(x)


@op("tan")
def tan(xp, x):
    """Tangent, tan x (x in radians)."""
    return xp.tan(x)


@tan.derivative("x")
def _(y):
    return 1 + y * y


@op("arctan")
def arctan(xp, x):
    """Arctangent, arctan x, in (-π/2, π/2)."""
    return xp.atan(x)


@arctan.derivative("x")
def _(x):
    return 1 / (1 + x * x)
