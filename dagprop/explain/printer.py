"""Formulas as text: infix, with as few brackets as the precedence of operators leaves necessary.

The text of a formula, read by the usual precedence, is the formula again (a test reads it back).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from dagprop.explain.formula import (
    Apply,
    Formula,
    Name,
    Number,
    Partial,
    Product,
    Reused,
    Shape,
    Sum,
    Value,
    fold,
)
from dagprop.explain.notation import (
    axes_text,
    is_array,
    key_text,
    partial_text,
    reads_as_function,
    same_but_ones,
)
from dagprop.explain.numbers import Shown, array_text
from dagprop.explain.rule_formulas import UPSTREAM
from dagprop.record import record

if TYPE_CHECKING:
    from dagprop.backends.reference import Array

CHOICE, SIGNED, SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(7)
"""How tightly a printed formula holds together; what stands beside an operator must hold at least so tightly.

A number below zero is ``SIGNED``: it stands in brackets beside every operator, also where it comes first.
"""

COMPARISONS = {"less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥", "equal": "=", "not_equal": "≠"}

CONNECTIVES = {"logical_and": "and", "logical_or": "or", "logical_not": "not"}

FUNCTION_NAMES = {"sigmoid": "σ", "maximum": "max", "minimum": "min", "log_softmax": "log softmax", "pow": "power"}
"""What functions are called that are not called what the rules call them."""

_SUBSCRIPTS = str.maketrans("0123456789,n", "₀₁₂₃₄₅₆₇₈₉,ₙ")


@record
class Printed:
    """A printed formula.

    Attributes
    ----------
    text : str
    level : int
        How tightly it holds together.
    kind : str
        What it is, where that matters beyond the level: ``name``, ``number``, ``negative``, ``quotient``, ``matrix``,
        ``scaled``, ``partial``.
    """

    text: str
    level: int = ATOM
    kind: str = ""


class Printer:
    """Prints formulas as text.

    Parameters
    ----------
    shown : Shown, optional
        With how many digits computed numbers are written; by default 6.
    """

    times = " · "
    entrywise = " ⊙ "
    comparisons = COMPARISONS
    function_names = FUNCTION_NAMES
    connectives = CONNECTIVES
    juxtaposes = True
    minus = "-"
    dots = "…"
    longest = 6000
    """A formula of more characters is not printed."""

    def __init__(self, shown: Shown | None = None) -> None:
        self.shown = shown or Shown(6)

    def __call__(self, formula: Formula) -> str:
        """Return a formula as text."""
        return fold(formula, self.printed).text

    def printed(self, formula: Formula, parts: tuple[Printed, ...]) -> Printed:
        """Return a formula, of which the parts are printed already."""
        match formula:
            case Name(reference):
                return self.name(reference)
            case Number(value):
                return self.number(value)
            case Value(array):
                return self.value(array)
            case Partial(of, by):
                made = self.partial(of, by)
                return self.through(made, formula.input) if formula.input else made
            case Apply():
                made = self.apply(formula, parts)
                return Printed(self.dots) if len(made.text) > self.longest else made
            case Product():
                return self.product(formula, parts)
            case Sum():
                return Printed(self.join_sum(parts), SUM if len(parts) > 1 else parts[0].level)
            case Reused():
                return self.reused(parts[0])
        return Printed(self.dots)

    # What the styles differ in.

    def name(self, reference: str) -> Printed:
        """Print the value of a node, or the gradient of one."""
        if reference.startswith(UPSTREAM):
            return Printed(reference)
        return Printed(reference, ATOM, "name")

    def value(self, array: Array) -> Printed:
        """Print what was computed."""
        return self.digits(array_text(array.reshape(()) if array.size == 1 else array, self.shown))

    def number(self, value: float) -> Printed:
        """Print a number of a rule, in full."""
        return self.digits(repr(value).removesuffix(".0"))

    def digits(self, text: str) -> Printed:
        """Print a number that is text already."""
        return Printed(text, SIGNED if text.startswith("-") else ATOM, "number")

    def partial(self, of: str, by: str) -> Printed:
        """Print ∂of/∂by."""
        return Printed(partial_text(of, by), ATOM, "partial")

    def through(self, partial: Printed, input: str) -> Printed:
        """Print a partial derivative through one input of a node."""
        return Printed(f"{partial.text}|{input}")

    def reused(self, content: Printed) -> Printed:
        """Print what was computed before."""
        space = " " if content.text.startswith("[") else ""  # or it would look like one axis more
        return Printed(f"[{space}{content.text}{space}]")

    def fenced(self, printed: Printed) -> Printed:
        """Print in brackets."""
        return Printed(f"({printed.text})")

    def quotient(self, top: Printed, bottom: Printed) -> Printed:
        """Print a division."""
        return Printed(f"{self.at(top, PRODUCT)} / {self.at(bottom, POWER)}", PRODUCT, "quotient")

    def power(self, base: Printed, exponent: Printed) -> Printed:
        """Print a power."""
        written = f"({base.text})" if base.kind == "partial" else self.at(base, ATOM)
        return Printed(f"{written}^{self.at(exponent, ATOM)}", POWER)

    def choice(self, condition: Printed, chosen: Printed, otherwise: Printed) -> Printed:
        """Print a choice."""
        texts = [self.at(item, SIGNED) for item in (chosen, otherwise)]
        return Printed(f"({texts[0]} if {condition.text} else {texts[1]})")

    def transpose(self, operand: Printed) -> Printed:
        """Print a matrix on its side."""
        return Printed(f"{self.at(operand, ATOM)}ᵀ")

    def entry(self, operand: Printed, index: tuple[object, ...]) -> Printed:
        """Print one entry of an array."""
        return Printed(f"{self.at(operand, ATOM)}[{', '.join(map(str, index))}]", ATOM, operand.kind)

    def index(self, operand: Printed, key: str) -> Printed:
        """Print a part of an array."""
        return Printed(f"{self.at(operand, ATOM)}[{key}]")

    def reduction(self, name: str, axes: str, operand: Printed) -> Printed:
        """Print a sum, product or extremum over some axes."""
        sign = {"sum": "Σ", "prod": "Π"}.get(name, name)
        return Printed(f"{sign}{axes.translate(_SUBSCRIPTS)}({operand.text})")

    def function(self, name: str, operands: tuple[Printed, ...], parameters: tuple[object, ...] = ()) -> Printed:
        """Print a function of some operands."""
        arguments = [*(operand.text for operand in operands), *map(str, parameters)]
        return Printed(f"{self.function_names.get(name, name)}({', '.join(arguments)})")

    # What they share.

    def at(self, printed: Printed, level: int) -> str:
        """Return a text, in brackets if it does not hold together as tightly as that."""
        return printed.text if printed.level >= level else self.fenced(printed).text

    def behind(self, printed: Printed, level: int) -> str:
        """Return a text as :meth:`at` does, for behind a sign: what begins with a sign itself is in brackets."""
        return self.fenced(printed).text if printed.text.startswith(self.minus) else self.at(printed, level)

    def apply(self, formula: Apply, parts: tuple[Printed, ...]) -> Printed:
        """Print an operation."""
        name = formula.function
        if name in self.comparisons:
            left, right = (self.at(part, SIGNED) for part in parts)
            return Printed(f"{left} {self.comparisons[name]} {right}", CHOICE)
        match name:
            case "add" | "subtract":
                sign = "+" if name == "add" else "-"
                right = self.behind(parts[1], PRODUCT if name == "subtract" else SUM + 1)
                return Printed(f"{self.at(parts[0], SUM)} {sign} {right}", SUM)
            case "negative":
                return Printed(f"{self.minus}{self.at(parts[0], PRODUCT)}", NEGATIVE, "negative")
            case "multiply":
                return self.multiplied(formula.operands, parts, formula.shape)
            case "matmul":
                left, right = (
                    self.at(part, PRODUCT if part.kind == "matrix" and place == 0 else POWER)
                    for place, part in enumerate(parts)
                )
                return Printed(f"{left}{self.times}{right}", PRODUCT, "matrix")
            case "divide":
                return self.quotient(*parts)
            case "pow":
                return self.power(*parts)
            case "where":
                return self.choice(*parts)
            case "logical_and" | "logical_or":
                return Printed(f" {self.connectives[name]} ".join(self.at(part, SUM) for part in parts), CHOICE)
            case "logical_not":
                return Printed(f"{self.connectives[name]} {self.at(parts[0], SUM)}", CHOICE)
            case "sum" | "prod" | "max" | "min":
                return self.reduction(name, axes_text(formula), parts[0])
            case "permute_dims" if formula.parameters[0] == (1, 0):
                return self.transpose(parts[0])
            case "one_hot":
                return self.function("onehot", parts)
            case "entry":
                return self.entry(parts[0], formula.parameters)
            case "broadcast_to":
                return parts[0]
            case "reshape" | "index" if same_but_ones(formula.operands[0].shape, formula.shape):
                return parts[0]
            case "index":
                return self.index(parts[0], key_text(formula.parameters[0]))
        return self.function(name, parts, formula.parameters)

    def multiplied(self, operands: tuple[Formula, ...], parts: tuple[Printed, ...], shape: Shape) -> Printed:
        """Print a product of two."""
        left, right = parts
        both_arrays = all(map(is_array, operands))
        # Products of matrices and of entries are kept apart by brackets, and quotients from what follows them.
        left_text = self.at(left, POWER if left.kind in ("matrix", "quotient") else NEGATIVE)
        beside = left.kind == "name" and right.level == SUM and not reads_as_function(operands[0])
        if self.juxtaposes and not both_arrays and beside:
            return Printed(f"{left_text}{self.fenced(right).text}", PRODUCT)
        sign = self.entrywise if both_arrays else self.times
        kind = "scaled" if prod(shape) > 1 and not both_arrays else ""
        return Printed(f"{left_text}{sign}{self.at(right, POWER)}", PRODUCT, kind)

    def product(self, formula: Product, parts: tuple[Printed, ...]) -> Printed:
        """Print the factors of the chain rule: a negative one in brackets, unless it is a formula that comes first."""
        texts = []
        for place, part in enumerate(parts):
            first_negative = place == 0 and part.kind == "negative"
            apart = part.kind in ("quotient", "matrix") or (part.kind == "scaled" and place > 0)
            signed = place > 0 and part.text.startswith(self.minus)
            whole = first_negative or (part.level >= PRODUCT and not apart and not signed) or len(parts) == 1
            texts.append(part.text if whole else self.fenced(part).text)
        array_before = False
        for place, factor in enumerate(formula.factors):
            array = is_array(factor)
            if place > 0:
                texts[place] = (self.entrywise if array and array_before else self.times) + texts[place]
            array_before = array_before or array
        level, kind = (parts[0].level, parts[0].kind) if len(parts) == 1 else (PRODUCT, "")
        return Printed("".join(texts), level, "negative" if parts[0].kind == "negative" else kind)

    def join_sum(self, parts: tuple[Printed, ...]) -> str:
        """Print terms behind each other; one that begins with a minus is subtracted."""
        text = self.at(parts[0], SUM) if len(parts) > 1 else parts[0].text
        for part in parts[1:]:
            if part.level >= NEGATIVE and part.text.startswith(self.minus):
                text += f" - {part.text.removeprefix(self.minus)}"
            else:
                text += f" + {self.at(part, PRODUCT)}"
        return text
