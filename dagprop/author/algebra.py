"""To SymPy and back: expressions as SymPy's, for what an algebra system does better.

SymPy's own functions are used where their derivatives keep their digits; the others are declared here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

from dagprop.author.expression import EULER, PI, Call, Name, Number, Tree, call, cost, negative
from dagprop.author.terms import times, total

_DIRECT = ("exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "erf")
_OWN = ("sigmoid", "softplus", "tanh", "expm1", "log1p", "erfc")


@cache
def functions() -> SimpleNamespace:
    """Return the functions that are declared here: SymPy is loaded when a derivative is asked for."""
    import sympy

    class Real(sympy.Function):  # type: ignore[misc]
        nargs = 1
        is_extended_real = True
        is_real = True

    class sigmoid(Real):  # noqa: N801 - SymPy prints a function by the name of its class
        is_positive = True

        def fdiff(self, argindex: int = 1) -> Any:
            (u,) = self.args
            return sigmoid(u) * sigmoid(-u)

    class softplus(Real):  # noqa: N801
        is_positive = True

        def fdiff(self, argindex: int = 1) -> Any:
            return sigmoid(self.args[0])

    class tanh(Real):  # noqa: N801
        @classmethod
        def eval(cls, u: Any) -> Any:
            if u.is_zero:
                return sympy.S.Zero
            return -cls(-u) if u.could_extract_minus_sign() else None

        def fdiff(self, argindex: int = 1) -> Any:
            return sympy.cosh(self.args[0]) ** -2

    class expm1(Real):  # noqa: N801
        def fdiff(self, argindex: int = 1) -> Any:
            return sympy.exp(self.args[0])

    class log1p(Real):  # noqa: N801
        def fdiff(self, argindex: int = 1) -> Any:
            return 1 / (1 + self.args[0])

    class erfc(Real):  # noqa: N801 - SymPy's own turns erfc(-u) into 2 - erfc(u), which cancels
        is_positive = True

        def fdiff(self, argindex: int = 1) -> Any:
            return -2 * sympy.exp(-(self.args[0] ** 2)) / sympy.sqrt(sympy.pi)

    return SimpleNamespace(erfc=erfc, sigmoid=sigmoid, softplus=softplus, tanh=tanh, expm1=expm1, log1p=log1p)


def symbol(name: str) -> Any:
    """Return an input, an attribute or a stand-in as SymPy's symbol of a real number."""
    import sympy

    return sympy.Symbol(name, real=True)


def to_sympy(tree: Tree, stand_ins: Mapping[Tree, Any]) -> Any:
    """Return an expression as SymPy's; parts that are not smooth are given as symbols."""
    import sympy

    if tree in stand_ins:
        return stand_ins[tree]
    match tree:
        case Number(value):
            return sympy.Integer(value) if isinstance(value, int) else sympy.Rational(repr(value))
        case Name(name):
            return symbol(name)
        case Call("pi"):
            return sympy.pi
        case Call("e"):
            return sympy.E
    operands = [to_sympy(operand, stand_ins) for operand in tree.operands]
    match tree.function:
        case "add":
            return operands[0] + operands[1]
        case "subtract":
            return operands[0] - operands[1]
        case "multiply":
            return operands[0] * operands[1]
        case "divide":
            return operands[0] / operands[1]
        case "pow":
            return operands[0] ** operands[1]
        case "negative":
            return -operands[0]
        case "sqrt":
            return sympy.sqrt(operands[0])
        case "abs":
            return sympy.Abs(operands[0])
        case "sign":
            return sympy.sign(operands[0])
        case name if name in _DIRECT:
            return getattr(sympy, name)(*operands)
    return getattr(functions(), tree.function)(*operands)


def from_sympy(expression: Any, stand_ins: Mapping[Any, Tree]) -> Tree:
    """Return SymPy's expression as ours, written as one would by hand.

    Raises
    ------
    ValueError
        If it has what rules cannot compute.
    """
    import sympy

    if expression in stand_ins:
        return stand_ins[expression]
    if expression.is_Symbol:
        return Name(expression.name)
    if expression.is_Rational:
        return _rational(expression)
    if expression is sympy.pi:
        return PI
    if expression is sympy.E:
        return EULER
    if expression.is_Add:
        return _sum(expression, stand_ins)
    if expression.is_Mul:
        return _product(expression, stand_ins)
    if expression.is_Pow:
        return _power(expression.base, expression.exp, stand_ins)
    name = {"Abs": "abs"}.get(expression.func.__name__, expression.func.__name__)
    if name in (*_DIRECT, *_OWN, "sign", "abs") and len(expression.args) == 1:
        return Call(name, (from_sympy(expression.args[0], stand_ins),))
    raise ValueError(f"no rule computes {expression.func}")


