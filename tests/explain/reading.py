"""Reads printed formulas back, by the precedence that mathematics and Python share, and works them out with NumPy."""

import math
import re

import numpy as np

TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z0-9_]+)*(?::\d+)?|σ|Σ[ₙ₁]?|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\s+|.")
SIGNS = {"·": "*", "⊙": "@", "^": "**", "σ": "sigmoid", "Σ": "total", "Σₙ": "total0", "Σ₁": "total1"}
WORDS = ("if", "else", "and", "or", "not")


class Array:
    """Numbers with the signs of formulas: ⊙ (here @) takes entry by entry, · (here *) is the product of matrices."""

    def __init__(self, value):
        self.value = np.asarray(value.value if isinstance(value, Array) else value, dtype=float)

    def __add__(self, other):
        return Array(self.value + Array(other).value)

    def __radd__(self, other):
        return Array(other) + self

    def __sub__(self, other):
        return Array(self.value - Array(other).value)

    def __rsub__(self, other):
        return Array(other) - self

    def __neg__(self):
        return Array(-self.value)

    def __mul__(self, other):
        left, right = self.value, Array(other).value
        return Array(left @ right if left.size > 1 and right.size > 1 else left * right)

    def __rmul__(self, other):
        return Array(other) * self

    def __matmul__(self, other):
        return Array(self.value * Array(other).value)

    def __truediv__(self, other):
        return Array(self.value / Array(other).value)

    def __rtruediv__(self, other):
        return Array(other) / self

    def __pow__(self, other):
        return Array(self.value ** Array(other).value)

    def __abs__(self):
        return Array(abs(self.value))

    def __gt__(self, other):
        return bool(self.value > Array(other).value)


def function(rule):
    return lambda *operands: Array(rule(*(Array(operand).value for operand in operands)))


FUNCTIONS = {
    "sigmoid": function(lambda x: 1 / (1 + np.exp(-x))),
    "softplus": function(lambda x: np.log(1 + np.exp(x))),
    "relu": function(lambda x: np.where(x > 0, x, 0)),
    "max": function(lambda *x: np.maximum(*x) if len(x) == 2 else x[0].max()),
    "min": function(np.minimum),
    "total": function(np.sum),
    "total0": function(lambda x: x.sum(axis=0)),
    "total1": function(lambda x: x.sum(axis=1)),
    "logsoftmax": function(lambda x: x - np.log(np.exp(x).sum(axis=-1, keepdims=True))),
    "softmax": function(lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)),
    "erfc": function(lambda x: np.vectorize(math.erfc)(x)),
    **{name: function(getattr(np, name)) for name in ("sin", "tanh", "exp", "expm1", "log", "log1p", "abs")},
}


def read(text, values, functions=None):
    """Return the value of a printed formula, where names have some values."""
    functions = {**FUNCTIONS, **(functions or {})}
    names = {}
    code = []
    tokens = [token for token in TOKEN.findall(text.replace("log softmax", "logsoftmax")) if token.strip()]
    for place, token in enumerate(tokens):
        translated = SIGNS.get(token, token)
        if token in values:
            translated = f"_{len(names)}"
            names[translated] = Array(values[token])
            if place + 1 < len(tokens) and tokens[place + 1] == "(":
                translated += " *"
        elif token[0].isalpha() and translated not in functions and token not in WORDS:
            raise AssertionError(f"{token!r} in {text!r} is neither a value nor a function")
        code.append(translated)
    return Array(eval(" ".join(code), {"__builtins__": {}}, {**functions, **names})).value
