"""Formulas of the literature: what is written for them is right to the last digits, and passes the check."""

from __future__ import annotations

import numpy as np
import pytest

from dagprop.author.check import check_file
from dagprop.author.choose import choose_rules
from dagprop.author.declaration import make_wish
from dagprop.author.parse import parse_formula
from dagprop.author.plugin_file import plugin_text
from dagprop.author.trial import forward, gradient
from dagprop.ops.plugins import load_plugin
from dagprop.ops.registry import ops
from tests.author.formulas import FORMULAS, POINTS, exact

TOLERANCE = 1e-12


def write_plugin(folder, name, known):
    wish = make_wish(name, attributes=known.attributes, formula=known.formula)
    tree = parse_formula(known.formula, wish.inputs, wish.attributes)
    path = folder / f"{name}.py"
    path.write_text(plugin_text(wish, choose_rules(tree, wish.inputs, wish.attributes), str(path)), encoding="utf-8")
    return wish, path


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_keeps_its_digits_and_passes_the_check(name, tmp_path):
    known = FORMULAS[name]
    wish, path = write_plugin(tmp_path, name, known)
    reports = check_file(str(path), timed=False)
    assert [(report.name, report.ok) for report in reports] == [(wish.op, True)]
    load_plugin(str(path))
    op = ops()[wish.op]
    x = np.array([point for point in POINTS if point not in known.kinks])
    with np.errstate(over="ignore", under="ignore"):
        y = forward(op, [x], known.attributes)
        slope = gradient(op, 0, [x], known.attributes, np.ones_like(x))
    for position, point in enumerate(x.tolist()):
        value, derivative, moved = exact(known, point)
        assert y[position] == pytest.approx(value, rel=TOLERANCE, abs=1e-290), point
        assert slope[position] == pytest.approx(derivative, rel=TOLERANCE + moved, abs=1e-290), point
