"""Groups: instructions that one kernel computes in a loop over rows and columns.

A group works on arrays of one shape, seen as rows of columns: all axes but the last are the rows.  Its members are

- ``full``: a number for each row and column;
- ``column``: a number for each row: a reduction of a full value along the row, and what is computed from such;
- ``row``: a number for each column, and ``single``: one number: sums over the rows, known when all rows are done.

A row is gone through in passes: what needs a reduction along the row has to wait for the pass behind it.  No array is
stored of what is used only inside its group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from dagprop.backends.arrays.code_text import NOT_IN_NUMPY
from dagprop.backends.arrays.layouts import Access
from dagprop.backends.arrays.lowering import SUBTRACT_COLUMN_SUMS, Lowered
from dagprop.record import record

Kind = Literal["full", "column", "row", "single"]


@record
class Member:
    """One instruction of a group.

    Attributes
    ----------
    kind : {"full", "column", "row", "single"}
    phase : int
        The pass along a row in which it is computed; of what is computed between passes, the pass behind that.
    in_pass : bool
        Whether it is computed column by column: a full value, and what takes together full values.
    reduces : bool
        Whether it takes together the numbers of a row, or of all rows.
    """

    kind: Kind
    phase: int
    in_pass: bool
    reduces: bool

    @property
    def available(self) -> int:
        """The first pass that can use it."""
        return self.phase + 1 if self.in_pass and self.reduces else self.phase


@dataclass(slots=True, eq=False)
class Group:
    """Instructions that one kernel computes.

    Attributes
    ----------
    shape : tuple of int
        Of the full values.
    members : dict from int to Member
    same : dict from int to int
        Views of members that have the same numbers row by row, and those members.
    reads : dict from (int, int) to Access
        How a member reads an operand that is none, by number of the member and position of the operand.
    stored : set of int
        The members that are needed outside.
    """

    shape: tuple[int, ...]
    members: dict[int, Member] = field(default_factory=dict)
    same: dict[int, int] = field(default_factory=dict)
    reads: dict[tuple[int, int], Access] = field(default_factory=dict)
    stored: set[int] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return prod(self.shape[:-1])

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self.shape[-1] if self.shape else 1

    @property
    def passes(self) -> int:
        """How often each row is gone through."""
        return 1 + max((member.phase for member in self.members.values() if member.in_pass), default=-1)


Unit = int | Group
"""What is computed at a time: an instruction, or a group."""


def numbers(unit: Unit) -> Iterator[int]:
    """Yield the instructions of a unit."""
    yield from (unit,) if isinstance(unit, int) else unit.members


def fixed_values(lowered: Lowered) -> frozenset[int]:
    """Return the values that depend on no input."""
    fixed: set[int] = set()
    for number, instruction in lowered.instructions.items():
        if instruction.primitive != "input" and fixed.issuperset(instruction.operands):
            fixed.add(number)
    return frozenset(fixed)


def reads_what_it_changes(lowered: Lowered, group: Group) -> bool:
    """Whether a parameter that a group updates is read by others of its members: all columns need it as it was."""
    updates = {n for n in group.members if lowered.instructions[n].primitive == SUBTRACT_COLUMN_SUMS}
    changed = {lowered.roots[number] for number in updates}
    return any(access.root in changed and number not in updates for (number, _), access in group.reads.items())


def overwritable(group: Group, root: int, number: int) -> bool:
    """Whether a full member may lie where a value lies that its group reads for the last time.

    No number may be overwritten before all who need it have read it: each of them has to be read in the same place as
    the new one is stored, in the same pass or in an earlier one.
    """
    member = group.members[number]
    return member.kind == "full" and all(
        (access.offset, access.column_stride) == (0, 1)
        and (access.row_stride == group.columns or group.rows == 1)
        and group.members[reader].in_pass
        and group.members[reader].phase <= member.phase
        for (reader, _), access in group.reads.items()
        if access.root == root
    )


CALL = 1e-6
"""Seconds that a call of NumPy takes at least."""
ELEMENT = 2e-10
"""Seconds that a number takes to be read and written once more."""
PYTHON = 5e-8
"""Seconds that a number takes for which Python has to call a function, because NumPy does not have it."""
START = 0.1
"""Seconds until LLVM is loaded."""
COMPILING = 0.002
"""Seconds to compile one member of a group."""
MOST = 5000
"""Members of all groups together: with more, nobody waits for LLVM, however many steps there are."""


def pays(lowered: Lowered, units: Sequence[Unit], steps: float) -> bool:
    """Whether fusing saves more time in so many steps than LLVM takes."""
    groups = [unit for unit in units if isinstance(unit, Group)]
    saved = sum((len(group.members) - 1) * (CALL + ELEMENT * prod(group.shape)) for group in groups)
    members = [lowered.instructions[number] for group in groups for number in group.members]
    saved += sum(PYTHON * prod(member.shape) for member in members if member.primitive in NOT_IN_NUMPY)
    return 0 < len(members) <= MOST and steps * saved > START + COMPILING * len(members)
