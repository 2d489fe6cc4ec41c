"""A derivation as plain data, for programs."""

from __future__ import annotations

from math import prod
from typing import Any

from dagprop.explain.derivation_document import chain, gradient_formula
from dagprop.explain.derivation_records import Derivation, Factor, Line, Term
from dagprop.explain.document import total
from dagprop.explain.entries import entry
from dagprop.explain.evaluation import evaluate
from dagprop.explain.expression import ExpressionPrinter
from dagprop.explain.formula import Apply, Dots, Formula, Name, Partial, fold
from dagprop.explain.printer import Printer

MOST_TERMS = 1000
"""An expression with a sum of more terms is not written."""

_text, _expression = Printer(), ExpressionPrinter()


def derivation_data(derivation: Derivation, element: tuple[int, ...] | None = None) -> dict[str, Any]:
    """Return what the derivation of some gradients consists of.

    ``formula`` is for people, ``expression`` the same in Python's syntax for SymPy; where values are arrays it is that
    of ``element``, or there is none.  ``symbols`` says what each identifier of the expressions stands for.
    """
    lines = [_line(derivation, line, element) for line in derivation.lines]
    return {
        "loss": derivation.loss,
        "value": derivation.loss_value,
        "samples": derivation.samples,
        "gradients": lines,
        "multiplications": derivation.multiplications,
        "multiplications_alone": derivation.multiplications_alone,
    }


def _line(derivation: Derivation, line: Line, element: tuple[int, ...] | None) -> dict[str, Any]:
    asked = element is not None and line.target in derivation.wanted and derivation.has_entry(line.target, element)
    chosen = element if asked else None
    formulas = [term.formula for term in line.terms]
    if line.value.size != 1 and chosen is not None:
        index = derivation.index(line.target, chosen)
        formulas = [entry(formula, index, MOST_TERMS) for formula in formulas]
    elif line.value.size == 1:
        formulas = [entry(formula, (0,) * line.value.ndim, MOST_TERMS) for formula in formulas]
    else:
        formulas = []
    expression, symbols = _expressed(derivation, formulas)
    return {
        "wrt": line.target,
        "asked_for": line.target in derivation.wanted,
        "value": derivation.plain(line.target, line.value),
        "formula": _text(gradient_formula(line)),
        "element": chosen,
        "expression": expression,
        "symbols": symbols,
        "terms": [_term(derivation, line, term) for term in line.terms],
    }


def _expressed(derivation: Derivation, formulas: list[Formula]) -> tuple[str | None, dict[str, Any]]:
    """Return the sum of some formulas on single numbers as an expression, and the value of each identifier in it."""
    symbols: dict[str, Any] = {}
    meanings: dict[str, str] = {}
    if not formulas:
        return None, symbols
    complete = True

    def look(part: Formula, _: tuple[None, ...]) -> None:
        nonlocal complete
        single = isinstance(part, Name | Partial) and prod(part.shape) == 1
        if single or (isinstance(part, Apply) and part.function == "entry"):
            name = _expression(part)
            symbols[name] = evaluate(part, derivation.values, derivation.gradients).reshape(())
            meaning = meanings.setdefault(name, _text(part))
            complete = complete and meaning == _text(part)  # a/b and a__b would be one variable
        complete = complete and not isinstance(part, Dots)

    whole = total(formulas, most=len(formulas))
    fold(whole, look)
    return (_expression(whole), symbols) if complete else (None, {})


def _term(derivation: Derivation, line: Line, term: Term) -> dict[str, Any]:
    return {
        "reused": term.start,
        "first_computed_for": term.start and derivation.line_of[term.start],
        "reused_value": term.start and derivation.plain(term.start, derivation.gradients[term.start]),
        "chain": _text(chain(derivation, line, term)),
        "factors": [_factor(derivation, factor) for factor in term.factors],
        "formula": _text(term.formula),
        "contribution": derivation.plain(term.factors[-1].step.target, term.value),
    }


def _factor(derivation: Derivation, factor: Factor) -> dict[str, Any]:
    step = factor.step
    return {
        "of": factor.above,
        "by": step.target,
        "input": step.input,
        "kind": step.kind,
        "formula": _text(factor.formula),
        "value": None if factor.local is None else derivation.plain(factor.above, factor.local),
    }
