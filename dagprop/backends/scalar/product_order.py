"""Products of several factors, multiplied in the order in which the factors become known.

Back-propagation multiplies from the loss on: ∂L/∂f₃ · f₃′ · w₃ · f₂′ · w₂ · f₁′, where all that stands behind f₃′ has
long been known when ∂L/∂f₃ is.  Code that takes one sample after the other waits for each of these products in turn.
Here (w₃ · f₂′ · w₂ · f₁′) is multiplied while f₃ is being computed, and then there is one product left to wait for.

Only the order changes, so the result differs in its last digits.  Yet a product in between may be too large or too
small for a number although the whole is not.  That cannot be while every factor is 0 or of a moderate size, and the
factors are handed back, for whoever runs the program to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from dagprop.backends.llvm.code import SAME
from dagprop.backends.scalar.joined_operations import PRODUCTS
from dagprop.backends.scalar.latency import arrival
from dagprop.program.records import Instruction, Program, pruned, reached

APART = 4
"""So many parts of a product are kept apart; of more, those that are known first are multiplied at once."""

FACTORS = 10
"""No product has more; where it would, one of its parts counts as a factor itself."""

MODERATE = 2.0**100
"""Products of so many factors that lie between this and its reciprocal are, in any order, numbers with all digits."""


def early_products(program: Program) -> tuple[Program, tuple[int, ...]]:
    """Return a program of single doubles with its products in the order in which their factors become known.

    Returns
    -------
    program : Program
    factors : tuple of int
        Those of all products whose order has changed; it may matter where one is not 0 nor of a :data:`MODERATE` size.
    """
    rewriting = _Rewriting()
    renumbered: list[int] = []
    for instruction in program.instructions:
        operands = tuple(renumbered[operand] for operand in instruction.operands)
        renumbered.append(rewriting.add(instruction._replace(operands=operands)))
    instructions = rewriting.instructions
    outputs = {name: renumbered[position] for name, position in program.outputs.items()}
    needed = reached(instructions, outputs.values())
    factors = {f"factor {position}": position for position in rewriting.factors(needed)}
    result = pruned(instructions, program.inputs, {**outputs, **factors}, program.dtype)
    kept = {name: result.outputs[name] for name in outputs}
    found = tuple(result.outputs[name] for name in factors)
    return Program(result.instructions, result.inputs, kept, result.dtype), found


class _Rewriting:
    """The new instructions, when each is known, and of which parts those are made that are products."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self._known: list[int] = []
        self._parts: dict[int, tuple[int, ...]] = {}
        self._sizes: dict[int, int] = {}  # how many factors a part has, if they are several
        self._products: dict[tuple[int, ...], int] = {}
        self._made: list[int] = []

    def add(self, instruction: Instruction) -> int:
        """Add an instruction of the program, or what gives the same sooner; return where the result is."""
        if instruction.primitive in SAME and not self.instructions[instruction.operands[0]].boolean:
            return instruction.operands[0]
        position = self._put(instruction)
        if not self._is_product(instruction):
            return position
        parts = [part for operand in instruction.operands for part in self._parts.get(operand, (operand,))]
        while sum(self._size(part) for part in parts) > FACTORS:
            self._sizes[max(parts, key=self._size)] = 1
        apart = [(self._known[part], part) for part in parts]
        heapify(apart)
        while len(apart) > APART:
            self._multiply_first(apart, instruction)
        self._parts[position] = tuple(part for _, part in apart)
        if _together([known for known, _ in apart]) >= self._known[position]:
            return position
        while len(apart) > 1:
            self._multiply_first(apart, instruction)
        ((_, sooner),) = apart
        self._parts[sooner] = self._parts[position]
        return sooner

    def factors(self, needed: Sequence[bool]) -> list[int]:
        """Return the factors of those products that were made, and are needed."""
        operands = (operand for made in self._made if needed[made] for operand in self.instructions[made].operands)
        return [operand for operand in dict.fromkeys(operands) if self._size(operand) == 1]

    def _size(self, part: int) -> int:
        return self._sizes.get(part, 1)

    def _is_product(self, instruction: Instruction) -> bool:
        """Whether it multiplies numbers, not truths."""
        truths = (self.instructions[operand].boolean for operand in instruction.operands)
        return instruction.primitive in PRODUCTS and not instruction.boolean and not any(truths)

    def _multiply_first(self, apart: list[tuple[int, int]], whole: Instruction) -> None:
        """Put the product of the two parts that are known first in their place."""
        operands = tuple(sorted((heappop(apart)[1], heappop(apart)[1])))
        position = self._products.get(operands)
        if position is None:
            position = self._put(whole._replace(primitive="multiply", operands=operands))
        self._made.append(position)  # even if it was there: its factors had no part in the whole in this order
        self._sizes.setdefault(position, sum(map(self._size, operands)))
        heappush(apart, (self._known[position], position))

    def _put(self, instruction: Instruction) -> int:
        if self._is_product(instruction):
            self._products.setdefault(tuple(sorted(instruction.operands)), len(self.instructions))
        self._known.append(arrival(instruction, self._known))
        self.instructions.append(instruction)
        return len(self.instructions) - 1


def _together(known: Sequence[int]) -> int:
    """Return when the product of parts is known, of which the two that are known first are multiplied first."""
    product = Instruction("multiply", (0, 1), (), (), False, "")
    times = list(known)
    heapify(times)
    while len(times) > 1:
        heappush(times, arrival(product, (heappop(times), heappop(times))))
    return times[0]
