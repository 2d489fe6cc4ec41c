"""A derivation, set out as a lecturer would write it on the board."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np

from dagprop.explain.derivation import SMALL
from dagprop.explain.derivation_records import Derivation, Factor, Line, Term
from dagprop.explain.document import (
    ALREADY_COMPUTED,
    Block,
    Document,
    Equation,
    Heading,
    Paragraph,
    Words,
    in_part,
    product,
    total,
)
from dagprop.explain.entries import entry, in_numbers
from dagprop.explain.formula import (
    Apply,
    Formula,
    Name,
    Number,
    Partial,
    Product,
    Reused,
    Sum,
    Value,
    fold,
    names_in,
)
from dagprop.explain.forward_document import forward_blocks, worked_out
from dagprop.explain.numbers import log_text
from dagprop.explain.scaled_backward import arrivals
from dagprop.explain.update_formulas import PLAIN

Numeric = Literal["symbolic", "substituted", "all"]

LEAST_LOG = -300.0
"""The decimal logarithm of what a float64 hardly holds."""

MOST_LINES = 24
"""Of more gradients, only the first and the last are shown."""


def derivation_document(
    derivation: Derivation,
    numeric: Numeric,
    rate: float,
    element: tuple[int, ...] | None = None,
    every_line: bool = False,
) -> Document:
    """Return the derivation of each gradient, and the step of gradient descent that follows from it if that is taken.

    Parameters
    ----------
    derivation : Derivation
    numeric : {"symbolic", "substituted", "all"}
        Whether numbers are put in, and whether each value of the forward pass and each local derivative is worked out
        on rows of its own.
    rate : float
        The learning rate of the update.
    element : tuple of int, optional
        The entry that is written out in single numbers, of each gradient asked for that has it.
    every_line : bool
        Whether to show all lines, however many.
    """
    return tuple(_blocks(derivation, numeric, rate, element, every_line))


def _blocks(
    derivation: Derivation, numeric: Numeric, rate: float, element: tuple[int, ...] | None, every_line: bool
) -> Iterator[Block]:
    loss = Name(derivation.loss)
    yield Heading(("The gradient of ", loss), 1)
    if derivation.samples > 1:
        yield Paragraph((loss, f" has {derivation.samples} entries, one a sample; what is made small is their mean."))
    if numeric == "all":
        yield Heading(("Forward",))
        yield from forward_blocks(derivation, every_line)
        yield Heading(("Backward",))
    lines = derivation.lines
    tiny = _too_small(derivation)

    def blocks(line: Line) -> Iterator[Block]:
        yield from _line_blocks(derivation, line, numeric, rate, tiny.get(line.target), every_line)
        asked = element is not None and line.target in derivation.wanted and derivation.has_entry(line.target, element)
        if element is not None and asked and line.terms:
            yield _element_block(derivation, line, element, numeric)

    left_out = "gradients are left out here: --full shows them, --wrt NODE shows one."
    yield from in_part(lines, None if every_line else MOST_LINES, blocks, left_out)
    if derivation.is_scalar:
        count = derivation.multiplications
        alone = f"{derivation.multiplications_alone:,} if each gradient were worked out alone."
        yield Paragraph((f"{count:,} multiplication{'' if count == 1 else 's'} with re-use; {alone}",))


def _element_block(derivation: Derivation, line: Line, element: tuple[int, ...], numeric: Numeric) -> Block:
    """Return one entry of a gradient, written out."""
    left = Apply("entry", (Partial(derivation.loss, line.target, line.value.shape),), element)
    index = derivation.index(line.target, element)
    terms = [entry(term.formula, index) for term in line.terms]
    rows = [total(terms)]
    if numeric != "symbolic":
        rows.append(total([in_numbers(term, derivation.values, derivation.gradients) for term in terms]))
        rows.append(Value(np.asarray(line.value[index])))
    return Equation(left, tuple(rows))


def _too_small(derivation: Derivation) -> dict[str, float]:
    """Return the decimal logarithm of the size of each gradient that is 0 because no float64 is so small."""
    zero = [line.target for line in derivation.lines if line.terms and not line.value.any()]
    if not zero:
        return {}
    found = arrivals(derivation.plan, derivation.values, derivation.network.shapes, derivation.samples)
    return {name: found[name].log_size for name in zero if -math.inf < found[name].log_size < LEAST_LOG}


def _line_blocks(
    derivation: Derivation, line: Line, numeric: Numeric, rate: float, log_size: float | None, every_line: bool
) -> Iterator[Block]:
    yield line_equation(derivation, line, numeric, log_size)
    if not line.terms:
        return
    if numeric == "all":
        for term in line.terms:
            yield from _factor_blocks(derivation, term, every_line)
    graph = derivation.network.graph
    if line.target in derivation.wanted and line.target in graph.parameters() and graph.train.optimizer == PLAIN:
        yield update(derivation, line, rate if numeric != "symbolic" else None)


def line_equation(derivation: Derivation, line: Line, numeric: Numeric, log_size: float | None = None) -> Equation:
    """Return a gradient: by the chain rule, by the rules, in numbers, and worked out.

    Parameters
    ----------
    derivation : Derivation
    line : Line
    numeric : {"symbolic", "substituted", "all"}
    log_size : float, optional
        The decimal logarithm of the size of a gradient that is 0 because no float64 is so small.
    """
    left = Partial(derivation.loss, line.target, line.value.shape)
    if not line.terms:
        note = (Name(derivation.loss), " does not depend on ", Name(line.target))
        return Equation(left, (Value(line.value, line.value.shape),), (note,))
    rows: list[tuple[Formula, tuple[Words, ...]]] = []
    chained = total([chain(derivation, line, term) for term in line.terms])
    if not isinstance(chained, Partial):  # or it would say once more what stands on the left
        rows.append((chained, _reuse_note(derivation, line)))
    by_the_rules = gradient_formula(line)
    rows.append((by_the_rules, ()))
    if numeric != "symbolic" and not (line.value.size == 1 and _is_number(by_the_rules)):
        numbers = _numbers(line)
        if numbers is not None and not isinstance(numbers, Value | Reused):
            rows.append((numbers, ()))
        small = () if log_size is None else (f"no float64 is so small: it is of the size {log_text(log_size, 4)}",)
        rows.append((Value(line.value, line.value.shape), small))
    return Equation(left, tuple(row for row, _ in rows), tuple(note for _, note in rows))


def _is_number(formula: Formula) -> bool:
    """Whether a formula stands as a number, as the 0 of a class does: then it says what it is worth."""
    stands = formula.operands[0] if isinstance(formula, Apply) and formula.function == "broadcast_to" else formula
    return isinstance(stands, Number)


def chain(derivation: Derivation, line: Line, term: Term) -> Formula:
    """Return a term of a line as the chain rule has it: a product of partial derivatives."""
    factors: list[Formula] = []
    if term.start is not None:
        factors.append(Reused(derivation.prefixes[term.start].formula()))
    factors += [factor.partial for factor in term.factors[:-1]]
    last = term.factors[-1]
    users = [other.factors[-1].step.node for other in line.terms]
    # A node that uses the value twice, and the loss that uses it beside others, have several derivatives by it.
    several = users.count(last.step.node) > 1 or (len(users) > 1 and last.step.outputs[0] == derivation.loss)
    factors.append(replace(last.partial, input=last.step.input) if several else last.partial)
    return product(factors)


def _reuse_note(derivation: Derivation, line: Line) -> tuple[Words, ...]:
    starts = [term.start for term in line.terms if term.start is not None]
    if not starts:
        return ()
    words: list[Words] = [ALREADY_COMPUTED]
    for place, there in enumerate(dict.fromkeys(derivation.line_of[start] for start in starts)):
        words += [", " if place else " in ", "this line" if there == line.target else Partial(derivation.loss, there)]
    return (*words, ", re-use (propagate)!")


def _numbers(line: Line) -> Formula | None:
    """Return a gradient with numbers for its factors, if they are few, and if there is more in it than one number."""
    numbers = [_shortened(term.numbers) for term in line.terms if term.numbers is not None]
    if len(numbers) < len(line.terms) or not any(names_in(term.formula) or term.start for term in line.terms):
        return None
    return total(numbers, line.value.shape)


def _shortened(formula: Formula) -> Formula:
    """Return a formula in which products of very many factors have lost their middle."""

    def shorten(part: Formula, changed: tuple[Formula, ...]) -> Formula:
        match part:
            case Product():
                return product(changed, part.shape)
            case Apply():
                return Apply(part.function, changed, part.parameters, part.shape)
            case Sum():
                return Sum(changed, part.shape)
            case Reused():
                return Reused(changed[0], part.shape)
        return part

    return fold(formula, shorten)


def _factor_blocks(derivation: Derivation, term: Term, every_line: bool) -> Iterator[Block]:
    """Return each local derivative of a term: by its rule, by numbers, and worked out."""
    alone = len(term.factors) == 1 and term.start is None and isinstance(term.factors[0].formula, Name | Number)
    shown = [] if alone else [factor for factor in term.factors if factor.local is not None]

    def blocks(factor: Factor) -> Iterator[Block]:
        assert factor.local is not None
        yield worked_out(factor.partial, factor.formula, derivation.values, factor.local)

    left_out = "local derivatives are left out here: --full shows them."
    return in_part(shown, None if every_line else MOST_LINES, blocks, left_out)


def gradient_formula(line: Line) -> Formula:
    """Return a gradient by the rules."""
    if not line.terms:
        return Number(0.0)
    return total([_shortened(term.formula) for term in line.terms], line.value.shape)


def update_formula(loss: str, name: str) -> Formula:
    """Return what replaces a parameter in a step of gradient descent."""
    return _step(Name(name), Name("η"), Partial(loss, name))


def update(derivation: Derivation, line: Line, rate: float | None) -> Equation:
    """Return the step of gradient descent that a gradient leads to; with its numbers if a rate is given."""
    rows: list[Formula] = [update_formula(derivation.loss, line.target)]
    if rate is not None:
        old, new = derivation.values[line.target], derivation.values[line.target] - rate * line.value
        if line.value.size <= SMALL:
            values = [Value(array, array.shape) for array in (old, np.asarray(rate), line.value)]
            rows.append(_step(*values))
        rows.append(Value(new, new.shape))
    return Equation(Name(line.target), tuple(rows), arrow=True)


def _step(old: Formula, rate: Formula, gradient: Formula) -> Formula:
    return Apply("subtract", (old, Product((rate, gradient), old.shape)), (), old.shape)
