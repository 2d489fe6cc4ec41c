"""Sums and products as lists of terms and factors: taken apart, and put together as one would write them."""

from __future__ import annotations

from dagprop.author.expression import Call, Number, Tree, call, is_constant, negative
from dagprop.author.numbers import constant_value

ONE = Number(1)


def is_number(tree: Tree, value: float) -> bool:
    """Whether an expression is a number of this value."""
    return is_constant(tree) and constant_value(tree) == value


def times(*factors: Tree) -> Tree:
    """Return a product, without factors of 1."""
    result: Tree = ONE
    for factor in factors:
        result = factor if result == ONE else result if factor == ONE else call("multiply", result, factor)
    return result


def terms_of(tree: Tree) -> list[Tree]:
    """Return the terms of a sum, with their signs."""
    match tree:
        case Call("add", (left, right)):
            return terms_of(left) + terms_of(right)
        case Call("subtract", (left, right)):
            return terms_of(left) + [negative(term) for term in terms_of(right)]
    return [tree]


def begins_with_minus(tree: Tree) -> bool:
    """Whether an expression begins with a negative number."""
    while isinstance(tree, Call) and tree.function in ("multiply", "divide"):
        tree = tree.operands[0]
    return isinstance(tree, Number) and tree.value < 0


def total(terms: list[Tree]) -> Tree:
    """Return a sum."""
    result = terms[0]
    for term in terms[1:]:
        match term:
            case Call("negative", (u,)):
                result = call("subtract", result, u)
            case _ if begins_with_minus(term):
                result = call("subtract", result, negative(term))
            case _:
                result = call("add", result, term)
    return result


def numbers_together(tree: Tree) -> Tree:
    """Return a product with one number in front, where two would meet: 0.5 · x · (2 · u) is x · u."""
    match tree:
        case Call("multiply", (left, Call("multiply", (Number(b), right)))):
            match left:
                case Call("multiply", (Number(a), x)):
                    return times(factor_of(a * b), x, right)
                case Number(a):
                    return times(factor_of(a * b), right)
    return tree


def scaled(tree: Tree) -> tuple[float, Tree | None]:
    """Return the number that an expression is multiplied by, and what is left of it."""
    if is_constant(tree):
        return constant_value(tree) or 0.0, None
    match tree:
        case Call("negative", (u,)):
            factor, rest = scaled(u)
            return -factor, rest
        case Call("multiply", (left, right)):
            (a, one), (b, other) = scaled(left), scaled(right)
            if one is None or other is None or a != 1 or b != 1:
                rest = one if other is None else other if one is None else times(one, other)
                return a * b, rest
        case Call("divide", (left, right)) if is_constant(right) and constant_value(right):
            factor, rest = scaled(left)
            return factor / (constant_value(right) or 1.0), rest
    return 1.0, tree


def with_constant(tree: Tree) -> tuple[float, list[Tree]] | None:
    """Return the constant of a sum, and its other terms."""
    if not (isinstance(tree, Call) and tree.function in ("add", "subtract")):
        return None
    terms = terms_of(tree)
    constants = [term for term in terms if is_constant(term)]
    others = [term for term in terms if not is_constant(term)]
    if not constants or not others:
        return None
    return sum(constant_value(term) or 0.0 for term in constants), others


def factor_of(value: float) -> Tree:
    """Return a number, a whole one as such."""
    return Number(int(value)) if float(value).is_integer() else Number(value)


def doubled(u: Tree, factor: int) -> Tree:
    """Return factor · u, where the factor is 2 or -2."""
    match u:
        case Call("divide", (v, two)) if is_number(two, 2):
            return v if factor > 0 else negative(v)
    return times(Number(factor), u)


def halved(u: Tree) -> Tree:
    """Return u / 2."""
    factor, rest = scaled(u)
    return times(factor_of(factor / 2), rest) if rest is not None else call("divide", u, 2)


def divided(product: Tree, factor: Tree) -> Tree | None:
    """Return a product without one of its factors, or None where it is none."""
    if product == factor:
        return ONE
    match product:
        case Call("multiply", (left, right)):
            for one, other in ((left, right), (right, left)):
                rest = divided(one, factor)
                if rest is not None:
                    return times(rest, other)
        case Call("divide", (left, right)):
            rest = divided(left, factor)
            return None if rest is None else call("divide", rest, right)
    return None


def under_root(tree: Tree) -> Tree | None:
    """Return what a root is the root of, or None where an expression is none."""
    match tree:
        case Call("sqrt", (u,)):
            return u
        case Call("pow", (u, half)) if is_number(half, 0.5):
            return u
    return None


def square_root(tree: Tree) -> Tree | None:
    """Return what an expression is the square of, or None where it is none."""
    match tree:
        case Call("pow", (u, Number(2))):
            return u
        case Call("multiply", (u, v)) if u == v:
            return u
    return None
