"""The local derivative of an expression: in many ways of writing it, of which the best is chosen later.

What is smooth is derived and simplified by SymPy.  Choices (``where``, ``maximum``, ``minimum``) and steps are ours:
their derivative at a kink is that of the built-in ops, and a branch is derived by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from dagprop.author.algebra import from_sympy, functions, symbol, to_sympy
from dagprop.author.expression import (
    MACROS,
    Call,
    Name,
    Number,
    Tree,
    call,
    is_constant,
    names_in,
    negative,
    operands_of,
    rewritten,
    walk,
)
from dagprop.author.stable import SMOOTH, stable
from dagprop.author.terms import terms_of
from dagprop.record import record

_STEPS = ("floor", "ceil", "round")
_CHOICES = ("where", "maximum", "minimum")

ZERO, ONE = Number(0), Number(1)

MOST_OPERATIONS = 90
"""What has more operations is not simplified: SymPy may take minutes."""


@record
class Style:
    """How a derivative is written.

    Attributes
    ----------
    simplify : str
        What SymPy does with it.
    sigmoid : {"", "one", "other"}
        Whether σ(-u) is written as 1 - σ(u), or the other way round, where both occur.
    tanh : {"", "one", "exp"}
        Whether 1/cosh²(u) is written as 1 - tanh²(u), or as 4e/(1 + e)² with e = exp(-2·abs(u)), which takes less time.
    output : bool
        Whether the value of the op stands for itself, as ``y``.
    chain : bool
        Whether the argument of a function stays as it is, and its derivative is a factor.
    ties : tuple of str
        Whether ``maximum`` or ``minimum`` have the derivative of what is not constant where both are equal.
    """

    simplify: str = ""
    sigmoid: str = ""
    tanh: str = ""
    output: bool = False
    chain: bool = False
    ties: tuple[str, ...] = ()


def styles(forward: Tree, ties: tuple[str, ...] = ()) -> Iterator[Style]:
    """Yield every style that may matter for an expression, the plain ones first."""
    functions = {part.function for part in walk(forward) if isinstance(part, Call)}
    simplifiers = ("", "factor_terms", "together", "factor", "expand", "simplify", "cancel")
    sigmoids = ("", "one", "other") if functions & {"sigmoid", "softplus"} else ("",)
    tanhs = ("", "one", "exp") if "tanh" in functions else ("",)
    truths = (False, True)
    for simplify, sigmoid, tanh, output, chain in product(simplifiers, sigmoids, tanhs, truths, truths):
        yield Style(simplify, sigmoid, tanh, output, chain, ties)


class Derivative:
    """The derivative of an expression by one input; what SymPy makes of a part is kept.

    Parameters
    ----------
    forward : Tree
    by : str
    """

    def __init__(self, forward: Tree, by: str) -> None:
        self._forward = forward
        self._by = by
        self._made: dict[tuple[Any, ...], Tree] = {}
        self._slopes: dict[tuple[Tree, bool], tuple[Any, dict[Any, Tree], dict[Any, Tree]]] = {}
        self._simple: dict[tuple[Any, str], Any] = {}

    def written(self, style: Style) -> Tree:
        """Return the derivative in a style."""
        return self._of(self._forward, style, top=True)

    def _of(self, tree: Tree, style: Style, top: bool = False) -> Tree:
        key = (tree, style, top)
        if key not in self._made:
            self._made[key] = self._derived(tree, style, top)
        return self._made[key]

    def _derived(self, tree: Tree, style: Style, top: bool) -> Tree:
        if self._by not in names_in(tree):
            return ZERO
        match tree:
            case Call("where", (condition, chosen, otherwise)):
                return _choice(condition, self._of(chosen, style), self._of(otherwise, style))
            case Call("maximum" | "minimum" as function, (left, right)):
                above = ("greater" if function == "maximum" else "less") + "_equal" * (function in style.ties)
                if is_constant(left) or (self._by not in names_in(left)):
                    left, right = right, left  # at a tie the derivative is that of what is constant, as of relu
                return _choice(call(above, left, right), self._of(left, style), self._of(right, style))
            case Call(function) if function in _STEPS:
                return ZERO
        slope, parts, values = self._slope(tree, style.chain)
        simple = self._simplified(slope, style.simplify)
        simple = _restyled(simple, style)
        if style.output and top:
            simple = self._with_output(simple, tree, values)
        stand_ins = {**values, **{name: self._of(part, style) for name, part in parts.items()}}
        result = from_sympy(simple, stand_ins)
        return rewritten(result, _without_trivial)

    def _slope(self, tree: Tree, chain: bool) -> tuple[Any, dict[Any, Tree], dict[Any, Tree]]:
        """Return the derivative as SymPy's, with symbols for what is not smooth and for its derivatives."""
        if (tree, chain) in self._slopes:
            return self._slopes[tree, chain]
        import sympy

        found = list(dict.fromkeys(_rough_parts(tree, chain)))
        values = {symbol(f"value {i}"): part for i, part in enumerate(found)}
        expression = to_sympy(tree, {part: name for name, part in values.items()})
        slope = sympy.diff(expression, symbol(self._by))
        parts = {}
        for i, (name, part) in enumerate(values.items()):
            if self._by in names_in(part) and not (isinstance(part, Call) and part.function in _STEPS):
                parts[symbol(f"slope {i}")] = part
                slope += sympy.diff(expression, name) * symbol(f"slope {i}")
        self._slopes[tree, chain] = _without_signs(slope), parts, values
        return self._slopes[tree, chain]

    def _simplified(self, slope: Any, how: str) -> Any:
        import sympy

        key = (slope, how)
        if key not in self._simple:
            result = slope
            limit = MOST_OPERATIONS if how in ("factor_terms", "together", "expand", "factor") else MOST_OPERATIONS // 2
            if how and slope.count_ops() <= limit:
                try:
                    result = getattr(sympy, how)(slope)
                except Exception:  # what SymPy cannot simplify stays as it is
                    result = slope
                result = _without_signs(result)
            self._simple[key] = result
        return self._simple[key]

    def _with_output(self, slope: Any, tree: Tree, values: dict[Any, Tree]) -> Any:
        """Return a derivative in which the value of the op, or what it is a multiple of, is ``y``."""
        y = symbol("y")
        stand_ins = {part: name for name, part in values.items()}
        for form in (tree, stable(tree)):
            try:
                value = to_sympy(form, stand_ins)
            except (AttributeError, TypeError):
                continue
            if value.is_Symbol:
                continue
            coefficient, rest = value.as_content_primitive()
            slope = slope.subs(value, y)
            if coefficient != 1 and not rest.is_Symbol:
                slope = slope.subs(rest, y / coefficient)
        return slope


