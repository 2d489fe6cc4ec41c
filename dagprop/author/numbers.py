"""What an expression is worth: in float64 and float32, as a rule computes it; and exactly, with 400 digits.

The exact values come from mpmath, which shares no code with NumPy.  So many digits that what cancels in a formula far
out (1 + e⁻⁷⁰⁰) still leaves all that a float64 can hold.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from dagprop.author.expression import Call, Name, Number, Tree, written_out
from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import Array

DIGITS = 400

BEYOND = 1_000_000
"""exp of more than this is infinite, also where it is computed exactly."""

_OPERATORS: dict[str, Callable[..., Any]] = {
    **{"add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv},
    **{"pow": operator.pow, "negative": operator.neg},
    **{"less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge},
    **{"equal": operator.eq, "not_equal": operator.ne},
}


class _NotRealError(ArithmeticError):
    """A formula has no real value at a point."""


def constant_value(tree: Tree) -> float | None:
    """Return the value of an expression without names, or None where it has none."""
    try:
        value = _folded(tree, {}, _CONSTANT)
    except (ArithmeticError, ValueError):
        return None
    return value if isinstance(value, float) else None


def float_values(tree: Tree, values: Mapping[str, Any], dtype: Any = np.float64) -> Array:
    """Return what an expression is worth for arrays, computed in a dtype as a rule is."""
    arrays = {name: value.astype(dtype) if isinstance(value, np.ndarray) else value for name, value in values.items()}
    memory: dict[Tree, Any] = {}
    result = _folded(written_out(tree), arrays, _FLOAT, memory)
    return np.asarray(result)


def exact_value(tree: Tree, values: Mapping[str, Any], memory: dict[Tree, Any] | None = None) -> Any:
    """Return what an expression is worth for single numbers, with 400 digits; None where it is not real or finite."""
    import mpmath

    with mpmath.workdps(DIGITS):
        numbers = {name: mpmath.mpf(value) for name, value in values.items()}
        try:
            result = _folded(tree, numbers, _exact_functions(), {} if memory is None else memory)
        except (ArithmeticError, ValueError, TypeError):
            return None
        return result if isinstance(result, mpmath.mpf) and mpmath.isfinite(result) else None


def _folded(
    tree: Tree, values: Mapping[str, Any], table: Mapping[str, Any], memory: dict[Tree, Any] | None = None
) -> Any:
    if memory is None:
        memory = {}
    if tree in memory:
        return memory[tree]
    match tree:
        case Number(value):
            result = table["number"](value)
        case Name(name):
            result = values[name]
        case Call("where", (condition, chosen, otherwise)) if table["lazy"]:
            # As a value, only the branch that is taken matters: the other one may not even be real.
            branch = chosen if _folded(condition, values, table, memory) else otherwise
            result = _folded(branch, values, table, memory)
        case Call(function, operands):
            arguments = [_folded(operand, values, table, memory) for operand in operands]
            try:
                result = table[function](*arguments)
            except ZeroDivisionError:
                raise _NotRealError from None
    memory[tree] = result
    return result


_FLOAT: dict[str, Any] = {
    **_OPERATORS,
    **{name: getattr(numpy_namespace, name) for name in vars(numpy_namespace) if not name.startswith("_")},
    "pow": operator.pow,
    "number": float,
    "lazy": False,
    "pi": lambda: math.pi,
    "e": lambda: math.e,
}
"""How expressions are computed by rules."""

_MATH = {
    name: getattr(math, name)
    for name in (
        *("sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan"),
        *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc"),
    )
}


def _float(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *operands: float(function(*operands))


def _real_power(base: float, exponent: float) -> float:
    result: float | complex = base**exponent
    if isinstance(result, complex):
        raise _NotRealError
    return result


_CONSTANT: dict[str, Any] = {
    **_OPERATORS,
    **_MATH,
    **{name: _float(function) for name, function in (("floor", math.floor), ("ceil", math.ceil), ("round", round))},
    **{
        "abs": abs,
        "maximum": max,
        "minimum": min,
        "sign": lambda x: float((x > 0) - (x < 0)),
        "square": lambda x: x * x,
    },
    **{"logical_and": lambda a, b: a and b, "logical_or": lambda a, b: a or b, "logical_not": operator.not_},
    "pow": _real_power,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "number": float,
    "lazy": True,
    "pi": lambda: math.pi,
    "e": lambda: math.e,
}
"""How constants are worked out."""


@cache
def _exact_functions() -> dict[str, Any]:
    import mpmath

    mp = mpmath.mp

    def real(function: Callable[..., Any]) -> Callable[..., Any]:
        def apply(*operands: Any) -> Any:
            result = function(*operands)
            if isinstance(result, mpmath.mpc):
                raise _NotRealError
            return result

        return apply

    def exp(x: Any) -> Any:
        if abs(x) > BEYOND:
            return mp.inf if x > 0 else mp.zero
        return mp.exp(x)

    def bounded(function: Callable[..., Any], limit: Any) -> Callable[..., Any]:
        return lambda x: limit(x) if abs(x) > BEYOND else function(x)

    def power(base: Any, exponent: Any) -> Any:
        if base and abs(exponent * mp.log(abs(base))) > BEYOND:
            if base < 0:
                raise _NotRealError
            return mp.inf if (exponent > 0) == (base > 1) else mp.zero
        return base**exponent

    def periodic(function: Callable[..., Any]) -> Callable[..., Any]:
        def apply(x: Any) -> Any:
            if abs(x) > 1e300:
                raise _NotRealError  # it would take as many digits of π
            return function(x)

        return apply

    same = {
        name: real(getattr(mp, name))
        for name in ("sqrt", "log", "log1p", "asin", "acos", "atan", "asinh", "acosh", "atanh")
    }
    return {
        **_OPERATORS,
        **same,
        **{name: periodic(getattr(mp, name)) for name in ("sin", "cos", "tan")},
        **{name: getattr(mp, name) for name in ("floor", "ceil", "sign")},
        "expm1": lambda x: exp(x) - 1,
        "exp": exp,
        "tanh": bounded(mp.tanh, mp.sign),
        "cosh": bounded(mp.cosh, lambda x: mp.inf),
        "sinh": bounded(mp.sinh, lambda x: mp.inf * mp.sign(x)),
        "erf": bounded(mp.erf, mp.sign),
        "erfc": bounded(mp.erfc, lambda x: mp.mpf(1 - int(mp.sign(x)))),
        "pow": real(power),
        "abs": abs,
        "maximum": max,
        "minimum": min,
        "square": lambda x: x * x,
        "round": mp.nint,  # to even, as in Python
        "sigmoid": lambda x: 1 / (1 + exp(-x)),
        "softplus": lambda x: mp.log(1 + exp(x)) if x < BEYOND else x,
        "logical_and": lambda a, b: a and b,
        "logical_or": lambda a, b: a or b,
        "logical_not": operator.not_,
        "number": _decimal,
        "lazy": True,
        "pi": lambda: +mp.pi,
        "e": lambda: mp.exp(1),
    }


def _decimal(value: float) -> Any:
    """Return a number as its author wrote it: 0.1 is a tenth, and not the nearest float."""
    import mpmath

    return mpmath.mpf(repr(value) if isinstance(value, float) else value)
