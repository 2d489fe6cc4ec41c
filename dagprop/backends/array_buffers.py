"""Which memory each value of a program lies in: memory is used again when nothing needs its value any more."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod

from dagprop.backends.array_lowering import Lowered
from dagprop.program.records import ELEMENTWISE, Instruction


@dataclass(frozen=True, slots=True)
class Placement:
    """Where values lie.

    Attributes
    ----------
    buffers : tuple of (dtype, number of elements)
    place : dict from int to int
        The buffer of each value that is neither an input, nor a constant, nor a view, nor computed in an input.
    scratch : dict from int to int
        A buffer beside that, for what an instruction needs in between.
    written : dict from int to int
        The values that are computed in the memory of an input, and that input.
    fixed : frozenset of int
        What is the same in each run: worked out once.
    """

    buffers: tuple[tuple[str, int], ...]
    place: dict[int, int]
    scratch: dict[int, int]
    written: dict[int, int]
    fixed: frozenset[int]


SHORT_ROW = 64
"""Up to so many numbers in a row, the largest of each row is found sooner column by column."""


def _scratch(lowered: Lowered, instruction: Instruction) -> tuple[str, int] | None:
    """Return dtype and size of what an instruction computes first, or None."""
    if instruction.primitive == "argmax":
        return "intp", prod(instruction.shape)
    if instruction.primitive in ("max", "min"):
        source = lowered.instructions[instruction.operands[0]]
        shape = source.shape
        if len(shape) == 2 and instruction.parameters[0] == (1,) and 1 < shape[1] <= SHORT_ROW and shape[0] > 1:
            return dtype_of(lowered, source), prod(shape)
    return None


class _Pool:
    """Buffers, and which of them are free."""

    def __init__(self) -> None:
        self.buffers: list[tuple[str, int]] = []
        self.free: list[int] = []

    def new(self, dtype: str, size: int) -> int:
        """Return a buffer that nothing has used."""
        self.buffers.append((dtype, size))
        return len(self.buffers) - 1

    def take(self, dtype: str, size: int) -> int:
        """Return a free buffer that is large enough, or the largest free one made larger, or a new one."""
        fitting = [number for number in self.free if self.buffers[number][0] == dtype]
        if not fitting:
            return self.new(dtype, size)
        large = [number for number in fitting if self.buffers[number][1] >= size]
        if large:
            chosen = min(large, key=lambda number: self.buffers[number][1])
        else:
            chosen = max(fitting, key=lambda number: self.buffers[number][1])
            self.buffers[chosen] = (dtype, size)
        self.free.remove(chosen)
        return chosen


def place_values(lowered: Lowered) -> Placement:
    """Return where to keep each value."""
    pool = _Pool()
    place: dict[int, int] = {}
    scratch: dict[int, int] = {}
    fixed = _fixed(lowered)
    last = _last_uses(lowered)
    written = _written(lowered, last)
    for time, (number, instruction) in enumerate(lowered.instructions.items()):
        dying = [
            root
            for root in dict.fromkeys(lowered.roots[operand] for operand in instruction.operands)
            if last[root] == time and root in place and root not in fixed
        ]
        if _has_own_memory(lowered, number) and number not in written:
            dtype = dtype_of(lowered, instruction)
            reused = _in_place(lowered, number, dying)
            size = prod(instruction.shape)
            if number in fixed:
                place[number] = pool.new(dtype, size)
            elif reused is not None:
                dying.remove(reused)
                place[number] = place[reused]
            else:
                place[number] = pool.take(dtype, size)
            extra = _scratch(lowered, instruction)
            if extra is not None:
                scratch[number] = pool.take(*extra)
                pool.free.append(scratch[number])
        pool.free += [place[root] for root in dying]
        if number in place and last.get(number, time) == time and number not in fixed:
            pool.free.append(place[number])  # nothing reads it
    return Placement(tuple(pool.buffers), place, scratch, written, fixed)


def dtype_of(lowered: Lowered, instruction: Instruction) -> str:
    """Return the dtype of a value."""
    return "bool" if instruction.boolean else lowered.dtype


def _has_own_memory(lowered: Lowered, number: int) -> bool:
    return lowered.roots[number] == number and lowered.instructions[number].primitive not in ("input", "constant")


def _fixed(lowered: Lowered) -> frozenset[int]:
    """Return the values that depend on no input."""
    fixed: set[int] = set()
    for number, instruction in lowered.instructions.items():
        if instruction.primitive != "input" and fixed.issuperset(instruction.operands):
            fixed.add(number)
    return frozenset(fixed)


def _last_uses(lowered: Lowered) -> dict[int, float]:
    """Return when the memory of each root is read or written for the last time; that of outputs, and inputs, never."""
    last: dict[int, float] = {}
    for time, (number, instruction) in enumerate(lowered.instructions.items()):
        last.setdefault(lowered.roots[number], time)
        for operand in instruction.operands:
            last[lowered.roots[operand]] = time
    for number in lowered.outputs.values():
        last[lowered.roots[number]] = inf
    for number in lowered.updates.values():
        if lowered.roots[number] in last:
            last[lowered.roots[number]] = inf
    return last


def _written(lowered: Lowered, last: dict[int, float]) -> dict[int, int]:
    """Return which new values of inputs can be computed in the inputs themselves, elementwise, at the end."""
    written = {}
    times = {number: time for time, number in enumerate(lowered.instructions)}
    for old, new in lowered.updates.items():
        instruction = lowered.instructions[new]
        if lowered.roots[new] == old:
            written[new] = old  # fused: computed there anyhow
            continue
        own = lowered.roots[new] == new and new not in lowered.outputs.values()
        once = list(lowered.updates.values()).count(new) == 1
        read = [operand for operand in instruction.operands if lowered.roots[operand] == old]
        if (
            own
            and once
            and ELEMENTWISE.get(instruction.primitive) == 2
            and read == [old]
            and instruction.shape == lowered.instructions[old].shape
            and not instruction.boolean
            and last[old] == times[new]
            and last[new] in (times[new], inf)
            and not any(new in other.operands for other in lowered.instructions.values())
        ):
            written[new] = old
    return written


def _in_place(lowered: Lowered, number: int, dying: list[int]) -> int | None:
    """Return the root whose memory an instruction may overwrite with its result while it reads it."""
    instruction = lowered.instructions[number]
    if instruction.primitive not in ELEMENTWISE or instruction.primitive == "real":
        return None
    # A choice is written in two steps, so only what the first of them takes may be overwritten.
    candidates = instruction.operands[2:] if instruction.primitive == "where" else instruction.operands
    for operand in candidates:
        root = lowered.roots[operand]
        source = lowered.instructions[operand]
        fits = source.shape == instruction.shape and operand in lowered.gapless
        same_type = dtype_of(lowered, source) == dtype_of(lowered, instruction)
        others = [other for other in instruction.operands if other != operand and lowered.roots[other] == root]
        if root in dying and fits and same_type and not others:
            return root
    return None
