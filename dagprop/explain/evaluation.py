"""Formulas, worked out: what is displayed is computed again, so that it cannot say anything else than the engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import mul

import numpy as np

from dagprop.backends.interpreter import apply_primitive
from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import Array
from dagprop.explain.formula import Apply, Formula, Name, Number, Partial, Product, Reused, Sum, Value, fold
from dagprop.explain.rule_formulas import NAMED
from dagprop.ops import registry


def evaluate(formula: Formula, values: Mapping[str, Array], gradients: Mapping[str, Array]) -> Array:
    """Return the value of a formula.

    Parameters
    ----------
    formula : Formula
        Whole: without dots.
    values : mapping from reference to array
        What its names stand for.
    gradients : mapping from reference to array
        What ∂L/∂reference stands for.

    Raises
    ------
    ValueError
        If a part of the formula was left out.
    """

    def combine(part: Formula, operands: tuple[Array, ...]) -> Array:
        match part:
            case Name(reference):
                return values[reference]
            case Number(value):
                return np.asarray(value)
            case Value(array):
                return array
            case Partial(_, by):
                return gradients[by]
            case Reused():
                return operands[0]
            case Product():
                return reduce(mul, operands)
            case Sum():
                return np.asarray(sum(operands))
            case Apply():
                return _apply(part, operands)
        raise ValueError("the middle of the formula was left out")

    with np.errstate(all="ignore"):
        return fold(formula, combine)


def _apply(part: Apply, operands: tuple[Array, ...]) -> Array:
    if part.function == "entry":
        return np.asarray(operands[0][part.parameters])  # type: ignore[index]
    if part.function == "sum":
        return apply_primitive("sum", operands, part.parameters[:2])
    if part.function in NAMED:
        return np.asarray(registry.ops()[part.function].forward(numpy_namespace, *operands))
    return apply_primitive(part.function, operands, part.parameters)
