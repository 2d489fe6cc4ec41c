"""The primitive operations on single numbers, in LLVM's language.

Each gives what NumPy gives for the same operation, up to rounding, with the same signs, infinities and NaNs.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import prod

from dagprop.backends.trainer import NotCompiledError
from dagprop.program.records import Instruction, Program

TYPES = {"float64": "double", "float32": "float"}

SAME = ("real", "reshape", "broadcast_to", "permute_dims", "index", "sum", "prod", "max", "min", "concat")
"""Operations that leave a single number as it is."""

ARITHMETIC = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv", "matmul": "fmul"}
"""Operations that are one instruction, on numbers and on vectors of them."""

COMPARISONS = {
    **{"less": "olt", "less_equal": "ole", "greater": "ogt", "greater_equal": "oge"},
    **{"equal": "oeq", "not_equal": "une"},
}
"""How ``fcmp`` calls them."""

_INTRINSICS = {"abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "round": "rint"}
_LIBRARY = (
    *("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "pow"),
)
"""Functions of the C library that have the name of the operation."""

_OF_TRUTH = {"add": "logical_or", "maximum": "logical_or", "multiply": "logical_and", "minimum": "logical_and"}
"""What NumPy's arithmetic means for true and false."""


EXPONENTIAL, EXPONENTIAL_SUM = "dagprop.exp", "dagprop.exp.sum"
"""The functions for e^x and e^x + y, of doubles; see :mod:`dagprop.backends.llvm.exponential`."""

TANH = "dagprop.tanh"
"""The function for tanh x, of doubles; see :mod:`dagprop.backends.llvm.tanh`."""


def number(value: float, kind: str) -> str:
    """Return a constant: the bits of the double, which for a float must have one more rounding behind them."""
    if kind == "float":
        try:
            (value,) = struct.unpack("f", struct.pack("f", value))
        except OverflowError:
            value = float("inf") if value > 0 else float("-inf")
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def declarations(kind: str) -> list[str]:
    """Return the functions that operations call.

    They are declared to do nothing but give a number, so that a result that nobody needs costs nothing.
    """
    suffix, end = _suffixes(kind)
    attributes = "memory(none) nounwind willreturn"
    unary = [f"@llvm.{name}.{suffix}" for name in _INTRINSICS.values()]
    unary += [f"@{name}{end}" for name in _LIBRARY if name != "pow"]
    return [
        *(f"declare {kind} {name}({kind}) {attributes}" for name in unary),
        *(f"declare {kind} @{name}({kind}, {kind}) {attributes}" for name in (f"pow{end}", f"llvm.copysign.{suffix}")),
        f"declare {kind} @llvm.fmuladd.{suffix}({kind}, {kind}, {kind}) {attributes}",
        *(f"declare double @{name}(double) {attributes}" for name in ("erf", "erfc")),
    ]


def library_functions(kind: str) -> list[str]:
    """Return the names of what must be found in the process."""
    end = _suffixes(kind)[1]
    return [*(f"{name}{end}" for name in (*_LIBRARY, "fmod")), "erf", "erfc"]


def operation(primitive: str, result: str, operands: Sequence[str], kind: str) -> list[str]:
    """Return the lines of one operation.

    Parameters
    ----------
    primitive : str
        Not one of :data:`SAME`.
    result : str
        The name of the value that it gives, which is an ``i1`` for a truth.
    operands : sequence of str
        Names or constants; of ``logical_...`` they are truths, and so is the first of ``where``.
    kind : {"double", "float"}
    """
    suffix, end = _suffixes(kind)
    zero = number(0.0, kind)
    a, b = [*operands, "", ""][:2]
    if primitive in ARITHMETIC:
        return [f"{result} = {ARITHMETIC[primitive]} {kind} {a}, {b}"]
    if primitive in COMPARISONS:
        return [f"{result} = fcmp {COMPARISONS[primitive]} {kind} {a}, {b}"]
    if primitive in _INTRINSICS:
        return [f"{result} = call {kind} @llvm.{_INTRINSICS[primitive]}.{suffix}({kind} {a})"]
    if primitive in _LIBRARY:
        arguments = ", ".join(f"{kind} {operand}" for operand in operands)
        return [f"{result} = call {kind} @{primitive}{end}({arguments})"]
    match primitive:
        case "negative":
            return [f"{result} = fneg {kind} {a}"]
        case "maximum" | "minimum":  # a NaN on either side wins
            return [
                f"{result}.1 = fcmp {'oge' if primitive == 'maximum' else 'ole'} {kind} {a}, {b}",
                f"{result}.2 = fcmp uno {kind} {a}, {zero}",
                f"{result}.3 = or i1 {result}.1, {result}.2",
                f"{result} = select i1 {result}.3, {kind} {a}, {kind} {b}",
            ]
        case "where":
            return [f"{result} = select i1 {a}, {kind} {b}, {kind} {operands[2]}"]
        case "logical_and" | "logical_or":
            return [f"{result} = {primitive.removeprefix('logical_')} i1 {a}, {b}"]
        case "logical_not":
            return [f"{result} = xor i1 {a}, true"]
        case "isfinite":
            return [
                f"{result}.1 = call {kind} @llvm.fabs.{suffix}({kind} {a})",
                f"{result} = fcmp olt {kind} {result}.1, {number(float('inf'), kind)}",
            ]
        case "sign":  # of 0 and NaN it is the number itself
            return [
                f"{result}.1 = fcmp ogt {kind} {a}, {zero}",
                f"{result}.2 = fcmp olt {kind} {a}, {zero}",
                f"{result}.3 = select i1 {result}.2, {kind} {number(-1.0, kind)}, {kind} {a}",
                f"{result} = select i1 {result}.1, {kind} {number(1.0, kind)}, {kind} {result}.3",
            ]
        case "erf" | "erfc" if kind == "double":
            return [f"{result} = call double @{primitive}(double {a})"]
        case "erf" | "erfc":
            return [
                f"{result}.1 = fpext float {a} to double",
                f"{result}.2 = call double @{primitive}(double {result}.1)",
                f"{result} = fptrunc double {result}.2 to float",
            ]
        case "remainder":
            return _remainder(result, a, b, kind)
        case "floor_divide":
            return _floor_divide(result, a, b, kind)
    raise NotCompiledError(f"{primitive} is no operation on single numbers")


