"""Reading a formula: Python's syntax, of which only what a formula needs is taken; nothing is ever run.

Every mistake is reported with its column, all at once.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Collection, Sequence
from itertools import pairwise

from dagprop.author.expression import EULER, FUNCTIONS, PI, Call, Name, Number, Tree, call, is_constant, names_in
from dagprop.author.numbers import constant_value
from dagprop.errors import DagpropError, PluginError, Problem, quote, suggest

PLACE = "formula"
"""What stands before the column of a mistake, in place of a file."""

LONGEST = 1000
"""A formula of more characters is refused."""

DEEPEST = 40
"""So deep may brackets and calls stand in each other."""

ALIASES = {
    **{"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sgn": "sign"},
    **{"arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "fabs": "abs", "logistic": "sigmoid"},
    **{"expit": "sigmoid", "sqr": "square", "power": "pow", "max": "maximum", "min": "minimum"},
}
"""What else functions may be called."""

ABBREVIATIONS = {
    "relu": lambda u: call("maximum", u, 0),
    "silu": lambda u: call("multiply", u, call("sigmoid", u)),
    "logsigmoid": lambda u: call("negative", call("softplus", call("negative", u))),
    "step": lambda u: call("where", call("greater", u, 0), 1, 0),
    "log2": lambda u: call("divide", call("log", u), call("log", 2)),
    "log10": lambda u: call("divide", call("log", u), call("log", 10)),
}
"""Functions of one value that are short for others."""

CALLABLE = sorted({*FUNCTIONS, *ALIASES, *ABBREVIATIONS, "clip", "piecewise"})
"""All that a formula may call."""

_SHOWN = ", ".join(sorted({*CALLABLE, *("max", "min")} - {*ALIASES, "maximum", "minimum"} | {"max", "min"}))

_BY_HAND = "write the plugin by hand: dagprop plugins new NAME, without --formula"

_BINARY = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "pow"}
_COMPARED = {
    **{ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal"},
    **{ast.Eq: "equal", ast.NotEq: "not_equal"},
}
_PRINTED = {
    **dict.fromkeys("·⋅×", "a product with *, as in 2*x"),
    **{"−": "a difference with -", "÷": "a quotient with /", "√": "a root with sqrt, as in sqrt(x)"},
    **{"²": "a power with **, as in x**2", "³": "a power with **, as in x**3"},
}
"""Signs of printed formulas, which Python reads as letters or not at all."""

_CONSTANTS = {"pi": PI, "e": EULER}
_TRUTH = {*_COMPARED.values(), "logical_and", "logical_or", "logical_not"}


def parse_formula(text: str, inputs: Sequence[str], attributes: Collection[str]) -> Tree:
    """Return a formula as a tree.

    Parameters
    ----------
    text : str
        Such as ``"x / (1 + exp(-beta*x))"``.
    inputs : sequence of str
        The names of the inputs, each of which must occur.
    attributes : collection of str
        Likewise.

    Raises
    ------
    PluginError
        With every mistake and its column (DP511).
    """
    if len(text) > LONGEST:
        message = f"the formula has {len(text)} characters, and may have {LONGEST}"
        raise PluginError(Problem("DP511", message, _BY_HAND))
    printed = [
        Problem("DP511", f"a formula has no {sign}", f"write {_PRINTED[sign]}", file=PLACE, column=place)
        for place, sign in enumerate(text, start=1)
        if sign in _PRINTED
    ]
    if printed:
        raise PluginError(*printed)
    try:
        body = ast.parse(text.strip() or "?", mode="eval").body
    except SyntaxError as error:
        raise _syntax_error(text, error) from None
    except (ValueError, MemoryError, RecursionError):
        raise PluginError(Problem("DP511", "the formula cannot be read: it is nested too deeply")) from None
    reader = _Reader(text, inputs, attributes)
    tree = reader.value(body)
    unused = [name for name in inputs if name not in names_in(tree)]
    if unused and not reader.problems:
        hint = (
            f"write it, or leave out --input {unused[0]}"
            if len(inputs) > 1
            else "an op computes something of its input"
        )
        reader.problems += [
            Problem("DP511", f"the input {quote(name)} does not occur in the formula", hint) for name in unused
        ]
    if not reader.problems:
        reader.problems += [
            Problem(
                "DP511", f"the attribute {quote(name)} does not occur in the formula", f"leave out --attribute {name}"
            )
            for name in attributes
            if name not in names_in(tree)
        ]
    if reader.problems:
        raise PluginError(*sorted(reader.problems, key=lambda problem: problem.column or 0))
    return tree


def _syntax_error(text: str, error: SyntaxError) -> DagpropError:
    column = max(min(error.offset or 1, len(text)), 1)
    hint = "a formula is written as in Python: x / (1 + exp(-x))"
    before = text[: column - 1].rstrip()[-1:]
    if not text.strip():
        return PluginError(Problem("DP511", "the formula is empty", hint))
    if "|" in text:
        hint = "write abs(x) for |x|"
    elif any(a.isdigit() and b.isalpha() and b not in "eE" for a, b in pairwise(text)) or before == ")":
        hint = "write a product with *, as in 2*x"
    elif "=" in text:
        hint = "write what stands behind the = alone"
    return PluginError(Problem("DP511", f"this cannot be read: {error.msg}", hint, file=PLACE, column=column))


class _Reader:
    """From Python's tree to ours; collects what is wrong on the way."""

    def __init__(self, text: str, inputs: Collection[str], attributes: Collection[str]) -> None:
        self._inputs = inputs
        self._known = {*inputs, *attributes}
        self._lead = len(text) - len(text.lstrip())
        self._text = text
        self.problems: list[Problem] = []

    def _wrong(self, node: ast.AST, message: str, hint: str | None = None) -> Tree:
        # Python counts bytes of UTF-8, people count characters.
        before = self._text.lstrip().encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore")
        column = len(before) + self._lead + 1
        self.problems.append(Problem("DP511", message, hint, file=PLACE, column=column))
        return Number(1)

    def value(self, node: ast.expr, depth: int = 0) -> Tree:
        """Return what computes a number."""
        tree = self._any(node, depth)
        if isinstance(tree, Call) and tree.function in _TRUTH:
            return self._wrong(node, "a comparison is no number", "write where(x > 0, a, b), or a if x > 0 else b")
        if isinstance(tree, Call) and is_constant(tree):
            return self._checked_constant(node, tree)
        return tree

    def _condition(self, node: ast.expr, depth: int) -> Tree:
        tree = self._any(node, depth)
        if not (isinstance(tree, Call) and tree.function in _TRUTH):
            return self._wrong(node, "a condition compares two numbers", "as in x > 0")
        return tree

    def _any(self, node: ast.expr, depth: int) -> Tree:
        if depth > DEEPEST:
            raise PluginError(Problem("DP511", f"the formula is nested more than {DEEPEST} deep", _BY_HAND))
        below = depth + 1
        match node:
            case ast.Constant(value=bool()) | ast.Constant(value=complex()):
                return self._wrong(node, f"{node.value!r} is no real number")
            case ast.Constant(value=int() | float() as number):
                return self._number(node, number)
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.value(operand, below)
                return Number(-inner.value) if isinstance(inner, Number) else Call("negative", (inner,))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.value(operand, below)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Call("logical_not", (self._condition(operand, below),))
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
                values = self.value(left, below), self.value(right, below)
                if isinstance(operator, ast.Div) and is_constant(values[1]) and constant_value(values[1]) == 0:
                    return self._wrong(right, "this divides by 0")
                return Call(_BINARY[type(operator)], values)
            case ast.BinOp(left=left, op=operator, right=right):
                self.value(left, below), self.value(right, below)
                if isinstance(operator, ast.BitXor):
                    return self._wrong(right, "^ is no power here", "write a power with **, as in x**2")
                return self._wrong(right, "a formula has the operators + - * / ** alone", "floor(x / 2) is x // 2")
            case ast.Compare(left=left, ops=operators, comparators=others):
                return self._comparison(node, left, operators, others, below)
            case ast.BoolOp(op=operator, values=values):
                name = "logical_and" if isinstance(operator, ast.And) else "logical_or"
                parts = [self._condition(value, below) for value in values]
                tree = parts[0]
                for part in parts[1:]:
                    tree = Call(name, (tree, part))
                return tree
            case ast.IfExp(test=test, body=body, orelse=otherwise):
                chosen = (self._condition(test, below), self.value(body, below), self.value(otherwise, below))
                return Call("where", chosen)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(node, name, arguments, below)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="xp" | "np" | "math"), attr=name)):
                return self._wrong(node, f"functions are called without a prefix: {quote(name)}", f"write {name}(...)")
            case ast.Call():
                return self._wrong(
                    node, "a function is called by its name, with its arguments in order", "as in exp(-x)"
                )
        what = type(node).__name__
        return self._wrong(node, f"a formula cannot have this ({what})", "it has numbers, names, + - * / **, functions")

    def _number(self, node: ast.Constant, number: float) -> Tree:
        try:
            finite = math.isfinite(float(number))
        except OverflowError:
            finite = False
        return Number(number) if finite else self._wrong(node, "the number is too large")

    def _name(self, node: ast.Name, name: str) -> Tree:
        if name in self._known:
            return Name(name)
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name in CALLABLE:
            return self._wrong(node, f"{quote(name)} is a function", f"write {name}(...)")
        near = suggest(name, self._known)
        add = f"a number that graph files may set: --attribute {name}=1.0; the value of a node: --input {name}"
        return self._wrong(node, f"unknown name {quote(name)}", f"{near} or is it {add}" if near else f"is it {add}")

    def _comparison(
        self, node: ast.Compare, left: ast.expr, operators: list[ast.cmpop], others: list[ast.expr], depth: int
    ) -> Tree:
        tree: Tree | None = None
        for operator, right in zip(operators, others, strict=True):
            if type(operator) not in _COMPARED:
                return self._wrong(node, "numbers are compared by <, <=, >, >=, == and !=")
            one = Call(_COMPARED[type(operator)], (self.value(left, depth), self.value(right, depth)))
            tree = one if tree is None else Call("logical_and", (tree, one))
            left = right
        assert tree is not None
        return tree

    def _call(self, node: ast.Call, name: str, arguments: list[ast.expr], depth: int) -> Tree:
        if any(isinstance(argument, ast.Starred) for argument in arguments):
            return self._wrong(node, "arguments are written one by one")
        if name == "piecewise" or (name == "where" and len(arguments) == 3):
            return self._piecewise(node, name, arguments, depth)
        function = ALIASES.get(name, name)
        values = [self.value(argument, depth) for argument in arguments]
        if function not in CALLABLE:
            hint = suggest(name, CALLABLE) or f"functions are: {_SHOWN}"
            return self._wrong(node, f"unknown function {quote(name)}", hint)
        wanted = 3 if function == "clip" else FUNCTIONS.get(function, 1)
        if function in ("maximum", "minimum") and len(values) > 2:
            tree = values[0]
            for value in values[1:]:
                tree = Call(function, (tree, value))
            return tree
        if len(values) != wanted:
            count = f"{wanted} argument{'s' if wanted > 1 else ''}"
            return self._wrong(node, f"{quote(name)} takes {count}, and has {len(values)}")
        if function == "clip":
            return call("minimum", call("maximum", values[0], values[1]), values[2])
        if function in ABBREVIATIONS:
            return ABBREVIATIONS[function](values[0])
        return call("multiply", values[0], values[0]) if function == "square" else Call(function, tuple(values))

    def _piecewise(self, node: ast.Call, name: str, arguments: list[ast.expr], depth: int) -> Tree:
        if len(arguments) < 3 or len(arguments) % 2 == 0:
            return self._wrong(
                node,
                f"{quote(name)} takes conditions with values, and last the value elsewhere",
                "as in piecewise(x < -1, -1, x > 1, 1, x)",
            )
        tree = self.value(arguments[-1], depth)
        for position in range(len(arguments) - 3, -1, -2):
            chosen = self.value(arguments[position + 1], depth)
            tree = Call("where", (self._condition(arguments[position], depth), chosen, tree))
        return tree

    def _checked_constant(self, node: ast.expr, tree: Call) -> Tree:
        value = constant_value(tree)
        if value is None or not math.isfinite(value):
            return self._wrong(node, "this is no finite number")
        return tree
