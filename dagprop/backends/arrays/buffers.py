"""Which memory each value of a program lies in: memory is used again when nothing needs its value any more."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from math import inf, prod

from dagprop.backends.arrays.groups import Group, Unit, fixed_values, numbers, overwritable
from dagprop.backends.arrays.lowering import Lowered
from dagprop.program.records import ELEMENTWISE, Instruction
from dagprop.record import record


@record
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
        self._free: dict[str, dict[int, deque[int]]] = {}  # by dtype and size; graphs have many values of few sizes

    def new(self, dtype: str, size: int) -> int:
        """Return a buffer that nothing has used."""
        self.buffers.append((dtype, size))
        return len(self.buffers) - 1

    def take(self, dtype: str, size: int) -> int:
        """Return a free buffer that is large enough, or the largest free one made larger, or a new one."""
        free = self._free.get(dtype)
        if not free:
            return self.new(dtype, size)
        large = [one for one in free if one >= size]
        found = min(large) if large else max(free)
        chosen = free[found].popleft()
        if not free[found]:
            del free[found]
        if not large:
            self.buffers[chosen] = (dtype, size)
        return chosen

    def let_go(self, numbers: Iterable[int]) -> None:
        """Note that buffers are free again."""
        for number in numbers:
            dtype, size = self.buffers[number]
            self._free.setdefault(dtype, {}).setdefault(size, deque()).append(number)


def place_values(lowered: Lowered, units: Sequence[Unit]) -> Placement:
    """Return where to keep each value.

    Parameters
    ----------
    lowered : Lowered
    units : sequence of int or Group
        What is computed at a time, in order.
    """
    pool = _Pool()
    place: dict[int, int] = {}
    scratch: dict[int, int] = {}
    fixed = fixed_values(lowered)
    last = _last_uses(lowered, units)
    written = _written(lowered, units, last)
    for time, unit in enumerate(units):
        dying = [
            root
            for root in dict.fromkeys(_roots_read(lowered, unit))
            if last[root] == time and root in place and root not in fixed
        ]
        results = [number for number in _stored(unit) if _has_own_memory(lowered, number) and number not in written]
        for number in results:
            instruction = lowered.instructions[number]
            dtype, size = dtype_of(lowered, instruction), prod(instruction.shape)
            reused = _in_place(lowered, unit, number, dying)
            if number in fixed:
                place[number] = pool.new(dtype, size)
            elif reused is not None:
                dying.remove(reused)
                place[number] = place[reused]
            else:
                place[number] = pool.take(dtype, size)
            extra = _scratch(lowered, instruction) if isinstance(unit, int) else None
            if extra is not None:
                scratch[number] = pool.take(*extra)
                pool.let_go([scratch[number]])
        pool.let_go(place[root] for root in dying)
        # What nothing reads can be overwritten at once.
        pool.let_go(place[number] for number in results if last.get(number, time) == time and number not in fixed)
    return Placement(tuple(pool.buffers), place, scratch, written, fixed)


def _stored(unit: Unit) -> list[int]:
    """Return what a unit computes that has to lie in memory, in order."""
    return [unit] if isinstance(unit, int) else [number for number in unit.members if number in unit.stored]


def _roots_read(lowered: Lowered, unit: Unit) -> Iterator[int]:
    """Yield the roots of what a unit reads."""
    for number in numbers(unit):
        for operand in lowered.instructions[number].operands:
            if isinstance(unit, int) or lowered.roots[operand] not in unit.members:
                yield lowered.roots[operand]


def dtype_of(lowered: Lowered, instruction: Instruction) -> str:
    """Return the dtype of a value."""
    return "bool" if instruction.boolean else lowered.dtype


def _has_own_memory(lowered: Lowered, number: int) -> bool:
    return lowered.roots[number] == number and lowered.instructions[number].primitive not in ("input", "constant")


def _last_uses(lowered: Lowered, units: Sequence[Unit]) -> dict[int, float]:
    """Return when the memory of each root is read or written for the last time; that of outputs, and inputs, never."""
    last: dict[int, float] = {}
    for time, unit in enumerate(units):
        last.update({lowered.roots[number]: time for number in numbers(unit) if lowered.roots[number] not in last})
        last.update(dict.fromkeys(_roots_read(lowered, unit), time))
    for number in lowered.outputs.values():
        last[lowered.roots[number]] = inf
    for number in lowered.updates.values():
        if lowered.roots[number] in last:
            last[lowered.roots[number]] = inf
    return last


def _written(lowered: Lowered, units: Sequence[Unit], last: dict[int, float]) -> dict[int, int]:
    """Return which new values of inputs can be computed in the inputs themselves, elementwise, at the end."""
    written = {}
    times = {number: time for time, unit in enumerate(units) for number in numbers(unit)}
    readers: dict[int, set[int]] = {}
    for number, instruction in lowered.instructions.items():
        for operand in instruction.operands:
            readers.setdefault(operand, set()).add(number)
    takers, outputs = Counter(lowered.updates.values()), set(lowered.outputs.values())
    for old, new in lowered.updates.items():
        instruction = lowered.instructions[new]
        if lowered.roots[new] == old:
            written[new] = old  # fused: computed there anyhow
            continue
        own = lowered.roots[new] == new and new not in outputs and takers[new] == 1
        unit = units[times[new]]
        if isinstance(unit, Group):  # whoever needs the new value in the group does not read it from memory
            fits = readers.get(new, set()) <= unit.members.keys() and overwritable(unit, old, new)
        else:
            read = [operand for operand in instruction.operands if lowered.roots[operand] == old]
            fits = new not in readers and ELEMENTWISE.get(instruction.primitive) == 2 and read == [old]
        if (
            own
            and fits
            and instruction.shape == lowered.instructions[old].shape
            and not instruction.boolean
            and last[old] == times[new]
            and last[new] in (times[new], inf)
        ):
            written[new] = old
    return written


def _in_place(lowered: Lowered, unit: Unit, number: int, dying: list[int]) -> int | None:
    """Return the root whose memory an instruction may overwrite with its result while it reads it."""
    instruction = lowered.instructions[number]
    if isinstance(unit, Group):
        for root in dying:
            source = lowered.instructions[root]
            same_type = dtype_of(lowered, source) == dtype_of(lowered, instruction)
            if same_type and prod(source.shape) == prod(instruction.shape) and overwritable(unit, root, number):
                return root
        return None
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
