"""A program of single numbers as lines of LLVM's language, one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from dagprop.backends.llvm.code import SAME, multiply_add, number, plain
from dagprop.backends.llvm.exponential import exponential_lines
from dagprop.backends.llvm.functions import operation_with_powers
from dagprop.backends.scalar.joined_operations import exponential_products, exponential_sums, product_differences
from dagprop.program.records import Program


def straight_code(
    program: Program, inputs: Mapping[int, str], kind: str, prefix: str = "", fused: Collection[int] = ()
) -> tuple[list[str], dict[int, str]]:
    """Return the lines that compute a program of single numbers, and the name or constant of each value.

    Parameters
    ----------
    program : Program
        As :func:`~dagprop.backends.llvm.code.check_single` lets it through.
    inputs : mapping from int to str
        The names of the values that are given.
    kind : {"double", "float"}
    prefix : str
        What all new names begin with.
    fused : collection of int
        Differences that may be one operation with a product that is subtracted, without rounding in between.

    Returns
    -------
    lines : list of str
    names : dict from int to str
        Truths are ``i1``.
    """
    lines: list[str] = []
    names: dict[int, str] = dict(inputs)
    instructions = program.instructions

    def as_real(operand: int) -> str:
        if not instructions[operand].boolean:
            return names[operand]
        name = f"%{prefix}r{len(lines)}"
        lines.append(f"{name} = uitofp i1 {names[operand]} to {kind}")
        return name

    def as_truth(operand: int) -> str:
        if instructions[operand].boolean:
            return names[operand]
        name = f"%{prefix}t{len(lines)}"
        lines.append(f"{name} = fcmp une {kind} {names[operand]}, {number(0.0, kind)}")
        return name

    def factors(exponential: int) -> tuple[str, str, float] | None:
        if exponential not in products:
            return None
        early, late, sign = products[exponential]
        return as_real(early), as_real(late), sign

    own_exponential = kind == "double" and any(instruction.primitive == "exp" for instruction in instructions)
    sums = exponential_sums(program) if own_exponential else {}
    products = exponential_products(program) if own_exponential else {}
    differences = {at: parts for at, parts in product_differences(program).items() if at in fused} if fused else {}
    inside = {part for part, _ in (*sums.values(), *differences.values())}
    for position, instruction in enumerate(instructions):
        primitive, operands = plain(instruction), instruction.operands
        if primitive == "input" or position in inside:
            continue
        if primitive == "constant":
            names[position] = number(instruction.parameters[0], kind)
        elif primitive == "argmax":
            names[position] = number(0.0, kind)
        elif primitive in SAME:
            names[position] = names[operands[0]] if instruction.boolean else as_real(operands[0])
        else:
            names[position] = name = f"%{prefix}v{position}"
            if own_exponential and (primitive == "exp" or position in sums):
                exponential, more = sums.get(position, (position, None))
                added = None if more is None else names[more]
                given = as_real(instructions[exponential].operands[0])
                lines += exponential_lines(name, given, added, factors(exponential))
            elif position in differences:
                product, whole = differences[position]
                left, right, value = map(as_real, (*instructions[product].operands, whole))
                lines.append(f"{name}.minus = fneg {kind} {left}")
                lines.append(f"{name} = {multiply_add(kind, f'{name}.minus', right, value)}")
            else:
                truths = instruction.boolean and primitive == "where"
                values = _operands(primitive, operands, truths, as_real, as_truth)
                lines += operation_with_powers(primitive, name, values, "i1" if truths else kind)
            lines[-1] += f"  ; {instruction.origin}"
    return lines, names


def _operands(
    primitive: str,
    operands: Sequence[int],
    truths: bool,
    as_real: Callable[[int], str],
    as_truth: Callable[[int], str],
) -> list[str]:
    """Return the operands of an operation as what it works on."""
    if primitive.startswith("logical_"):
        return [as_truth(operand) for operand in operands]
    if primitive == "where":
        return [as_truth(operands[0]), *map(as_truth if truths else as_real, operands[1:])]
    return [as_real(operand) for operand in operands]
