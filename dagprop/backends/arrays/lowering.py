"""Lowering: the instructions of a program in the form in which arrays compute them best.

Only what the wanted outputs need is left.  The numbers of the instructions stay those of the program; what is new gets
numbers behind them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from math import prod
from typing import Any

from dagprop.program.records import BOOLEAN, ELEMENTWISE, Instruction, Program
from dagprop.record import record

SUBTRACT_PRODUCT = "subtract_product"
"""``w - rate * (a @ b)``, with the operands w, rate, a, b; computed in w."""
SUBTRACT_COLUMN_SUMS = "subtract_column_sums"
"""``w - rate * sum(a, axis=0)``, with the operands w, rate, a; computed in w."""
COPY = "copy"
"""The same array, without gaps."""

VIEWS = ("permute_dims", "broadcast_to", "index")
"""What is another way to look at the same memory; so is ``reshape`` of an array without gaps."""


@record(eq=False)
class Lowered:
    """Instructions by number, in the order in which to compute them.

    Attributes
    ----------
    instructions : dict from int to Instruction
    inputs, outputs : dict from str to int
    updates : dict from int to int
        The inputs that are to hold another value after the step, and that value.
    roots : dict from int to int
        For each value, the one in whose memory it lies: for a view what it looks at, else itself.
    gapless : set of int
        The values that are C-contiguous.
    dtype : str
    """

    instructions: dict[int, Instruction]
    inputs: dict[str, int]
    outputs: dict[str, int]
    updates: dict[int, int]
    roots: dict[int, int]
    gapless: set[int]
    dtype: str


def lower(
    program: Program, outputs: Collection[str] | None = None, updates: Mapping[str, str] | None = None
) -> Lowered:
    """Return the instructions that give some outputs of a program.

    Parameters
    ----------
    program : Program
    outputs : collection of str, optional
        Their names; by default all.
    updates : mapping from str to str, optional
        The inputs that are to take on the value of an output when all is computed.
    """
    updates = updates or {}
    kept = {name: number for name, number in program.outputs.items() if outputs is None or name in outputs}
    changed = {program.inputs[name]: program.outputs[new] for name, new in updates.items() if name in program.inputs}
    wanted = {*kept.values(), *changed.values()}
    instructions = _needed(dict(enumerate(program.instructions)), wanted)
    _use_truth_as_numbers(instructions, wanted)
    instructions = _needed(instructions, wanted)
    fused = _fuse_updates(instructions, set(kept.values()), changed)
    instructions = _reordered(_needed(instructions, wanted), fused)
    instructions, roots, gapless = _laid_out(instructions, fused, len(program.instructions))
    return Lowered(instructions, dict(program.inputs), kept, changed, roots, gapless, program.dtype)


def _needed(instructions: dict[int, Instruction], wanted: set[int]) -> dict[int, Instruction]:
    """Return the instructions without those that nothing wanted depends on."""
    needed = set(wanted)
    for number in reversed(instructions):
        if number in needed:
            needed.update(instructions[number].operands)
    return {number: instruction for number, instruction in instructions.items() if number in needed}


def _changed(
    instruction: Instruction, primitive: str, operands: tuple[int, ...], parameters: tuple[Any, ...]
) -> Instruction:
    """Return an instruction for another operation with a result of the same form."""
    return Instruction(primitive, operands, parameters, instruction.shape, instruction.boolean, instruction.origin)


def _uses(instructions: Mapping[int, Instruction]) -> dict[int, int]:
    uses = dict.fromkeys(instructions, 0)
    for instruction in instructions.values():
        for operand in instruction.operands:
            uses[operand] += 1
    return uses


def _use_truth_as_numbers(instructions: dict[int, Instruction], wanted: set[int]) -> None:
    """Turn a choice between 1 and 0 into the condition itself, computed as a number where nobody else needs it."""
    for number, instruction in instructions.items():
        if instruction.primitive == "where" and not instruction.boolean:
            choices = [instructions[operand] for operand in instruction.operands[1:]]
            values = [item.parameters[0].hex() if item.primitive == "constant" else None for item in choices]
            one_and_zero = values == [(1.0).hex(), (0.0).hex()]  # and not -0.0, which is equal to 0.0
            if one_and_zero and instructions[instruction.operands[0]].shape == instruction.shape:
                instructions[number] = _changed(instruction, "real", instruction.operands[:1], ())
    uses = _uses(instructions)
    for number, instruction in instructions.items():
        if instruction.primitive == "real":
            (operand,) = instruction.operands
            condition = instructions[operand]
            comparison = condition.primitive in BOOLEAN and len(condition.operands) == 2  # of truths, a sum is an or
            if comparison and uses[operand] == 1 and operand not in wanted:
                instructions[number] = _changed(instruction, condition.primitive, condition.operands, ())


def _fuse_updates(instructions: dict[int, Instruction], outputs: set[int], changed: Mapping[int, int]) -> set[int]:
    """Turn ``w - rate * gradient`` into one instruction where it is a sum of products that go into w; say which."""
    uses = _uses(instructions)
    fused = set()
    sources = _sources(instructions)
    takers, kept = Counter(changed.values()), outputs | set(changed.values())
    taken = {sources[number] for number in kept}
    for parameter, new in changed.items():
        if parameter in taken or takers[new] > 1 or new in outputs or uses[new]:
            continue
        found = _gradient(instructions, uses, kept, parameter, new)
        # What is read must not be changed by then, so nothing that is itself updated may be read.
        if found and changed.keys().isdisjoint(sources[operand] for operand in found.operands[1:]):
            instructions[new] = found
            fused.add(new)
    return fused


def _gradient(
    instructions: Mapping[int, Instruction], uses: Mapping[int, int], kept: set[int], parameter: int, new: int
) -> Instruction | None:
    """Return the fused instruction for a new value of a parameter, or None."""
    step = instructions[new]
    if step.primitive != "subtract" or step.operands[0] != parameter:
        return None
    product = step.operands[1]
    scaled = instructions[product]
    if scaled.primitive != "multiply" or not _is_own(product, uses, kept):
        return None
    rate, inner = scaled.operands
    if instructions[rate].shape != ():
        rate, inner = inner, rate
    if instructions[rate].shape != () or instructions[rate].boolean:
        return None
    while _is_reshape(instructions, inner) and _is_own(inner, uses, kept):
        (inner,) = instructions[inner].operands
    gradient = instructions[inner]
    operands = gradient.operands
    shapes = [instructions[operand].shape for operand in operands]
    whole = prod(gradient.shape) == prod(step.shape) and not any(instructions[item].boolean for item in operands)
    if not whole or not _is_own(inner, uses, kept):
        return None
    if gradient.primitive == "matmul" and [len(shape) for shape in shapes] == [2, 2]:
        return _changed(step, SUBTRACT_PRODUCT, (parameter, rate, *operands), ())
    if gradient.primitive == "sum" and len(shapes[0]) == 2 and gradient.parameters[0] == (0,):
        return _changed(step, SUBTRACT_COLUMN_SUMS, (parameter, rate, *operands), ())
    return None


def _is_reshape(instructions: Mapping[int, Instruction], number: int) -> bool:
    """Whether a value has the elements of another in their order; so has ``x[..., 0]`` where that axis has size 1."""
    instruction = instructions[number]
    if instruction.primitive == "index":
        sliced = any(isinstance(item, tuple) for item in instruction.parameters[0])
        return not sliced and prod(instructions[instruction.operands[0]].shape) == prod(instruction.shape)
    return instruction.primitive == "reshape"


def _is_own(number: int, uses: Mapping[int, int], kept: set[int]) -> bool:
    return uses[number] == 1 and number not in kept


def _sources(instructions: Mapping[int, Instruction]) -> dict[int, int]:
    """Return for each value the one in whose memory it may lie."""
    sources: dict[int, int] = {}
    for number, instruction in instructions.items():
        view = instruction.primitive in (*VIEWS, "reshape")
        sources[number] = sources[instruction.operands[0]] if view else number
    return sources


def _reordered(instructions: dict[int, Instruction], fused: set[int]) -> dict[int, Instruction]:
    """Return the instructions with some of them as early as may be.

    These are the fused updates, while what they read is in the cache; and what gives a single number, as the mean of
    the loss is one, which needs no room and may belong to the loop that its operands come from.
    """
    leaves = {number: instruction for number, instruction in instructions.items() if not instruction.operands}
    instructions = {**leaves, **instructions}
    sources = _sources(instructions)
    changing = {sources[instructions[number].operands[0]] for number in fused}
    last: dict[int, int] = {}
    anchors: dict[int, int] = {}  # what each instruction comes right behind, or itself where it keeps its place
    behind: dict[int, list[int]] = {}
    places = {number: place for place, number in enumerate(instructions)}
    for number, instruction in instructions.items():
        if number not in fused:
            read = {sources[operand] for operand in instruction.operands}
            if instruction.operands and _is_single(instruction) and not read & changing:
                anchors[number] = max((anchors[operand] for operand in instruction.operands), key=places.__getitem__)
                behind.setdefault(anchors[number], []).append(number)
            else:
                anchors[number] = number
                last.update(dict.fromkeys(read, number))
                last.setdefault(number, number)
    for number in sorted(fused, key=lambda number: (instructions[number].primitive == SUBTRACT_PRODUCT, number)):
        operands = instructions[number].operands
        before = [*(anchors[operand] for operand in operands), last.get(sources[operands[0]], operands[0])]
        behind.setdefault(max(before, key=places.__getitem__), []).append(number)
    order: list[int] = []
    for number, anchor in anchors.items():
        if number == anchor:
            order += [number, *behind.get(number, ())]
    return {number: instructions[number] for number in order}


def _is_single(instruction: Instruction) -> bool:
    return instruction.shape == () and (instruction.primitive == "sum" or instruction.primitive in ELEMENTWISE)


def _laid_out(
    instructions: dict[int, Instruction], fused: set[int], number_of_next: int
) -> tuple[dict[int, Instruction], dict[int, int], set[int]]:
    """Return the instructions, with copies where a product would read an array with gaps; the roots; the gapless."""
    result: dict[int, Instruction] = {}
    roots: dict[int, int] = {}
    gapless: set[int] = set()
    multiplied = set()  # what a product can read as it lies
    copies: dict[int, int] = {}
    for number, instruction in instructions.items():
        operands = list(instruction.operands)
        if instruction.primitive in ("matmul", SUBTRACT_PRODUCT, SUBTRACT_COLUMN_SUMS):
            for position, operand in enumerate(operands):
                if operand in multiplied or not instructions[operand].shape:
                    continue
                if operand not in copies:
                    copies[operand] = number_of_next
                    result[number_of_next] = _changed(instructions[operand], COPY, (operand,), ())
                    roots[number_of_next] = number_of_next
                    gapless.add(number_of_next)
                    number_of_next += 1
                operands[position] = copies[operand]
        result[number] = _changed(instruction, instruction.primitive, tuple(operands), instruction.parameters)
        source_number = operands[0] if operands else number
        view = instruction.primitive in VIEWS or (instruction.primitive == "reshape" and source_number in gapless)
        in_place = number in fused
        roots[number] = roots[source_number] if view or in_place else number
        if instruction.primitive not in VIEWS:
            gapless.add(number)
        swapped = instruction.primitive == "permute_dims" and _swaps_last(instruction.parameters[0])
        if number in gapless or (swapped and source_number in gapless):
            multiplied.add(number)
    return result, roots, gapless


def _swaps_last(axes: tuple[int, ...]) -> bool:
    count = len(axes)
    return axes == (*range(count - 2), count - 1, count - 2)
