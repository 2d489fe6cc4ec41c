"""Formulas of the literature: what is written for them is right to the last digits, and passes the check."""

from __future__ import annotations

import numpy as np
import pytest

from dagprop.author.check import check_file
from dagprop.author.choose import choose_rules
from dagprop.author.expression import Name, replaced
from dagprop.author.new_op import new_op
from dagprop.author.numbers import float_values
from dagprop.author.parse import parse_formula
from dagprop.author.plugin_file import plugin_text
from dagprop.author.trial import forward
from dagprop.errors import PluginError
from dagprop.ops.plugins import load_plugin
from dagprop.ops.registry import ops
from tests.author.formulas import FORMULAS, POINTS, SEVERAL_INPUTS, exact
from tests.ops.samples import gradient

TOLERANCE = 1e-12


def write_plugin(folder, name, formula, inputs=("x",), attributes=None):
    new = new_op(name, inputs=inputs, attributes=attributes, formula=formula)
    tree = parse_formula(formula, new.inputs, new.attributes)
    path = folder / f"{name}.py"
    path.write_text(plugin_text(new, choose_rules(tree, new.inputs, new.attributes), str(path)), encoding="utf-8")
    return new, path


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_keeps_its_digits_and_passes_the_check(name, tmp_path):
    known = FORMULAS[name]
    new, path = write_plugin(tmp_path, name, known.formula, attributes=known.attributes)
    reports = check_file(str(path), timed=False)
    assert [(report.name, report.ok) for report in reports] == [(new.op, True)]
    load_plugin(str(path))
    op = ops()[new.op]
    x = np.array([point for point in POINTS if point not in known.kinks])
    with np.errstate(over="ignore", under="ignore"):
        y = forward(op, [x], known.attributes)
        slope = gradient(op, 0, [x], known.attributes, np.ones_like(x))
    for position, point in enumerate(x.tolist()):
        value, derivative, moved = exact(known, point)
        assert y[position] == pytest.approx(value, rel=TOLERANCE, abs=1e-290), point
        assert slope[position] == pytest.approx(derivative, rel=TOLERANCE + moved, abs=1e-290), point


@pytest.mark.parametrize("name", SEVERAL_INPUTS)
def test_formulas_of_several_inputs_pass_the_check(name, tmp_path):
    formula, inputs = SEVERAL_INPUTS[name]
    new, path = write_plugin(tmp_path, name, formula, inputs)
    (report,) = check_file(str(path), timed=False)
    assert report.ok, report
    assert set(ops()) & {new.op} == set()  # a check leaves nothing behind


def test_a_rule_is_as_its_author_wrote_it_where_that_is_right():
    for formula in ("x / (1 + exp(-x))", "x + sin(x)**2", "(x**3 + x) / (1 + x**2)", "x*cos(x)"):
        rules = choose_rules(parse_formula(formula, ["x"], []), ["x"], {})
        assert rules.forward.tree == parse_formula(formula, ["x"], [])
        assert rules.forward.rules == ()


def test_digits_that_cannot_be_kept_are_told():
    rules = choose_rules(parse_formula("x - sin(x)", ["x"], []), ["x"], {})
    assert not rules.forward.quality.good
    assert abs(dict(rules.forward.quality.where)["x"]) < 1e-2


@pytest.mark.parametrize(
    ("formula", "at", "slope"),
    [
        ("max(x, 0)", 0.0, 0.0),
        ("max(0, x)", 0.0, 0.0),
        ("relu(x)", 0.0, 0.0),
        ("min(max(x, 0), 6)", 6.0, 0.0),
        ("max(x, 0.1*x)", 0.0, 0.1),
        ("x if x > 0 else 0.1*x", 0.0, 0.1),
        ("abs(x)", 0.0, 0.0),
        ("sign(x)", 0.0, 0.0),
        ("floor(x) + round(x) + ceil(x)", 0.3, 0.0),
        ("max(0, x) + min(0, exp(x) - 1)", 0.0, 1.0),  # smooth, though neither term is
        ("sign(x)*log(1 + abs(x))", 0.0, 1.0),
        ("x*abs(x)", 0.0, 0.0),
    ],
)
def test_derivatives_at_kinks_are_those_of_the_built_in_ops(formula, at, slope):
    tree = parse_formula(formula, ["x"], [])
    rules = choose_rules(tree, ["x"], {})
    written = replaced(rules.derivatives["x"].tree, {Name("y"): rules.forward.tree})
    assert float_values(written, {"x": np.array([at])}).item() == slope


@pytest.mark.parametrize("formula", ["x*1e308*10", "1e308*x**2"])
def test_a_derivative_that_float64_cannot_hold_is_a_mistake(formula):
    with pytest.raises(PluginError, match="too large"):
        choose_rules(parse_formula(formula, ["x"], []), ["x"], {})
