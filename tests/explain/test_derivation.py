"""Derivations: the lines of the lecture's networks, and for any network formulas that give the engine's gradients."""

import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dagprop
from dagprop.errors import DataError
from dagprop.explain.derivation_check import check_derivation
from dagprop.explain.derivation_document import chain, derivation_document, gradient_formula
from dagprop.explain.derivation_json import derivation_data
from dagprop.explain.entries import entry
from dagprop.explain.evaluation import evaluate
from dagprop.explain.numbers import Shown
from dagprop.explain.printer import Printer
from dagprop.ops.declared import isolated
from dagprop.ops.plugins import load_plugin
from tests.random_graphs import RandomGraph, random_graphs

GRAPHS = sorted(Path("graphs").glob("*.json"))
PLUGINS = sorted(Path("plugins").glob("*.py"))


def of_file(path, **options):
    graph = dagprop.load(path)
    network = dagprop.api.prepare(graph)
    feeds = dagprop.api.load_data(graph, network).feeds if graph.data else None
    return dagprop.derive(graph, feeds=feeds, **options)


@pytest.fixture(scope="module")
def four_layers():
    return of_file("graphs/four-layer-chain.json")


LECTURE = [
    (
        "w3",
        "∂L/∂f3 · ∂f3/∂a3 · ∂a3/∂w3",
        "-(y - f3) · f3(1 - f3) · f2",
        "(-0.381726) · 0.236011 · 0.321486",
        "-0.0289632",
    ),
    (
        "w2",
        "[∂L/∂f3 · ∂f3/∂a3] · ∂a3/∂f2 · ∂f2/∂a2 · ∂a2/∂w2",
        "[∂L/∂a3] · w3 · f2(1 - f2) · f1",
        "[-0.0900916] · 1.5 · 0.218133 · 0.622459",
        "-0.0183488",
    ),
    (
        "w1",
        "[∂L/∂f3 · ∂f3/∂a3 · ∂a3/∂f2 · ∂f2/∂a2] · ∂a2/∂f1 · ∂f1/∂a1 · ∂a1/∂w1",
        "[∂L/∂a2] · w2 · f1(1 - f1) · x",
        "[-0.0294779] · (-1.2) · 0.235004 · 0.5",
        "0.00415645",
    ),
    ("b1", "[∂L/∂f3 · ∂f3/∂a3 · … · ∂f1/∂a1] · ∂a1/∂b1", "[∂L/∂a1] · 1", "[0.0083129] · 1", "0.0083129"),
]


def test_the_lecture(four_layers):
    text = Printer()
    found = []
    for line in four_layers.lines:
        (term,) = line.terms
        rows = chain(four_layers, line, term), gradient_formula(line), term.numbers
        found.append((line.target, *map(text, rows), f"{float(line.value):.6g}"))
    assert found == LECTURE


def test_the_lecture_counts_multiplications(four_layers):
    assert (four_layers.multiplications, four_layers.multiplications_alone) == (9, 18)


def test_a_line_says_where_the_reused_part_was_computed(four_layers):
    assert {line.target: four_layers.line_of.get(line.terms[0].start) for line in four_layers.lines} == {
        "w3": None,
        "w2": "w3",
        "w1": "w2",
        "b1": "w1",
    }


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_formulas_give_the_gradients_of_the_engine(path):
    checked = check_derivation(of_file(path))
    assert checked
    assert all(line.passed for line in checked)


def test_a_formula_that_is_wrong_is_found(four_layers):
    w3, *others = four_layers.lines
    formula = w3.terms[0].formula
    wrong = replace(w3, terms=(replace(w3.terms[0], formula=replace(formula, factors=formula.factors[:-1])),))
    checked = check_derivation(replace(four_layers, lines=(wrong, *others)))
    assert [line.target for line in checked if not line.passed] == ["w3"]
    assert [line.target for line in checked if line.reused] == ["a3", "a2", "a1"]


def shared(uses: int) -> dagprop.Graph:
    """Return a graph in which one value has several uses."""
    nodes = {"w": {"op": "parameter", "value": 0.7}, "h": {"op": "tanh", "inputs": ["w"]}}
    nodes |= {f"u{number}": {"op": "power", "inputs": ["h", f"c{number}"]} for number in range(uses)}
    nodes |= {f"c{number}": {"op": "constant", "value": number + 2} for number in range(uses)}
    nodes["L"] = {"op": "add", "inputs": [f"u{number}" for number in range(uses)]}
    return graph_of(nodes)


def graph_of(nodes, loss="L", **others):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.json"
        path.write_text(json.dumps({"dagprop": 1, "nodes": nodes, "loss": loss, **others}))
        return dagprop.load(path)


def test_a_value_with_several_uses_has_a_line_with_their_sum():
    derivation = dagprop.derive(shared(3))
    first, second = derivation.lines
    text = Printer()
    assert first.target == "h"
    assert len(first.terms) == 3
    assert text(gradient_formula(second)) == "[∂L/∂h] · (1 - h^2)"
    assert float(first.value) == pytest.approx(sum(n * np.tanh(0.7) ** (n - 1) for n in (2, 3, 4)))