def _division(result: str, a: str, b: str, kind: str) -> list[str]:
    """Return the remainder ``.m`` of a division towards 0, and whether (``.w``) it has not the sign of b."""
    zero = number(0.0, kind)
    return [
        f"{result}.m = frem {kind} {a}, {b}",
        f"{result}.n = fcmp olt {kind} {b}, {zero}",
        f"{result}.l = fcmp olt {kind} {result}.m, {zero}",
        f"{result}.x = xor i1 {result}.n, {result}.l",
        f"{result}.t = fcmp one {kind} {result}.m, {zero}",
        f"{result}.w = and i1 {result}.x, {result}.t",
    ]


def _remainder(result: str, a: str, b: str, kind: str) -> list[str]:
    """Return a - b·⌊a/b⌋, which has the sign of b."""
    suffix, zero = _suffixes(kind)[0], number(0.0, kind)
    return [
        *_division(result, a, b, kind),
        f"{result}.p = fadd {kind} {result}.m, {b}",
        f"{result}.r = select i1 {result}.w, {kind} {result}.p, {kind} {result}.m",
        f"{result}.z = call {kind} @llvm.copysign.{suffix}({kind} {zero}, {kind} {b})",
        f"{result}.e = fcmp oeq {kind} {result}.m, {zero}",
        f"{result} = select i1 {result}.e, {kind} {result}.z, {kind} {result}.r",
    ]


def _floor_divide(result: str, a: str, b: str, kind: str) -> list[str]:
    """Return ⌊a/b⌋ from the remainder, as NumPy does: a less its remainder is a multiple of b up to rounding."""
    suffix, zero = _suffixes(kind)[0], number(0.0, kind)
    return [
        *_division(result, a, b, kind),
        f"{result}.d = fsub {kind} {a}, {result}.m",
        f"{result}.q = fdiv {kind} {result}.d, {b}",
        f"{result}.u = fadd {kind} {result}.q, {number(-1.0, kind)}",
        f"{result}.v = select i1 {result}.w, {kind} {result}.u, {kind} {result}.q",
        f"{result}.i = call {kind} @llvm.rint.{suffix}({kind} {result}.v)",
        f"{result}.o = fdiv {kind} {a}, {b}",  # by 0 it is the quotient itself
        f"{result}.y = fcmp oeq {kind} {b}, {zero}",
        f"{result} = select i1 {result}.y, {kind} {result}.o, {kind} {result}.i",
    ]


def multiply_add(kind: str, a: str, b: str, c: str) -> str:
    """Return the call that gives a·b + c, in one operation where the machine has it."""
    return f"call {kind} @llvm.fmuladd.{_suffixes(kind)[0]}({kind} {a}, {kind} {b}, {kind} {c})"


def polynomial(name: str, variable: str, coefficients: Sequence[float], kind: str) -> str:
    """Return the lines of c₀ + c₁x + c₂x² + ..., of two terms at least, from the highest power inwards (Horner)."""
    lines = []
    result = number(coefficients[-1], kind)
    for power, coefficient in reversed(list(enumerate(coefficients[:-1]))):
        target = f"{name}{power}" if power else name
        lines.append(f"  {target} = {multiply_add(kind, result, variable, number(coefficient, kind))}")
        result = target
    return "\n".join(lines)


def _suffixes(kind: str) -> tuple[str, str]:
    """Return how intrinsics and the C library's functions end."""
    return ("f64", "") if kind == "double" else ("f32", "f")


def check_single(program: Program) -> None:
    """Refuse a program that does not work on single numbers alone.

    Raises
    ------
    NotCompiledError
    """
    single: set[tuple[int, ...]] = set()
    for instruction in program.instructions:
        if instruction.shape not in single and prod(instruction.shape) == 1:
            single.add(instruction.shape)
        if instruction.shape not in single:
            raise NotCompiledError(f"{instruction.origin or instruction.parameters[0]} has more than one number")
        wrong = instruction.primitive == "one_hot" or (
            instruction.primitive == "concat" and len(instruction.operands) != 1
        )
        if wrong or (instruction.boolean and plain(instruction) not in _TRUTHS):
            raise NotCompiledError(f"{instruction.primitive} is no operation on single numbers")


_TRUTHS = {*COMPARISONS, "logical_and", "logical_or", "logical_not", "isfinite", "where", *SAME}


def plain(instruction: Instruction) -> str:
    """Return the operation, for true and false by its logical name."""
    return _OF_TRUTH.get(instruction.primitive, instruction.primitive) if instruction.boolean else instruction.primitive
