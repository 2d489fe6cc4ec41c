"""Other ways to write the same, which keep digits where the usual one overflows or cancels.

Each rule has a name and is applied only where the formula as it is written loses digits (:mod:`dagprop.author.choose`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from dagprop.author.expression import Call, Name, Number, Tree, call, is_constant, negative, rewritten
from dagprop.author.numbers import constant_value

Rule = Callable[[Tree], Tree]

ONE, TWO = Number(1), Number(2)


def _same(tree: Tree, value: float) -> bool:
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


def total(terms: list[Tree]) -> Tree:
    """Return a sum."""
    result = terms[0]
    for term in terms[1:]:
        match term:
            case Call("negative", (u,)):
                result = call("subtract", result, u)
            case _ if _begins_with_minus(term):
                result = call("subtract", result, negative(term))
            case _:
                result = call("add", result, term)
    return result


def _begins_with_minus(tree: Tree) -> bool:
    while isinstance(tree, Call) and tree.function in ("multiply", "divide"):
        tree = tree.operands[0]
    return isinstance(tree, Number) and tree.value < 0


def _numbers_together(tree: Tree) -> Tree:
    """Return a product with one number in front, where two would meet: 0.5 · x · (2 · u) is x · u."""
    match tree:
        case Call("multiply", (left, Call("multiply", (Number(b), right)))):
            match left:
                case Call("multiply", (Number(a), x)):
                    return times(_factor(a * b), x, right)
                case Number(a):
                    return times(_factor(a * b), right)
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


def _with_constant(tree: Tree) -> tuple[float, list[Tree]] | None:
    """Return the constant of a sum, and its other terms."""
    if not (isinstance(tree, Call) and tree.function in ("add", "subtract")):
        return None
    terms = terms_of(tree)
    constants = [term for term in terms if is_constant(term)]
    others = [term for term in terms if not is_constant(term)]
    if not constants or not others:
        return None
    return sum(constant_value(term) or 0.0 for term in constants), others


def _factor(value: float) -> Tree:
    return Number(int(value)) if float(value).is_integer() else Number(value)


def softplus(tree: Tree) -> Tree:
    """log(1 + eᵘ), which overflows above and vanishes below; log(eᵃ + eᵇ) likewise."""
    match tree:
        case Call("log1p", (Call("exp", (u,)),)):
            return call("softplus", u)
        case Call("log", (Call("add" | "subtract") as inner,)):
            terms = terms_of(inner)
            if len(terms) != 2:
                return tree
            first, second = terms
            if isinstance(first, Call) and first.function == "exp" and _same(second, 1):
                first, second = second, first
            match first, second:
                case _, Call("exp", (u,)) if _same(first, 1):
                    return call("softplus", u)
                case Call("exp", (a,)), Call("exp", (b,)):
                    return call("add", a, call("softplus", call("subtract", b, a)))
    return tree


def logcosh(tree: Tree) -> Tree:
    """Log cosh u, which overflows far out and cancels near 0."""
    match tree:
        case Call("log", (Call("cosh", (u,)),)):
            size = call("abs", u)
            far = total([size, call("log1p", call("exp", times(Number(-2), size))), negative(call("log", 2))])
            near = call("log1p", times(TWO, call("pow", call("sinh", _halved(u)), 2)))
            return call("where", call("less", size, 1), near, far)
    return tree


def log1p(tree: Tree) -> Tree:
    """log(1 + u), where u is small."""
    match tree:
        case Call("log", (inner,)):
            found = _with_constant(inner)
            if found and found[0] == 1:
                return call("log1p", total(found[1]))
    return tree


def expm1(tree: Tree) -> Tree:
    """eᵘ - 1, where u is small."""
    found = _with_constant(tree)
    if found and len(found[1]) == 1:
        factor, rest = scaled(found[1][0])
        if isinstance(rest, Call) and rest.function == "exp" and factor == -found[0]:
            return (
                negative(call("expm1", *rest.operands))
                if factor == -1
                else times(_factor(factor), call("expm1", *rest.operands))
            )
    return tree


def sigmoid(tree: Tree) -> Tree:
    """1 / (1 + e⁻ᵘ), eᵘ / (1 + eᵘ), ½(1 + tanh u): quotients of what overflows, and sums that cancel."""
    found = _with_constant(tree)
    if found and len(found[1]) == 1:
        constant, (factor, rest) = found[0], scaled(found[1][0])
        match rest:
            case Call("tanh", (u,)) if abs(factor) == abs(constant) and constant:
                sign = 2 if factor * constant > 0 else -2
                return times(_factor(2 * constant), call("sigmoid", _doubled(u, sign)))
            case Call("sigmoid", (u,)) if factor == -constant:
                return times(_factor(constant), call("sigmoid", negative(u)))
    match tree:
        case Call("divide", (numerator, Call("add") as denominator)):
            terms = terms_of(denominator)
            if len(terms) != 2 or not any(_same(term, 1) for term in terms):
                return tree
            other = terms[1] if _same(terms[0], 1) else terms[0]
            if isinstance(other, Call) and other.function == "exp":
                (v,) = other.operands
                rest = _divided(numerator, other)
                if rest is not None:
                    return times(rest, call("sigmoid", v))
                return times(numerator, call("sigmoid", negative(v)))
    return tree


def _doubled(u: Tree, factor: int) -> Tree:
    """Return factor · u, where the factor is 2 or -2."""
    match u:
        case Call("divide", (v, two)) if _same(two, 2):
            return v if factor > 0 else negative(v)
    return times(Number(factor), u)


def _divided(product: Tree, factor: Tree) -> Tree | None:
    """Return a product without one of its factors, or None where it is none."""
    if product == factor:
        return ONE
    match product:
        case Call("multiply", (left, right)):
            for one, other in ((left, right), (right, left)):
                rest = _divided(one, factor)
                if rest is not None:
                    return times(rest, other)
        case Call("divide", (left, right)):
            rest = _divided(left, factor)
            return None if rest is None else call("divide", rest, right)
    return None


def erfc(tree: Tree) -> Tree:
    """1 + erf u, which cancels."""
    found = _with_constant(tree)
    if found and len(found[1]) == 1:
        constant, (factor, rest) = found[0], scaled(found[1][0])
        if isinstance(rest, Call) and rest.function == "erf" and abs(factor) == abs(constant) and constant:
            (u,) = rest.operands
            return times(_factor(constant), call("erfc", negative(u) if factor * constant > 0 else u))
    return tree


def hyperbolic(tree: Tree) -> Tree:
    """(eᵘ - e⁻ᵘ) / (eᵘ + e⁻ᵘ) and (1 - e⁻ᵘ) / (1 + e⁻ᵘ): infinity over infinity."""
    match tree:
        case Call("divide", (Call("add" | "subtract") as above, Call("add" | "subtract") as below)):
            numerator, denominator = _exponents(above), _exponents(below)
            if numerator and denominator and numerator.keys() == denominator.keys() and len(numerator) == 2:
                (a, b), (p, q) = numerator, numerator.values()
                r, s = denominator[a], denominator[b]
                if abs(p) == abs(q) == 1 and p == -q and abs(r) == 1 and r == s:
                    # (eᵃ - eᵇ) / (eᵃ + eᵇ) = tanh((a - b) / 2)
                    u = _half_difference(a, b)
                    return call("tanh", u) if p == r else negative(call("tanh", u))
    found = _with_constant(tree)
    if found and len(found[1]) == 1:
        factor, rest = scaled(found[1][0])
        if isinstance(rest, Call) and rest.function == "sigmoid" and factor == -2 * found[0]:
            return times(_factor(-found[0]), call("tanh", _halved(rest.operands[0])))
    return tree


def _exponents(tree: Tree) -> dict[Tree, float] | None:
    """Return the exponents of a sum of exponentials, with their factors; that of 1 is 0."""
    found: dict[Tree, float] = {}
    for term in terms_of(tree):
        factor, rest = scaled(term)
        exponent = (
            Number(0)
            if rest is None
            else rest.operands[0]
            if isinstance(rest, Call) and rest.function == "exp"
            else None
        )
        if exponent is None or exponent in found:
            return None
        found[exponent] = factor
    return found


def _half_difference(a: Tree, b: Tree) -> Tree:
    if b == negative(a) or a == negative(b):
        return a
    if b == Number(0):
        return _halved(a)
    if a == Number(0):
        return negative(_halved(b))
    return call("divide", call("subtract", a, b), 2)


def _halved(u: Tree) -> Tree:
    factor, rest = scaled(u)
    return times(_factor(factor / 2), rest) if rest is not None else call("divide", u, 2)


def roots(tree: Tree) -> Tree:
    """√(u² + c) + u where u < 0, and √(1 + v) - 1 where v is small: a difference of near numbers."""
    if not (isinstance(tree, Call) and tree.function in ("add", "subtract")):
        return tree
    terms = terms_of(tree)
    if len(terms) != 2:
        return tree
    for root, other in ((terms[0], terms[1]), (terms[1], terms[0])):
        inside = _under_root(root)
        if inside is None:
            continue
        if is_constant(other) and (constant_value(other) or 0) < 0:
            # √w - c = (w - c²) / (√w + c)
            c = -(constant_value(other) or 0.0)
            found = _with_constant(inside)
            if found and found[0] == c * c:
                return call("divide", total(found[1]), call("add", root, _factor(c)))
            continue
        inner = terms_of(inside)
        for square in inner:
            if _square_root(square) in (other, negative(other)):
                rest = [term for term in inner if term is not square]
                if rest:
                    other_way = call("divide", total(rest), total([root, negative(other)]))
                    return call("where", call("greater", other, 0), tree, other_way)
    return tree


def _under_root(tree: Tree) -> Tree | None:
    match tree:
        case Call("sqrt", (u,)):
            return u
        case Call("pow", (u, half)) if _same(half, 0.5):
            return u
    return None


def _square_root(tree: Tree) -> Tree | None:
    match tree:
        case Call("pow", (u, Number(2))):
            return u
        case Call("multiply", (u, v)) if u == v:
            return u
    return None


def branches(tree: Tree) -> Tree:
    """Keep a branch of ``where`` that is not taken where it has a value: 0 · ∞ and log(-1) are no numbers."""
    match tree:
        case Call(
            "where", (Call("greater" | "greater_equal" | "less" | "less_equal" as compared, (Name() as u, bound)), a, b)
        ):
            if is_constant(bound):
                above, below = call("maximum", u, bound), call("minimum", u, bound)
                first, second = (above, below) if compared.startswith("greater") else (below, above)
                return Call("where", (tree.operands[0], _within(a, u, first), _within(b, u, second)))
    return tree


def _within(tree: Tree, u: Name, bounded: Tree) -> Tree:
    """Return an expression in which the functions that may overflow, or have no value, are handed what is bounded."""
    if isinstance(tree, Call):
        if tree.function in (
            "exp",
            "expm1",
            "log",
            "log1p",
            "sqrt",
            "cosh",
            "sinh",
            "pow",
            "asin",
            "acos",
            "atanh",
            "divide",
        ):
            return rewritten(tree, lambda part: bounded if part == u else part)
        return Call(tree.function, tuple(_within(operand, u, bounded) for operand in tree.operands))
    return tree


def clamp(tree: Tree) -> Tree:
    """eᵘ, which overflows where what it is part of has long reached its limit: 0 · ∞ is not a number."""
    match tree:
        case Call("exp", (u,)) if not is_constant(u) and not (isinstance(u, Call) and u.function == "minimum"):
            return call("exp", call("minimum", u, 70))
    return tree


RULES: Mapping[str, Rule] = {
    rule.__name__: rule for rule in (softplus, logcosh, hyperbolic, sigmoid, erfc, expm1, log1p, roots, branches, clamp)
}
"""The rules, in the order in which they are tried: what is more special comes first."""

REASONS = {
    "softplus": "log(1 + exp(u)) overflows",
    "logcosh": "cosh(u) overflows, and log(cosh(u)) cancels near 0",
    "hyperbolic": "exp(u) / exp(u) is infinity over infinity far out",
    "sigmoid": "exp(u) overflows, or 1 + tanh(u) cancels",
    "erfc": "1 + erf(u) cancels",
    "expm1": "exp(u) - 1 cancels where u is small",
    "log1p": "log(1 + u) loses a small u beside the 1",
    "roots": "a root and what is added to it cancel",
    "branches": "a branch that is not taken would not be a number",
    "clamp": "exp(u) overflows",
}
"""What each of them avoids."""

EXACT = tuple(name for name in RULES if name != "clamp")
"""Those that change no value."""


def stable(tree: Tree, names: Collection[str] = EXACT) -> Tree:
    """Return an expression with some of the rules applied, wherever they fit."""
    chosen = [rule for name, rule in RULES.items() if name in names]

    def change(part: Tree) -> Tree:
        for rule in chosen:
            part = rule(part)
        return _numbers_together(part) if chosen else part

    return rewritten(tree, change)


def applicable(tree: Tree) -> list[str]:
    """Return the names of the rules that change an expression, each in the form that those before it leave."""
    found = []
    for name, rule in RULES.items():
        if name != "clamp" and rewritten(tree, rule) != tree:
            found.append(name)
            tree = rewritten(tree, rule)
    return found
