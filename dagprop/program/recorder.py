"""The recorder: where instructions are put down, each once.

Asking for the same operation on the same values twice gives the same value (common subexpressions are shared); what is
known already is worked out at once (constants are folded); what changes nothing is left out (x · 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dagprop.plan.sizes import broadcast
from dagprop.program.records import BOOLEAN, ELEMENTWISE, Instruction, Program, pruned

FOLDED: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "pow": math.pow,
    "negative": lambda a: -a,
    "abs": abs,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
}
"""How constants are folded; an operation that is not here, or fails on the numbers, stays in the program."""

SIMPLIFIED = frozenset(
    (*("negative", "real", "where", "sum", "prod", "max", "min"), *("reshape", "broadcast_to", "permute_dims"))
)
"""Operations that may be equal to a value that is there already, whatever the numbers are."""


_LEFT_OUT = frozenset(("real", "broadcast_to"))
"""Those of them that are no part of a formula."""

KEEPS_TRUTH = frozenset((*BOOLEAN, *("real", "where", "reshape", "broadcast_to", "permute_dims", "concat", "index")))
"""Operations that take truth as it is; for all others true is 1 and false is 0."""

JOINS_TRUTH = frozenset(("add", "multiply", "maximum", "minimum"))
"""Operations that make truth of two truths, as in NumPy: or, and, or, and."""


class Recorder:
    """Instructions so far, and which operation gave which value.

    Parameters
    ----------
    as_written : bool
        Whether to keep what a rule writes, for a formula to be read, and leave out no more than factors of 1.

    Attributes
    ----------
    instructions : list of Instruction
        Instruction number i gives value number i.
    origin : str
        The step of the plan that is being recorded.
    """

    def __init__(self, as_written: bool = False) -> None:
        self.origin = ""
        self._simplified = _LEFT_OUT if as_written else SIMPLIFIED
        self._as_written = as_written
        self.instructions: list[Instruction] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._constants: dict[int, float] = {}
        self._truths: set[int] = set()
        self._broadcasts: set[int] = set()

    def constant(self, value: float) -> int:
        """Return the number of a constant."""
        # 0.0 == -0.0 and nan != nan, but here equal means written in the same way.
        return self._put("constant", (), (float(value),), (), key=("constant", float(value).hex()))

    def input(self, name: str, shape: tuple[int, ...]) -> int:
        """Return the number of a value that a run is given."""
        return self._put("input", (), (name,), shape)

    def put(
        self, primitive: str, operands: tuple[int, ...], parameters: tuple[Any, ...], shape: tuple[int, ...]
    ) -> int:
        """Return the number of the value that an operation gives, recording it if it is new."""
        if self._broadcasts and primitive in ELEMENTWISE and not self._broadcasts.isdisjoint(operands):
            operands = self._without_broadcasts(operands, shape)
        if self._truths and not self._truths.isdisjoint(operands):
            operands = self._numbers_where_needed(primitive, operands)
        if primitive in SIMPLIFIED or not self._constants.keys().isdisjoint(operands):
            simple = self._simplify(primitive, operands, parameters, shape)
            if simple is not None:
                return simple
        return self._put(primitive, operands, parameters, shape)

    def _put(
        self,
        primitive: str,
        operands: tuple[int, ...],
        parameters: tuple[Any, ...],
        shape: tuple[int, ...],
        key: tuple[Any, ...] | None = None,
    ) -> int:
        key = key or (primitive, operands, parameters)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.instructions)
            boolean = primitive in BOOLEAN
            if self._truths and not boolean and not self._truths.isdisjoint(operands) and primitive != "real":
                boolean = self._truths.issuperset(operands[primitive == "where" :])
            if boolean:
                self._truths.add(number)
            elif primitive == "constant":
                self._constants[number] = parameters[0]
            elif primitive == "broadcast_to":
                self._broadcasts.add(number)
            self.instructions.append(Instruction(primitive, operands, parameters, shape, boolean, self.origin))
        return number

    def _numbers_where_needed(self, primitive: str, operands: tuple[int, ...]) -> tuple[int, ...]:
        """Return operands with truth as numbers, where the operation is one on numbers."""
        values = operands[1:] if primitive == "where" else operands
        all_truths = self._truths.issuperset(values)
        if primitive == "real" or primitive in BOOLEAN or (primitive in KEEPS_TRUTH | JOINS_TRUTH and all_truths):
            return operands
        numbers = (
            self.put("real", (value,), (), self.instructions[value].shape) if value in self._truths else value
            for value in values
        )
        return (*operands[: len(operands) - len(values)], *numbers)

    def _without_broadcasts(self, operands: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the operands as they were before they were broadcast, where the operation does that itself."""
        for position, operand in enumerate(operands):
            if self.instructions[operand].primitive == "broadcast_to":
                source = self.instructions[operand].operands[0]
                shorter = (*operands[:position], source, *operands[position + 1 :])
                if broadcast(*(self.instructions[number].shape for number in shorter)) == shape:
                    operands = shorter
        return operands

    def _simplify(
        self, primitive: str, operands: tuple[int, ...], parameters: tuple[Any, ...], shape: tuple[int, ...]
    ) -> int | None:
        """Return the number of a value that is equal to what the operation would give, or None."""
        if not self._constants.keys().isdisjoint(operands):
            number = self._with_constants(primitive, operands, shape)
            if number is not None:
                return number
        if primitive not in self._simplified:
            return None
        first = self.instructions[operands[0]]
        match primitive:
            case "negative" if first.primitive == "negative":
                return first.operands[0]
            case "reshape" | "broadcast_to" if first.shape == shape:
                return operands[0]
            case "sum" | "prod" | "max" | "min" if not first.boolean and _one_each(first, parameters):
                return self.put("reshape", operands, (shape,), shape)
            case "reshape" if first.primitive == "reshape":
                return self.put("reshape", first.operands, parameters, shape)
            case "reshape" if self._is_filled(operands[0]):
                return self.put("broadcast_to", first.operands, parameters, shape)
            case "permute_dims" if parameters[0] == tuple(range(len(shape))):
                return operands[0]
            case "permute_dims" if first.primitive == "permute_dims":
                axes = tuple(first.parameters[0][axis] for axis in parameters[0])
                return self.put("permute_dims", first.operands, (axes,), shape)
            case "real" if not first.boolean:
                return operands[0]
            case "where" if operands[1] == operands[2] and self.instructions[operands[1]].shape == shape:
                return operands[1]
        return None

    def _with_constants(self, primitive: str, operands: tuple[int, ...], shape: tuple[int, ...]) -> int | None:
        """Return what an operation with a constant is equal to, or None."""
        constants = [self._constants.get(operand) for operand in operands]
        if None not in constants and primitive in FOLDED and not self._as_written:
            try:
                return self.constant(FOLDED[primitive](*constants))
            except (ArithmeticError, ValueError):
                return None  # 1/0 is infinite in a run, and must not stop the recording
        match primitive:
            case "multiply" if 1.0 in constants:
                other = operands[1 - constants.index(1.0)]
                return other if self.instructions[other].shape == shape else None
            case "multiply" if -1.0 in constants:
                other = operands[1 - constants.index(-1.0)]
                same = self.instructions[other].shape == shape
                return self.put("negative", (other,), (), shape) if same else None
            case "divide" | "pow" if constants[1] == 1.0 and self.instructions[operands[0]].shape == shape:
                return operands[0]
            case "pow" if constants[1] == 2.0 and not self._as_written:
                return self.put("multiply", (operands[0], operands[0]), (), shape)
        return None

    def _is_filled(self, number: int) -> bool:
        """Whether a value is one number, broadcast."""
        instruction = self.instructions[number]
        return instruction.primitive == "broadcast_to" and not self.instructions[instruction.operands[0]].shape

    def program(self, inputs: Iterable[str], outputs: Mapping[str, int], dtype: str) -> Program:
        """Return the program that gives some values, without the instructions that it does not need.

        Parameters
        ----------
        inputs : iterable of str
            The names that a run is given, whether the program needs them or not.
        outputs : mapping from str to int
        dtype : str
        """
        return pruned(self.instructions, inputs, outputs, dtype)


def _one_each(instruction: Instruction, parameters: tuple[Any, ...]) -> bool:
    """Whether a reduction takes each element alone: all its axes have size 1."""
    axis = parameters[0]
    axes = range(len(instruction.shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return all(instruction.shape[i] == 1 for i in axes)
