"""Printed formulas, read and worked out by SymPy: they give the gradients of the engine."""

from pathlib import Path

import pytest
import sympy
from hypothesis import given, settings

import dagprop
from dagprop.explain.derivation_check import check_derivation
from dagprop.explain.derivation_document import gradient_formula
from dagprop.explain.derivation_json import derivation_data
from dagprop.explain.expression import ExpressionPrinter, identifier
from dagprop.ops.declared import isolated
from dagprop.ops.plugins import load_plugin
from tests.conformance.neutral import write_file
from tests.random_graphs import RandomGraph, random_graphs

ROOT = Path(__file__).parents[2]
GRAPHS = sorted(ROOT.glob("graphs/*.json"))
PLUGINS = sorted(ROOT.glob("plugins/*.py"))

expression = ExpressionPrinter()


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """Load a graph from a document; one folder serves all examples of a property."""
    folder = tmp_path_factory.mktemp("graphs")
    return lambda document: dagprop.load(write_file(folder, document))


def worked_out(text, numbers):
    """Return what SymPy makes of an expression, where identifiers have some values."""
    names = {name: sympy.Symbol(name, real=True) for name in numbers}
    read = sympy.sympify(text, locals=names)
    return float(read.subs({names[name]: value for name, value in numbers.items()}))


def gradients_by_sympy(derivation):
    """Return the gradient of each line, from its printed formula, the forward values, and the lines above alone."""
    loss = derivation.loss
    values = {identifier(name): array.item() for name, array in derivation.values.items() if array.size == 1}
    known = {loss: 1.0}
    for line in derivation.lines:
        for term in line.terms:
            gradient = known[term.start or loss]
            for factor in term.factors[:-1]:
                # A pullback takes the gradient of its output into its formula; a local derivative is a factor.
                upstream = {identifier(f"d_{factor.above}"): gradient}
                found = worked_out(expression(factor.formula), {**values, **upstream})
                gradient = found if factor.local is None else gradient * found
                known[factor.step.target] = gradient
        partials = {identifier(f"d{loss}_d{name}"): gradient for name, gradient in known.items()}
        known[line.target] = worked_out(expression(gradient_formula(line)), {**values, **partials})
    return {line.target: known[line.target] for line in derivation.lines}


@pytest.mark.parametrize(
    "name", ["four-layer-chain", "four-layer-chain-neurons", "smallest-perceptron", "two-weight-perceptron"]
)
def test_the_lectures_networks(name):
    derivation = dagprop.derive(dagprop.load(ROOT / f"graphs/{name}.json"))
    found = gradients_by_sympy(derivation)
    assert found
    for line in derivation.lines:
        assert found[line.target] == pytest.approx(line.value.item(), rel=1e-12)


@settings(max_examples=60)
@given(example=random_graphs(plugins=True, shapes=[()]))
def test_networks_of_numbers_with_shared_values_and_plugins(load, example: RandomGraph):
    with isolated():
        for path in PLUGINS:
            load_plugin(str(path))
        parameters = [id for id, node in example.nodes.items() if node["op"] == "parameter"]
        derivation = dagprop.derive(load(example.document()), parameters)
        assert all(line.passed for line in check_derivation(derivation))
        found = gradients_by_sympy(derivation)
        for line in derivation.lines:
            exact = example.derivative(line.target).item()
            assert found[line.target] == pytest.approx(exact, rel=1e-9, abs=1e-12)
            assert line.value.item() == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_nodes_with_the_names_of_functions_and_keywords(load):
    nodes = {
        **{name: {"op": "parameter", "value": 0.3 + place / 10} for place, name in enumerate(("exp", "sin", "lambda"))},
        "if": {"op": "exp", "inputs": ["sin"]},
        "max": {"op": "sigmoid", "inputs": ["if"]},
        "log": {"op": "multiply", "inputs": ["max", "exp", "lambda"]},
        "Max": {"op": "half_squared_error", "inputs": ["log", "lambda"]},
        "And": {"op": "tanh", "inputs": ["Max"]},
    }
    derivation = dagprop.derive(load({"dagprop": 1, "nodes": nodes, "loss": "And"}))
    found = gradients_by_sympy(derivation)
    assert len(found) > 2
    for line in derivation.lines:
        assert found[line.target] == pytest.approx(line.value.item(), rel=1e-12)


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_one_entry_of_each_gradient(path):
    graph = dagprop.load(path)
    data = dagprop.api.load_data(graph, dagprop.api.prepare(graph)).feeds if graph.data else {}
    feeds = {name: rows[:3] for name, rows in data.items()}
    for id in dagprop.api.prepare(graph).graph.parameters():
        derivation = dagprop.derive(graph, [id], feeds)
        shape = derivation.values[id].shape
        element = tuple(size // 2 for size in shape)
        (line,) = (line for line in derivation_data(derivation, element)["gradients"] if line["wrt"] == id)
        numbers = {name: float(value) for name, value in line["symbols"].items()}
        gradient = derivation.gradients[id][element]
        assert worked_out(line["expression"], numbers) == pytest.approx(float(gradient), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", ["four-layer-chain", "smallest-perceptron", "two-weight-perceptron"])
def test_the_printed_equation_differentiated_by_sympy(name):
    graph = dagprop.load(ROOT / f"graphs/{name}.json")
    (line,) = dagprop.equation(graph, length=10_000).nested
    derivation = dagprop.derive(graph)
    values = {name: array.item() for name, array in derivation.values.items()}
    names = {name: sympy.Symbol(name, real=True) for name in values}
    loss = sympy.sympify(expression(line.formula), locals=names)
    for gradient in derivation.lines:
        exact = sympy.diff(loss, names[gradient.target]).subs({names[name]: value for name, value in values.items()})
        assert gradient.value.item() == pytest.approx(float(exact), rel=1e-12)


def test_two_nodes_that_would_be_one_variable_have_no_expression(load):
    nodes = {
        **{name: {"op": "parameter", "value": 0.5} for name in ("exp", "exp_", "w")},
        "L": {"op": "multiply", "inputs": ["exp", "exp_", "w"]},
    }
    data = derivation_data(dagprop.derive(load({"dagprop": 1, "nodes": nodes, "loss": "L"})))
    missing = {line["wrt"]: line["expression"] is None for line in data["gradients"]}
    assert missing == {"exp": False, "exp_": False, "w": True}
