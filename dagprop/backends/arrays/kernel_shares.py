"""How long the kernel of a group takes, and how threads share it."""

from __future__ import annotations

from dagprop.backends.arrays.groups import Group, reads_what_it_changes
from dagprop.backends.arrays.lowering import Lowered
from dagprop.backends.arrays.shares import Share, share
from dagprop.backends.llvm.vector_math import VECTOR_FUNCTIONS

ELEMENT = 1e-10
"""Seconds that an operation takes on a number, about."""

LINE = 64
"""Columns: no two threads write to the same line of the cache."""

PART = 25e-6
"""Seconds: where less is computed at a time, it is quicker to read the numbers from the own cache alone."""

_COSTLY = 10
"""Of a function other than arithmetic, in operations."""


def kernel_share(lowered: Lowered, group: Group, threads: int) -> Share:
    """Return how threads share the kernel of a group."""
    columns = group.rows * group.columns if _is_flat(lowered, group) else group.columns
    unit = LINE if _has_free_columns(lowered, group) else columns
    return share(columns, unit, _seconds(lowered, group), threads, PART)


def _has_free_columns(lowered: Lowered, group: Group) -> bool:
    """Whether a column needs no other: none that a row takes together with it, and none that changes what it reads."""
    return not reads_what_it_changes(lowered, group) and all(
        member.kind in ("full", "row") and lowered.instructions[number_].primitive != "one_hot"
        for number_, member in group.members.items()
    )


def _seconds(lowered: Lowered, group: Group) -> float:
    """Return how long one thread takes for a group, about."""
    primitives = [lowered.instructions[number_].primitive for number_ in group.members]
    operations = sum(_COSTLY if primitive in VECTOR_FUNCTIONS else 1 for primitive in primitives)
    return ELEMENT * group.rows * group.columns * operations


def _is_flat(lowered: Lowered, group: Group) -> bool:
    """Whether all rows can be taken as one; where a column stands for a class, each row has its own."""
    return (
        all(member.kind == "full" for member in group.members.values())
        and all(lowered.instructions[number_].primitive != "one_hot" for number_ in group.members)
        and all(access.row_stride == access.column_stride * group.columns for access in group.reads.values())
    )
