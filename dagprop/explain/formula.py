"""Formulas: what a rule computes, as a tree to be read instead of run.

Formulas are values without meaning for the engine: they are printed (:mod:`dagprop.explain.printer`) and, to check what
is printed, worked out (:mod:`dagprop.explain.evaluation`).  Parts may be shared, so all work on them goes from the
leaves up, once for each part, and never by recursion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from dagprop.record import record

if TYPE_CHECKING:
    from dagprop.backends.reference import Array

Shape = tuple[int, ...]

Result = TypeVar("Result")


@record(eq=False)
class Name:
    """The value of a node, by its reference."""

    reference: str
    shape: Shape = ()


@record(eq=False)
class Number:
    """A number that stands in a rule."""

    value: float
    shape: Shape = ()


@record(eq=False)
class Value:
    """What was computed: a number, or an array of them."""

    array: Array
    shape: Shape = ()


@record(eq=False)
class Partial:
    """A partial derivative, ∂of/∂by; through one ``input`` of the node alone, where one is named."""

    of: str
    by: str
    shape: Shape = ()
    input: str = ""


@record(eq=False)
class Apply:
    """A primitive operation (:mod:`dagprop.program.records`), or an op by its name, on some operands."""

    function: str
    operands: tuple[Formula, ...]
    parameters: tuple[object, ...] = ()
    shape: Shape = ()


@record(eq=False)
class Product:
    """Factors of the chain rule, in their order."""

    factors: tuple[Formula, ...]
    shape: Shape = ()


@record(eq=False)
class Sum:
    """What the uses of a value contribute."""

    terms: tuple[Formula, ...]
    shape: Shape = ()


@record(eq=False)
class Reused:
    """What was computed before."""

    formula: Formula
    shape: Shape = ()


@record(eq=False)
class Dots:
    """What was left out in the middle, of so many parts."""

    count: int
    shape: Shape = ()


Formula = Name | Number | Value | Partial | Apply | Product | Sum | Reused | Dots


def parts(formula: Formula) -> tuple[Formula, ...]:
    """Return what a formula is made of."""
    match formula:
        case Apply():
            return formula.operands
        case Product():
            return formula.factors
        case Sum():
            return formula.terms
        case Reused():
            return (formula.formula,)
    return ()


def fold(formula: Formula, combine: Callable[[Formula, tuple[Result, ...]], Result]) -> Result:
    """Return what a function makes of a formula and of its results for the parts, from the leaves up."""
    results: dict[int, Result] = {}
    stack = [formula]
    while stack:
        top = stack[-1]
        missing = [part for part in parts(top) if id(part) not in results]
        if missing:
            stack += missing
            continue
        stack.pop()
        if id(top) not in results:
            results[id(top)] = combine(top, tuple([results[id(part)] for part in parts(top)]))
    return results[id(formula)]


def is_one(formula: Formula) -> bool:
    """Whether a formula is the number 1, in whatever shape."""
    while isinstance(formula, Apply) and formula.function in ("reshape", "broadcast_to"):
        (formula,) = formula.operands
    return isinstance(formula, Number) and formula.value == 1


def name_counts(formula: Formula) -> tuple[Counter[str], int]:
    """Return how often each name stands in a formula that is written out, and how many parts it has then.

    A part that is shared counts each time that it is written, without being visited more than once.
    """
    visited: list[Formula] = []
    fold(formula, lambda part, _: visited.append(part))
    times = Counter({id(formula): 1})
    counts: Counter[str] = Counter()
    for part in reversed(visited):  # from the whole down: what a part stands in comes before it
        for inner in parts(part):
            times[id(inner)] += times[id(part)]
        if isinstance(part, Name):
            counts[part.reference] += times[id(part)]
    return counts, times.total()


def names_in(formula: Formula) -> set[str]:
    """Return the references of the names in a formula."""
    return set(name_counts(formula)[0])


def without_ones(factors: tuple[Formula, ...], shape: Shape) -> Formula:
    """Return a product of two, or the one factor that is left beside a 1."""
    others = [factor for factor in factors if not is_one(factor)]
    if not others:
        return factors[0]
    return others[0] if len(others) == 1 and others[0].shape == shape else Apply("multiply", factors, (), shape)


def substitute(formula: Formula, replacements: Mapping[str, Formula]) -> Formula:
    """Return a formula with other formulas in the place of some names; a factor of 1 that comes so is left out."""

    def replace(part: Formula, changed: tuple[Formula, ...]) -> Formula:
        match part:
            case Name():
                return replacements.get(part.reference, part)
            case Apply("multiply"):
                return without_ones(changed, part.shape)
            case Apply():
                return Apply(part.function, changed, part.parameters, part.shape)
            case Product():
                return Product(changed, part.shape)
            case Sum():
                return Sum(changed, part.shape)
            case Reused():
                return Reused(changed[0], part.shape)
        return part

    return fold(formula, replace)
