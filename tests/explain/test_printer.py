"""What formulas look like where reading them back does not tell: brackets of taste, and long lines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.explain.formula import Apply, Name, Number, Partial, Product, Reused, Sum, Value
from dagprop.explain.printer import Printer
from dagprop.graph.records import Node
from dagprop.render.latex_printer import LatexPrinter
from dagprop.render.names import Names
from dagprop.render.text import PAGE, broken
from tests.render.formulas import NUMBERS


def number(value):
    return Value(np.asarray(value))


X, Y, HALF, MINUS = Name("x"), Name("y"), number(0.5), number(-1.5)
DIFFERENCE = Apply("subtract", (X, Y))
NEGATIVE = Apply("negative", (DIFFERENCE,))

TEXTS = {
    "a number below zero alone": (MINUS, "-1.5", "-1.5"),
    "first of a product": (Product((MINUS, HALF)), "(-1.5) · 0.5", r"(-1.5) \cdot 0.5"),
    "second of a product": (Product((HALF, MINUS)), "0.5 · (-1.5)", r"0.5 \cdot (-1.5)"),
    "re-used": (Product((Reused(MINUS), MINUS)), "[-1.5] · (-1.5)", r"[-1.5] \cdot (-1.5)"),
    "first of a sum": (Sum((MINUS, HALF)), "(-1.5) + 0.5", "(-1.5) + 0.5"),
    "second of a sum": (Sum((HALF, MINUS)), "0.5 + (-1.5)", "0.5 + (-1.5)"),
    "taken from": (Apply("subtract", (MINUS, MINUS)), "(-1.5) - (-1.5)", "(-1.5) - (-1.5)"),
    "under a power": (Apply("pow", (MINUS, number(2.0))), "(-1.5)^2", "(-1.5)^{2}"),
    "over a line": (Apply("divide", (MINUS, HALF)), "(-1.5) / 0.5", r"\frac{-1.5}{0.5}"),
    "in a function": (Apply("sin", (MINUS,)), "sin(-1.5)", r"\sin(-1.5)"),
    "in a comparison": (Apply("less", (MINUS, HALF)), "-1.5 < 0.5", "-1.5 < 0.5"),
    "of a rule": (Apply("multiply", (X, Number(-3.0))), "x · (-3)", r"x \cdot (-3)"),
    "small, of a rule": (Product((number(-1e-9), X)), "(-1e-09) · x", r"(-1 \times 10^{-9}) \cdot x"),
    "a negative formula comes first": (Product((NEGATIVE, X)), "-(x - y) · x", r"-(x - y) \cdot x"),
    "a negative formula comes later": (Product((X, NEGATIVE)), "x · (-(x - y))", r"x \cdot (-(x - y))"),
    "a name before a sum": (Apply("multiply", (X, DIFFERENCE)), "x(x - y)", "x(x - y)"),
    "a function's name before a sum": (
        Apply("multiply", (Name("exp"), DIFFERENCE)),
        "exp · (x - y)",
        r"\mathit{exp} \cdot (x - y)",
    ),
    "a sum before a name": (Apply("multiply", (DIFFERENCE, X)), "(x - y) · x", r"(x - y) \cdot x"),
    "a quotient comes first": (
        Apply("multiply", (Apply("divide", (Number(1.0), Number(2.0))), X)),
        "(1 / 2) · x",
        r"\frac{1}{2} \cdot x",
    ),
    "a name with a stroke": (Partial("L", "a/w"), "∂L/∂(a/w)", r"\frac{\partial L}{\partial w_{\text{a}}}"),
    "an array that is re-used": (Reused(Value(np.asarray([1.0, 2.0]), (2,))), "[ [1 2] ]", None),
}


@pytest.mark.parametrize("case", TEXTS)
def test_texts(case):
    formula, text, latex = TEXTS[case]
    names = Names({id: Node(id, "parameter") for id in ("x", "y", "L", "a/w", "exp")})
    assert Printer()(formula) == text
    assert latex is None or LatexPrinter(names)(formula) == latex


@given(formula=NUMBERS, room=st.integers(PAGE // 2, PAGE))
def test_a_long_line_is_broken_before_operators_and_nothing_is_lost(formula, room):
    text = Printer()(formula)
    parts = broken(text, room)
    assert " ".join(parts) == text
    for part in parts[1:]:
        assert part[0] in "+-·⊙/" and part[1] == " "
    for part in parts:
        assert len(part) <= room or not any(sign in part[room // 2 : room] for sign in (" + ", " - ", " · ", " / "))


def test_a_line_is_broken_between_terms_rather_than_factors():
    terms = " + ".join(f"alpha{number} · beta{number} · gamma{number}" for number in range(9))
    assert all(part.startswith("+ alpha") for part in broken(terms, 60)[1:])
