"""Other ways to write hyperbolic functions, and sums of exponentials that are some."""

from __future__ import annotations

from dagprop.author.expression import Call, Number, Tree, call, negative, operands_of
from dagprop.author.terms import factor_of, halved, scaled, terms_of, times, total, with_constant


def hyperbolic(tree: Tree) -> Tree:
    """(eᵘ - e⁻ᵘ) / (eᵘ + e⁻ᵘ) and (1 - e⁻ᵘ) / (1 + e⁻ᵘ): infinity over infinity."""
    match tree:
        case Call("divide", (above, below)) if _is_of(above, "sinh") and _is_of(below, "cosh"):
            (first, sinh), (second, cosh) = scaled(above), scaled(below)
            if sinh is not None and cosh is not None and operands_of(sinh) == operands_of(cosh):
                return times(factor_of(first / second), call("tanh", *operands_of(sinh)))
        case Call("divide", (Call("add" | "subtract") as above, Call("add" | "subtract") as below)):
            numerator, denominator = _exponents(above), _exponents(below)
            if numerator and denominator and numerator.keys() == denominator.keys() and len(numerator) == 2:
                (a, b), (p, q) = numerator, numerator.values()
                r, s = denominator[a], denominator[b]
                if abs(p) == abs(q) == 1 and p == -q and abs(r) == 1 and r == s:
                    # (eᵃ - eᵇ) / (eᵃ + eᵇ) = tanh((a - b) / 2)
                    u = _half_difference(a, b)
                    return call("tanh", u) if p == r else negative(call("tanh", u))
    found = with_constant(tree)
    if found and len(found[1]) == 1:
        factor, rest = scaled(found[1][0])
        if isinstance(rest, Call) and rest.function == "sigmoid" and factor == -2 * found[0]:
            return times(factor_of(-found[0]), call("tanh", halved(rest.operands[0])))
    return tree


def _is_of(tree: Tree, function: str) -> bool:
    """Whether an expression is a multiple of a function."""
    rest = scaled(tree)[1]
    return isinstance(rest, Call) and rest.function == function


def sums(tree: Tree) -> Tree:
    """Write eᵘ - e⁻ᵘ as 2 sinh u, eᵘ + e⁻ᵘ as 2 cosh u, and cosh u - 1 as 2 sinh² ½u, which do not cancel."""
    if not (isinstance(tree, Call) and tree.function in ("add", "subtract")):
        return tree
    found = with_constant(tree)
    if found and len(found[1]) == 1 and _is_of(found[1][0], "cosh"):
        factor, rest = scaled(found[1][0])
        if factor == -found[0]:
            half = halved(operands_of(rest)[0]) if rest is not None else Number(0)
            return times(factor_of(2 * factor), call("pow", call("sinh", half), 2))
    exponents = _exponents(tree)
    if exponents and len(exponents) == 2:
        (a, b), (p, q) = exponents, exponents.values()
        if (abs(p) == abs(q) and a in (negative(b), Call("negative", (b,)))) or b == negative(a):
            # the exponent without a sign comes first
            u, p, q = (b, q, p) if isinstance(a, Call) and a.function == "negative" else (a, p, q)
            if abs(p) == abs(q):
                return times(factor_of(2 * p), call("cosh" if p == q else "sinh", u))
    return tree


def logcosh(tree: Tree) -> Tree:
    """Log cosh u, which overflows far out and cancels near 0."""
    match tree:
        case Call("log", (Call("cosh", (u,)),)):
            size = call("abs", u)
            far = total([size, call("log1p", call("exp", times(Number(-2), size))), negative(call("log", 2))])
            near = call("log1p", times(Number(2), call("pow", call("sinh", halved(u)), 2)))
            return call("where", call("less", size, 1), near, far)
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
        return halved(a)
    if a == Number(0):
        return negative(halved(b))
    return call("divide", call("subtract", a, b), 2)
