"""The check of a derivation: what is displayed is multiplied out, and compared with what the engine computes.

The formulas are worked out from the values of the forward pass alone: a gradient that a line re-uses is the one that
formulas gave before, never the engine's.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence

import numpy as np

from dagprop.backends.reference import Array, Values, sum_to_shape
from dagprop.explain.derivation_records import Derivation, Term
from dagprop.explain.evaluation import evaluate
from dagprop.explain.formula import Product, Reused, Value
from dagprop.explain.numbers import number_text
from dagprop.explain.rule_formulas import UPSTREAM
from dagprop.record import record

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
"""By how much, relative to the largest entry of its terms, a gradient by the formulas may differ from the engine's."""


@record(eq=False)
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
    reused : bool
        Whether it has no line of its own, but is part of one that others re-use.
    """

    target: str
    by_formula: Array
    by_engine: Array
    relative: float
    by_digits: float | None
    passed: bool
    reused: bool = False


Displayed = tuple[float, float]
"""What displayed numbers give, and by how much their rounding may change it."""


def check_derivation(derivation: Derivation, digits: int = 6) -> tuple[CheckedLine, ...]:
    """Return how the formula of each line, and of each part that is re-used, compares with the engine.

    Parameters
    ----------
    derivation : Derivation
    digits : int
        The significant digits of the numbers that are displayed.
    """
    values, gradients = derivation.values, derivation.gradients
    loss = values[derivation.loss]
    found: Values = {derivation.loss: np.full(loss.shape, 1 / max(loss.size, 1))}
    displayed: dict[str, Displayed] = {}
    seen = {derivation.loss}
    checked = []
    for line in derivation.lines:
        terms, shown = [], []
        for term in line.terms:
            name = term.start
            if name is not None and name not in seen:
                seen.add(name)
                by_formula = found[name]
                checked.append(
                    _compared(name, gradients[name], [by_formula], by_formula, displayed.get(name), reused=True)
                )
            terms.append(evaluate(term.formula, values, found).reshape(line.value.shape))
            _remember_steps(term, values, found)
            products = _products(term, digits)
            displayed |= _of_steps(term, products)
            shown.append(products[-1] if products and line.value.size == 1 else None)
        seen.add(line.target)
        found[line.target] = np.asarray(sum(terms, np.zeros(line.value.shape)))
        checked.append(_compared(line.target, line.value, terms, found[line.target], _total(shown)))
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


def _compared(
    target: str,
    value: Array,
    terms: Sequence[Array],
    by_formula: Array,
    displayed: Displayed | None,
    reused: bool = False,
) -> CheckedLine:
    with np.errstate(all="ignore"):
        # Where large terms cancel, rounding is of their size.
        size = max(float(np.abs(array).max(initial=0.0)) for array in (value, *terms))
        away = float(np.abs(by_formula - value).max(initial=0.0))
    same = away == 0 or np.array_equal(by_formula, value, equal_nan=True)
    relative = 0.0 if same else away / size if size else float("inf")
    by_digits, doubt = displayed or (None, 0.0)
    agree = by_digits is None or not np.isfinite(size) or abs(by_digits - value.item()) <= doubt
    tolerance = TOLERANCE[value.dtype.name]
    return CheckedLine(target, by_formula, value, relative, by_digits, relative <= tolerance and agree, reused)


def _products(term: Term, digits: int) -> list[Displayed]:
    """Return what the displayed numbers of a term give, multiplied one after the other; nothing for arrays."""
    factors = term.numbers.factors if isinstance(term.numbers, Product) else (term.numbers,)
    product = 1.0
    found = []
    for count, factor in enumerate(factors, 1):
        inner = factor.formula if isinstance(factor, Reused) else factor
        if not isinstance(inner, Value) or inner.array.size != 1:
            return []
        product *= float(number_text(inner.array.item(), digits))
        rounding = 10.0 ** (1 - digits) + 8 * float(np.finfo(term.value.dtype).eps)
        found.append((product, abs(product) * count * rounding))
    return found


def _of_steps(term: Term, products: list[Displayed]) -> dict[str, Displayed]:
    """Return what the displayed numbers give in the middle of a chain, where there is one for each factor."""
    before = len(products) - len(term.factors)
    if before not in (0, 1):  # 1 where something is re-used, or a mean is taken
        return {}
    return {factor.step.target: products[before + place] for place, factor in enumerate(term.factors[:-1])}


def _total(parts: Sequence[Displayed | None]) -> Displayed | None:
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    return sum(number for number, _ in known), sum(doubt for _, doubt in known)
