"""Python as text: the names of NumPy, lines with comments, and views of arrays."""

from __future__ import annotations

from typing import Any

from dagprop.program.records import ELEMENTWISE, Instruction

NOT_IN_NUMPY = ("erf", "erfc")
"""What NumPy does not have."""

NUMPY_NAMES = {
    **{name: name for name, count in ELEMENTWISE.items() if count < 3 and name not in ("real", *NOT_IN_NUMPY)},
    **{"abs": "absolute", "pow": "power", "round": "rint"},
    **{f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
}
"""What NumPy calls each primitive that is one of its elementwise functions."""

REDUCTIONS = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum"}
"""What NumPy reduces with."""

OTHER_NAMES = ("matmul", "argmax", "concatenate", "copyto", "broadcast_to")
"""What else of NumPy the code calls."""

_WIDTH = 56


def view(instruction: Instruction, operand: str) -> str:
    """Return the expression of a view."""
    (parameter,) = instruction.parameters
    if instruction.primitive == "permute_dims":
        return f"{operand}.transpose({tuple(parameter)})"
    if instruction.primitive == "broadcast_to":
        return f"broadcast_to({operand}, {instruction.shape})"
    items = [_item(item) for item in parameter]
    if "..." not in items:
        items.append("...")  # or an element would be a number and no view
    return f"{operand}[{', '.join(items)}]"


def _item(item: Any) -> str:
    if item is None or item is Ellipsis:
        return "None" if item is None else "..."
    if isinstance(item, tuple):
        return ":".join("" if part is None else str(int(part)) for part in item[1:])
    return str(int(item))


def line(code: str, comment: str) -> str:
    """Return a line of code with its comment."""
    return f"{code:<{_WIDTH}}  # {printable(comment)}" if comment else code


def printable(text: str) -> str:
    """Return text that cannot end a comment."""
    return "".join(character if character.isprintable() else " " for character in text)
