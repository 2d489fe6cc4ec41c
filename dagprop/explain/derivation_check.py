"""The check of a derivation: what is displayed is multiplied out, and compared with what the engine computes.

The formulas are worked out from the values of the forward pass alone: a gradient that a line re-uses is the one that
formulas gave before, never the engine's.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dagprop.backends.reference import Array, Values, sum_to_shape
from dagprop.explain.derivation_records import Derivation, Line, Term
from dagprop.explain.evaluation import evaluate
from dagprop.explain.formula import Product, Reused, Value
from dagprop.explain.numbers import number_text
from dagprop.explain.rule_formulas import UPSTREAM

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
"""By how much, relative to the largest entry of its terms, a gradient by the formulas may differ from the engine's."""


@dataclass(frozen=True, slots=True, eq=False)
class CheckedLine:
    """One gradient, by its formula and by the engine.

    Attributes
    ----------
    target : str
    by_formula, by_engine : array
    relative : float
        Their largest difference, relative to the largest entry of the terms.
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
        terms = []
        for term in line.terms:
            terms.append(evaluate(term.formula, values, found).reshape(shape))
            _remember_steps(term, values, found)
        found[line.target] = np.asarray(sum(terms, np.zeros(shape)))
        checked.append(_compared(line, terms, found[line.target], digits))
    return tuple(checked)


def _remember_steps(term: Term, values: Values, found: Values) -> None:
    """Keep the gradients in the middle of a chain, for the terms that re-use them."""
    for factor in term.factors[:-1]:
        shape = values[factor.step.target].shape
        if factor.local is None:
            upstream = {
                UPSTREAM + name: found[name] if name in found else np.zeros(values[name].shape)
                for name in factor.step.outputs
            }
            gradient = evaluate(factor.formula, ChainMap(upstream, values), found)
        else:
            gradient = found[factor.above] * evaluate(factor.formula, values, found)
        summed = sum_to_shape(gradient, shape)
        found[factor.step.target] = gradient.reshape(shape) if summed is None else summed


def _compared(line: Line, terms: Sequence[Array], by_formula: Array, digits: int) -> CheckedLine:
    with np.errstate(all="ignore"):
        # Where large terms cancel, rounding is of their size.
        size = max(float(np.abs(array).max(initial=0.0)) for array in (line.value, *terms))
        away = float(np.abs(by_formula - line.value).max(initial=0.0))
    same = away == 0 or np.array_equal(by_formula, line.value, equal_nan=True)
    relative = 0.0 if same else away / size if size else float("inf")
    by_digits, doubt = _by_digits(line, digits)
    agree = by_digits is None or not np.isfinite(size) or abs(by_digits - line.value.item()) <= doubt
    tolerance = TOLERANCE[line.value.dtype.name]
    return CheckedLine(line.target, by_formula, line.value, relative, by_digits, relative <= tolerance and agree)


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
        doubt += abs(product) * len(factors) * (10.0 ** (1 - digits) + 8 * float(np.finfo(line.value.dtype).eps))
    return result, doubt
