"""The check of a derivation: what is displayed is multiplied out, and compared with what the engine computes.

The formulas are worked out from the values of the forward pass alone: a gradient that a line re-uses is the one that
formulas gave before, never the engine's.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass

import numpy as np

from dagprop.backends.reference import Array, Values, sum_to_shape
from dagprop.explain.derivation_records import Derivation, Line
from dagprop.explain.evaluation import evaluate
from dagprop.explain.formula import Product, Reused, Value
from dagprop.explain.numbers import number_text
from dagprop.explain.rule_formulas import UPSTREAM

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
"""By how much, relative to its largest entry, a gradient by the formulas may differ from the engine's."""


@dataclass(frozen=True, slots=True, eq=False)
class CheckedLine:
    """One gradient, by its formula and by the engine.

    Attributes
    ----------
    target : str
    by_formula, by_engine : array
    relative : float
        Their largest difference, relative to the largest entry.
    by_digits : float or None
        What the numbers give that are displayed, with the digits that are displayed; None where they are no products
        of single numbers.
    passed : bool
        Whether the formula agrees with the engine to rounding, and the digits as far as they go.
    """

    target: str
    by_formula: Array
    by_engine: Array
    relative: float
    by_digits: float | None
    passed: bool


def check_derivation(derivation: Derivation, digits: int = 6) -> tuple[CheckedLine, ...]:
    """Return how the formula of each line compares with the engine.

    Parameters
    ----------
    derivation : Derivation
    digits : int
        The significant digits of the numbers that are displayed.
    """
    values = derivation.values
    loss = values[derivation.loss]
    found: Values = {derivation.loss: np.full(loss.shape, 1 / max(loss.size, 1))}
    checked = []
    for line in derivation.lines:
        shape = line.value.shape
        terms = [evaluate(term.formula, values, found).reshape(shape) for term in line.terms]
        _remember_steps(line, values, found)
        found[line.target] = np.asarray(sum(terms, np.zeros(shape)))
        checked.append(_compared(line, found[line.target], derivation.network.graph.dtype, digits))
    return tuple(checked)


def _remember_steps(line: Line, values: Values, found: Values) -> None:
    """Keep the gradients in the middle of the chains of a line, for the lines that re-use them."""
    for term in line.terms:
        for factor in term.factors[:-1]:
            above, shape = factor.step.outputs[0], values[factor.step.target].shape
            if factor.local is None:
                names = ChainMap({UPSTREAM + above: found[above]}, values)
                gradient = evaluate(factor.formula, names, found)
            else:
                gradient = found[above] * evaluate(factor.formula, values, found)
            summed = sum_to_shape(gradient, shape)
            found[factor.step.target] = gradient.reshape(shape) if summed is None else summed


def _compared(line: Line, by_formula: Array, dtype: str, digits: int) -> CheckedLine:
    with np.errstate(all="ignore"):
        size = float(np.abs(line.value).max(initial=0.0))
        away = float(np.abs(by_formula - line.value).max(initial=0.0))
    same = away == 0 or np.array_equal(by_formula, line.value, equal_nan=True)
    relative = 0.0 if same else away / size if size else float("inf")
    by_digits, doubt = _by_digits(line, digits)
    agree = by_digits is None or not np.isfinite(size) or abs(by_digits - line.value.item()) <= doubt
    return CheckedLine(line.target, by_formula, line.value, relative, by_digits, relative <= TOLERANCE[dtype] and agree)


def _by_digits(line: Line, digits: int) -> tuple[float | None, float]:
    """Return what the displayed numbers of a line give, and by how much their rounding may change it."""
    if line.value.size != 1 or not line.terms:
        return None, 0.0
    result = doubt = 0.0
    for term in line.terms:
        factors = term.numbers.factors if isinstance(term.numbers, Product) else (term.numbers,)
        product = 1.0
        for factor in factors:
            inner = factor.formula if isinstance(factor, Reused) else factor
            if not isinstance(inner, Value) or inner.array.size != 1:
                return None, 0.0
            product *= float(number_text(inner.array.item(), digits))
        result += product
        doubt += abs(product) * len(factors) * 10.0 ** (1 - digits)
    return result, doubt
