"""The definitions that dagprop ships, used in a graph."""

import numpy as np
import pytest

from dagprop import api
from dagprop.graph.definitions import expand
from dagprop.ops.registry import definitions, vocabulary

FEEDS = {"x": np.array([[1.0, 2.0, -3.0], [0.5, 0.0, 1.0]])}


def graph_with(load_graph, **call):
    return load_graph({"x": {"op": "input", "shape": ["N", 3]}, "f": {"inputs": ["x"], **call}}, outputs=["f"])


@pytest.mark.parametrize("name", definitions())
def test_each_says_what_it_is(name):
    assert definitions()[name].doc


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        ({"op": "neuron"}, {"f/w": (3,), "f/b": ()}),
        ({"op": "dense", "units": 2}, {"f/w": (3, 2), "f/b": (2,)}),
        (
            {"op": "mlp", "units": 2, "hidden": 4, "depth": 2},
            {
                **{"f/hidden/0/w": (3, 4), "f/hidden/0/b": (4,), "f/hidden/1/w": (4, 4), "f/hidden/1/b": (4,)},
                **{"f/output/w": (4, 2), "f/output/b": (2,)},
            },
        ),
    ],
    ids=lambda value: value.get("op"),
)
def test_parameters(load_graph, call, shapes):
    graph = graph_with(load_graph, **call)
    parameters = api.initial_parameters(graph)
    assert {id: value.shape for id, value in parameters.items()} == shapes
    for id, value in parameters.items():
        assert value.any() != id.endswith("b")  # weights are random, biases 0


def test_neuron_is_the_formula(load_graph):
    graph = graph_with(load_graph, op="neuron", activation="tanh")
    parameters = {"f/w": np.array([0.1, -0.2, 0.3]), "f/b": np.array(0.5)}
    value = next(reversed(api.forward(graph, FEEDS, parameters).values()))
    np.testing.assert_allclose(value, np.tanh(FEEDS["x"] @ parameters["f/w"] + 0.5))


def test_mlp_is_dense_layers(load_graph):
    graph = graph_with(load_graph, op="mlp", units=2, hidden=4)
    parameters = api.initial_parameters(graph, seed=3)
    w1, b1, w2, b2 = parameters.values()
    value = next(reversed(api.forward(graph, FEEDS, parameters).values()))
    np.testing.assert_allclose(value, np.maximum(FEEDS["x"] @ w1 + b1, 0) @ w2 + b2)
    assert [node.op for node in expand(graph, vocabulary()).nodes.values() if node.op == "relu"] == ["relu"]
