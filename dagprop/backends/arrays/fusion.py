"""Fusion: neighbouring instructions that go over the same rows and columns are put into groups."""

from __future__ import annotations

from math import prod

from dagprop.backends.arrays.code_text import NOT_IN_NUMPY
from dagprop.backends.arrays.groups import Group, Kind, Member, Unit, fixed_values
from dagprop.backends.arrays.layouts import Access, Layout, access, layouts
from dagprop.backends.arrays.lowering import SUBTRACT_COLUMN_SUMS, VIEWS, Lowered
from dagprop.backends.llvm.vector_math import VECTOR_FUNCTIONS
from dagprop.program.records import BOOLEAN, Instruction

VECTORS = frozenset(
    (
        *("add", "subtract", "multiply", "divide", "maximum", "minimum", "negative", "abs", "sign", "sqrt"),
        *("floor", "ceil", "round", "real", "where", *BOOLEAN, *VECTOR_FUNCTIONS),
    )
)
"""The elementwise operations that there is vector code for; others stay with NumPy."""

ALONG_ROW = ("sum", "max", "min")

LONGEST_SUM = 4096
"""Longer rows and columns are summed by NumPy, pairwise, for the sake of accuracy."""

LARGEST_GROUP = 64
"""Members: the registers of a processor, and the patience of a compiler, are limited."""


def fuse(lowered: Lowered) -> list[Unit]:
    """Return what is computed, in order, with groups where neighbours can be computed together."""
    builder = _Builder(lowered)
    for number, instruction in lowered.instructions.items():
        builder.add(number, instruction)
    builder.close()
    _mark_stored(lowered, builder.units)
    return builder.units


class _Builder:
    """The units so far, the group that is open, and what comes behind it."""

    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        self.layouts = layouts(lowered)
        self.fixed = fixed_values(lowered)
        self.units: list[Unit] = []
        self.group: Group | None = None
        self.behind: list[int] = []

    def add(self, number: int, instruction: Instruction) -> None:
        if self.group is not None and instruction.primitive in (*VIEWS, "reshape"):
            source = instruction.operands[0]
            member = self.group.same.get(source, source)
            if self.lowered.roots[number] in self.group.members:
                self.behind.append(number)
                if member in self.group.members and _is_same(self.group, instruction, member):
                    self.group.same[number] = member
                return
        if instruction.primitive in ("input", "constant") or number in self.fixed or self._is_view(number):
            self.units.append(number)  # nothing of the open group is needed for it
            return
        if self.group is not None and len(self.group.members) < LARGEST_GROUP and self._join(self.group, number):
            return
        self.close()
        group = Group(_shape_of_group(self.lowered, instruction))
        if self._join(group, number):
            self.group = group
        else:
            self.units.append(number)

    def close(self) -> None:
        """End the open group."""
        if self.group is not None:
            first, *others = self.group.members
            alone = not others and self.lowered.instructions[first].primitive not in NOT_IN_NUMPY
            self.units += [first] if alone else [self.group]
            self.units += self.behind
            self.group, self.behind = None, []

    def _is_view(self, number: int) -> bool:
        return self.lowered.roots[number] != number and self.lowered.instructions[number].primitive in (
            *VIEWS,
            "reshape",
        )

    def _join(self, group: Group, number: int) -> bool:
        """Make an instruction a member if it can be one."""
        instruction = self.lowered.instructions[number]
        if not prod(group.shape):
            return False
        operands = [group.same.get(operand, operand) for operand in instruction.operands]
        for operand in operands:  # a view of a member that is not the member itself has to be stored first
            if operand not in group.members and self.lowered.roots[operand] in group.members:
                return False
        if instruction.primitive in (*ALONG_ROW, SUBTRACT_COLUMN_SUMS):
            member = self._reduction(group, instruction, operands)
        elif instruction.primitive in VECTORS or instruction.primitive == "one_hot":
            member = self._elementwise(group, instruction, operands)
        else:
            return False
        if member is None:
            return False
        reads = self._reads(group, number, member)
        if reads is None:
            return False
        group.reads |= reads
        group.members[number] = member
        return True

    def _elementwise(self, group: Group, instruction: Instruction, operands: list[int]) -> Member | None:
        shape = instruction.shape
        members = [group.members[operand] for operand in operands if operand in group.members]
        kinds = {member.kind for member in members}
        phase = max((member.available for member in members), default=0)
        if instruction.primitive == "one_hot":
            return Member("full", phase, True, False) if shape == group.shape and not kinds else None
        if kinds and kinds <= {"row", "single"}:
            kind: Kind = "row" if "row" in kinds or prod(shape) != 1 else "single"
            wanted = group.columns if kind == "row" else 1
            return Member(kind, phase, False, False) if prod(shape) == wanted else None
        if shape == group.shape and kinds <= {"full", "column"}:
            for operand, original in zip(operands, instruction.operands, strict=True):
                inner = group.members.get(operand)
                if inner is not None and inner.kind == "column" and not self._is_column(group, original):
                    return None
            return Member("full", phase, True, False)
        if shape in _column_shapes(group) and kinds <= {"column"}:
            inside = {
                self.lowered.instructions[original].shape
                for operand, original in zip(operands, instruction.operands, strict=True)
                if operand in group.members
            }
            return Member("column", phase, False, False) if inside <= {shape} else None
        return None

    def _is_column(self, group: Group, operand: int) -> bool:
        """Whether a value of one number a row is broadcast along the rows when it meets full values."""
        shape = self.lowered.instructions[operand].shape
        return shape in (group.shape, (*group.shape[:-1], 1)) or prod(shape) == 1

    def _reduction(self, group: Group, instruction: Instruction, operands: list[int]) -> Member | None:
        updates = instruction.primitive == SUBTRACT_COLUMN_SUMS
        (source,) = operands[2:] if updates else operands
        if updates and any(operand in group.members for operand in operands[:2]):
            return None
        original = self.lowered.instructions[instruction.operands[2 if updates else 0]]
        count = len(original.shape)
        axes = (0,) if updates else instruction.parameters[0]
        axes = tuple(range(count)) if axes is None else tuple(sorted(axis % count for axis in axes))
        member = group.members.get(source)
        kind = "full" if member is None else member.kind
        phase = 0 if member is None else member.available
        sums = updates or instruction.primitive == "sum"
        if original.boolean and not sums:
            return None
        if sums and max(group.rows if 0 in axes else 1, group.columns) > LONGEST_SUM:
            return None
        if kind == "full" and original.shape == group.shape:
            if axes == (count - 1,) and not updates and group.columns <= LONGEST_SUM:
                return Member("column", phase, True, True)
            if axes == (0,) and count == 2 and sums:
                return Member("row", phase, True, True)
            if axes == tuple(range(count)) and count >= 2 and sums:
                return Member("single", phase, True, True)
        whole = axes == tuple(range(count)) and not updates
        if kind == "column" and sums and whole and prod(original.shape) == group.rows:
            return Member("single", phase, False, True)
        return None

    def _reads(self, group: Group, number: int, member: Member) -> dict[tuple[int, int], Access] | None:
        """Return how the operands that are no members are read; None if one of them cannot be."""
        instruction = self.lowered.instructions[number]
        reads = {}
        for position, operand in enumerate(instruction.operands):
            if group.same.get(operand, operand) in group.members or self._is_number(operand):
                continue
            shape, columns = self._target(group, instruction, member, position)
            found = access(self.lowered.roots[operand], self._layout(instruction, operand), shape, columns)
            if found is None:
                return None
            reads[number, position] = found
        return reads

    def _target(
        self, group: Group, instruction: Instruction, member: Member, position: int
    ) -> tuple[tuple[int, ...], bool]:
        """Return the shape that an operand is broadcast to, and whether its last axis is that of the columns."""
        if instruction.primitive == SUBTRACT_COLUMN_SUMS:
            return (((group.columns,), True), ((), True), (group.shape, True))[position]
        if instruction.primitive == "one_hot":
            return instruction.shape[:-1], False
        if member.reduces:
            return group.shape, True
        return instruction.shape, member.kind in ("full", "row")

    def _layout(self, instruction: Instruction, operand: int) -> Layout:
        layout = self.layouts[operand]
        if instruction.primitive == SUBTRACT_COLUMN_SUMS and operand == instruction.operands[0]:
            return Layout(0, (prod(layout.shape),), (1,))  # a parameter, which has no gaps
        return layout

    def _is_number(self, operand: int) -> bool:
        return self.lowered.instructions[operand].primitive == "constant"


