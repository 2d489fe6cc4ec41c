"""Operations on single numbers where the code has a table of powers at hand, with which some functions are ours."""

from __future__ import annotations

from collections.abc import Sequence

from dagprop.backends.llvm.code import EXPONENTIAL, TANH, declarations, operation
from dagprop.backends.llvm.exponential import exponential_lines, exponential_text
from dagprop.backends.llvm.tanh import tanh_text


def operation_with_powers(primitive: str, result: str, operands: Sequence[str], kind: str) -> list[str]:
    """Return the lines of one operation, as ``operation`` does for code that has no ``%powers``."""
    if kind == "double" and primitive == "exp":
        return exponential_lines(result, operands[0])
    if kind == "double" and primitive == "tanh":
        return [f"{result} = call double @{TANH}(double {operands[0]}, ptr %powers)"]
    return operation(primitive, result, operands, kind)


def with_functions(kind: str, code: str) -> str:
    """Return a module of some code: behind what it declares, and before our functions, if it calls any."""
    functions = tanh_text() if f"@{TANH}(" in code else ""
    functions += exponential_text() if f"@{EXPONENTIAL}" in code + functions else ""
    called = code + functions
    used = [line for line in declarations(kind) if f"{line[line.index('@') : line.index('(')]}(" in called]
    return "\n".join([*used, code, functions])
