"""Which group can be computed together with a product: that which follows it, and alone reads its result.

All its operations need vector instructions.  It may have sums over the rows where all rows of a column are computed in
one go: such are the gradients of a bias, behind the product that gives the gradient of a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set

from dagprop.backends.arrays.epilogue import Epilogue
from dagprop.backends.arrays.groups import Group, Member, Unit, reads_what_it_changes
from dagprop.backends.arrays.lowering import Lowered
from dagprop.backends.llvm.code import ARITHMETIC, COMPARISONS

_OPERATIONS = (*ARITHMETIC, *COMPARISONS, "negative", "maximum", "minimum", "where", "real")

CALLER = -1
"""Stands for whoever runs a program, among those that read a value."""


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
    lowered: Lowered,
    readers: Mapping[int, Set[int]],
    group: Group,
    product: int,
    by_columns: bool,
    name: Callable[[int], str],
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
    by_columns : bool
        Whether the product has all rows of some columns computed before the next ones: then the group may have sums
        over the rows.
    name : callable
        Gives the name of the array in which a root lies.
    """
    instructions, root = lowered.instructions, lowered.roots[product]
    members = group.members
    own = [access for access in group.reads.values() if access.root == root]
    aligned = all((a.offset, a.row_stride, a.column_stride) == (0, group.columns, 1) for a in own)
    if not own or not aligned or group.shape != instructions[product].shape:
        return None
    if not all(_is_simple(lowered, number_, member, by_columns) for number_, member in members.items()):
        return None
    if any(instructions[number_].boolean for number_ in group.stored):
        return None
    if any(access.column_stride not in (0, 1) or instructions[access.root].boolean for access in group.reads.values()):
        return None
    if not readers[root] <= members.keys():
        return None
    if reads_what_it_changes(lowered, group):
        return None
    stored = {lowered.roots[number_] for number_ in group.stored}
    sides = {name(lowered.roots[operand]) for operand in instructions[product].operands}
    if sides & {name(number_) for number_ in stored}:
        return None
    others = dict.fromkeys([*(a.root for a in group.reads.values() if a.root != root), *stored])
    return Epilogue(lowered, group, product, {other: name(other) for other in others})


def _is_simple(lowered: Lowered, number_: int, member: Member, by_columns: bool) -> bool:
    """Whether a member is an operation on vectors of numbers, or of truths where they are called for; or a sum."""
    instruction = lowered.instructions[number_]
    truths = [lowered.instructions[operand].boolean for operand in instruction.operands]
    if member.kind != "full" and not (member.kind == "row" and by_columns):
        return False
    if member.reduces:
        return True
    if instruction.primitive not in _OPERATIONS or (instruction.boolean and instruction.primitive not in COMPARISONS):
        return False
    return instruction.primitive != "where" or truths == [True, False, False]


def next_to_products(lowered: Lowered, units: Sequence[Unit]) -> list[Unit]:
    """Return the units with groups directly behind the product that they read.

    What parts them are updates of parameters, which have to come behind the product that reads the parameter, but may
    as well come behind the group.
    """
    result: list[Unit] = []
    for unit in units:
        place = len(result)
        if isinstance(unit, Group):
            read = {operand for number in unit.members for operand in lowered.instructions[number].operands}
            changed = {lowered.roots[number] for number in unit.members}
            while place and _can_wait(lowered, result[place - 1], read, changed):
                place -= 1
            if not place or not _is_product(lowered, result[place - 1], read):
                place = len(result)
        result.insert(place, unit)
    return result


def _can_wait(lowered: Lowered, unit: Unit, read: Set[int], changed: Set[int]) -> bool:
    """Whether an update of a parameter, or a view, may as well come behind a group that reads and changes something."""
    if isinstance(unit, Group) or lowered.roots[unit] == unit:
        return False
    # What an update changes is read by nothing behind it, so not by the group.
    return unit not in read and changed.isdisjoint(lowered.roots[n] for n in lowered.instructions[unit].operands)


def _is_product(lowered: Lowered, unit: Unit, read: Set[int]) -> bool:
    return not isinstance(unit, Group) and lowered.instructions[unit].primitive == "matmul" and unit in read