def _shape_of_group(lowered: Lowered, instruction: Instruction) -> tuple[int, ...]:
    if instruction.primitive == SUBTRACT_COLUMN_SUMS:
        return lowered.instructions[instruction.operands[2]].shape
    if instruction.primitive in ALONG_ROW:
        return lowered.instructions[instruction.operands[0]].shape
    return instruction.shape


def _column_shapes(group: Group) -> tuple[tuple[int, ...], ...]:
    return (group.shape[:-1], (*group.shape[:-1], 1))


def _is_same(group: Group, instruction: Instruction, member: int) -> bool:
    """Whether a view has, row by row, the numbers of a member."""
    kind = group.members[member].kind
    if kind == "column" and instruction.primitive == "broadcast_to":
        return False
    if instruction.primitive == "index" and any(isinstance(item, tuple) for item in instruction.parameters[0]):
        return False
    sizes = {"column": group.rows, "row": group.columns, "single": 1}
    swaps = instruction.primitive == "permute_dims"
    return kind != "full" and not swaps and prod(instruction.shape) == sizes[kind]


def _mark_stored(lowered: Lowered, units: list[Unit]) -> None:
    """Note which members are needed outside their group."""
    groups = {number: unit for unit in units if isinstance(unit, Group) for number in unit.members}
    instructions = lowered.instructions
    for number, instruction in instructions.items():
        if instruction.primitive in (*VIEWS, "reshape") and lowered.roots[number] != number:
            continue  # it matters who reads the view
        for operand in instruction.operands:
            group = groups.get(lowered.roots[operand])
            if group is not None and number not in group.members:
                group.stored.add(lowered.roots[operand])
    for number in (*lowered.outputs.values(), *lowered.updates.values()):
        if lowered.roots[number] in groups:
            groups[lowered.roots[number]].stored.add(lowered.roots[number])
    for number, group in groups.items():
        if instructions[number].primitive == SUBTRACT_COLUMN_SUMS:
            group.stored.add(number)