def test_derivatives_through_several_inputs_are_told_apart():
    nodes = {"w": {"op": "parameter", "value": 3.0}, "L": {"op": "multiply", "inputs": ["w", "w"]}}
    derivation = dagprop.derive(graph_of(nodes))
    (line,) = derivation.lines
    texts = [Printer()(chain(derivation, line, term)) for term in line.terms]
    assert texts == ["∂L/∂w|xs[0]", "∂L/∂w|xs[1]"]


def test_sixty_diamonds_need_one_line_each_and_the_exact_count():
    nodes = {"w": {"op": "parameter", "value": 1.0}}
    for number in range(60):
        nodes[f"h{number}"] = {"op": "add", "inputs": [f"h{number - 1}" if number else "w"] * 2}
    derivation = dagprop.derive(graph_of(nodes, loss="h59"))
    assert float(derivation.lines[-1].value) == 2.0**60
    assert derivation.multiplications_alone == 59 * 2**60
    assert len(derivation.lines) == 60


def test_what_the_loss_does_not_depend_on_is_zero():
    nodes = {
        "w": {"op": "parameter", "value": 2.0},
        "v": {"op": "parameter", "value": 3.0},
        "L": {"op": "sigmoid", "inputs": ["w"]},
    }
    derivation = dagprop.derive(graph_of(nodes))
    last = derivation.lines[-1]
    assert (last.target, last.terms, float(last.value)) == ("v", (), 0.0)


def test_inner_values_and_the_loss_itself_can_be_asked_for():
    derivation = of_file("graphs/four-layer-chain.json", wrt=["a2", "x", "L"])
    assert [line.target for line in derivation.lines] == ["a2", "x"]


@settings(max_examples=60, deadline=None)
@given(example=random_graphs(plugins=True))
def test_random_graphs_with_plugins_pass_the_check(example: RandomGraph):
    with isolated():
        for path in PLUGINS:
            load_plugin(str(path))
        parameters = [id for id, node in example.nodes.items() if node["op"] == "parameter"]
        derivation = dagprop.derive(graph_of(example.nodes, loss=example.loss), parameters)
        assert all(line.passed for line in check_derivation(derivation))
        for line in derivation.lines:
            np.testing.assert_allclose(line.value, example.derivative(line.target), rtol=1e-9, atol=1e-12)
        for data in derivation_data(derivation)["gradients"]:
            if data["expression"] is not None:
                numbers = {name: float(value) for name, value in data["symbols"].items()}
                found = eval(data["expression"], {}, {**numbers, **FUNCTIONS})
                assert found == pytest.approx(float(data["value"]), rel=1e-9, abs=1e-12)


FUNCTIONS = {"Abs": abs, **{name: getattr(np, name) for name in ("sin", "cos", "tanh", "exp", "log")}}


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_one_entry_written_out_is_that_entry(path):
    derivation = of_file(path)
    for line in derivation.lines:
        element = tuple(size - 1 for size in line.value.shape)
        terms = [entry(term.formula, element, most=10**6) for term in line.terms]
        found = sum(evaluate(term, derivation.values, derivation.gradients).item() for term in terms)
        assert found == pytest.approx(float(line.value[element]), rel=1e-9, abs=1e-12)


def test_computed_numbers_have_as_many_digits_as_asked_for(four_layers):
    numbers = four_layers.lines[0].terms[0].numbers
    assert Printer(Shown(3))(numbers) == "(-0.382) · 0.236 · 0.321"


def test_a_gradient_below_all_floats_is_not_just_0():
    nodes = {"w": {"op": "parameter", "value": 0.5}, "f0": {"op": "sigmoid", "inputs": ["w"]}}
    nodes |= {f"f{number}": {"op": "sigmoid", "inputs": [f"f{number - 1}"]} for number in range(1, 600)}
    value, log = 0.5, 0.0
    for _ in range(600):
        value = 1 / (1 + math.exp(-value))
        log += math.log10(value * (1 - value))
    derivation = dagprop.derive(graph_of(nodes, loss="f599"))
    _, equation, *_ = derivation_document(derivation, "substituted", 0.1)
    assert float(derivation.lines[0].value) == 0
    said, size = equation.notes[-1][0].rsplit(" ", 1)
    assert said == "no float64 is so small: it is of the size"
    mantissa, exponent = size.split("e")
    assert math.log10(float(mantissa)) + int(exponent) == pytest.approx(log, abs=1e-3)


def test_a_gradient_that_is_0_is_just_0():
    nodes = {"w": {"op": "parameter", "value": -2.0}, "L": {"op": "relu", "inputs": ["w"]}}
    derivation = dagprop.derive(graph_of(nodes))
    _, equation, *_ = derivation_document(derivation, "substituted", 0.1)
    assert not any(equation.notes)


