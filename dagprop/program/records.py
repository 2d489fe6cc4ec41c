"""A program: primitive operations in order, each result given a number once and never changed (SSA).

It is what a plan comes down to when its rules are recorded instead of run.  There are no graphs, ops or gradients in it
any more, only arithmetic; every fast back end is made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dagprop.record import record

ELEMENTWISE: dict[str, int] = {
    **dict.fromkeys(("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "pow"), 2),
    **dict.fromkeys(("maximum", "minimum"), 2),
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"), 2),
    **dict.fromkeys(("logical_and", "logical_or"), 2),
    **dict.fromkeys(("negative", "abs", "sign", "sqrt", "exp", "expm1", "log", "log1p"), 1),
    **dict.fromkeys(("sin", "cos", "tan", "asin", "acos", "atan"), 1),
    **dict.fromkeys(("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"), 1),
    **dict.fromkeys(("floor", "ceil", "round", "erf", "erfc", "isfinite", "logical_not"), 1),
    "real": 1,
    "where": 3,
}
"""Primitives that work element by element, with the number of their operands; ``real`` turns truth into 1 and 0."""

BOOLEAN = frozenset(
    (
        *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
        *("logical_and", "logical_or", "logical_not", "isfinite"),
    )
)
"""Primitives whose result is true or false."""

STRUCTURAL: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("sum", "prod", "max", "min", "argmax"), ("axis", "keepdims")),
    "matmul": (),
    "permute_dims": ("axes",),
    **dict.fromkeys(("reshape", "broadcast_to"), ("shape",)),
    "concat": ("axis",),
    "index": ("key",),
    "one_hot": ("size",),
}
"""The other primitives, with the names of their parameters."""

SOURCES: dict[str, tuple[str, ...]] = {"input": ("name",), "constant": ("value",)}
"""Where values begin: what a run is given, and numbers."""


class Instruction(NamedTuple):
    """One primitive operation; a tuple, which is made in a fraction of the time of a frozen dataclass.

    Attributes
    ----------
    primitive : str
        A key of :data:`ELEMENTWISE`, :data:`STRUCTURAL` or :data:`SOURCES`.
    operands : tuple of int
        The numbers of the instructions whose results it works on.
    parameters : tuple
        What is fixed when the program is made, in the order that the tables above name.
    shape : tuple of int
        Of the result.
    boolean : bool
        Whether the result is true or false instead of a number.
    origin : str
        The step of the plan that asked for it first.
    """

    primitive: str
    operands: tuple[int, ...]
    parameters: tuple[Any, ...]
    shape: tuple[int, ...]
    boolean: bool
    origin: str


@record(eq=False)
class Program:
    """Instructions in order; instruction number i gives value number i.

    Attributes
    ----------
    instructions : tuple of Instruction
    inputs : mapping from str to int
        The number of each value that a run is given, by name.
    outputs : mapping from str to int
        The number of each value that a run gives back, by name; several names may share a value.
    dtype : str
        Of every number.
    """

    instructions: tuple[Instruction, ...]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    dtype: str

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield one line an instruction, with the step that it comes from, and one line an output."""
        width = len(str(len(self.instructions)))
        texts = [f"%{number:<{width}} = {_call(instruction)}" for number, instruction in enumerate(self.instructions)]
        column = min(max(map(len, texts), default=0), 60)
        for text, instruction in zip(texts, self.instructions, strict=True):
            shape = "x".join(map(str, instruction.shape))
            comment = f"{shape + '  ' if shape else ''}{instruction.origin}"
            yield f"{text:<{column}}  # {comment}" if comment else text
        for name, number in self.outputs.items():
            yield f"return {name} = %{number}"


def pruned(
    instructions: Sequence[Instruction], inputs: Iterable[str], outputs: Mapping[str, int], dtype: str
) -> Program:
    """Return the program that gives some values, without the instructions that it does not need.

    Parameters
    ----------
    instructions : sequence of Instruction
    inputs : iterable of str
        The names that a run is given, whether the program needs them or not.
    outputs : mapping from str to int
    dtype : str
    """
    needed = reached(instructions, outputs.values())
    first = needed.index(False) if False in needed else len(needed)
    renumbered = list(range(len(needed)))
    kept = list(instructions[:first])
    for number in range(first, len(needed)):
        if needed[number]:
            renumbered[number] = len(kept)
            primitive, operands, parameters, shape, boolean, origin = instructions[number]
            operands = tuple([renumbered[operand] for operand in operands])
            kept.append(Instruction(primitive, operands, parameters, shape, boolean, origin))
    names = set(inputs)
    used = {i.parameters[0]: number for number, i in enumerate(kept) if i.primitive == "input"}
    return Program(
        tuple(kept),
        {name: number for name, number in used.items() if name in names},
        {name: renumbered[number] for name, number in outputs.items()},
        dtype,
    )


def reached(instructions: Sequence[Instruction], numbers: Iterable[int]) -> list[bool]:
    """Return for each instruction whether some values need it, or are its own."""
    needed = [False] * len(instructions)
    for number in numbers:
        needed[number] = True
    for number in range(len(needed) - 1, -1, -1):
        if needed[number]:
            for operand in instructions[number].operands:
                needed[operand] = True
    return needed


def _call(instruction: Instruction) -> str:
    operands = [f"%{number}" for number in instruction.operands]
    parameters = [_text(parameter) for parameter in instruction.parameters]
    return f"{instruction.primitive} {', '.join([*operands, *parameters])}"


def _text(parameter: Any) -> str:
    return parameter if isinstance(parameter, str) else repr(parameter)
