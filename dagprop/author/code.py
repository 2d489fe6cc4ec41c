"""Expressions as Python: what stands in a rule, with a local variable for each part that is used several times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from dagprop.author.expression import (
    Call,
    Name,
    Number,
    Tree,
    is_constant,
    names_in,
    operands_of,
    replaced,
    walk,
    written_out,
)

COMPARED, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
"""How tightly an operator holds."""

LONGEST = 95
"""A line has at most so many characters behind its margin."""

_SIGNS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!="}

_FLOATS = ("where", "maximum", "minimum")
"""Functions whose numbers are written with a decimal point: their results are numbers of that kind."""

_VARIABLES = {
    "exp": "e",
    "tanh": "t",
    "sqrt": "r",
    "divide": "s",
    "log1p": "p",
    "add": "a",
    "subtract": "d",
    "abs": "m",
}


def rule_lines(tree: Tree, taken: Collection[str]) -> list[str]:
    """Return the lines of the body of a rule.

    Parameters
    ----------
    tree : Tree
    taken : collection of str
        Names that a local variable must not have.
    """
    tree = written_out(tree)
    used = {*taken, *names_in(tree), "xp", "y", "g"}
    lines = []
    for part in _shared(tree):
        name = _variable(part, used)
        used.add(name)
        lines.append((name, part))
    texts: list[str] = []
    known: dict[Tree, Tree] = {}
    for name, part in lines:
        inner = _shortened(
            Call(part.function, tuple(replaced(operand, known) for operand in part.operands)), used, texts
        )
        texts.append(f"{name} = {expression(inner)}")
        known[part] = Name(name)
    last = _shortened(replaced(tree, known), used, texts)
    return [*texts, f"return {expression(last)}"]


def _shortened(tree: Tree, used: set[str], texts: list[str]) -> Tree:
    """Return an expression that fits on a line; what is taken out of it is added to the lines."""
    while len(expression(tree)) > LONGEST:
        fitting = [
            part
            for part in walk(tree)
            if isinstance(part, Call) and len(expression(part)) <= LONGEST and part is not tree
        ]
        part = max(fitting, key=lambda part: len(expression(part)))
        assert isinstance(part, Call)
        name = _variable(part, used)
        used.add(name)
        texts.append(f"{name} = {expression(part)}")
        tree = replaced(tree, {part: Name(name)})
    return tree


def _shared(tree: Tree) -> list[Call]:
    """Return the parts that are used several times and are worth a name, each after those that it contains."""
    parts = dict.fromkeys(walk(tree))
    uses = Counter(operand for part in parts for operand in operands_of(part))
    depth = {part: sum(1 for _ in walk(part)) for part in parts}
    found = [
        part
        for part in parts
        if isinstance(part, Call)
        and uses[part] > 1
        and not is_constant(part)
        and part.function not in _SIGNS
        and _worth(part)
    ]
    return sorted(found, key=lambda part: depth[part])


def _worth(part: Call) -> bool:
    """Whether a part is long: it has a function, or more than one operation."""
    calls = [inner for inner in walk(part) if isinstance(inner, Call) and not is_constant(inner)]
    if len(calls) == 1:
        return calls[0].function not in (
            "add",
            "subtract",
            "multiply",
            "divide",
            "negative",
            "pow",
            "maximum",
            "minimum",
        )
    return True


def _variable(part: Call, used: Collection[str]) -> str:
    function = part.function
    sigmoid = function == "divide" and part.operands[0] == Number(1)
    first = _VARIABLES.get(function, "u") if function != "divide" or sigmoid else "q"
    names: list[str] = [first, *"uvwzabcdhkmnpqrst", *(f"u{i}" for i in range(1000))]
    return next(name for name in names if name not in used)


def expression(tree: Tree) -> str:
    """Return an expression as Python."""
    return _printed(tree)[0]


def _number(value: float, decimal: bool = False) -> str:
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e6):
        return f"{float(value)!r}" if decimal else str(int(value))
    return repr(float(value))


def _printed(tree: Tree, decimal: bool = False) -> tuple[str, int]:
    match tree:
        case Number(value):
            return _number(value, decimal), ATOM if value >= 0 else SIGN
        case Name(name):
            return name, ATOM
        case Call("pi" | "e" as name):
            return f"math.{name}", ATOM
        case Call(function, (left, right)) if function in _SIGNS:
            return f"{_at(left, SUM)} {_SIGNS[function]} {_at(right, SUM)}", COMPARED
        case Call("add", (left, right)):
            return f"{_at(left, SUM)} + {_at(right, PRODUCT)}", SUM
        case Call("subtract", (left, right)):
            return f"{_at(left, SUM)} - {_at(right, PRODUCT)}", SUM
        case Call("multiply", (left, Call("divide", (Number(1), right)))):
            return f"{_at(left, PRODUCT)} / {_at(right, SIGN)}", PRODUCT
        case Call("multiply", (left, right)):
            return f"{_at(left, PRODUCT)} * {_at(right, SIGN)}", PRODUCT
        case Call("divide", (left, right)):
            return f"{_at(left, PRODUCT)} / {_at(right, SIGN)}", PRODUCT
        case Call("negative", (Call("pow") as power,)):
            return f"-({_printed(power)[0]})", PRODUCT
        case Call("negative", (u,)):
            return f"-{_at(u, PRODUCT)}", PRODUCT
        case Call("pow", (base, exponent)):
            sign = "**" if _simple(base) and _simple(exponent) else " ** "
            return f"{_at(base, ATOM)}{sign}{_at(exponent, SIGN)}", POWER
        case Call(function, operands):
            inside = [_printed(operand, function in _FLOATS)[0] for operand in operands]
            space = (
                "math" if is_constant(tree) and function not in ("where", "maximum", "minimum", "sign", "abs") else "xp"
            )
            return f"{space}.{function}({', '.join(inside)})", ATOM
    raise TypeError(tree)


def _simple(tree: Tree) -> bool:
    """Whether a power of this is written without spaces."""
    return isinstance(tree, Name | Number) or (
        isinstance(tree, Call) and tree.function == "negative" and _simple(tree.operands[0])
    )


def _at(tree: Tree, level: int) -> str:
    text, own = _printed(tree)
    return text if own >= level else f"({text})"
