"""Operations that machine code does together with the one that needs their result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dagprop.backends.scalar.latency import arrivals
from dagprop.program.records import Program

PRODUCTS = ("multiply", "matmul")
"""What multiplies single numbers."""


def exponential_sums(program: Program) -> dict[int, tuple[int, int]]:
    """Return the sums of an exponential that nothing else needs and a positive number: where these two are."""
    instructions = program.instructions
    return {
        position: (exponential, other)
        for position, exponential, other in _only_for(program, "add", "exp")
        if instructions[other].primitive == "constant" and instructions[other].parameters[0] > 0
    }


def exponential_products(program: Program) -> dict[int, tuple[int, int, float]]:
    """Return the exponentials of products: where the factor is that is known first, where the other, and the sign."""
    instructions = program.instructions
    known = arrivals(instructions)
    found = {}
    for position, instruction in enumerate(instructions):
        if instruction.primitive == "exp":
            sign, (factors,) = 1.0, instruction.operands
            if instructions[factors].primitive == "negative":
                sign, (factors,) = -1.0, instructions[factors].operands
            if instructions[factors].primitive in PRODUCTS:
                early, late = sorted(instructions[factors].operands, key=known.__getitem__)
                found[position] = (early, late, sign)
    return found


def product_differences(program: Program) -> dict[int, tuple[int, int]]:
    """Return where a product that nothing else needs is subtracted from a value: where these two are."""
    return {
        position: (product, value)
        for position, product, value in _only_for(program, "subtract", "multiply")
        if program.instructions[position].operands == (value, product)
    }


def _only_for(program: Program, primitive: str, part: str) -> Iterator[tuple[int, int, int]]:
    """Yield where an operation has a part that is for it alone, the part, and its other operand."""
    instructions = program.instructions
    uses = Counter(operand for instruction in instructions for operand in instruction.operands)
    uses.update(program.outputs.values())
    for position, instruction in enumerate(instructions):
        if instruction.primitive == primitive:
            for one, other in (instruction.operands, instruction.operands[::-1]):
                if instructions[one].primitive == part and uses[one] == 1:
                    yield position, one, other
