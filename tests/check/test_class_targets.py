"""Targets that are classes: they stay whole numbers, right rules pass and wrong ones are named."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dagprop
from dagprop import op
from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.check.last_digits import fixed_inputs, fixed_values
from dagprop.check.rounded_array import rounded_array, rounding_namespace
from dagprop.plan.network import prepare
from dagprop.plan.steps import plan
from dagprop.train.data import load_data
from tests.conformance.neutral import write_file

pytestmark = pytest.mark.usefixtures("own_ops")


def log_softmax(xp, z):
    return z - xp.logsumexp(z, axis=-1, keepdims=True)


def one_hot(xp, z, target):
    return xp.one_hot(target, z.shape[-1])


def of_rounded(xp, z, target):
    return xp.one_hot(xp.round(target), z.shape[-1])


def of_floor(xp, z, target):
    return xp.one_hot(xp.floor(target), z.shape[-1])


def by_comparison(xp, z, target):
    return xp.stack([xp.where(target == number, 1.0, 0.0) for number in range(3)], axis=-1)


CLASSES = {"index": one_hot, "rounded": of_rounded, "floor": of_floor, "comparison": by_comparison}
"""How a loss may read its target."""


def erf(xp, z):
    return xp.erf(z), 2 / math.sqrt(math.pi) * xp.exp(-(z**2))


def plain(xp, z):
    return z, 1.0


INNER = {"complex step": plain, "central differences": erf}
"""What a loss makes of its logits before their softmax, and its derivative: ``erf`` takes no complex numbers."""


def declare_loss(classes, inner, factor, target_rule):
    """Declare a cross entropy of our own, whose rule is right where the factor is 1."""

    @op("own_loss")
    def loss(xp, logits, target):
        return -xp.sum(classes(xp, logits, target) * log_softmax(xp, inner(xp, logits)[0]), axis=-1)

    @loss.pullback("logits")
    def _(xp, g, logits, target):
        z, slope = inner(xp, logits)
        p = xp.exp(log_softmax(xp, z))
        return factor * g[..., None] * (p - classes(xp, logits, target)) * slope

    if target_rule:
        loss.pullback("target")(lambda xp, target: xp.zeros_like(target))


def classifier(loss, activation, first_class):
    """Three samples of the classes 2, 0 and 1, counted from 0 or, with a node that counts them down, from 1."""
    x = np.random.default_rng(0).normal(size=(3, 4))
    return {
        "x": {"op": "input", "shape": ["N", 4], "value": x.tolist()},
        "t": {"op": "input", "value": [2 + first_class, first_class, 1 + first_class]},
        "first": {"op": "constant", "value": float(first_class)},
        "target": {"op": "subtract", "inputs": ["t", "first"]},
        "h": {"op": "dense", "inputs": ["x"], "units": 5, "activation": activation},
        "z": {"op": "dense", "inputs": ["h"], "units": 3},
        "L": {"op": loss, "inputs": ["z", "target"]},
    }


@pytest.mark.parametrize("factor", [1.0, 1.00001, -1.0])
@pytest.mark.parametrize("target_rule", [False, True])
@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("classes", CLASSES)
def test_losses_of_plugins(load_graph, classes, inner, target_rule, factor):
    declare_loss(CLASSES[classes], INNER[inner], factor, target_rule)
    for activation, first_class in (("tanh", 0), ("gelu", 1)):
        done = dagprop.check_gradients(load_graph(classifier("own_loss", activation, first_class), loss="L"))
        if factor == 1:
            assert done.ok and done.network is not None
        else:
            assert [(found.node, found.input) for found in done.rules.failed] == [("L", "logits")]
            assert done.first.rule == pytest.approx(factor * done.first.numeric, rel=1e-7)


@pytest.mark.parametrize("first_class", [0, 1])
@pytest.mark.parametrize("activation", ["tanh", "gelu", "relu", "softplus"])
def test_the_cross_entropy(load_graph, activation, first_class):
    done = dagprop.check_gradients(load_graph(classifier("cross_entropy", activation, first_class), loss="L"))
    assert done.ok and done.network is not None


ROWS = [0, 49, 50, 99, 100, 119, 149]
"""Of the irises: the first and the last of each species, and one more."""


@pytest.fixture
def irises(root, tmp_path):
    """Load the irises with an activation in place of tanh, and the samples at some rows."""

    def irises(activation, rows, file="iris.json"):
        document = json.loads((root / "graphs" / file).read_text())
        document["data"]["file"] = str(root / "graphs/data/iris.csv")
        if activation:
            document["nodes"]["hidden"]["activation"] = activation
        graph = dagprop.load(write_file(tmp_path, document))
        return graph, load_data(graph, prepare(graph)).take(rows)

    return irises


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_every_species_of_the_irises(irises, activation, row):
    done = dagprop.check_gradients(*irises(activation, row))
    assert done.ok and done.network is not None


@pytest.mark.parametrize("row", ROWS)
def test_a_wrong_rule_before_a_class_target_is_named(irises, row):
    @op("snake")
    def snake(xp, x, *, a=1.0):
        return x + xp.sin(a * x) ** 2 / a

    snake.derivative("x")(lambda xp, x, a: 1 + xp.sin(a * x))
    done = dagprop.check_gradients(*irises("snake", row))
    assert [(found.node, found.input) for found in done.rules.failed] == [("hidden/f", "x")]


@pytest.mark.parametrize("row", [*ROWS, slice(110, 125)])
def test_classifiers_that_are_sure(irises, row):
    """Untrained, the residual network has logits so large that the loss is 0 to the last digit."""
    graph, feeds = irises(None, row, "residual.json")
    assert dagprop.check_gradients(graph, feeds, dagprop.initial_parameters(graph, seed=0)).ok


@settings(max_examples=150)
@given(data=st.data(), samples=st.integers(1, 3), classes=st.integers(2, 5), size=st.floats(0, 60))
def test_logits_of_any_size(tmp_path_factory, data, samples, classes, size):
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    logits = random.normal(size=(samples, classes)) * size
    best, drawn = logits.argmax(-1).tolist(), random.integers(0, classes, samples).tolist()
    nodes = {
        "z": {"op": "parameter", "value": logits.tolist()},
        "t": {"op": "constant", "value": data.draw(st.sampled_from([best, drawn]))},
        "e": {"op": "cross_entropy", "inputs": ["z", "t"]},
        "L": {"op": "mean", "inputs": ["e"]},
    }
    graph = dagprop.load(write_file(tmp_path_factory.getbasetemp(), {"dagprop": 1, "nodes": nodes, "loss": "L"}))
    assert dagprop.check_gradients(graph).ok


def test_a_parameter_that_is_a_class_index(load_graph):
    nodes = {
        "z": {"op": "parameter", "value": [[0.1, 0.5, -0.2], [1.0, 0.0, 0.3]]},
        "t": {"op": "parameter", "value": [2, 0]},
        "e": {"op": "cross_entropy", "inputs": ["z", "t"]},
        "L": {"op": "mean", "inputs": ["e"]},
    }
    done = dagprop.check_gradients(load_graph(nodes, loss="L"))
    assert done.ok and done.network is None and done.network_missing.startswith("a class index is a parameter")


@pytest.mark.parametrize("factor", [1.0, 1.001, 2.0])
@pytest.mark.parametrize("size", [1e-20, 1e-14, 1e-12, 1e-9])
@pytest.mark.parametrize("inner", [lambda xp, x: (xp.sin(x), xp.cos(x)), erf], ids=INNER)
def test_wrong_rules_are_found_however_small_the_numbers(load_graph, inner, size, factor):
    """What counts as rounding is what rounding does to this rule, and no fixed number."""
    small = op("small")(lambda xp, x: size * inner(xp, x)[0])
    small.derivative("x")(lambda xp, x: factor * size * inner(xp, x)[1])
    nodes = {"x": {"op": "parameter", "value": [0.3, 1.0]}, "y": {"op": "small", "inputs": ["x"]}}
    assert dagprop.check_gradients(load_graph(nodes)).ok == (factor == 1)


# ---------------------------------------------------------------------------------------- what may be moved

LEAVES = {"x": 0.3, "i": 2.0, "zero": 0.0, "rows": [[0.5, 1.0, 2.0]], "classes": [2.0]}
FIXED = {
    "add": (["x", "i"], set()),
    "multiply": (["i", "i"], set()),
    "where": (["i", "x", "i"], set()),
    "maximum": (["i", "i"], set()),
    "log": (["zero"], set()),
    "floor": (["i"], {"i"}),
    "cross_entropy": (["rows", "classes"], {"classes"}),
}


@pytest.mark.parametrize("name", FIXED)
def test_what_must_stay_is_what_the_output_does_not_follow(load_graph, name):
    if name == "floor":
        op("floor")(lambda xp, x: xp.floor(x))
    inputs, expected = FIXED[name]
    leaves = {id: {"op": "constant", "value": value} for id, value in LEAVES.items()}
    done = steps_of(load_graph({**leaves, "y": {"op": name, "inputs": inputs}}))
    with np.errstate(all="ignore"):
        assert fixed_inputs(done.steps[-1], done.values) == expected


def steps_of(graph):
    from dagprop.backends.reference import run

    network = prepare(graph)
    steps = plan(network, tuple(network.order))
    leaves = {id: np.array(graph.nodes[id].attributes["value"], dtype=float) for id in steps.leaves}
    return SimpleNamespace(steps=steps.forward, values=run(steps, leaves).values)


def test_what_an_index_is_computed_from_stays_too(load_graph):
    op("above")(lambda xp, a, b: xp.where(a > b, 1.0, 0.0))
    leaves = {"rows": [[0.5, 1.0, 2.0]], "label": [2.0], "one": 1.0, "score": [0.7], "limit": 0.5}
    nodes = {
        **{id: {"op": "constant", "value": value} for id, value in leaves.items()},
        "index": {"op": "subtract", "inputs": ["label", "one"]},
        "guess": {"op": "above", "inputs": ["score", "limit"]},
        "a": {"op": "cross_entropy", "inputs": ["rows", "index"]},
        "b": {"op": "cross_entropy", "inputs": ["rows", "guess"]},
        "c": {"op": "add", "inputs": ["a", "b"]},
    }
    done = steps_of(load_graph(nodes))
    assert fixed_values(done.steps, done.values) == {"index", "guess", "label", "one"}


EXACT = {
    "minus": lambda xp, x: -x,
    "abs": lambda xp, x: abs(x),
    "compare": lambda xp, x: x > 1,
    "floor": lambda xp, x: xp.floor(x),
    "maximum": lambda xp, x: xp.maximum(x, 1.0),
    "where": lambda xp, x: xp.where(x > 1, x, 2.0),
    "concat": lambda xp, x: xp.concat([x, x]),
    "largest": lambda xp, x: xp.max(x),
    "count": lambda xp, x: xp.count(x),
}
ROUNDS = {
    "exp": lambda xp, x: xp.exp(x),
    "square": lambda xp, x: xp.square(x),
    "sum": lambda xp, x: xp.sum(x),
    "erf": lambda xp, x: xp.erf(x),
    "divide": lambda xp, x: x / 3,
    "multiply": lambda xp, x: 3 * x,
    "of a choice": lambda xp, x: 3 * xp.where(x > 1, x, 2.0),
}
"""What rounds and what does not, where the array rounds at random."""


@given(numbers=st.lists(st.floats(0.1, 100), min_size=1, max_size=5), sign=st.sampled_from([-1, 1]))
def test_an_array_that_rounds_moves_the_last_digits_of_its_results_only(numbers, sign):
    random = np.random.default_rng(0)
    xp, values = rounding_namespace(random), sign * np.array(numbers)
    array = rounded_array(values, random)
    for name, function in EXACT.items():
        assert np.array_equal(function(xp, array), function(numpy_namespace, values)), name
    for name, function in ROUNDS.items():
        expected = function(numpy_namespace, values)
        away = np.abs(np.asarray(function(xp, array)) / expected - 1)
        assert ((away > 0) & (away < 3e-15)).all(), name
        assert np.array_equal(function(xp, values), expected), name  # what does not round goes on not rounding
    assert np.array_equal(np.asarray(array), values)
    expected = values + 1000
    array += 1000
    assert np.allclose(np.asarray(array), expected, rtol=2e-15, atol=0)
