"""What stands in the nodes of a diagram for the ops, and how numbers and shapes are written there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagprop.explain.numbers import number_text
from dagprop.ops.declared import declared
from dagprop.ops.registry import ops
from dagprop.render.diagrams.names import clean, shorten
from dagprop.render.diagrams.records import Kind, Sign

if TYPE_CHECKING:
    from dagprop.backends.reference import Array
    from dagprop.graph.records import Node, Shape

SYMBOLS = {
    "add": "Σ",
    "affine": "Σ",
    "sum": "Σ",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "negative": "−",
    "reciprocal": "1/·",
    "matmul": "·",
    "power": "power",
    "transpose": "ᵀ",
    "sigmoid": "σ",
    "half_squared_error": "½ (ŷ − y)²",
    "mean_squared_error": "(ŷ − y)²",
    "absolute_error": "|ŷ − y|",
    "sqrt": "√",
    "abs": "|·|",
}
"""Ops that have a sign; the others are written by their names."""

SUMS = ("add", "affine", "subtract", "sum", "mean", "matmul")
ACTIVATIONS = (
    *("sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "gelu", "swish"),
    *("softmax", "log_softmax", "sin", "identity"),
)

MOST_ENTRIES = 3
"""An array of more is written by its range."""


def symbol_of(op: str) -> str:
    """Return what stands for an op."""
    return SYMBOLS.get(op) or shorten(clean(op.replace("_", " ")))


def kind_of(node: Node) -> Kind:
    """Return what a node is, as far as its op tells."""
    if node.op in ("input", "parameter", "constant", "state"):
        return node.op  # type: ignore[return-value]
    return "sum" if node.op in SUMS else "activation" if node.op in ACTIVATIONS or _is_like_one(node.op) else "op"


def _is_like_one(name: str) -> bool:
    """Whether an op is what a plugin has in the place of an activation: elementwise, of one input."""
    op = ops().get(name)
    return (
        op is not None
        and not declared("op")[name].shipped
        and len(op.signature.inputs) == 1
        and all(rule.kind == "derivative" for rule in op.rules.values())
    )


def shape_text(shape: Shape) -> str:
    """Return a shape; that of a scalar is empty."""
    return " × ".join(str(size) for size in shape)


def array_text(array: Array | None, digits: int) -> str:
    """Return the numbers of a node, or their range where they are many; "–" for what is not computed."""
    import numpy as np

    if array is None:
        return "–"
    if array.size == 1:
        return _number(float(array.reshape(())), digits)
    if array.size <= MOST_ENTRIES and array.ndim == 1:
        return f"[{', '.join(_number(float(entry), digits) for entry in array)}]"
    if not array.size:
        return "no numbers"
    low, high = _number(float(np.min(array)), digits), _number(float(np.max(array)), digits)
    return f"all {low}" if low == high else f"{low} … {high}"


def _number(number: float, digits: int) -> str:
    return number_text(number, digits).replace("-", "−")


def sign_of(array: Array) -> Sign:
    """Return the sign that all entries have that are not 0."""
    low, high = float(array.min(initial=0)), float(array.max(initial=0))
    if not low < 0 and not high > 0:
        return "zero"
    return "mixed" if low < 0 < high else "negative" if low < 0 else "positive"


def strengths(arrays: Sequence[Array]) -> list[float]:
    """Return how large arrays are beside each other, from 0 to 1, by the logarithms of their norms over 4 decades."""
    import numpy as np

    norms = [float(np.linalg.norm(array)) for array in arrays]
    norms = [norm if np.isfinite(norm) else 0.0 for norm in norms]
    largest = max(norms, default=0.0)
    return [max(0.0, 1 + float(np.log10(norm / largest)) / 4) if norm > 0 else 0.0 for norm in norms]
