"""Other ways to write the same, which keep digits where the usual one overflows or cancels.

Each rule has a name and is applied only where the formula as it is written loses digits (:mod:`dagprop.author.choose`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from dagprop.author.expression import Call, Name, Tree, call, is_constant, negative, rewritten
from dagprop.author.hyperbolic import hyperbolic, logcosh, sums
from dagprop.author.numbers import constant_value
from dagprop.author.terms import (
    divided,
    doubled,
    factor_of,
    is_number,
    numbers_together,
    scaled,
    square_root,
    terms_of,
    times,
    total,
    under_root,
    with_constant,
)

Rule = Callable[[Tree], Tree]


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
            if isinstance(first, Call) and first.function == "exp" and is_number(second, 1):
                first, second = second, first
            match first, second:
                case _, Call("exp", (u,)) if is_number(first, 1):
                    return call("softplus", u)
                case Call("exp", (a,)), Call("exp", (b,)):
                    return call("add", a, call("softplus", call("subtract", b, a)))
        case Call("add" | "subtract"):
            return _softplus_in_two(tree)
    return tree


def _softplus_in_two(tree: Tree) -> Tree:
    """Join max(u, 0) and log(1 + exp(-|u|)), which are smooth only together."""
    terms = terms_of(tree)
    for rest in terms:
        match rest:
            case Call("softplus", (Call("negative", (Call("abs", (u,)),)),)):
                halves = [half for half in terms if half in (call("maximum", u, 0), call("maximum", 0, u))]
                if halves:
                    others = [term for term in terms if term not in (halves[0], rest)]
                    return total([*others, call("softplus", u)])
    return tree


def logsumexp(tree: Tree) -> Tree:
    """Write log(eᵃ + eᵇ) with the larger of the two in front."""
    match tree:
        case Call("log", (Call("add", (Call("exp", (a,)), Call("exp", (b,)))),)):
            apart = call("negative", call("abs", call("subtract", a, b)))
            return call("add", call("maximum", a, b), call("log1p", call("exp", apart)))
    return tree


def logarithm(tree: Tree) -> Tree:
    """Write log σ(u) as -softplus(-u), and log(eᵘ - 1) as u + log(1 - e⁻ᵘ)."""
    match tree:
        case Call("log", (Call("sigmoid", (u,)),)):
            return call("negative", call("softplus", negative(u)))
        case Call("log", (Call("expm1", (u,)),)):
            return call("add", u, call("log", call("negative", call("expm1", negative(u)))))
    return tree


def log1p(tree: Tree) -> Tree:
    """log(1 + u), where u is small."""
    match tree:
        case Call("log", (inner,)):
            found = with_constant(inner)
            if found and found[0] == 1:
                return call("log1p", total(found[1]))
    return tree


def expm1(tree: Tree) -> Tree:
    """eᵘ - 1, where u is small."""
    found = with_constant(tree)
    if found and len(found[1]) == 1:
        factor, rest = scaled(found[1][0])
        if isinstance(rest, Call) and rest.function == "exp" and factor == -found[0]:
            return (
                negative(call("expm1", *rest.operands))
                if factor == -1
                else times(factor_of(factor), call("expm1", *rest.operands))
            )
    return tree


def sigmoid(tree: Tree) -> Tree:
    """1 / (1 + e⁻ᵘ), eᵘ / (1 + eᵘ), ½(1 + tanh u): quotients of what overflows, and sums that cancel."""
    found = with_constant(tree)
    if found and len(found[1]) == 1:
        constant, (factor, rest) = found[0], scaled(found[1][0])
        match rest:
            case Call("tanh", (u,)) if abs(factor) == abs(constant) and constant:
                sign = 2 if factor * constant > 0 else -2
                return times(factor_of(2 * constant), call("sigmoid", doubled(u, sign)))
            case Call("sigmoid", (u,)) if factor == -constant:
                return times(factor_of(constant), call("sigmoid", negative(u)))
    match tree:
        case Call("divide", (numerator, Call("add") as denominator)):
            terms = terms_of(denominator)
            if len(terms) != 2 or not any(is_number(term, 1) for term in terms):
                return tree
            other = terms[1] if is_number(terms[0], 1) else terms[0]
            if isinstance(other, Call) and other.function == "exp":
                (v,) = other.operands
                rest = divided(numerator, other)
                if rest is not None:
                    return times(rest, call("sigmoid", v))
                return times(numerator, call("sigmoid", negative(v)))
    return tree


def erfc(tree: Tree) -> Tree:
    """1 + erf u, which cancels."""
    found = with_constant(tree)
    if found and len(found[1]) == 1:
        constant, (factor, rest) = found[0], scaled(found[1][0])
        if isinstance(rest, Call) and rest.function == "erf" and abs(factor) == abs(constant) and constant:
            (u,) = rest.operands
            return times(factor_of(constant), call("erfc", negative(u) if factor * constant > 0 else u))
    return tree


def roots(tree: Tree) -> Tree:
    """√(u² + c) + u where u < 0, and √(1 + v) - 1 where v is small: a difference of near numbers."""
    if not (isinstance(tree, Call) and tree.function in ("add", "subtract")):
        return tree
    terms = terms_of(tree)
    if len(terms) != 2:
        return tree
    for root, other in ((terms[0], terms[1]), (terms[1], terms[0])):
        inside = under_root(root)
        if inside is None:
            continue
        if is_constant(other) and (constant_value(other) or 0) < 0:
            # √w - c = (w - c²) / (√w + c)
            c = -(constant_value(other) or 0.0)
            found = with_constant(inside)
            if found and found[0] == c * c:
                return call("divide", total(found[1]), call("add", root, factor_of(c)))
            continue
        inner = terms_of(inside)
        for square in inner:
            if square_root(square) in (other, negative(other)):
                rest = [term for term in inner if term is not square]
                if rest:
                    other_way = call("divide", total(rest), call("add", root, _size(other)))
                    return call("where", call("greater", other, 0), tree, other_way)
    return tree


def _size(tree: Tree) -> Tree:
    """Return |tree|, which a root is never equal to, also where the branch is not taken."""
    return call("abs", tree.operands[0] if isinstance(tree, Call) and tree.function == "negative" else tree)


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


_IN_ORDER = (
    *(logsumexp, softplus, logcosh, hyperbolic, sums, sigmoid, erfc, expm1, logarithm, log1p),
    *(roots, branches, clamp),
)

RULES: Mapping[str, Rule] = {rule.__name__: rule for rule in _IN_ORDER}
"""The rules, in the order in which they are tried: what is more special comes first."""

REASONS = {
    "softplus": "log(1 + exp(u)) overflows",
    "logcosh": "cosh(u) overflows, and log(cosh(u)) cancels near 0",
    "hyperbolic": "exp(u) / exp(u) is infinity over infinity far out",
    "logsumexp": "exp(u) overflows",
    "sums": "exp(u) and exp(-u) cancel",
    "logarithm": "log(sigmoid(u)) is the logarithm of what vanishes, or overflows",
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

SMOOTH = tuple(name for name in EXACT if name not in ("logsumexp", "logcosh", "roots", "branches"))
"""Those of them that bring no choices: derivatives are worked out of what they give."""


def stable(tree: Tree, names: Collection[str] = EXACT) -> Tree:
    """Return an expression with some of the rules applied, wherever they fit."""
    chosen = [rule for name, rule in RULES.items() if name in names]

    def change(part: Tree) -> Tree:
        for rule in chosen:
            part = rule(part)
        return numbers_together(part) if chosen else part

    return rewritten(tree, change)


def applicable(tree: Tree) -> list[str]:
    """Return the names of the rules that change an expression, each in the form that those before it leave."""
    found = []
    for name, rule in RULES.items():
        if name != "clamp" and rewritten(tree, rule) != tree:
            found.append(name)
            tree = rewritten(tree, rule)
    return found
