"""Programs of many single numbers, as code for a small machine, where compiling them would take longer than it saves.

The machine is one compiled loop with a case for each operation, made of the same lines that compiled programs are made
of, for the operations that occur; what it runs are rows of three numbers: the operation and
where its result goes, and two operands.  The third operand of ``where`` lies where the result goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dagprop.backends.llvm_code import SAME, plain
from dagprop.backends.machine_code import CODES, COPY
from dagprop.backends.reference import Array
from dagprop.backends.scalar_code import Roles
from dagprop.backends.trainer import NotCompiledError
from dagprop.program.records import Program


@dataclass(frozen=True, slots=True, eq=False)
class Bytecode:
    """A program with the training around it.

    Attributes
    ----------
    values : array
        The memory at the start: constants, and room for all else.
    slots : dict from str to int
        Where each leaf lies.
    sample, update : array of int32
        Rows to run for each sample, and once behind each batch.
    loss, rate, trouble : int
        Where these lie: trouble is NaN when a state was not finite.
    compared : tuple of int
    """

    values: Array
    slots: dict[str, int]
    sample: Array
    update: Array
    loss: int
    rate: int
    trouble: int
    compared: tuple[int, ...]


def encode(program: Program, roles: Roles, batched: bool) -> Bytecode:
    """Return a program of single numbers for the machine; true is 1 and false is 0.

    Raises
    ------
    NotCompiledError
        If the program is too large for it.
    """
    instructions = program.instructions
    roots, last = _last_uses(program)
    for position in (roles.loss, *roles.compared, *roles.gradients.values(), *roles.updates.values()):
        last[roots[position]] = FOREVER
    constants: dict[int, float] = {}
    place = [0] * len(instructions)
    free: list[int] = []  # places that can be taken again, so that memory stays in the cache
    room = 0
    rows: list[int] = []
    for position, instruction in enumerate(instructions):
        primitive = instruction.primitive
        if roots[position] != position:
            place[position] = place[roots[position]]
            continue
        if primitive in _PINNED:
            place[position] = room
            if primitive != "input":
                constants[room] = instruction.parameters[0] if primitive == "constant" else 0.0
            room += 1
            continue
        if free:
            result = free.pop()
        else:
            result, room = room, room + 1
        place[position] = result
        operands = instruction.operands
        name = "multiply" if primitive == "matmul" else plain(instruction) if instruction.boolean else primitive
        head = CODES[name] | result << 8
        if len(operands) == 2:
            rows += (head, place[operands[0]], place[operands[1]])
        elif len(operands) == 1:
            rows += (head, place[operands[0]], 0)
        else:
            rows += (CODES[COPY] | result << 8, place[operands[2]], 0, head, place[operands[0]], place[operands[1]])
        for operand in set(operands) if len(operands) > 1 else operands:
            root = roots[operand]
            if last[root] == position:
                last[root] = FOREVER  # an operand under two names is let go once
                free.append(place[root])
    return _with_updates(program, roles, batched, place, rows, constants, room)


FOREVER = 1 << 60

_PINNED = ("input", "constant", "argmax")
"""What has a place of its own, because the next sample needs it too."""


def _last_uses(program: Program) -> tuple[list[int], list[int]]:
    """Return for each value the first that is equal to it, and for these the last instruction that needs them."""
    roots: list[int] = []
    last = [0] * len(program.instructions)
    for position, instruction in enumerate(program.instructions):
        operands = instruction.operands
        if instruction.primitive in SAME:
            roots.append(roots[operands[0]])
            continue
        roots.append(position)
        if instruction.primitive in _PINNED:
            last[position] = FOREVER
        for operand in operands:
            root = roots[operand]
            if last[root] != FOREVER:
                last[root] = position
    return roots, last


def _with_updates(
    program: Program,
    roles: Roles,
    batched: bool,
    place: list[int],
    rows: list[int],
    constants: dict[int, float],
    room: int,
) -> Bytecode:
    """Return the code of a program with the sums over a batch, and the new values of parameters and states."""

    def row(operation: str, result: int, a: int, b: int = 0) -> tuple[int, int, int]:
        return CODES[operation] | result << 8, a, b

    zero, rate, trouble = room, room + 1, room + 2
    room += 3
    slots = {name: place[position] for name, position in program.inputs.items()}
    for leaf in roles.leaves:
        if leaf not in slots:
            slots[leaf], room = room, room + 1
    update: list[int] = []
    behind: list[int] = []  # new values are stored when all of them are known
    for parameter, gradient in roles.gradients.items():
        source = place[gradient]
        if batched:
            source, room = room, room + 1
            rows += row("add", source, source, place[gradient])
            behind += row(COPY, source, zero)
        update += row("multiply", room, rate, source)
        behind += row("subtract", slots[parameter], slots[parameter], room)
        room += 1
    for state, value in roles.updates.items():
        update += row(COPY, room, place[value])
        behind += row(COPY, slots[state], room)
        update += (*row("multiply", room + 1, room, zero), *row("add", trouble, trouble, room + 1))
        room += 2
    if room >= 1 << 23:
        raise NotCompiledError("there are too many numbers")
    values = np.zeros(room, program.dtype)
    with np.errstate(over="ignore"):  # a constant may be infinite in float32
        values[list(constants)] = list(constants.values())
    return Bytecode(
        values,
        slots,
        np.array(rows, np.int32).reshape(-1, 3),
        np.array(update + behind, np.int32).reshape(-1, 3),
        place[roles.loss],
        rate,
        trouble,
        tuple(place[position] for position in roles.compared),
    )


def operations_of(code: Bytecode) -> tuple[str, ...]:
    """Return the operations that occur in some code, in the order of their numbers."""
    counts = np.bincount(np.concatenate([code.sample[:, 0], code.update[:, 0]]) & 255, minlength=len(CODES))
    return tuple(name for name, number in CODES.items() if counts[number])
