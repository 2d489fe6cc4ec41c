"""When each value of a program of single numbers is known: what code that takes one step after the other waits for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dagprop.program.records import SOURCES, Instruction

_CYCLES = {
    **dict.fromkeys(SOURCES, 0),
    **dict.fromkeys(("reshape", "broadcast_to", "permute_dims", "index", "concat", "real", "negative", "abs"), 0),
    **dict.fromkeys(("sum", "prod", "max", "min"), 0),
    **dict.fromkeys(("add", "subtract", "where"), 3),
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"), 3),
    **dict.fromkeys(("maximum", "minimum"), 4),
    **dict.fromkeys(("multiply", "matmul"), 4),
    **dict.fromkeys(("divide", "sqrt"), 14),
    "exp": 20,
}
"""From the operands to the result, on processors of these years, about; of a single number the sum is the number."""

_OTHERS = 40
"""Most of them are functions of the C library."""


def arrival(instruction: Instruction, known: Sequence[int]) -> int:
    """Return after how many cycles the result of an instruction is known, if that is known of those before it.

    The inputs of a program are there from the beginning.
    """
    waits = max((known[operand] for operand in instruction.operands), default=0)
    return waits + _CYCLES.get(instruction.primitive, _OTHERS)


def arrivals(instructions: Iterable[Instruction]) -> list[int]:
    """Return after how many cycles each value of a program is known."""
    known: list[int] = []
    for instruction in instructions:
        known.append(arrival(instruction, known))
    return known
