"""What is computed of each tile of a product while it is in the registers: the bias, the activation.

It is the group that follows a product, see :mod:`dagprop.backends.arrays.epilogue_groups`.  Written to memory is only
what the group stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dagprop.backends.arrays.groups import Group
from dagprop.backends.arrays.layouts import Access
from dagprop.backends.arrays.lowering import SUBTRACT_COLUMN_SUMS, Lowered
from dagprop.backends.llvm.code import ARITHMETIC, COMPARISONS, number
from dagprop.backends.llvm.vector_lines import VectorLines
from dagprop.program.records import Instruction
from dagprop.record import record


@record
class Stretch:
    """Some neighbouring columns.

    Attributes
    ----------
    column : str
        The first of them.
    count, length : int
        How many they are, and of the vector that holds them.
    """

    column: str
    count: int
    length: int


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

    def room(self, lines: VectorLines, width: int) -> None:
        """Write what makes room for the sums over the rows of so many columns."""
        for number_ in self._sums:
            lines.line(f"%sum{number_} = alloca {lines.kind}, i64 {width}, align 64")

    def begin(self, lines: VectorLines, length: int) -> None:
        """Write what comes before the tiles of a stretch of columns."""
        for number_ in self._sums:
            lines.store("zeroinitializer", f"%sum{number_}", length, length)

    def tile(self, lines: VectorLines, totals: Sequence[str], i: str, stretch: Stretch) -> None:
        """Write what is made of the rows of a tile, the first of which is row i, and stored.

        Parameters
        ----------
        lines : VectorLines
        totals : sequence of str
            For each row the vector with the numbers of the product.
        i : str
        stretch : Stretch
        """
        length = stretch.length
        sums = {number_: lines.load(f"%sum{number_}", length, length) for number_ in self._sums}
        for place, total in enumerate(totals):
            part = _Part(lines, stretch, lines.sum(i, str(place)), total)
            members = [n for n, member in self.group.members.items() if member.kind == "full"]
            self._compute(part, members)
            for number_ in sums:
                before, after = sums[number_], lines.new("%x")
                value = self._operand(part, number_, len(self.lowered.instructions[number_].operands) - 1)
                lines.line(f"{after} = fadd {lines.vector(length)} {before}, {value}")
                sums[number_] = after
            self._store(part, members)
        for number_, total in sums.items():
            lines.store(total, f"%sum{number_}", length, length)

    def end(self, lines: VectorLines, stretch: Stretch) -> None:
        """Write what is made of the sums over the rows, when the tiles of a stretch of columns are done."""
        part = _Part(lines, stretch, "0", "")
        for number_ in self._sums:
            full, total = lines.vector(stretch.length), lines.load(f"%sum{number_}", stretch.length, stretch.length)
            if self.lowered.instructions[number_].primitive == SUBTRACT_COLUMN_SUMS:
                old, rate = (self._operand(part, number_, place) for place in (0, 1))
                scaled, new = lines.new("%x"), lines.new("%x")
                lines.line(f"{scaled} = fmul {full} {total}, {rate}")
                lines.line(f"{new} = fsub {full} {old}, {scaled}")
                total = new
            part.values[number_] = total
        members = [n for n, member in self.group.members.items() if member.kind == "row"]
        self._compute(part, members)
        self._store(part, members)

    @property
    def _sums(self) -> list[int]:
        """The members that are sums over the rows, one for each column."""
        return [number_ for number_, member in self.group.members.items() if member.reduces]

    def _compute(self, part: _Part, members: Sequence[int]) -> None:
        """Write the members that are not known yet."""
        for number_ in members:
            if number_ not in part.values:
                self._compute_one(part, number_)

    def _store(self, part: _Part, members: Sequence[int]) -> None:
        """Write how members are stored: when all is read, which may lie in the same place."""
        for number_ in members:
            if number_ in self.group.stored:
                name = self.arguments[self.lowered.roots[number_]]
                at = part.lines.element(f"%{name}", part.index(self.group.columns, 1))
                part.lines.store(part.values[number_], at, part.stretch.count, part.stretch.length)

    def _compute_one(self, part: _Part, number_: int) -> None:
        instruction = self.lowered.instructions[number_]
        given = [self._operand(part, number_, place) for place in range(len(instruction.operands))]
        for place, operand in enumerate(instruction.operands):
            if self.lowered.instructions[operand].boolean and instruction.primitive != "where":
                given[place] = self._number(part, given[place])
        part.values[number_] = _operation(part.lines, instruction, given, part.lines.kind, part.stretch.length)
        if instruction.primitive in COMPARISONS and not instruction.boolean:
            part.values[number_] = self._number(part, part.values[number_])

    def _number(self, part: _Part, truths: str) -> str:
        """Return 1 and 0 for true and false."""
        result, length = part.lines.new("%x"), part.stretch.length
        part.lines.line(f"{result} = uitofp <{length} x i1> {truths} to {part.lines.vector(length)}")
        return result

    def _operand(self, part: _Part, number_: int, place: int) -> str:
        lines, stretch = part.lines, part.stretch
        operand = self.lowered.instructions[number_].operands[place]
        source = self.lowered.instructions[operand]
        if source.primitive == "constant":
            return f"splat ({lines.kind} {number(source.parameters[0], lines.kind)})"
        operand = self.group.same.get(operand, operand)
        if operand in part.values:
            return part.values[operand]
        access = self.group.reads[number_, place]
        if access.root == self.lowered.roots[self.product]:
            return part.total
        if access not in part.loaded:
            index = part.index(access.row_stride, access.column_stride, access.offset)
            at = lines.element(f"%{self.arguments[access.root]}", index)
            if access.column_stride:
                part.loaded[access] = lines.load(at, stretch.count, stretch.length)
            else:
                one = lines.new("%x")
                lines.line(f"{one} = load {lines.kind}, ptr {at}")
                part.loaded[access] = lines.spread(one, stretch.length)
        return part.loaded[access]


@dataclass(slots=True, eq=False)
class _Part:
    """Neighbours in a row, and what is known of them: the product, what has been computed, what has been read."""

    lines: VectorLines
    stretch: Stretch
    row: str
    total: str
    values: dict[int, str] = field(default_factory=dict)
    loaded: dict[Access, str] = field(default_factory=dict)

    def index(self, row_stride: int, column_stride: int, offset: int = 0) -> str:
        """Return offset + row·row_stride + column·column_stride."""
        result = str(offset)
        for index, stride in ((self.row, row_stride), (self.stretch.column, column_stride)):
            if stride and index != "0":
                scaled, total = self.lines.new("%x"), self.lines.new("%x")
                self.lines.line(f"{scaled} = mul nsw i64 {index}, {stride}")
                self.lines.line(f"{total} = add nsw i64 {result}, {scaled}")
                result = total
        return result


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
