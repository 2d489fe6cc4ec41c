"""What is computed of each tile of a product while it is in the registers: the bias, the activation.

It is the group that follows a product and alone reads its result, where all its operations have vector instructions.
Written to memory is only what the group stores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

from dagprop.backends.arrays.groups import Group
from dagprop.backends.arrays.layouts import Access
from dagprop.backends.arrays.lowering import Lowered
from dagprop.backends.llvm.code import ARITHMETIC, COMPARISONS, TYPES, number
from dagprop.backends.llvm.vector_lines import VectorLines
from dagprop.program.records import Instruction
from dagprop.record import record

_OPERATIONS = (*ARITHMETIC, *COMPARISONS, "negative", "maximum", "minimum", "where", "real")

CALLER = -1
"""Stands for whoever runs a program, among those that read a value."""


@record(eq=False)
class Epilogue:
    """The group of a product.

    Attributes
    ----------
    lowered : Lowered
    group : Group
    product : int
    arguments : mapping from int to str
        The names of the arrays beside left and right: by root, what is read but the product, and what is stored.
    """

    lowered: Lowered
    group: Group
    product: int
    arguments: Mapping[int, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments, each once."""
        return tuple(dict.fromkeys(self.arguments.values()))

    def write(self, lines: VectorLines, total: str, row: str, column: str, count: int, length: int) -> None:
        """Write what is made of neighbours of one row of a tile, and stored.

        Parameters
        ----------
        lines : VectorLines
        total : str
            The vector with the numbers of the product.
        row, column : str
            The place of the first of them, in the whole result.
        count, length : int
            How many they are, and of the vector.
        """
        values: dict[int, str] = {}
        loaded: dict[Access, str] = {}
        for number_ in self.group.members:
            instruction = self.lowered.instructions[number_]
            given = [
                self._operand(lines, number_, place, values, loaded, (total, row, column, count, length))
                for place in range(len(instruction.operands))
            ]
            for place, operand in enumerate(instruction.operands):
                if self.lowered.instructions[operand].boolean and instruction.primitive != "where":
                    given[place] = self._number(lines, given[place], length)
            values[number_] = _operation(lines, instruction, given, TYPES[self.lowered.dtype], length)
            if instruction.primitive in COMPARISONS and not instruction.boolean:
                values[number_] = self._number(lines, values[number_], length)
        for number_ in self.group.members:  # all is read before anything is written: it may lie in the same place
            if number_ in self.group.stored:
                name = self.arguments[self.lowered.roots[number_]]
                at = lines.element(f"%{name}", _index(lines, (row, self.group.columns), (column, 1)))
                lines.store(values[number_], at, count, length)

    def _number(self, lines: VectorLines, truths: str, length: int) -> str:
        """Return 1 and 0 for true and false."""
        result = lines.new("%x")
        lines.line(f"{result} = uitofp <{length} x i1> {truths} to <{length} x {TYPES[self.lowered.dtype]}>")
        return result

    def _operand(
        self,
        lines: VectorLines,
        number_: int,
        place: int,
        values: Mapping[int, str],
        loaded: dict[Access, str],
        tile: tuple[str, str, str, int, int],
    ) -> str:
        total, row, column, count, length = tile
        operand = self.lowered.instructions[number_].operands[place]
        source = self.lowered.instructions[operand]
        if source.primitive == "constant":
            kind = TYPES[self.lowered.dtype]
            return f"splat ({kind} {number(source.parameters[0], kind)})"
        operand = self.group.same.get(operand, operand)
        if operand in values:
            return values[operand]
        access = self.group.reads[number_, place]
        if access.root == self.lowered.roots[self.product]:
            return total
        if access not in loaded:
            index = _index(lines, (row, access.row_stride), (column, access.column_stride), access.offset)
            at = lines.element(f"%{self.arguments[access.root]}", index)
            if access.column_stride:
                loaded[access] = lines.load(at, count, length)
            else:
                one = lines.new("%x")
                lines.line(f"{one} = load {TYPES[self.lowered.dtype]}, ptr {at}")
                loaded[access] = lines.spread(one, length)
        return loaded[access]


