"""Programs of many single numbers, as code for a small machine, where compiling them would take longer than it saves.

The machine is one compiled loop with a case for each operation, made of the same lines that compiled programs are made
of, for the operations that occur; what it runs are rows of three numbers: the operation and
where its result goes, and two operands.  The third operand of ``where`` lies where the result goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dagprop.backends.llvm.code import SAME, plain
from dagprop.backends.reference import Array
from dagprop.backends.scalar.code import Roles
from dagprop.backends.scalar.machine_code import CODES, COPY
from dagprop.backends.scalar.updates import ScalarUpdate
from dagprop.backends.trainer import NotCompiledError
from dagprop.program.records import Program
from dagprop.program.update import gradient_name
from dagprop.record import record


@record(eq=False)
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
    loss, special : int
        Where these lie: special is the number of samples of a step, behind which there are a number that is NaN when a
        state was not finite, and the coefficients that each step has its own of.
    compared : tuple of int
    """

    values: Array
    slots: dict[str, int]
    sample: Array
    update: Array
    loss: int
    special: int
    compared: tuple[int, ...]


def encode(program: Program, roles: Roles, updates: Mapping[str, ScalarUpdate], batched: bool) -> Bytecode:
    """Return a program of single numbers for the machine; true is 1 and false is 0.

    Raises
    ------
    NotCompiledError
        If the program is too large for it.
    """
    roots, last = _last_uses(program)
    gradients = (gradient_name(parameter) for parameter in roles.parameters)
    for name in (roles.loss, *roles.compared, *gradients, *roles.updates.values()):
        last[roots[program.outputs[name]]] = FOREVER
    memory = _Memory()
    rows: list[int] = []
    place = _with_rows(program, roots, last, memory, {}, rows)
    return _with_updates(program, roles, updates, batched, place, rows, memory)


class _Memory:
    """The places of numbers: those that are constant, those that can be taken again, and how many there are."""

    def __init__(self) -> None:
        self.constants: dict[int, float] = {}
        self.free: list[int] = []  # so that memory stays in the cache
        self.room = 0

    def new(self, constant: float | None = None) -> int:
        """Return a place that has not been taken before."""
        if constant is not None:
            self.constants[self.room] = constant
        self.room += 1
        return self.room - 1


def _with_rows(
    program: Program, roots: list[int], last: list[int], memory: _Memory, given: Mapping[int, int], rows: list[int]
) -> list[int]:
    """Add the rows that compute a program; return where each value lies, which for some values is given."""
    place = [0] * len(program.instructions)
    free = memory.free
    for position, instruction in enumerate(program.instructions):
        primitive = instruction.primitive
        if roots[position] != position:
            place[position] = place[roots[position]]
            continue
        if primitive in _PINNED and position in given:
            place[position] = given[position]
            continue
        if primitive in _PINNED:
            constant = instruction.parameters[0] if primitive == "constant" else None if primitive == "input" else 0.0
            place[position] = memory.new(constant)
            continue
        result = given[position] if position in given else free.pop() if free else memory.new()
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
    return place


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
    updates: Mapping[str, ScalarUpdate],
    batched: bool,
    place: list[int],
    rows: list[int],
    memory: _Memory,
) -> Bytecode:
    """Return the code of a program with the sums over a batch, and the new values of all that changes."""

    def row(operation: str, result: int, a: int, b: int = 0) -> tuple[int, int, int]:
        return CODES[operation] | result << 8, a, b

    samples, trouble, *varying = (memory.new() for _ in range(2 + len(roles.varying)))
    zero = memory.new()
    slots = {name: place[position] for name, position in program.inputs.items()}
    slots |= {leaf: memory.new() for leaf in roles.leaves if leaf not in slots}
    known = {**slots, **dict(zip(roles.varying, varying, strict=True))}
    leaf_places = set(slots.values())
    first: list[int] = []  # what would else be read behind a change of it
    behind: list[int] = []
    sources: dict[str, int] = {}
    for parameter in roles.parameters:
        source = place[program.outputs[gradient_name(parameter)]]
        if batched:
            sources[parameter] = total = memory.new()
            rows += row("add", total, total, source)
        elif source in leaf_places:
            first += row(COPY, copy := memory.new(), source)
            sources[parameter] = copy
        else:
            sources[parameter] = source
    for state, value in roles.updates.items():
        copy = memory.new()
        first += row(COPY, copy, place[program.outputs[value]])
        behind += row(COPY, slots[state], copy)
        probe = memory.new()
        first += (*row("multiply", probe, copy, zero), *row("add", trouble, trouble, probe))
    templates: dict[int, _Template] = {}
    for update in updates.values():
        key = id(update.program)
        if key not in templates:
            templates[key] = _Template(update.program, known, memory)
    change: list[int] = []
    for parameter, update in updates.items():
        source = sources[parameter]
        if batched:
            change += row("divide", source, source, samples)
        places = {name: slots[leaf] for name, leaf in update.names.items()}
        change += templates[id(update.program)].rows_for({**places, "gradient": source})
        if batched:
            change += row(COPY, source, zero)
    if memory.room >= 1 << 23:
        raise NotCompiledError("there are too many numbers")
    values = np.zeros(memory.room, program.dtype)
    with np.errstate(over="ignore"):  # a constant may be infinite in float32
        values[list(memory.constants)] = list(memory.constants.values())
    return Bytecode(
        values,
        slots,
        np.array(rows, np.int32).reshape(-1, 3),
        np.array(first + change + behind, np.int32).reshape(-1, 3),
        place[program.outputs[roles.loss]],
        samples,
        tuple(place[program.outputs[name]] for name in roles.compared),
    )


