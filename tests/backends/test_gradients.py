"""Gradients of whole networks against derivatives that are worked out without dagprop."""

import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dagprop
from dagprop.errors import GraphError
from tests.conformance.neutral import write_file
from tests.random_graphs import random_graphs


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """Load a graph from a document; one folder serves all examples of a property."""
    folder = tmp_path_factory.mktemp("graphs")
    return lambda document: dagprop.load(write_file(folder, document))


@given(example=random_graphs())
def test_every_gradient_is_the_derivative(load, example):
    graph = load(example.document())
    value, gradients = dagprop.value_and_grad(graph, wrt=example.nodes)
    assert value == pytest.approx(float(example.evaluate({})[example.loss]), rel=1e-12, abs=1e-12)
    for id, gradient in gradients.items():
        np.testing.assert_allclose(gradient, example.derivative(id), rtol=1e-9, atol=1e-9, err_msg=id)


@given(example=random_graphs())
def test_forward_gives_every_node(load, example):
    values = dagprop.forward(load(example.document()))
    expected = example.evaluate({})
    assert set(values) == set(expected)
    for id, value in values.items():
        np.testing.assert_allclose(value, expected[id], rtol=1e-12, atol=1e-12, err_msg=id)
        assert value.shape == np.shape(expected[id])


@given(example=random_graphs(), seed=st.integers(0, 1000))
def test_the_order_in_the_file_means_nothing(load, example, seed):
    order = list(example.nodes)
    random.Random(seed).shuffle(order)
    value, gradients = dagprop.value_and_grad(load(example.document()), wrt=example.nodes)
    other, others = dagprop.value_and_grad(load(example.reordered(order)), wrt=example.nodes)
    assert other == pytest.approx(value, rel=1e-12, abs=1e-12)
    for id in example.nodes:
        np.testing.assert_allclose(others[id], gradients[id], rtol=1e-10, atol=1e-12, err_msg=id)


@given(example=random_graphs(), data=st.data())
def test_asking_for_less_gives_the_same_numbers(load, example, data):
    graph = load(example.document())
    wrt = data.draw(st.lists(st.sampled_from(sorted(example.nodes)), min_size=1, max_size=3, unique=True))
    _, every = dagprop.value_and_grad(graph, wrt=example.nodes)
    _, some = dagprop.value_and_grad(graph, wrt=wrt)
    assert list(some) == wrt
    for id in wrt:
        np.testing.assert_array_equal(some[id], every[id], err_msg=id)


@given(example=random_graphs())
def test_backward_twice_gives_equal_numbers(load, example):
    graph = load(example.document())
    first, second = (dagprop.value_and_grad(graph, wrt=example.nodes)[1] for _ in range(2))
    for id in example.nodes:
        np.testing.assert_array_equal(first[id], second[id])


@given(example=random_graphs(), a=st.integers(-5, 5), b=st.integers(-5, 5), data=st.data())
def test_vjp_is_linear_in_the_cotangents(load, example, a, b, data):
    graph = load(example.document())
    start = data.draw(st.sampled_from(sorted(example.nodes)))
    shape = np.shape(example.evaluate({})[start])
    u, v = np.ones(shape), np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    of_u, of_v, of_both = (
        dagprop.vjp(graph, None, None, {start: cotangent}, wrt=example.nodes) for cotangent in (u, v, a * u + b * v)
    )
    for id in example.nodes:
        np.testing.assert_allclose(of_both[id], a * of_u[id] + b * of_v[id], rtol=1e-9, atol=1e-9, err_msg=id)


@given(example=random_graphs(), data=st.data())
def test_vjp_of_several_nodes_is_the_sum(load, example, data):
    graph = load(example.document())
    starts = data.draw(st.lists(st.sampled_from(sorted(example.nodes)), min_size=2, max_size=3, unique=True))
    cotangents = {id: np.ones(np.shape(value)) for id, value in example.evaluate({}).items() if id in starts}
    together = dagprop.vjp(graph, None, None, cotangents, wrt=example.nodes)
    alone = [dagprop.vjp(graph, None, None, {id: cotangents[id]}, wrt=example.nodes) for id in starts]
    for id in example.nodes:
        np.testing.assert_allclose(together[id], sum(part[id] for part in alone), rtol=1e-9, atol=1e-9, err_msg=id)


