"""What a rule may use of ``xp``: a part of the Python Array API standard, and a few helpers that it lacks.

Every array namespace (NumPy, shapes only, and those that trace) implements exactly these names, with the meaning that
the standard gives them, so that a rule that runs on one runs on all.  Arrays also have ``shape``, ``ndim``, the
arithmetic operators, comparisons, ``@``, and indexing with integers, slices, ``None`` and ``...``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagprop.errors import quote, suggest

UNARY = (
    *("abs", "sign", "square", "sqrt", "exp", "expm1", "log", "log1p"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("floor", "ceil", "round", "isfinite", "logical_not"),
    *("erf", "erfc"),  # helpers: the error function and 1 - erf, which keeps its precision where erf is near 1
)
"""f(x), element by element."""

BINARY = ("maximum", "minimum", "pow", "logical_and", "logical_or")
"""f(x1, x2), element by element, broadcasting."""

REDUCTIONS = (
    *("sum", "mean", "prod", "max", "min"),
    "logsumexp",  # helper: log(sum(exp(x))) without overflow
)
"""f(x, axis=None, keepdims=False): axis is an integer, a tuple of them, or None for all."""

OTHERS = (
    "where",  # (condition, x1, x2): x1 where the condition is true (or not zero), else x2
    *("matmul", "matrix_transpose"),
    "permute_dims",  # (x, axes)
    "reshape",  # (x, shape): one size may be -1 or a name such as "N"; it follows from the others
    *("expand_dims", "squeeze"),  # (x, axis)
    "broadcast_to",  # (x, shape)
    *("concat", "stack"),  # (arrays, axis=0)
    *("zeros_like", "ones_like"),  # (x)
    "full_like",  # (x, number)
    "argmax",  # (x, axis=None, keepdims=False)
    "one_hot",  # helper: (index, size): a last axis that is 1 at the index and 0 elsewhere
    "count",  # helper: (x, axis=None): how many elements a reduction over these axes takes together
)
"""The others, with their arguments."""

CONSTANTS = ("pi", "e", "inf", "nan")

NAMES = frozenset((*UNARY, *BINARY, *REDUCTIONS, *OTHERS, *CONSTANTS))
"""All that a namespace has, and nothing more."""


class Namespace:
    """The ``xp`` that rules are handed: the given members, which must be exactly :data:`NAMES`.

    Raises
    ------
    AttributeError
        On access to any other name, with the nearest one that exists.
    """

    def __init__(self, title: str, members: Mapping[str, Any]) -> None:
        if wrong := NAMES.symmetric_difference(members):
            raise ValueError(f"the namespace {title} misses, or has too much: {', '.join(sorted(wrong))}")
        self.__dict__.update(members)
        self._title = title

    def __getattr__(self, name: str) -> Any:
        hints = (suggest(name, NAMES), "dagprop/ops/namespace.py lists what it has")
        raise AttributeError(f"xp has no {quote(name)}: {' '.join(filter(None, hints))}")

    def __repr__(self) -> str:
        return f"<xp: {self._title}>"
