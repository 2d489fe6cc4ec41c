"""What a rule may use of ``xp``: a part of the Python Array API standard, and a few helpers that it lacks.

Every array namespace (NumPy, shapes only, and those that trace) implements exactly these names, with the meaning that
the standard gives them, so that a rule that runs on one runs on all.  Arrays also have ``shape``, ``ndim``, the
arithmetic operators, comparisons, ``@``, and indexing with integers, slices, ``None`` and ``...``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagprop.errors import nearest, quote

OF_ONE = {
    "abs": "absolute value",
    "sign": "-1, 0 or 1",
    "square": "x·x",
    "sqrt": "square root",
    "exp": "eˣ",
    "expm1": "eˣ - 1, with all digits near 0",
    "log": "natural logarithm",
    "log1p": "log(1 + x), with all digits near 0",
    "sin": "sine",
    "cos": "cosine",
    "tan": "tangent",
    "asin": "inverse of the sine",
    "acos": "inverse of the cosine",
    "atan": "inverse of the tangent",
    "sinh": "hyperbolic sine",
    "cosh": "hyperbolic cosine",
    "tanh": "hyperbolic tangent",
    "asinh": "inverse of the hyperbolic sine",
    "acosh": "inverse of the hyperbolic cosine",
    "atanh": "inverse of the hyperbolic tangent",
    "floor": "largest whole number that is not above",
    "ceil": "smallest whole number that is not below",
    "round": "nearest whole number, the even one of two",
    "isfinite": "whether it is neither infinite nor NaN",
    "logical_not": "whether it is 0 or false",
    "erf": "error function; not in the standard",
    "erfc": "1 - erf(x), with all digits where erf is near 1; not in the standard",
}
"""f(x), element by element."""

OF_TWO = {
    "maximum": "the larger one",
    "minimum": "the smaller one",
    "pow": "x1 to the power of x2",
    "logical_and": "whether both are true, or not zero",
    "logical_or": "whether one is true, or not zero",
}
"""f(x1, x2), element by element, broadcasting."""

OVER_AXES = {
    "sum": "sum",
    "mean": "arithmetic mean",
    "prod": "product",
    "max": "largest element",
    "min": "smallest element",
    "logsumexp": "log(sum(exp(x))) without overflow; not in the standard",
}
"""f(x, axis=None, keepdims=False): axis is an integer, a tuple of them, or None for all."""

WITH_ARGUMENTS = {
    "where": ("condition, x1, x2", "x1 where the condition is true, or not zero, else x2"),
    "matmul": ("x1, x2", "matrix product, as x1 @ x2"),
    "matrix_transpose": ("x", "the last two axes exchanged"),
    "permute_dims": ("x, axes", "the axes in another order"),
    "reshape": ("x, shape", 'another shape: one size may be -1 or a name such as "N", and follows from the others'),
    "expand_dims": ("x, axis", "one more axis, of size 1, at this place"),
    "squeeze": ("x, axis", "without this axis, or these, of size 1"),
    "broadcast_to": ("x, shape", "repeated along the axes that it lacks or that have size 1"),
    "concat": ("arrays, axis=0", "joined along an axis"),
    "stack": ("arrays, axis=0", "joined along a new axis"),
    "zeros_like": ("x", "zeros of the shape of x"),
    "ones_like": ("x", "ones of the shape of x"),
    "full_like": ("x, number", "this number in the shape of x"),
    "argmax": ("x, axis=None, keepdims=False", "index of the largest element"),
    "one_hot": ("index, size", "one more axis, 1 at the index and 0 elsewhere; not in the standard"),
    "count": ("x, axis=None", "how many elements a reduction over these axes takes together; not in the standard"),
}
"""The others, with their arguments."""

CONSTANT = {"pi": "π", "e": "Euler's number", "inf": "infinity", "nan": "not a number"}
"""Numbers."""

UNARY, BINARY, REDUCTIONS = tuple(OF_ONE), tuple(OF_TWO), tuple(OVER_AXES)
OTHERS, CONSTANTS = tuple(WITH_ARGUMENTS), tuple(CONSTANT)

WRITTEN = {
    "sigmoid": "1 / (1 + xp.exp(-x))",
    "relu": "xp.maximum(x, 0)",
    "leaky_relu": "xp.where(x > 0, x, 0.01 * x)",
    "elu": "xp.where(x > 0, x, xp.expm1(xp.minimum(x, 0)))",
    "softplus": "xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))",
    "swish": "x / (1 + xp.exp(-x))",
    "gelu": "x * xp.erfc(-x / 2**0.5) / 2",
    "softmax": "xp.exp(x - xp.logsumexp(x, axis=-1, keepdims=True))",
    "log_softmax": "x - xp.logsumexp(x, axis=-1, keepdims=True)",
    "clip": "xp.minimum(xp.maximum(x, low), high)",
    "var": "xp.mean(xp.square(x - xp.mean(x)))",
    "add": "x1 + x2",
    "subtract": "x1 - x2",
    "multiply": "x1 * x2",
    "divide": "x1 / x2",
    "negative": "-x",
    "reciprocal": "1 / x",
    "identity": "x",
}
"""What has no function of its own, and how it is written."""

ELSEWHERE = {
    **{
        "arcsin": "asin",
        "arccos": "acos",
        "arctan": "atan",
        "arcsinh": "asinh",
        "arccosh": "acosh",
        "arctanh": "atanh",
    },
    **{"absolute": "abs", "fabs": "abs", "power": "pow", "amax": "max", "amin": "min", "rint": "round"},
    **{"transpose": "matrix_transpose", "dot": "matmul", "concatenate": "concat", "average": "mean", "ln": "log"},
    **{"logistic": "sigmoid", "expit": "sigmoid", "silu": "swish", "true_divide": "divide", "neg": "negative"},
}
"""Names that other libraries have for some of these."""

NAMES = frozenset((*UNARY, *BINARY, *REDUCTIONS, *OTHERS, *CONSTANTS))
"""All that a namespace has, and nothing more."""


class Namespace:
    """The ``xp`` that rules are handed: the given members, which must be exactly :data:`NAMES`.

    Raises
    ------
    AttributeError
        On access to any other name, with the one that is meant, or how it is written.
    """

    def __init__(self, title: str, members: Mapping[str, Any]) -> None:
        if wrong := NAMES.symmetric_difference(members):
            raise ValueError(f"the namespace {title} misses, or has too much: {', '.join(sorted(wrong))}")
        self.__dict__.update(members)
        self._title = title

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"xp has no {quote(name)}: {_meant(name)}docs/functions.md lists what it has")

    def __repr__(self) -> str:
        return f"<xp: {self._title}>"


def _meant(name: str) -> str:
    """Return what to write for a name that ``xp`` lacks; nothing where that cannot be told."""
    known = ELSEWHERE.get(name, name)
    meant = known if known in NAMES or known in WRITTEN else nearest(name, sorted((*NAMES, *WRITTEN)))
    if meant is None:
        return ""
    asked = "" if meant == name else f"did you mean {quote(meant)}? "
    return f"{asked}write {WRITTEN[meant]}; " if meant in WRITTEN else asked
