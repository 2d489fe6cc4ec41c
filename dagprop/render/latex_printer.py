"""Formulas as LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dagprop.explain.formula import Apply, Formula, Partial, Product, Reused
from dagprop.explain.numbers import SHOWN_ENTRIES, Shown, array_text
from dagprop.explain.printer import ATOM, POWER, PRODUCT, SUM, Printed, Printer
from dagprop.render.latex_text import escaped
from dagprop.render.names import Names, plain

if TYPE_CHECKING:
    from dagprop.backends.reference import Array

MOST_COLUMNS = 10
"""A matrix of more columns is not printed in full: no page is that wide, and amsmath has no more."""

UNDER_THE_BRACE = r"_{\text{already computed}}"
"""What is said of a part of a formula that was computed before."""

_FUNCTIONS = {
    "sigmoid": r"\sigma",
    "sign": r"\text{sgn}",
    "maximum": r"\max",
    "minimum": r"\min",
    "log_softmax": r"\text{log softmax}",
    **{name: rf"\{name}" for name in ("log", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"a{name}": rf"\arc{name}" for name in ("sin", "cos", "tan")},
}

_FENCES = {
    "abs": r"\left\lvert %s \right\rvert",
    "floor": r"\left\lfloor %s \right\rfloor",
    "ceil": r"\left\lceil %s \right\rceil",
}

_REDUCTIONS = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}

_TALL = re.compile(r"\\(?:frac|begin|sum|prod|underbrace|left|sqrt)(?![A-Za-z])")


class LatexPrinter(Printer):
    """Prints formulas as LaTeX mathematics, which needs the package amsmath.

    Parameters
    ----------
    names : Names
    shown : Shown, optional
    """

    times = r" \cdot "
    entrywise = r" \odot "
    comparisons = {  # noqa: RUF012 -- never changed, as in the printer of text
        **{"less": "<", "less_equal": r"\leq", "greater": ">", "greater_equal": r"\geq"},
        **{"equal": "=", "not_equal": r"\neq"},
    }
    connectives = {"logical_and": r"\land", "logical_or": r"\lor", "logical_not": r"\lnot"}  # noqa: RUF012
    dots = r"\ldots"
    longest = 12000

    def __init__(self, names: Names, shown: Shown | None = None) -> None:
        super().__init__(shown)
        self.names = names

    def printed(self, formula: Formula, parts: tuple[Printed, ...]) -> Printed:
        """Return a formula, of which the parts are printed already."""
        match formula:
            case Reused(Product()):
                return Printed(rf"{{\underbrace{{{parts[0].text}}}{UNDER_THE_BRACE}}}")
            case Apply("entry", (Partial(of, by),), index):
                return self._derivative(self.names.tight(of), f"{self.names.tight(by)}[{','.join(map(str, index))}]")
        return super().printed(formula, parts)

    def name(self, reference: str) -> Printed:
        """Print the value of a node."""
        return self.names(reference)

    def partial(self, of: str, by: str) -> Printed:
        """Print a partial derivative as a fraction."""
        return self._derivative(self.names.tight(of), self.names.tight(by))

    def through(self, partial: Printed, input: str) -> Printed:
        """Print a partial derivative through one input of a node."""
        return Printed(rf"{partial.text}\Big|_{{\text{{{escaped(input)}}}}}")

    def value(self, array: Array) -> Printed:
        """Print a number, or the entries of an array as a matrix; of many their shape and range."""
        if array.size == 1:
            return super().value(array.reshape(()))
        columns = array.shape[-1]
        few = array.size <= SHOWN_ENTRIES or (self.shown.full and columns <= MOST_COLUMNS)
        if array.ndim > 1 and array.size > SHOWN_ENTRIES and (array.ndim > 2 or not few):
            low, high = (super(LatexPrinter, self).value(end).text for end in (array.min(), array.max()))
            words = rf"\text{{all }} {{{low}}}" if low == high else rf"{{{low}}} \text{{ to }} {{{high}}}"
            return Printed(r" \times ".join(map(str, array.shape)) + rf" \text{{ numbers, }} {words}")
        if array.ndim > 2:
            return Printed(plain(array_text(array, Shown(self.shown.digits)).replace("\N{MINUS SIGN}", "-")))
        rows = [[super(LatexPrinter, self).value(entry).text for entry in row] for row in array.reshape(-1, columns)]
        if not few:
            rows = [[*row[:2], r"\cdots", *row[-2:]] for row in rows]
        lines = r" \\ ".join(" & ".join(row) for row in rows)
        return Printed(rf"{{\begin{{bmatrix}} {lines} \end{{bmatrix}}}}")

    def digits(self, text: str) -> Printed:
        """Print a number; a power of ten where it has one."""
        printed = super().digits(text.replace("inf", r"\infty").replace("nan", r"\text{NaN}"))
        mantissa, exponent, power = printed.text.partition("e")
        if not exponent or not power.strip("+-").isdigit():
            return printed
        return Printed(rf"{mantissa} \times 10^{{{int(power)}}}", min(printed.level, PRODUCT), printed.kind)

    def reused(self, content: Printed) -> Printed:
        """Print what was computed before."""
        return Printed(_between("[", content.text, "]"))

    def fenced(self, printed: Printed) -> Printed:
        """Print in brackets, as high as what is in them."""
        return Printed(_between("(", printed.text, ")"))

    def quotient(self, top: Printed, bottom: Printed) -> Printed:
        """Print a fraction, which needs no brackets."""
        return Printed(rf"\frac{{{top.text}}}{{{bottom.text}}}", POWER)

    def power(self, base: Printed, exponent: Printed) -> Printed:
        """Print a power."""
        return Printed(f"{self.at(base, ATOM)}^{{{exponent.text}}}", POWER)

    def transpose(self, operand: Printed) -> Printed:
        """Print a matrix on its side."""
        return Printed(rf"{self.at(operand, ATOM)}^{{\top}}", POWER)

    def choice(self, condition: Printed, chosen: Printed, otherwise: Printed) -> Printed:
        """Print the two cases of a choice."""
        cases = rf"{chosen.text} & \text{{if }} {condition.text} \\ {otherwise.text} & \text{{otherwise}}"
        return Printed(rf"{{\begin{{cases}} {cases} \end{{cases}}}}", SUM)

    def entry(self, operand: Printed, index: tuple[object, ...]) -> Printed:
        """Print one entry of an array."""
        return Printed(f"{self.at(operand, POWER)}[{','.join(map(str, index))}]", ATOM, operand.kind)

    def index(self, operand: Printed, key: str) -> Printed:
        """Print a part of an array."""
        return Printed(f"{self.at(operand, POWER)}[{plain(key)}]")

    def reduction(self, name: str, axes: str, operand: Printed) -> Printed:
        """Print a sum, product or extremum over some axes; the samples are counted by n."""
        over = f"_{{{axes if axes == 'n' else plain(f'axis {axes}')}}}" if axes else ""
        return Printed(f"{_REDUCTIONS[name]}{over} {self.at(operand, PRODUCT)}", SUM)

    def function(self, name: str, operands: tuple[Printed, ...], parameters: tuple[object, ...] = ()) -> Printed:
        """Print a function of some operands."""
        arguments = ", ".join([*(operand.text for operand in operands), *(plain(str(item)) for item in parameters)])
        if name == "exp":
            return Printed(f"e^{{{arguments}}}", POWER)
        if name == "sqrt":
            return Printed(rf"\sqrt{{{arguments}}}")
        if name in _FENCES:
            return Printed(_FENCES[name] % arguments)
        return Printed(f"{_FUNCTIONS.get(name) or plain(name)}{_between('(', arguments, ')')}")

    @staticmethod
    def _derivative(of: str, by: str) -> Printed:
        return Printed(rf"\frac{{\partial {of}}}{{\partial {by}}}", POWER)


def _between(left: str, text: str, right: str) -> str:
    tall = _TALL.search(text) is not None
    return rf"\left{left}{text}\right{right}" if tall else f"{left}{text}{right}"
