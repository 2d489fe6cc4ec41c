"""Coefficients: what of a training program depends on the learning rate and the number of the step alone.

They are known before a step, and are the same for all its numbers: the bias correction of Adam, for example.  Taken out
of the program, they are worked out once, in float64, whatever the program computes in: 1 - 0.999 would otherwise keep
four digits in float32.
"""

from __future__ import annotations

from dagprop.program.records import ELEMENTWISE, Instruction, Program, pruned
from dagprop.program.update import LEARNING_RATE, STEP
from dagprop.record import record

RATES = (LEARNING_RATE, STEP)


@record(eq=False)
class Split:
    """A training program in two parts.

    Attributes
    ----------
    program : Program
        Has the coefficients as inputs, in place of the learning rate and the number of the step.
    coefficients : Program
        Gives them, by the names of these inputs, for the learning rate and the number of the step, in float64.
    fixed, varying : tuple of str
        The coefficients that are the same in each step of a learning rate, and those that depend on its number.
    """

    program: Program
    coefficients: Program
    fixed: tuple[str, ...]
    varying: tuple[str, ...]


def split_coefficients(program: Program) -> Split:
    """Return a training program, and apart from it what it needs to know of each step."""
    instructions = list(program.instructions)
    known: set[int] = set()
    of_step: set[int] = set()
    for number, instruction in enumerate(instructions):
        operands = instruction.operands
        if instruction.primitive == "input" and instruction.parameters[0] in RATES:
            known.add(number)
            if instruction.parameters[0] == STEP:
                of_step.add(number)
        elif instruction.primitive in ELEMENTWISE and instruction.shape == () and not known.isdisjoint(operands):
            if not all(operand in known or instructions[operand].primitive == "constant" for operand in operands):
                continue
            known.add(number)
            if not of_step.isdisjoint(operands):
                of_step.add(number)
    # Truth is no input of a program: it stays where it is used, and what it is made of is handed over.
    wanted = set(program.outputs.values())
    taken: dict[str, int] = {}
    for number in reversed(range(len(instructions))):
        instruction = instructions[number]
        if number in known and number in wanted and not instruction.boolean:
            own = instruction.primitive == "input"
            taken[instruction.parameters[0] if own else f"coefficient {number}"] = number
        elif number not in known or number in wanted:
            wanted.update(instruction.operands)
    taken = dict(reversed(taken.items()))
    coefficients = pruned(instructions, RATES, taken, "float64")
    for name, number in taken.items():
        instructions[number] = Instruction("input", (), (name,), (), False, "known before the step")
    inputs = (*(name for name in program.inputs if name not in RATES), *taken)
    return Split(
        pruned(instructions, inputs, program.outputs, program.dtype),
        coefficients,
        tuple(name for name, number in taken.items() if number not in of_step),
        tuple(name for name, number in taken.items() if number in of_step),
    )
