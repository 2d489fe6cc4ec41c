"""One entry of a formula on arrays, written out in single numbers: a matrix product becomes a sum of products."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from dagprop.backends.interpreter import apply_primitive
from dagprop.backends.reference import Array
from dagprop.explain.evaluation import evaluate
from dagprop.explain.formula import (
    Apply,
    Dots,
    Formula,
    Name,
    Number,
    Partial,
    Product,
    Reused,
    Shape,
    Sum,
    Value,
    fold,
    is_one,
)
from dagprop.program.records import ELEMENTWISE

MOST_TERMS = 6
"""So many terms of a sum are written."""

Index = tuple[int, ...]

_MOVES = ("permute_dims", "reshape", "broadcast_to", "index")
"""Operations that put entries elsewhere and compute nothing."""

_BY_ENTRY = {*ELEMENTWISE, "sigmoid", "softplus"}  # of the named functions, those of single numbers


def entry(formula: Formula, index: Index, most: int = MOST_TERMS) -> Formula:
    """Return one entry of a formula, as a formula on single numbers.

    Parameters
    ----------
    formula : Formula
    index : tuple of int
        As many as the formula has axes.
    most : int
        Of a sum of more terms, only the first and the last are written; of a sum in a sum fewer.
    """
    shape = formula.shape
    match formula:
        case Number():
            return formula
        case Value(array):
            return Value(np.asarray(array[_aligned(index, array.shape)]))
        case Name() | Partial():
            return Apply("entry", (formula,), _aligned(index, shape)) if prod(shape) > 1 else formula
        case Reused(inner):
            return Reused(entry(inner, index, most))
        case Product(factors):
            found = [entry(factor, _aligned(index, factor.shape), most) for factor in factors]
            return Product(tuple(found))
        case Sum(terms):
            return Sum(tuple(entry(term, _aligned(index, term.shape), most) for term in terms))
        case Apply(function, operands, parameters) if function in _BY_ENTRY:
            found = [entry(operand, _aligned(index, operand.shape), most) for operand in operands]
            return Apply(function, tuple(found), parameters)
        case Apply("matmul", (left, right)):
            return _matmul(left, right, index, most)
        case Apply("sum" | "prod" | "max" | "min"):
            return _reduction(formula, index, most)
        case Apply("softmax" | "log_softmax", (operand,)):
            return _softmax(formula.function, operand, index, most)
        case Apply("one_hot", (number,)):
            chosen = Apply("equal", (entry(number, index[:-1], most), Number(float(index[-1]))))
            return Apply("where", (chosen, Number(1.0), Number(0.0)))
        case Apply(function, (operand,), parameters) if function in _MOVES:
            places = np.arange(prod(operand.shape)).reshape(operand.shape)
            moved = apply_primitive(function, [places], parameters)
            return entry(operand, tuple(int(i) for i in np.unravel_index(int(moved[index]), operand.shape)), most)
    return Apply("entry", (formula,), index) if index else formula


def _aligned(index: Index, shape: Shape) -> Index:
    """Return which entry of an operand goes into an entry of a result, by the rules of broadcasting."""
    padded = (0,) * (len(shape) - len(index)) + index  # what the result does not have is of size 1
    behind = padded[len(padded) - len(shape) :]
    return tuple(0 if size == 1 else place for place, size in zip(behind, shape, strict=True))


def _matmul(left: Formula, right: Formula, index: Index, most: int) -> Formula:
    rows = index[:-1] if len(right.shape) > 1 else index  # of a vector there is no axis in the result
    column = index[-1:] if len(right.shape) > 1 else ()
    row = rows[-1:] if len(left.shape) > 1 else ()
    batch = rows[: len(rows) - len(row)]

    places = _few(left.shape[-1], most)
    inner = most // len(places) if places else most  # sums in sums have fewer terms, or they would be too many

    def term(k: int) -> Formula:
        first = entry(left, (*_aligned(batch, left.shape[:-2]), *row, k), inner)
        second = entry(right, (*_aligned(batch, right.shape[:-2]), k, *column), inner)
        return Product((first, second))

    return _sum([*map(term, places)], left.shape[-1])


def _softmax(function: str, operand: Formula, index: Index, most: int) -> Formula:
    """Return an entry of a softmax along the last axis, or of its logarithm."""
    places = _few(operand.shape[-1], most)
    inner = most // len(places)
    mine = entry(operand, index, inner)
    powers: list[Formula] = [Apply("exp", (entry(operand, (*index[:-1], k), inner),)) for k in places]
    whole = _sum(powers, operand.shape[-1])
    if function == "softmax":
        return Apply("divide", (Apply("exp", (mine,)), whole))
    return Apply("subtract", (mine, Apply("log", (whole,))))


def _few(count: int, most: int) -> list[int]:
    """Return which terms of a sum are written: all of a few, else the first three and the last, or first and last."""
    if count <= max(most, 2):
        return list(range(count))
    return [0, 1, 2, count - 1] if most > 3 else [0, count - 1]


def _sum(terms: list[Formula], count: int) -> Formula:
    if count > len(terms):
        return Sum((*terms[:-1], Dots(count - len(terms)), terms[-1]))
    if not terms:
        return Number(0.0)
    return terms[0] if count == 1 else Sum(tuple(terms))


def _reduction(formula: Apply, index: Index, most: int) -> Formula:
    (operand,) = formula.operands
    axes, keepdims = formula.parameters[:2]
    shape = operand.shape
    gone = tuple(range(len(shape))) if axes is None else tuple(axes)  # type: ignore[arg-type]
    rest = iter(index if not keepdims else [place for axis, place in enumerate(index) if axis not in gone])
    fixed = {axis: next(rest) for axis in range(len(shape)) if axis not in gone}
    count = prod(shape[axis] for axis in gone)
    numbers = _few(count, most)
    inner = most // len(numbers) if numbers else most
    entries = []
    for number in numbers:
        place = [int(i) for i in np.unravel_index(number, [shape[axis] for axis in gone])]
        at = {**fixed, **dict(zip(gone, place, strict=True))}
        entries.append(entry(operand, tuple(at[axis] for axis in range(len(shape))), inner))
    if formula.function == "sum":
        return _sum(entries, count)
    if count > len(entries):
        entries[-1:] = [Dots(count - len(entries)), entries[-1]]
    if formula.function == "prod":
        return Product(tuple(entries))
    return Apply({"max": "maximum", "min": "minimum"}[formula.function], tuple(entries))


def in_numbers(formula: Formula, values: Mapping[str, Array], gradients: Mapping[str, Array]) -> Formula:
    """Return a formula on single numbers with the numbers in place of the names."""

    def replace(part: Formula, changed: tuple[Formula, ...]) -> Formula:
        match part:
            case Name(reference):
                return Value(values[reference], part.shape)
            case Partial(_, by):
                return Value(gradients[by], part.shape)
            case Apply("entry"):
                return Value(evaluate(part, values, gradients))
            case Apply("multiply") if any(map(is_one, changed)):
                return next((item for item in changed if not is_one(item)), changed[0])
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