@given(example=random_graphs())
def test_edges_add_up_to_the_gradients(load, example):
    """The chain rule, as backprop prints it: a node's gradient is the sum over its uses of gradient times local."""
    done = dagprop.backprop(load(example.document()))
    sums = {id: np.zeros(np.shape(value)) for id, value in done.values.items()}
    sums[example.loss] = np.ones(())
    for edge in done.edges:
        sums[edge.source] = sums[edge.source] + edge.contribution
    for id, gradient in done.gradients.items():
        np.testing.assert_allclose(gradient, sums[id], rtol=1e-9, atol=1e-12, err_msg=id)


TABLE = [
    # nodes, loss, expected gradients
    pytest.param(
        {"x": 3.0, "L": ("multiply", "x", "x")}, {"x": 6.0}, id="a node used twice by one op"
    ),
    pytest.param(
        {"x": 3.0, "L": ("multiply", "x", "x", "x")}, {"x": 27.0}, id="a node used three times by one op"
    ),
    pytest.param(
        {"x": 2.0, "a": ("multiply", "x", "x"), "b": ("negative", "x"), "L": ("add", "a", "b")},
        {"x": 3.0, "a": 1.0, "b": 1.0},
        id="diamond",
    ),
    pytest.param(
        {"w": 0.5, "x": 2.0, "h": ("multiply", "w", "x"), "L": ("multiply", "w", "h")},
        {"w": 2.0, "x": 0.25, "h": 0.5},
        id="a parameter shared by two layers",
    ),
    pytest.param(
        {"b": 1.0, "x": [[1.0, 2.0], [3.0, 4.0]], "s": ("multiply", "b", "x"), "L": ("sum", "s")},
        {"b": 10.0, "x": [[1.0, 1.0], [1.0, 1.0]]},
        id="a number broadcast over a matrix",
    ),
    pytest.param(
        {"r": [[1.0, 2.0]], "c": [[3.0], [4.0]], "s": ("multiply", "r", "c"), "L": ("sum", "s")},
        {"r": [[7.0, 7.0]], "c": [[3.0], [3.0]]},
        id="a row broadcast with a column",
    ),
    pytest.param(
        {"x": 2.0, "y": 5.0, "L": ("multiply", "x", "x")}, {"y": 0.0}, id="what the loss does not depend on"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("short", "expected"), TABLE)
def test_gradients_by_hand(short, expected, load_graph):
    nodes = {
        id: {"op": item[0], "inputs": list(item[1:])} if isinstance(item, tuple) else {"op": "parameter", "value": item}
        for id, item in short.items()
    }
    _, gradients = dagprop.value_and_grad(load_graph(nodes, loss="L"), wrt=expected)
    assert {id: gradient.tolist() for id, gradient in gradients.items()} == expected


def test_without_wrt_the_trainable_parameters_are_meant(load_graph):
    graph = load_graph(
        {
            "x": {"op": "input", "value": 2.0},
            "w": {"op": "parameter", "value": 3.0},
            "fixed": {"op": "parameter", "value": 1.0, "trainable": False},
            "h": {"op": "affine", "inputs": ["w", "x", "fixed"]},
        },
        loss="h",
    )
    value, gradients = dagprop.value_and_grad(graph)
    assert (value, {id: float(g) for id, g in gradients.items()}) == (7.0, {"w": 2.0})


def test_the_loss_is_the_mean_over_the_samples(load_graph):
    graph = load_graph(
        {"x": {"op": "input"}, "w": {"op": "parameter", "value": 3.0}, "L": {"op": "multiply", "inputs": ["w", "x"]}},
        loss="L",
    )
    value, gradients = dagprop.value_and_grad(graph, {"x": [1.0, 2.0, 6.0]}, wrt=["w", "x", "L"])
    assert value == pytest.approx(9.0)
    assert gradients["w"] == pytest.approx(3.0)
    np.testing.assert_allclose(gradients["x"], [1.0, 1.0, 1.0])
    np.testing.assert_allclose(gradients["L"], [1 / 3] * 3)


def test_a_graph_without_loss_has_no_value(load_graph):
    graph = load_graph({"x": {"op": "parameter", "value": 1.0}, "y": {"op": "exp", "inputs": ["x"]}})
    with pytest.raises(GraphError, match="DP206"):
        dagprop.value_and_grad(graph)
    assert dagprop.vjp(graph, None, None, {"y": 2.0})["x"] == pytest.approx(2 * np.e)


@pytest.mark.parametrize("wrt", [["y_ha"], "y_hat"])
def test_wrt_must_name_nodes(wrt, load_graph):
    graph = load_graph({"w": {"op": "parameter", "value": 1.0}, "y_hat": {"op": "exp", "inputs": ["w"]}}, loss="y_hat")
    if wrt == "y_hat":  # one name stands for a list of one, not for its letters
        assert list(dagprop.value_and_grad(graph, wrt=wrt)[1]) == ["y_hat"]
    else:
        with pytest.raises(GraphError, match=r'DP104.*\n.*did you mean "y_hat"'):
            dagprop.value_and_grad(graph, wrt=wrt)


def test_calls_are_named_as_in_the_file(root):
    graph = dagprop.load(root / "graphs/four-layer-chain-neurons.json")
    loss, gradients = dagprop.value_and_grad(graph, wrt=["unit1", "w3", "unit1/f"])
    plain = dagprop.value_and_grad(dagprop.load(root / "graphs/four-layer-chain.json"), wrt=["f1", "w3"])
    assert loss == plain[0]
    assert list(gradients) == ["unit1", "w3", "unit1/f"]
    assert gradients["unit1"] == gradients["unit1/f"] == plain[1]["f1"] and gradients["w3"] == plain[1]["w3"]
    assert gradients["unit1"] is not gradients["unit1/f"]
    back = dagprop.vjp(graph, None, None, {"unit3": 1.0}, wrt=["unit2"])
    assert back == dagprop.vjp(graph, None, None, {"unit3/f": 1.0}, wrt=["unit2"])
    assert dagprop.paths(graph, wrt="unit1", to="unit2").gradient == pytest.approx(0.218133 * -1.2, rel=1e-5)
    assert [parameter.id for parameter in dagprop.flow(graph, wrt=["unit1"]).parameters] == ["unit1/f"]
    assert dagprop.derive(graph, ["unit1", "unit1/f"]).wanted == ("unit1/f",)


def test_a_value_has_one_cotangent(root):
    graph = dagprop.load(root / "graphs/four-layer-chain-neurons.json")
    with pytest.raises(GraphError, match=r'"unit1" and "unit1/f" are the same value \[DP112\]'):
        dagprop.vjp(graph, None, None, {"unit1": 1.0, "unit1/f": 2.0})


def test_a_cotangent_has_the_shape_of_its_value(load_graph):
    graph = load_graph({"x": {"op": "parameter", "value": [1.0, 2.0]}, "y": {"op": "exp", "inputs": ["x"]}})
    with pytest.raises(GraphError, match="DP303"):
        dagprop.vjp(graph, None, None, {"y": [1.0, 2.0, 3.0]})


def test_float32_stays_float32(load_graph):
    graph = load_graph(
        {
            "w": {"op": "parameter", "value": [0.1, 0.2]},
            "h": {"op": "sin", "inputs": ["w"]},
            "L": {"op": "mean", "inputs": ["h"]},
        },
        loss="L",
        dtype="float32",
    )
    assert {value.dtype.name for value in dagprop.forward(graph).values()} == {"float32"}
    assert {value.dtype.name for value in dagprop.value_and_grad(graph, wrt=["w", "h", "L"])[1].values()} == {"float32"}


def test_a_chain_of_100_000_nodes(write_graph):
    """It loads, is checked, planned and back-propagated without recursion."""
    length = 100_000
    nodes = {"x0": {"op": "parameter", "value": 0.5}}
    nodes |= {f"x{i}": {"op": "negative" if i % 2 else "identity", "inputs": [f"x{i - 1}"]} for i in range(1, length)}
    graph = dagprop.load(write_graph(nodes, loss=f"x{length - 1}"))
    value, gradients = dagprop.value_and_grad(graph)
    sign = (-1) ** (length // 2)
    assert (value, float(gradients["x0"])) == (0.5 * sign, sign)


@pytest.mark.parametrize("name", ["multiply", "maximum", "minimum", "add"])
def test_a_node_with_very_many_inputs_calls_its_rule_once(load_graph, monkeypatch, name):
    from dagprop.ops.registry import ops

    calls = []
    rule = ops()[name].rules["xs"]

    def counted(*arguments):
        calls.append(1)
        return rule.function(*arguments)

    count = 300
    leaves = {f"x{i}": {"op": "parameter", "value": 1 + (i * 7 % count) / count} for i in range(count)}
    graph = load_graph({**leaves, "L": {"op": name, "inputs": list(leaves)}}, loss="L")
    monkeypatch.setitem(ops()[name].rules, "xs", dataclasses.replace(rule, function=counted))
    value, gradients = dagprop.value_and_grad(graph)
    assert len(calls) == 1
    values = np.array([leaf["value"] for leaf in leaves.values()])
    expected = {
        "multiply": value / values,
        "maximum": (values == values.max()).astype(float),
        "minimum": (values == values.min()).astype(float),
        "add": np.ones(count),
    }[name]
    np.testing.assert_allclose([gradients[id] for id in leaves], expected, rtol=1e-12)
