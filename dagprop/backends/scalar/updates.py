"""The updates of single numbers: a program for each parameter, made once for all of one shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dagprop.backends.coefficients import Coefficients
from dagprop.backends.llvm.code import check_single
from dagprop.backends.trainer import TrainingTask
from dagprop.program.coefficients import split_coefficients
from dagprop.program.records import SOURCES, Program, pruned
from dagprop.program.trace import update_program
from dagprop.program.update import gradient_name
from dagprop.record import record


@record(eq=False)
class ScalarUpdate:
    """The update of one parameter.

    Attributes
    ----------
    program : Program
        Its inputs are ``gradient``, what ``names`` lists, and coefficients; it gives new values for some of them.
    names : mapping from str to str
        What the program calls the parameter and its memories, and their ids in the training.
    """

    program: Program
    names: Mapping[str, str]

    @property
    def size(self) -> int:
        """How many operations it takes."""
        return sum(instruction.primitive not in SOURCES for instruction in self.program.instructions)


def scalar_updates(task: TrainingTask) -> tuple[dict[str, ScalarUpdate], Coefficients]:
    """Return the update of each parameter of a training on single numbers, and the coefficients of its steps.

    Raises
    ------
    NotCompiledError
        If the rule makes arrays of them.
    PluginError
        If it cannot be recorded (DP503).
    """
    shapes = list(dict.fromkeys(task.variables[parameter].shape for parameter in task.plan.wrt))
    split = split_coefficients(update_program(task.rule, shapes, task.dtype))
    whole = split.program
    check_single(whole)
    programs = {}
    for place, shape in enumerate(shapes):
        start = f"{place} "
        own = pruned(
            whole.instructions,
            whole.inputs,
            {name: number for name, number in whole.outputs.items() if name.startswith(start)},
            whole.dtype,
        )
        inputs, outputs = (
            {name.removeprefix(start): number for name, number in table.items()} for table in (own.inputs, own.outputs)
        )
        programs[shape] = Program(own.instructions, inputs, outputs, own.dtype)
    updates = {
        parameter: ScalarUpdate(
            programs[task.variables[parameter].shape],
            dict(zip(("parameter", *task.rule.memories), (parameter, *memories), strict=True)),
        )
        for parameter, memories in task.memories.items()
    }
    return updates, Coefficients(split)


def with_updates(program: Program, updates: Mapping[str, ScalarUpdate], wanted: Collection[str]) -> Program:
    """Return a program of one sample and the updates behind it as one program.

    Parameters
    ----------
    program : Program
        Among its outputs are the gradients.
    updates : mapping from parameter to ScalarUpdate
    wanted : collection of str
        The outputs of the program that are still wanted; beside them are the new values, as ``new w``.
    """
    instructions = list(program.instructions)
    leaves = dict(program.inputs)
    outputs = {name: position for name, position in program.outputs.items() if name in wanted}
    for parameter, update in updates.items():
        named = {position: update.names.get(name, name) for name, position in update.program.inputs.items()}
        positions: list[int] = []
        for position, instruction in enumerate(update.program.instructions):
            leaf = named.get(position)
            if leaf == "gradient":
                positions.append(program.outputs[gradient_name(parameter)])
                continue
            if leaf is not None:
                instruction = instruction._replace(parameters=(leaf,))
                positions.append(leaves.setdefault(leaf, len(instructions)))
            else:
                positions.append(len(instructions))
            if positions[-1] < len(instructions):
                continue
            operands = tuple(positions[operand] for operand in instruction.operands)
            instructions.append(instruction._replace(operands=operands))
        outputs |= {f"new {update.names[name]}": positions[at] for name, at in update.program.outputs.items()}
    return pruned(instructions, leaves, outputs, program.dtype)
