"""Printed formulas, read by the usual precedence, are worth what the formula is worth: the brackets are right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagprop.explain.numbers import Shown
from dagprop.explain.printer import Printer
from dagprop.graph.records import Node
from dagprop.render.latex_printer import LatexPrinter
from dagprop.render.names import Names
from tests.render.formulas import MATRICES, NAMES, NUMBERS, read_latex, read_text, worth

NODES = {id: Node(id, "parameter") for id in NAMES}
STYLES = {"text": (Printer(Shown(12)), read_text), "latex": (LatexPrinter(Names(NODES), Shown(12)), read_latex)}

numbers = st.floats(-3, 3).map(lambda number: round(number, 3))


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=500)
@given(formula=NUMBERS, drawn=st.lists(numbers, min_size=len(NAMES), max_size=len(NAMES)))
def test_numbers(style, formula, drawn):
    values = dict(zip(NAMES, drawn, strict=True))
    printer, read = STYLES[style]
    text = printer(formula)
    np.testing.assert_allclose(read(text, values), worth(formula, values), rtol=1e-6, err_msg=text)


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=500)
@given(formula=MATRICES, seed=st.integers(0, 1000))
def test_matrices(style, formula, seed):
    random = np.random.default_rng(seed)
    values = {id: random.uniform(-2, 2, (2, 2)) for id in NAMES}
    printer, read = STYLES[style]
    text = printer(formula)
    np.testing.assert_allclose(read(text, values), worth(formula, values), rtol=1e-6, err_msg=text)


def test_each_name_is_written_as_the_reader_expects():
    names = Names(NODES)
    assert {id: names(id).text for id in NAMES} == NAMES