def readers_of(lowered: Lowered) -> dict[int, set[int]]:
    """Return which instructions read each root; what is left behind when all is done is read by :data:`CALLER`."""
    found: dict[int, set[int]] = {}
    for number_, instruction in lowered.instructions.items():
        for operand in instruction.operands:
            found.setdefault(lowered.roots[operand], set()).add(number_)
    for number_ in (*lowered.outputs.values(), *lowered.updates.values()):
        found.setdefault(lowered.roots[number_], set()).add(CALLER)
    return found


def epilogue_of(
    lowered: Lowered, readers: Mapping[int, Set[int]], group: Group, product: int, name: Callable[[int], str]
) -> Epilogue | None:
    """Return the epilogue that a group is to a product, or None if it is none.

    Parameters
    ----------
    lowered : Lowered
    readers : mapping from int to set of int
        Of :func:`readers_of`.
    group : Group
        Computed directly behind the product.
    product : int
    name : callable
        Gives the name of the array in which a root lies.
    """
    instructions, root = lowered.instructions, lowered.roots[product]
    members = group.members
    own = [access for access in group.reads.values() if access.root == root]
    aligned = all((a.offset, a.row_stride, a.column_stride) == (0, group.columns, 1) for a in own)
    if not own or not aligned or group.shape != instructions[product].shape:
        return None
    if any(member.kind != "full" or not _is_simple(lowered, number_) for number_, member in members.items()):
        return None
    if any(instructions[number_].boolean for number_ in group.stored):
        return None
    if any(access.column_stride not in (0, 1) or instructions[access.root].boolean for access in group.reads.values()):
        return None
    if not readers[root] <= members.keys():
        return None
    stored = {lowered.roots[number_] for number_ in group.stored}
    sides = {name(lowered.roots[operand]) for operand in instructions[product].operands}
    if sides & {name(number_) for number_ in stored}:
        return None
    others = dict.fromkeys([*(a.root for a in group.reads.values() if a.root != root), *stored])
    return Epilogue(lowered, group, product, {other: name(other) for other in others})


def _is_simple(lowered: Lowered, number_: int) -> bool:
    """Whether an instruction is one of vectors of numbers, or of truths where they are called for."""
    instruction = lowered.instructions[number_]
    truths = [lowered.instructions[operand].boolean for operand in instruction.operands]
    if instruction.primitive not in _OPERATIONS or (instruction.boolean and instruction.primitive not in COMPARISONS):
        return False
    return instruction.primitive != "where" or truths == [True, False, False]


def _operation(lines: VectorLines, instruction: Instruction, given: list[str], kind: str, length: int) -> str:
    """Write an operation on vectors; return the result."""
    primitive, result = instruction.primitive, lines.new("%x")
    full, truths = f"<{length} x {kind}>", f"<{length} x i1>"
    if primitive in ARITHMETIC:
        lines.line(f"{result} = {ARITHMETIC[primitive]} {full} {given[0]}, {given[1]}")
    elif primitive in COMPARISONS:
        lines.line(f"{result} = fcmp {COMPARISONS[primitive]} {full} {given[0]}, {given[1]}")
    elif primitive == "negative":
        lines.line(f"{result} = fneg {full} {given[0]}")
    elif primitive == "where":
        lines.line(f"{result} = select {truths} {given[0]}, {full} {given[1]}, {full} {given[2]}")
    elif primitive == "real":
        return given[0]
    else:  # maximum and minimum; a NaN on either side wins
        larger, unknown, first = (lines.new("%x") for _ in range(3))
        lines.line(f"{larger} = fcmp {'oge' if primitive == 'maximum' else 'ole'} {full} {given[0]}, {given[1]}")
        lines.line(f"{unknown} = fcmp uno {full} {given[0]}, zeroinitializer")
        lines.line(f"{first} = or {truths} {larger}, {unknown}")
        lines.line(f"{result} = select {truths} {first}, {full} {given[0]}, {full} {given[1]}")
    return result


def _index(lines: VectorLines, one: tuple[str, int], other: tuple[str, int], offset: int = 0) -> str:
    """Return offset + Σ index·stride."""
    result = str(offset)
    for index, stride in (one, other):
        if stride:
            scaled, total = lines.new("%x"), lines.new("%x")
            lines.line(f"{scaled} = mul nsw i64 {index}, {stride}")
            lines.line(f"{total} = add nsw i64 {result}, {scaled}")
            result = total
    return result
