"""Python as text: lines with comments, and views of arrays."""

from __future__ import annotations

from typing import Any

from dagprop.program.records import Instruction

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
