"""Formulas as expressions for programs: Python's syntax, with the names of SymPy's functions."""

from __future__ import annotations

import keyword
import re

from dagprop.backends.reference import Array
from dagprop.explain.formula import Apply
from dagprop.explain.printer import ATOM, COMPARISONS, POWER, PRODUCT, SUM, Printed, Printer
from dagprop.explain.rule_formulas import UPSTREAM
from dagprop.program.records import ELEMENTWISE

_COMPARISONS = {**COMPARISONS, "less_equal": "<=", "greater_equal": ">="}
_CONDITIONS = {
    **{"equal": "Eq", "not_equal": "Ne"},
    **{"logical_and": "And", "logical_or": "Or", "logical_not": "Not"},
}
_FUNCTIONS = {"abs": "Abs", "maximum": "Max", "minimum": "Min", "ceil": "ceiling"}
_TAKEN = frozenset((*ELEMENTWISE, *_FUNCTIONS.values(), *_CONDITIONS.values(), "Piecewise"))


class ExpressionPrinter(Printer):
    """Prints formulas on single numbers so that SymPy's ``sympify`` reads them."""

    times = " * "
    entrywise = " * "
    juxtaposes = False
    comparisons = _COMPARISONS
    function_names = _FUNCTIONS

    def name(self, reference: str) -> Printed:
        """Print the value of a node as an identifier."""
        return Printed(identifier(reference.replace(UPSTREAM, "d_")), ATOM, "name")

    def partial(self, of: str, by: str) -> Printed:
        """Print ∂of/∂by as an identifier."""
        return Printed(identifier(f"d{of}_d{by}"), ATOM, "name")

    def reused(self, content: Printed) -> Printed:
        """Print what was computed before as anything else."""
        return content

    def value(self, array: Array) -> Printed:
        """Print a computed number in full."""
        return self.number(array.item()) if array.size == 1 else Printed(repr(array.tolist()))

    def entry(self, operand: Printed, index: tuple[object, ...]) -> Printed:
        """Print an entry of an array as an identifier."""
        return Printed("_".join([operand.text, *map(str, index)]), ATOM, "name")

    def apply(self, formula: Apply, parts: tuple[Printed, ...]) -> Printed:
        """Print an operation; SymPy's ``==`` asks whether two are written alike, so conditions are functions."""
        if formula.function in _CONDITIONS:
            return self.function(_CONDITIONS[formula.function], parts)
        return super().apply(formula, parts)

    def power(self, base: Printed, exponent: Printed) -> Printed:
        """Print a power."""
        return Printed(f"{self.at(base, ATOM)}**{self.at(exponent, ATOM)}", POWER)

    def choice(self, condition: Printed, chosen: Printed, otherwise: Printed) -> Printed:
        """Print a choice."""
        return Printed(f"Piecewise(({chosen.text}, {condition.text}), ({otherwise.text}, True))")

    def function(self, name: str, operands: tuple[Printed, ...], parameters: tuple[object, ...] = ()) -> Printed:
        """Print a function, by its definition where SymPy does not have it."""
        text = operands[0].text if operands else ""
        match name:
            case "sigmoid":
                return Printed(f"1 / (1 + exp(-({text})))", PRODUCT, "quotient")
            case "softplus":
                return Printed(f"log(1 + exp({text}))")
            case "log1p":
                return Printed(f"log(1 + {self.at(operands[0], PRODUCT)})")
            case "expm1":
                return Printed(f"exp({text}) - 1", SUM)
        return super().function(name, operands, parameters)


def identifier(text: str) -> str:
    """Return a reference as the name of a variable: ``hidden__w`` for ``hidden/w``, and ``exp_`` for ``exp``."""
    name = re.sub(r"\W", "_", text.replace("/", "__"))
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN else name
