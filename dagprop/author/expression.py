"""Expressions: a formula as a tree, as its author wrote it.

Trees come from text of bounded length and depth, so that plain recursion over them is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dagprop.ops.namespace import BINARY, UNARY
from dagprop.record import record

OPERATORS = ("add", "subtract", "multiply", "divide", "pow", "negative")
COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
LOGICAL = ("logical_and", "logical_or", "logical_not")
MACROS = ("sigmoid", "softplus")
"""Functions that rules have no name for: they are written out, in the form that keeps its digits."""

FUNCTIONS: dict[str, int] = {
    **{name: 1 for name in UNARY if name not in ("isfinite", *LOGICAL)},
    **{name: 2 for name in BINARY if name not in LOGICAL},
    "where": 3,
    **dict.fromkeys(MACROS, 1),
}
"""The functions of a formula, with the number of their operands."""


@record
class Number:
    """A number as it is written."""

    value: float


@record
class Name:
    """An input or an attribute."""

    name: str


@record
class Call:
    """An operator, a comparison, a function or a constant (without operands) by its name."""

    function: str
    operands: tuple[Tree, ...] = ()


Tree = Number | Name | Call

PI, EULER = Call("pi"), Call("e")


def call(function: str, *operands: Tree | float) -> Call:
    """Return a call; plain numbers become numbers of the formula."""
    return Call(function, tuple(o if isinstance(o, Number | Name | Call) else Number(o) for o in operands))


def operands_of(tree: Tree) -> tuple[Tree, ...]:
    """Return what a tree is made of."""
    return tree.operands if isinstance(tree, Call) else ()


def walk(tree: Tree) -> Iterator[Tree]:
    """Yield a tree and all its parts."""
    stack = [tree]
    while stack:
        part = stack.pop()
        yield part
        stack += operands_of(part)[::-1]


def names_in(tree: Tree) -> set[str]:
    """Return the inputs and attributes that occur."""
    return {part.name for part in walk(tree) if isinstance(part, Name)}


def is_constant(tree: Tree) -> bool:
    """Whether no input and no attribute occurs."""
    return not names_in(tree)


def rewritten(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """Return a tree in which each part, from the leaves up, is what a function makes of it."""
    if isinstance(tree, Call) and tree.operands:
        operands = tuple(rewritten(operand, change) for operand in tree.operands)
        if operands != tree.operands:
            tree = Call(tree.function, operands)
    return change(tree)


def replaced(tree: Tree, found: Mapping[Tree, Tree]) -> Tree:
    """Return a tree with some parts replaced, the largest first; what is put in is not looked into."""
    if tree in found:
        return found[tree]
    if isinstance(tree, Call) and tree.operands:
        return Call(tree.function, tuple(replaced(operand, found) for operand in tree.operands))
    return tree


def written_out(tree: Tree) -> Tree:
    """Return a tree without macros."""

    def change(part: Tree) -> Tree:
        match part:
            case Call("sigmoid", (u,)):
                return call("divide", 1, call("add", 1, call("exp", negative(u))))
            case Call("softplus", (u,)):
                rest = call("log1p", call("exp", call("negative", call("abs", u))))
                return call("add", call("maximum", u, 0), rest)
        return part

    return rewritten(tree, change)


def negative(tree: Tree) -> Tree:
    """Return -tree, as it would be written."""
    match tree:
        case Number(value):
            return Number(-value)
        case Call("negative", (u,)):
            return u
        case Call("subtract", (u, v)):
            return Call("subtract", (v, u))
        case Call("multiply" | "divide" as function, (first, second)) if isinstance(negative(first), Number | Call):
            if isinstance(first, Number) or (isinstance(first, Call) and first.function == "negative"):
                inner = negative(first)
                return second if function == "multiply" and inner == Number(1) else Call(function, (inner, second))
    return Call("negative", (tree,))


COST = {**dict.fromkeys(("exp", "log", "tanh"), 5.0), **dict.fromkeys(("expm1", "log1p"), 5.5)}
"""What the functions cost that back ends compute as vectors; others cost more, arithmetic less."""

_CHEAP = {*OPERATORS, *COMPARISONS, *LOGICAL, "where", "maximum", "minimum", "abs", "sign", "sqrt", "square"}


def cost(*trees: Tree) -> float:
    """Return what trees take to compute, and to read, where each part that occurs several times is computed once."""
    parts = {part for tree in trees for part in walk(written_out(tree))}
    total = 0.0
    for part in parts:
        if isinstance(part, Call) and not is_constant(part):
            power = 2.0 if part.function == "pow" and not _small_power(part) else 1.0
            total += power if part.function in _CHEAP else COST.get(part.function, 14.0)
            total += 0.1 * sum(isinstance(operand, Number) for operand in part.operands)
    return total + 0.01 * sum(1 for tree in trees for _ in walk(tree))


def _small_power(part: Call) -> bool:
    exponent = part.operands[1]
    return isinstance(exponent, Number) and exponent.value in (2, 3)