def test_numbers_that_do_not_make_the_gradient_are_found(four_layers):
    w3, *others = four_layers.lines
    (term,) = w3.terms
    first, *rest = term.numbers.factors
    shown = replace(term.numbers, factors=(replace(first, array=first.array * 1.001), *rest))
    wrong = replace(w3, terms=(replace(term, numbers=shown),))
    checked = check_derivation(replace(four_layers, lines=(wrong, *others)))
    assert [line.target for line in checked if not line.passed] == ["w3", "a3"]


def test_a_sum_does_not_begin_with_the_0_of_python():
    nodes = {name: {"op": "parameter", "value": value} for name, value in (("v", 1.0), ("w", 2.0))}
    nodes["L"] = {"op": "maximum", "inputs": ["v", "w"]}
    texts = [Printer()(gradient_formula(line)) for line in dagprop.derive(graph_of(nodes)).lines]
    assert texts == [f"(1 if {name} = L else 0) / ((1 if v = L else 0) + (1 if w = L else 0))" for name in ("v", "w")]


PERCEPTRON = {
    **{"x": {"op": "input"}, "y": {"op": "input"}, "w": {"op": "parameter", "value": 0.5}},
    "p": {"op": "multiply", "inputs": ["w", "x"]},
    "L": {"op": "half_squared_error", "inputs": ["p", "y"]},
}
WITH_MEAN = ", with the mean of their derivatives"


@pytest.mark.parametrize(
    ("train", "feeds", "words"),
    [
        ({"batch_size": 1}, {"x": 1.0, "y": 2.0}, "for each sample (x, y):"),
        ({"batch_size": 8}, {"x": 1.0, "y": 2.0}, f"for each batch of 8 samples (x, y){WITH_MEAN}:"),
        ({"batch_size": 1}, {"x": [1.0, 2.0], "y": [2.0, 1.0]}, "for each sample (x, y):"),
        ({"batch_size": 8}, {"x": [1.0, 2.0], "y": [2.0, 1.0]}, "for each batch of 2 samples (x, y):"),
        ({"batch_size": 4}, {"x": range(9), "y": range(9)}, "for each batch of 4 samples (x, y):"),
        ({}, {"x": range(99), "y": range(99)}, "for each batch of 32 samples (x, y):"),
        ({"validation": 0.5, "test": 0.2}, {"x": range(10), "y": range(10)}, "for each batch of 3 samples (x, y):"),
        ({"validation": 0.5}, {"x": [1.0], "y": [2.0]}, "for each sample (x, y):"),  # leaves nothing to train on
    ],
)
def test_the_algorithm_takes_the_batches_of_the_training(train, feeds, words):
    text = str(dagprop.derive(graph_of(PERCEPTRON, train=train), feeds={id: list_of(v) for id, v in feeds.items()}))
    assert f"\n  {words}\n    forward:\n      p = w · x\n" in text
    _, listing = text.split("Stochastic gradient descent for this network")
    size = words.split()[4] if "batch" in words and WITH_MEAN not in words else None
    derivative = "-(y - p) · x" if size is None else f"Σₙ((1 / {size}) · (-(y - p)) ⊙ x)"
    assert f"∂L/∂w = {derivative}\n" in listing


def list_of(value):
    return value if isinstance(value, float) else list(value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((1.0, 2.0), "for each sample (x, y):"),  # the file has one sample, whatever the size of a batch
        (([1.0, 2.0, 3.0], 2.0), f"for each batch of 3 samples (x, y){WITH_MEAN}:"),
        (([1.0] * 50, 2.0), f"for each batch of 32 samples (x, y){WITH_MEAN}:"),
        ((1.0, None), f"for each batch of 32 samples (x, y){WITH_MEAN}:"),
    ],
)
def test_the_samples_of_the_graph_count_where_one_is_looked_at(values, words):
    own = {id: {"op": "input"} | ({} if v is None else {"value": v}) for id, v in zip("xy", values, strict=True)}
    assert f"  {words}\n" in str(dagprop.derive(graph_of({**PERCEPTRON, **own}), feeds={"x": 1.0, "y": 2.0}))


@settings(max_examples=40)
@given(
    rows=st.integers(2, 40),
    size=st.integers(1, 50),
    shares=st.tuples(st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0.0, 0.2])),
)
def test_the_algorithm_is_that_of_the_first_batch_alone(rows, size, shares):
    train = {"batch_size": size, "validation": shares[0], "test": shares[1], "epochs": 1, "learning_rate": 0.001}
    feeds = {"x": np.linspace(-1, 1, rows), "y": np.linspace(1, 2, rows)}
    graph = graph_of(PERCEPTRON, train=train)
    try:
        trained = dagprop.train(graph, feeds).samples["train"]
    except DataError:  # the shares leave nothing to train on
        trained = 1
    batch = min(size, trained)
    alone = {id: values[:batch] if batch > 1 else values[0] for id, values in feeds.items()}
    expected = dagprop.derive(graph_of(PERCEPTRON, train={"batch_size": batch}), feeds=alone)
    title = "Stochastic gradient descent for this network"
    listings = [str(derivation).partition(title)[2] for derivation in (dagprop.derive(graph, feeds=feeds), expected)]
    assert listings[0] == listings[1] != ""