_PLACEHOLDER = 1 << 40
"""From here on, places of a template stand for those of a parameter."""


class _Template:
    """The rows of an update, written once for all parameters of a shape.

    Parameters
    ----------
    program : Program
        Of a :class:`~dagprop.backends.scalar.updates.ScalarUpdate`.
    known : mapping from str to int
        Where coefficients lie.
    memory : _Memory
        For what lies in between, which is the same for all parameters.
    """

    def __init__(self, program: Program, known: Mapping[str, int], memory: _Memory) -> None:
        roots, last = _last_uses(program)
        names = dict.fromkeys(name for name in (*program.inputs, *program.outputs) if name not in known)
        self._placeholders = {name: _PLACEHOLDER + place for place, name in enumerate(names)}
        places = {**known, **self._placeholders}
        given = {number: places[name] for name, number in program.inputs.items()}
        results = {name: roots[number] for name, number in program.outputs.items()}
        for number in results.values():
            last[number] = FOREVER
        direct = {name for name in results if _can_overwrite(program, roots, results, name)}
        given |= {results[name]: places[name] for name in direct}
        rows: list[int] = []
        place = _with_rows(program, roots, last, memory, given, rows)
        # All that is left is copied together before any of it is written: one may be the old value of another.
        left = {name: place[number] for name, number in results.items() if place[number] != places[name]}
        for name, source in left.items():
            left[name] = memory.new()
            rows += (CODES[COPY] | left[name] << 8, source, 0)
        for name, source in left.items():
            rows += (CODES[COPY] | places[name] << 8, source, 0)
        self._rows = rows

    def rows_for(self, places: Mapping[str, int]) -> list[int]:
        """Return the rows for one parameter: where it, its gradient and its memories lie is given by name."""
        table = [places[name] for name in self._placeholders]

        def actual(place: int) -> int:
            return table[place - _PLACEHOLDER] if place >= _PLACEHOLDER else place

        return [
            actual(number) if column % 3 else number & 255 | actual(number >> 8) << 8
            for column, number in enumerate(self._rows)
        ]


def _can_overwrite(program: Program, roots: Sequence[int], results: Mapping[str, int], name: str) -> bool:
    """Whether a new value can be computed where the old one lies: nothing reads the old one any more by then."""
    old, new = program.inputs.get(name), results[name]
    instruction = program.instructions[new]
    if instruction.primitive in _PINNED or list(results.values()).count(new) > 1:
        return False
    if old is None:
        return True
    if old in results.values():
        return False
    # A choice is written in two steps, of which the second still reads.
    first = new if instruction.primitive == "where" else new + 1
    later = program.instructions[first:]
    return not any(roots[operand] == old for instruction in later for operand in instruction.operands)


def operations_of(code: Bytecode) -> tuple[str, ...]:
    """Return the operations that occur in some code, in the order of their numbers."""
    counts = np.bincount(np.concatenate([code.sample[:, 0], code.update[:, 0]]) & 255, minlength=len(CODES))
    return tuple(name for name, number in CODES.items() if counts[number])