def _rational(number: Any) -> Tree:
    if abs(number) >= 2**1024:
        raise ValueError("it has a number that is too large")
    if number.is_Integer:
        return Number(int(number))
    value = float(number)
    if abs(number.p) < 100 and number.q in (3, 6, 7, 9, 12, 15, 18):
        return call("divide", int(number.p), int(number.q))
    return Number(value)


def _sum(expression: Any, stand_ins: Mapping[Any, Tree]) -> Tree:
    terms = [from_sympy(term, stand_ins) for term in expression.as_ordered_terms()]

    def place(item: tuple[int, Tree]) -> tuple[bool, float, int]:
        position, term = item
        minus = (isinstance(term, Call) and term.function == "negative") or _leading(term) < 0
        return minus, 0 if isinstance(term, Number) else cost(term) + 1, position

    return total([term for _, term in sorted(enumerate(terms), key=place)])


def _leading(term: Tree) -> float:
    """Return the number that a term begins with, or 1."""
    while isinstance(term, Call) and term.function in ("multiply", "divide"):
        term = term.operands[0]
    return term.value if isinstance(term, Number) else 1.0


def _product(expression: Any, stand_ins: Mapping[Any, Tree]) -> Tree:
    import sympy

    constant, above, below = sympy.S.One, [], []
    for factor in expression.as_ordered_factors():
        base, exponent = factor.as_base_exp()
        if factor.is_number:
            constant *= factor
        # E is a base to SymPy: exp(-x) stays where it is.
        elif base is not sympy.E and exponent.could_extract_minus_sign() and not factor.is_Function:
            below.append(_power(base, -exponent, stand_ins))
        else:
            above.append(from_sympy(factor, stand_ins))
    first, divisor = _constant_factors(abs(constant), stand_ins)
    factors = [*first, *sorted(above, key=_rank)]
    result = times(*factors) if factors else Number(1)
    divisors = [*divisor, *below]
    if divisors:
        result = call("divide", result, times(*divisors))
    return negative(result) if constant < 0 else result


def _constant_factors(constant: Any, stand_ins: Mapping[Any, Tree]) -> tuple[list[Tree], list[Tree]]:
    """Return what stands above and below the fraction bar for a positive constant."""
    import sympy

    if constant == 1:
        return [], []
    if constant.is_Rational:
        if len(repr(float(constant))) > 10 and constant.q < 1000:
            return [Number(int(constant.p))] if constant.p != 1 else [], [Number(int(constant.q))]
        return [_rational(constant)], []
    square = constant**2
    for pi in (0, -1, 1):
        ratio = square / sympy.pi**pi
        if ratio.is_Rational and max(ratio.p, ratio.q) < 1000:
            # √(p/q) or √(p/(qπ)), above the bar or below it
            p, q = Number(int(ratio.p)), Number(int(ratio.q))
            top, bottom = (times(p, PI) if pi == 1 else p), (times(q, PI) if pi == -1 else q)
            if top == Number(1):
                return [], [call("sqrt", bottom)]
            return [call("sqrt", top if bottom == Number(1) else call("divide", top, bottom))], []
    coefficient, rest = constant.as_coeff_Mul()
    if coefficient != 1 or not rest.is_Mul:
        number = [] if coefficient == 1 else [_rational(coefficient)]
        return [*number, from_sympy(rest, stand_ins)], []
    parts = [from_sympy(factor, stand_ins) for factor in rest.as_ordered_factors()]
    return parts, []


def _rank(factor: Tree) -> int:
    """Return where a factor stands: names first, then functions, then sums."""
    if isinstance(factor, Name):
        return 0 if factor.name != "y" else 1
    return 3 if isinstance(factor, Call) and factor.function in ("add", "subtract") else 2


def _power(base: Any, exponent: Any, stand_ins: Mapping[Any, Tree]) -> Tree:
    import sympy

    if base is sympy.E:
        return call("exp", from_sympy(exponent, stand_ins))
    if exponent == 1:
        return from_sympy(base, stand_ins)
    if exponent == sympy.Rational(1, 2):
        return call("sqrt", from_sympy(base, stand_ins))
    if exponent.is_number and exponent < 0 and not isinstance(base, functions().sigmoid):
        return call("divide", 1, _power(base, -exponent, stand_ins))
    if isinstance(base, functions().sigmoid) and exponent.could_extract_minus_sign():
        below = call("add", 1, call("exp", negative(from_sympy(base.args[0], stand_ins))))
        return below if exponent == -1 else call("pow", below, from_sympy(-exponent, stand_ins))
    return call("pow", from_sympy(base, stand_ins), from_sympy(exponent, stand_ins))
