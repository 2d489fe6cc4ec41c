"""Equations: read back from their text, they give what the network computes; none grows out of hand."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dagprop
from dagprop.explain.equation import SHORT
from dagprop.explain.equation_document import equation_document, shape_words
from dagprop.explain.formula import name_counts
from dagprop.explain.numbers import Shown
from dagprop.explain.printer import Printer
from dagprop.ops import registry
from dagprop.ops.plugins import load_plugin
from dagprop.render.text import text_document
from tests.conformance.neutral import write_file
from tests.explain.reading import FUNCTIONS, function, read
from tests.random_graphs import random_graphs

GRAPHS = sorted((Path(__file__).parents[2] / "graphs").glob("*.json"))

LENGTHS = st.sampled_from([1, 8, 30, 100, 10_000])


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """Load a graph from a document; one folder serves all examples of a property."""
    folder = tmp_path_factory.mktemp("graphs")
    return lambda document: dagprop.load(write_file(folder, document))


def text_of(equations, most=None):
    return text_document(equation_document(equations, most), Shown(6))


def check_against(equations, leaves, expected, functions=None):
    """Work out the printed equations, each list by itself from the leaves, and compare every value."""
    printer = Printer()
    for lines in (equations.substitutions, tuple(reversed(equations.nested[len(equations.roots) :]))):
        values = dict(leaves)
        for line in lines:
            values[line.reference] = read(printer(line.formula), values, functions)
            np.testing.assert_allclose(values[line.reference], expected[line.reference], rtol=1e-9, atol=1e-12)
        for line in equations.nested[: len(equations.roots)]:
            if line.reference not in values:
                found = read(printer(line.formula), values, functions)
                np.testing.assert_allclose(found, expected[line.reference], rtol=1e-9, atol=1e-12)


@given(example=random_graphs(), length=LENGTHS)
def test_printed_equations_give_the_values_of_random_graphs(load, example, length):
    expected = example.evaluate({})
    leaves = {id: node["value"] for id, node in example.nodes.items() if "value" in node}
    check_against(dagprop.equation(load(example.document()), length=length), leaves, expected)


@pytest.mark.parametrize("length", [1, 100])
@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_printed_equations_give_the_values_of_the_graphs(path, length):
    graph = dagprop.load(path)
    found = dagprop.equation(graph, length=length)
    network = found.network
    rng = np.random.default_rng(0)
    classes = {
        node.inputs[1]: network.shapes[node.inputs[0]][-1]
        for node in network.graph.nodes.values()
        if node.op == "cross_entropy"
    }
    matrices = any(len(shape) > 1 for shape in network.shapes.values())
    leaves = {}
    for id in network.order:
        if network.node(id).is_leaf:
            shape = tuple(4 if size == "N" else size for size in network.shapes[id] if size != "N" or matrices)
            leaves[id] = rng.integers(0, classes[id], shape) if id in classes else rng.normal(size=shape)
    expected = dagprop.forward(graph, leaves)
    size = next(iter(classes.values()), 0)
    check_against(found, leaves, expected, {"onehot": function(lambda index: np.eye(size)[index.astype(int)])})


def test_the_four_layer_chain_is_what_the_lecture_writes(root):
    found = dagprop.equation(dagprop.load(root / "graphs/four-layer-chain.json"))
    assert str(found) == "L = 0.5 · (y - σ(w3 · σ(w2 · σ(w1 · x + b1))))^2"
    printer = Printer()
    assert [f"{line.reference} = {printer(line.formula)}" for line in found.substitutions] == [
        "a1 = w1 · x + b1",
        "f1 = σ(a1)",
        "a2 = w2 · f1",
        "f2 = σ(a2)",
        "a3 = w3 · f2",
        "f3 = σ(a3)",
        "L = 0.5 · (y - f3)^2",
    ]
    text = text_of(found)
    assert "σ(x)   Logistic sigmoid              1 / (1 + exp(-x))" in text
    assert "4 numbers in 4 parameters to estimate." in text


FORMS = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: max(x, 0),
    "leaky_relu": lambda x, alpha: x if x > 0 else alpha * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * (np.exp(x) - 1),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "swish": lambda x, beta: x / (1 + np.exp(-beta * x)),
    "snake": lambda x, a: x + np.sin(a * x) ** 2 / a,
    "softsign": lambda x: x / (1 + abs(x)),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_table_gives_the_form_of_an_activation(load, own_ops, root, name):
    for plugin in ("snake", "softsign"):
        load_plugin(str(root / f"plugins/{plugin}.py"))
    given = {attribute.name: 1.5 for attribute in registry.ops()[name].signature.attributes}
    nodes = {"p": {"op": "parameter", "value": 0.5}, "f": {"op": name, "inputs": ["p"], **given}}
    found = dagprop.equation(load({"dagprop": 1, "nodes": nodes}))
    (activation,) = found.activations
    assert dict(activation.attributes) == given
    printed = Printer()(activation.left)
    assert printed == ("σ(x)" if name == "sigmoid" else f"{name}(x)")
    assert str(found) == f"f = {printed.replace('x)', 'p)')}"
    for x in (-1.3, 0.7):
        value = read(Printer()(activation.form), {"x": x, **given})
        assert value == pytest.approx(FORMS[name](x, **given), rel=1e-12)


def test_softmax_has_its_form_too(load):
    nodes = {"p": {"op": "parameter", "value": [0.5, 2]}, "f": {"op": "softmax", "inputs": ["p"]}}
    (activation,) = dagprop.equation(load({"dagprop": 1, "nodes": nodes})).activations
    form = read(Printer()(activation.form), {"x": [0.5, 2]})
    np.testing.assert_allclose(form, FUNCTIONS["softmax"]([0.5, 2]).value)


def test_attributes_tell_activations_of_one_op_apart(load):
    nodes = {
        "p": {"op": "parameter", "value": 0.5},
        "a": {"op": "leaky_relu", "inputs": ["p"]},
        "b": {"op": "leaky_relu", "inputs": ["a"], "alpha": 0.2},
        "c": {"op": "leaky_relu", "inputs": ["b"]},
    }
    found = dagprop.equation(load({"dagprop": 1, "nodes": nodes}))
    assert [dict(activation.attributes) for activation in found.activations] == [{"alpha": 0.01}, {"alpha": 0.2}]
    assert str(found) == "c = leaky_relu(leaky_relu(leaky_relu(p, alpha = 0.01), alpha = 0.2), alpha = 0.01)"


@pytest.mark.usefixtures("own_ops")
def test_a_rule_that_cannot_be_recorded_is_written_by_the_name_of_its_op(load):
    @registry.op("picky")
    def picky(xp, x, z):
        return x * z if hasattr(x, "value") or not hasattr(x, "number") else xp.no_such_function(x)

    nodes = {"p": {"op": "parameter", "value": [0.5, 2]}, "f": {"op": "picky", "inputs": ["p", "p"]}}
    nodes["g"] = {"op": "sum", "inputs": ["f"]}
    assert str(dagprop.equation(load({"dagprop": 1, "nodes": nodes}))) == "g = Σ(picky(p, p))"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [([], "L = Σₙ((y - x · w) · (y - x · w)) / N"), ([3], "L = Σₙ((y - x · w) ⊙ (y - x · w)) / N")],
)
def test_the_number_of_samples_has_a_name(load, shape, expected):
    nodes = {
        "x": {"op": "input", "shape": ["N", *shape]},
        "y": {"op": "input"},
        "w": {"op": "parameter", "shape": shape},
        "h": {"op": "matmul" if shape else "multiply", "inputs": ["x", "w"]},
        "L": {"op": "mean_squared_error", "inputs": ["h", "y"]},
    }
    found = dagprop.equation(load({"dagprop": 1, "nodes": nodes, "loss": "L"}))
    assert str(found) == expected
    assert "N is the number of samples" in text_of(found)


def test_a_mean_over_samples_and_units_divides_by_both(load):
    nodes = {"x": {"op": "input", "shape": ["N", 8]}, "m": {"op": "mean", "inputs": ["x"]}}
    assert str(dagprop.equation(load({"dagprop": 1, "nodes": nodes}))) == "m = Σ(x) / (8 · N)"


def test_several_outputs_and_no_loss(load):
    nodes = {
        "p": {"op": "parameter", "value": 0.5},
        "h": {"op": "multiply", "inputs": ["p", "p", "p", "p"]},
        "u": {"op": "sin", "inputs": ["h"]},
        "v": {"op": "tanh", "inputs": ["h"]},
    }
    found = dagprop.equation(load({"dagprop": 1, "nodes": nodes}))
    assert str(found) == "u = sin(h)\nv = tanh(h)\nh = p · p · p · p"
    inner = dagprop.equation(load({"dagprop": 1, "nodes": nodes, "outputs": ["v", "h"]}))
    assert str(inner) == "v = tanh(h)\nh = p · p · p · p"


def diamonds(count):
    nodes = {"x": {"op": "parameter", "value": 0.5}}
    last = "x"
    for number in range(count):
        nodes[f"l{number}"] = {"op": "tanh", "inputs": [last]}
        nodes[f"r{number}"] = {"op": "sin", "inputs": [last]}
        nodes[f"d{number}"] = {"op": "add", "inputs": [f"l{number}", f"r{number}"]}
        last = f"d{number}"
    return {"dagprop": 1, "nodes": nodes, "loss": last}


def chain(count):
    nodes = {"x": {"op": "input", "value": 0.5}, "y": {"op": "input", "value": 1}}
    last = "x"
    for number in range(count):
        nodes[f"w{number}"] = {"op": "parameter", "value": 1.0}
        nodes[f"a{number}"] = {"op": "affine", "inputs": {"w": f"w{number}", "x": last}}
        nodes[f"f{number}"] = {"op": "sigmoid", "inputs": [f"a{number}"]}
        last = f"f{number}"
    nodes["L"] = {"op": "half_squared_error", "inputs": {"prediction": last, "target": "y"}}
    return {"dagprop": 1, "nodes": nodes, "loss": "L"}


@given(example=random_graphs(), length=LENGTHS)
def test_no_equation_is_longer_than_asked_unless_one_rule_is(load, example, length):
    found = dagprop.equation(load(example.document()), length=length)
    own = {line.reference: name_counts(line.formula)[1] for line in found.substitutions}
    for line in found.nested:
        assert name_counts(line.formula)[1] <= max(length, own[line.reference])


@pytest.mark.parametrize("document", [diamonds(60), chain(3000)], ids=["diamonds", "chain"])
def test_a_value_that_is_shared_or_far_down_keeps_its_name(load, document):
    found = dagprop.equation(load(document))
    sizes = {line.reference: name_counts(line.formula)[1] for line in found.nested}
    assert max(sizes.values()) <= 100
    assert sum(sizes.values()) <= (2 * SHORT) * len(document["nodes"])
    used = Counter(name for line in found.nested for name in name_counts(line.formula)[0])
    assert all(used[name] for name in sizes if name not in found.roots), "nothing is explained that does not occur"
    assert len(text_of(found, 24)) < 20_000
    assert "left out here: --full shows them" in text_of(found, 24)
    assert "left out" not in text_of(found)


def test_the_middle_of_a_long_sum_is_left_out(load):
    nodes = {"p": {"op": "parameter", "value": 0.5}}
    nodes |= {f"a{number}": {"op": "sin", "inputs": ["p"]} for number in range(300)}
    nodes["L"] = {"op": "add", "inputs": [f"a{number}" for number in range(300)]}
    text = text_of(dagprop.equation(load({"dagprop": 1, "nodes": nodes, "loss": "L"})), 4)
    assert "\nL = a0 + a1 + … + a298 + a299\n" in text


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((), "one number"),
        (("N",), "one number per sample"),
        (("N", 1), "one number per sample"),
        (("N", 64), "64 numbers per sample"),
        ((2, 3), "2 x 3 numbers"),
    ],
)
def test_a_shape_in_words(shape, words):
    assert shape_words(shape) == words
