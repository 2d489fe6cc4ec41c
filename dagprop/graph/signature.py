"""What a graph must know of an op: its inputs and attributes, not what it computes.

The folder ``graph`` does not know the ops.  It is handed a *vocabulary*: the signature or the definition that each op
name stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagprop.errors import quote
from dagprop.graph.records import AxisSize, Definition
from dagprop.record import record


@record
class InputSignature:
    """One input of an op: its name, whether it may be left out, whether it stands for two or more inputs."""

    name: str
    optional: bool = False
    variadic: bool = False


@record
class AttributeSignature:
    """One attribute of an op.

    Attributes
    ----------
    name : str
    kind : str
        One of ``number``, ``integer``, ``boolean``, ``string``, ``integers`` (a list), ``axes`` (an integer or a
        list), ``shape``, ``array`` (a number or nested lists of numbers), ``initializer``.
    default : object
        The value where a file gives none; meaningless where the attribute is required.
    required, nullable : bool
        Whether a file must give it; whether it may be null.
    choices : tuple of str
        For a string: the only values that it may have.
    """

    name: str
    kind: str
    default: Any = None
    required: bool = False
    nullable: bool = False
    choices: tuple[str, ...] = ()


@record
class Signature:
    """Name, inputs and attributes of an op, and one line on what it does."""

    name: str
    inputs: tuple[InputSignature, ...] = ()
    attributes: tuple[AttributeSignature, ...] = ()
    doc: str = ""

    @property
    def variadic(self) -> bool:
        """Whether the op takes two or more inputs of one kind."""
        return bool(self.inputs) and self.inputs[-1].variadic

    def attribute(self, name: str) -> AttributeSignature | None:
        """Return the attribute of that name, or None."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)

    def input_name(self, position: int) -> str:
        """Return the name of the input at a position; of a variadic input ``xs[0]``, ``xs[1]``."""
        fixed = len(self.inputs) - self.variadic
        if position < fixed:
            return self.inputs[position].name
        return f"{self.inputs[-1].name}[{position - fixed}]"


Vocabulary = Mapping[str, Signature | Definition]
"""What each op name stands for."""


LARGEST = 1.7976931348623157e308
"""The largest number that a float64 holds."""


def check_attribute(attribute: AttributeSignature, value: object) -> str | None:
    """Return what is wrong with the value of an attribute, as ``must be …, is …``, or None."""
    if value is None and attribute.nullable:
        return None
    if attribute.choices:
        if value in attribute.choices:
            return None
        return f"must be {' or '.join(quote(choice) for choice in attribute.choices)}, is {describe(value)}"
    expected, fits = KINDS[attribute.kind]
    if fits(value):
        return None
    return f"must be {expected}{' or null' if attribute.nullable else ''}, is {describe(value)}"


def describe(value: object) -> str:
    """Return a JSON value as an error message names it: short, with its type where that helps."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        text = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a very large integer"
        return f"the number {text}"
    if isinstance(value, str):
        return f"the text {quote(value)}"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else f"a {type(value).__name__}"


def is_integer(value: object) -> bool:
    """Whether a JSON value is a whole number that an index or a size can be."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def is_number(value: object) -> bool:
    """Whether a JSON value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_integers(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(is_integer(item) for item in value)


def _is_shape(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(
        (is_integer(size) and size >= -1)
        or (isinstance(size, str) and size.isidentifier() and size.isascii())
        or isinstance(size, AxisSize)
        for size in value
    )


KINDS = {
    "number": ("a number", is_number),
    "integer": ("a whole number", is_integer),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "string": ("text", lambda value: isinstance(value, str)),
    "integers": ("a list of whole numbers", _is_integers),
    "axes": ("a whole number or a list of them", lambda value: is_integer(value) or _is_integers(value)),
    "shape": ('a list of sizes, as [3] or ["N", 8]', _is_shape),
    "array": (
        "a number or nested lists of numbers",
        lambda value: is_number(value) or isinstance(value, (list, tuple)),
    ),
    "initializer": (
        "the name of an initializer or an object with its name and settings",
        lambda value: isinstance(value, (str, Mapping)),
    ),
}
"""For each kind of attribute: how messages call it, and whether a JSON value fits."""