def _rough_parts(tree: Tree, chain: bool, inside: bool = False) -> Iterator[Tree]:
    """Yield the largest parts that SymPy is not to look into: what is not smooth, and arguments of functions."""
    if isinstance(tree, Call) and tree.function in (*_CHOICES, *_STEPS):
        yield tree
        return
    if chain and inside and sum(1 for part in walk(tree) if isinstance(part, Name)) > 1 and _is_sum(tree):
        yield tree
        return
    function = isinstance(tree, Call) and tree.function in (*MACROS, "tanh", "erf", "erfc", "exp", "sin", "cos")
    for operand in operands_of(tree):
        yield from _rough_parts(operand, chain, inside or function)


def _is_sum(tree: Tree) -> bool:
    return isinstance(tree, Call) and tree.function in ("add", "subtract", "pow")


def _choice(condition: Tree, chosen: Tree, otherwise: Tree) -> Tree:
    return chosen if chosen == otherwise else call("where", condition, chosen, otherwise)


def _without_signs(slope: Any) -> Any:
    """Return a derivative in which sign² is 1, u · sign(u) is |u|, and the derivative of a step is 0."""
    import sympy

    slope = slope.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
    slope = slope.replace(lambda e: e.is_Pow and isinstance(e.base, sympy.sign) and e.exp == 2, lambda e: sympy.S.One)
    return slope.replace(lambda e: e.is_Mul and _sign_of(e) is not None, _sign_of)


def _sign_of(product: Any) -> Any:
    """Return a product in which u · sign(u) is |u|, or None where there is nothing of that kind."""
    import sympy

    for factor in product.args:
        if isinstance(factor, sympy.sign):
            (u,) = factor.args
            rest = product / factor
            power = rest.as_powers_dict()
            if power.get(u, 0) == 1:
                return rest / u * sympy.Abs(u)
            if power.get(sympy.Abs(u), 0) == 1:
                return rest / sympy.Abs(u) * u
    return None


def _restyled(slope: Any, style: Style) -> Any:
    import sympy

    own = functions()
    if style.sigmoid:
        for one in sorted(slope.atoms(own.sigmoid), key=str):
            (u,) = one.args
            keep, write = (u, -u) if u.could_extract_minus_sign() == (style.sigmoid == "other") else (-u, u)
            if slope.has(own.sigmoid(keep)):
                slope = slope.subs(own.sigmoid(write), 1 - own.sigmoid(keep))
    for one in slope.atoms(sympy.sinh):
        if slope.has(sympy.cosh(one.args[0])):  # so that cosh², which overflows first, is divided by cosh
            slope = slope.subs(one, own.tanh(one.args[0]) * sympy.cosh(one.args[0]))
    for one in slope.atoms(own.softplus):
        if one.args[0].could_extract_minus_sign() and slope.has(own.softplus(-one.args[0])):
            slope = slope.subs(one, own.softplus(-one.args[0]) + one.args[0])
    if style.tanh:
        slope = slope.replace(
            lambda e: e.is_Pow and isinstance(e.base, sympy.cosh) and e.exp == -2,
            lambda e: _one_by_cosh_squared(e.base.args[0], style.tanh),
        )
    return slope


def _one_by_cosh_squared(u: Any, how: str) -> Any:
    import sympy

    if how == "one":
        return 1 - functions().tanh(u) ** 2
    e = sympy.exp(-2 * sympy.Abs(u))
    return 4 * e / (1 + e) ** 2


def _without_trivial(part: Tree) -> Tree:
    """Return an operation without factors of 1 and terms of 0, which the parts that were put in may bring."""
    match part:
        case Call("multiply", (left, right)):
            if ZERO in (left, right):
                return ZERO
            return right if left == ONE else left if right == ONE else part
        case Call("add", (left, right)):
            return right if left == ZERO else left if right == ZERO else part
        case Call("subtract", (left, right)) if right == ZERO:
            return left
        case Call("negative", (u,)) if u == ZERO:
            return ZERO
    return part


def derivative_base(forward: Tree) -> Tree:
    """Return the expression that is derived: with functions that are bounded, so that their derivatives are, too."""
    return stable(_one_plus_exp(stable(forward, SMOOTH)), ())


def _one_plus_exp(tree: Tree) -> Tree:
    """Return an expression in which 1 + eᵛ is 1 / σ(-v)."""

    def change(part: Tree) -> Tree:
        if isinstance(part, Call) and part.function == "add":
            terms = terms_of(part)
            if len(terms) == 2 and ONE in terms:
                other = terms[1] if terms[0] == ONE else terms[0]
                if isinstance(other, Call) and other.function == "exp":
                    return call("divide", 1, call("sigmoid", negative(other.operands[0])))
        return part

    return rewritten(tree, change)
