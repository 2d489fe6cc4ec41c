"""A forward rule, recorded, as an expression: so that what an author wrote in Python can be derived, too."""

from __future__ import annotations

from typing import Any

from dagprop.author.expression import (
    COMPARISONS,
    FUNCTIONS,
    LOGICAL,
    OPERATORS,
    Call,
    Name,
    Number,
    Tree,
    walk,
)
from dagprop.author.trial import Trial, forward, input_name
from dagprop.program.recorder import Recorder
from dagprop.program.symbols import Symbol, symbolic_namespace

MOST_PARTS = 200
"""An expression has no more parts than this, each counted as often as it stands there: a rule that repeats a step, as
Newton's method does, is a short program and an endless formula.
"""

_KNOWN = {*OPERATORS, *COMPARISONS, *LOGICAL, *FUNCTIONS}


def recorded_forward(trial: Trial) -> tuple[Tree, tuple[str, ...]] | None:
    """Return the forward rule of an elementwise op as an expression in single numbers, and the names of its inputs.

    None where it does what an expression cannot say, or not in :data:`MOST_PARTS`.  Attributes have their values.
    """
    op = trial.case.op
    recorder = Recorder(as_written=True)
    names = [input_name(op, position) for position in range(len(trial.case.shapes))]
    if len(set(names)) < len(names):
        names = [f"{name}{position}" for position, name in enumerate(names)]
    symbols = [Symbol(recorder, recorder.input(name, ())) for name in names]
    try:
        result: Any = forward(op, symbols, trial.case.attributes, symbolic_namespace(recorder))
    except (Exception, SystemExit):  # said elsewhere: the rule cannot be recorded
        return None
    if not isinstance(result, Symbol):
        return None
    trees: list[Tree | None] = []
    parts: list[int] = []
    for instruction in recorder.instructions[: result.number + 1]:
        operands = [trees[operand] for operand in instruction.operands]
        parts.append(1 + sum(parts[operand] for operand in instruction.operands))
        few = parts[-1] <= MOST_PARTS
        trees.append(_tree(instruction.primitive, operands, instruction.parameters) if few else None)
    tree = trees[result.number]
    return None if tree is None else (tree, tuple(names))


def _tree(primitive: str, operands: list[Tree | None], parameters: tuple[Any, ...]) -> Tree | None:
    match primitive:
        case "input":
            return Name(parameters[0])
        case "constant":
            value = parameters[0]
            return Number(int(value) if float(value).is_integer() and abs(value) < 1e6 else value)
        case "real" if isinstance(operands[0], Call):
            return Call("where", (operands[0], Number(1), Number(0)))
    known = [operand for operand in operands if operand is not None]
    return Call(primitive, tuple(known)) if primitive in _KNOWN and len(known) == len(operands) else None


def constants_in(tree: Tree) -> list[float]:
    """Return the numbers of an expression, where it may have kinks."""
    return sorted({float(part.value) for part in walk(tree) if isinstance(part, Number) and abs(part.value) < 100})
