"""Reading formulas: what they mean, and every way to write one wrongly."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.author.numbers import float_values
from dagprop.author.parse import DEEPEST, LONGEST, parse_formula
from dagprop.errors import PluginError

MEANINGS = {
    "x - 1 - 2": lambda x, a: x - 3,
    "2 ** -x": lambda x, a: 2.0**-x,
    "-x**2": lambda x, a: -(x**2),
    "+x / 2 * 3": lambda x, a: x / 2 * 3,
    "x if x > 0 else a*x": lambda x, a: np.where(x > 0, x, a * x),
    "piecewise(x < -1, -1, x > 1, 1, x)": lambda x, a: np.clip(x, -1, 1),
    "clip(x, -1, 1)": lambda x, a: np.clip(x, -1, 1),
    "where(-1 < x < 1, x, 0)": lambda x, a: np.where((x > -1) & (x < 1), x, 0),
    "where(x < -1 or not x < 1 and a > 0, x, 0)": lambda x, a: np.where((x < -1) | (x >= 1), x, 0),
    "max(x, 0, a)": lambda x, a: np.maximum(np.maximum(x, 0), a),
    "relu(x) + step(x)": lambda x, a: np.where(x > 0, x + 1, 0),
    "ln(square(x) + 1) + log10(x**2 + 1)": lambda x, a: np.log(x**2 + 1) + np.log10(x**2 + 1),
    "sigmoid(x) + silu(x)": lambda x, a: (1 + x) / (1 + np.exp(-x)),
    "softplus(x) + logsigmoid(x)": lambda x, a: np.log(1 + np.exp(x)) - np.log(1 + np.exp(-x)),
    "arctan(x) + sgn(x) * pi - e": lambda x, a: np.arctan(x) + np.sign(x) * np.pi - np.e,
    "1e-3*x + .5": lambda x, a: 1e-3 * x + 0.5,
}

MISTAKES = [
    ("", None, "the formula is empty"),
    ("x / (1 + exp(-aa*x))", 15, 'unknown name "aa"'),
    ("2x+1", 1, "cannot be read"),
    ("x^2", 3, "^ is no power here"),
    ("foo(x)", 1, 'unknown function "foo"'),
    ("x + sigmid(x)", 5, 'did you mean "sigmoid"?'),
    ("exp(x", 4, "cannot be read"),
    ("|x|", 1, "write abs(x) for |x|"),
    ("y = x*x", 3, "write what stands behind the = alone"),
    ("x; import os", 2, "cannot be read"),
    ("__import__('os')", 1, "unknown function"),
    ("x.__class__", 1, "a formula cannot have this (Attribute)"),
    ("[x for x in x]", 1, "a formula cannot have this (ListComp)"),
    ("(lambda: x)()", 1, "a function is called by its name"),
    ("x[0]", 1, "a formula cannot have this (Subscript)"),
    ("(x := 3)", 2, "a formula cannot have this (NamedExpr)"),
    ("f'{x}'", 1, "a formula cannot have this (JoinedStr)"),
    ("np.exp(x)", 1, "write exp(...)"),
    ("exp", 1, '"exp" is a function'),
    ("exp(x, x)", 1, '"exp" takes 1 argument, and has 2'),
    ("exp(*x)", 1, "arguments are written one by one"),
    ("max(x)", 1, '"max" takes 2 arguments, and has 1'),
    ("clip(x, 1)", 1, '"clip" takes 3 arguments, and has 2'),
    ("x > 0", 1, "a comparison is no number"),
    ("where(x, 1, 2)", 7, "a condition compares two numbers"),
    ("where(x in x, 1, 2)", 7, "numbers are compared by"),
    ("x*x", None, 'the attribute "a" does not occur'),
    ("piecewise(x > 0, 1)", 1, "last the value elsewhere"),
    ("True * x", 1, "True is no real number"),
    ("2j * x", 1, "2j is no real number"),
    ("'a' * x", 1, "a formula cannot have this (Constant)"),
    ("x // 2", 6, "a formula has the operators"),
    ("2·x - tanh(x)", 2, "write a product with *, as in 2*x"),
    ("x·tanh(x)", 2, "a formula has no ·"),
    ("2 − x", 3, "write a difference with -"),
    ("x²", 2, "write a power with **, as in x**2"),
    ("x^2", 3, "write a power with **, as in x**2"),
    ("x / 0", 5, "this divides by 0"),
    ("log(-1) * x", 1, "this is no finite number"),
    ("10**400 * x", 1, "this is no finite number"),
    ("1e999 * x", 1, "the number is too large"),
    ("3 + a", None, 'the input "x" does not occur'),
    ("x + " * (DEEPEST + 2) + "x", None, "nested more than"),
    ("(" * 300 + "x" + ")" * 300, None, ""),
    ("x" + " " * LONGEST, None, "characters, and may have"),
    ("-" * 900 + "x", None, "nested"),
]


@pytest.mark.parametrize("formula", MEANINGS)
def test_what_formulas_mean(formula):
    x = np.array([-2.5, -1.0, -0.25, 0.0, 0.5, 1.0, 3.0])
    tree = parse_formula(formula, ["x"], re.findall(r"\ba\b", formula))
    np.testing.assert_allclose(float_values(tree, {"x": x, "a": 0.7}), MEANINGS[formula](x, 0.7), rtol=1e-14)


@pytest.mark.parametrize(("formula", "column", "message"), MISTAKES, ids=lambda value: str(value)[:24])
def test_mistakes_are_named_with_their_column(formula, column, message):
    with pytest.raises(PluginError) as caught:
        parse_formula(formula, ["x"], ["a"])
    assert message in str(caught.value)
    assert caught.value.problems[0].code == "DP511"
    if column is not None:
        assert column in [problem.column for problem in caught.value.problems]


def test_all_mistakes_are_told_at_once():
    with pytest.raises(PluginError) as caught:
        parse_formula("sigmid(betta*x) + x^2", ["x"], ["beta"])
    assert [problem.column for problem in caught.value.problems] == [1, 8, 21]


@given(st.text(max_size=60) | st.text("x()+-*/<>=.,'\"[]{}:ife0123456789 ", max_size=60))
def test_whatever_is_typed_is_a_formula_or_a_mistake(text):
    problems = ()
    try:
        parse_formula(text, ["x"], ["a"])
    except PluginError as error:
        problems = error.problems
    assert all(problem.code == "DP511" for problem in problems)
