"""Feeding: one sample or many, what is taken from the file, and what is refused."""

import numpy as np
import pytest

import dagprop
from dagprop.errors import GraphError


@pytest.fixture
def graph(load_graph):
    """L = (w·x + c − t)², with a vector-valued second branch v = M·u."""
    return load_graph(
        {
            "x": {"op": "input", "value": 2.0},
            "t": {"op": "input"},
            "u": {"op": "input", "shape": ["N", 3], "value": [1.0, 2.0, 3.0]},
            "w": {"op": "parameter", "value": 0.5},
            "c": {"op": "constant", "value": 1.0},
            "M": {"op": "parameter", "value": [[1.0], [0.0], [1.0]]},
            "v": {"op": "matmul", "inputs": ["u", "M"]},
            "y": {"op": "affine", "inputs": ["w", "x", "c"]},
            "e": {"op": "subtract", "inputs": ["y", "t"]},
            "L": {"op": "multiply", "inputs": ["e", "e"]},
        },
        loss="L",
    )


SHAPES = [
    # feeds, shapes of some results
    pytest.param({"t": 1.0}, {"x": (), "y": (), "L": (), "v": (1,), "u": (3,)}, id="one sample"),
    pytest.param({"t": [1.0]}, {"x": (1,), "y": (1,), "L": (1,), "v": (1, 1)}, id="a batch of one"),
    pytest.param({"t": [1.0, 2.0]}, {"x": (2,), "y": (2,), "v": (2, 1)}, id="one x for two targets"),
    pytest.param({"t": 1.0, "x": [1.0, 2.0, 3.0]}, {"t": (3,), "L": (3,), "v": (3, 1)}, id="one target for three x"),
    pytest.param(
        {"t": [1.0, 2.0], "x": [1.0, 2.0], "u": [[1, 2, 3], [4, 5, 6]]}, {"v": (2, 1)}, id="integers in a table"
    ),
]


@pytest.mark.parametrize(("feeds", "shapes"), SHAPES)
def test_results_have_a_sample_axis_if_a_feed_has(graph, feeds, shapes):
    values = dagprop.forward(graph, feeds)
    assert {id: values[id].shape for id in shapes} == shapes


@pytest.mark.parametrize(("feeds", "shapes"), SHAPES)
def test_gradients_have_the_shapes_of_the_values(graph, feeds, shapes):
    values = dagprop.forward(graph, feeds)
    _, gradients = dagprop.value_and_grad(graph, feeds, wrt=list(values))
    assert {id: g.shape for id, g in gradients.items()} == {id: value.shape for id, value in values.items()}


def test_one_sample_and_a_batch_of_it_agree(graph):
    one = dagprop.value_and_grad(graph, {"t": 1.0, "x": 3.0})
    batch = dagprop.value_and_grad(graph, {"t": [1.0], "x": [3.0]})
    assert one[0] == batch[0]
    assert {id: g.tolist() for id, g in one[1].items()} == {id: g.tolist() for id, g in batch[1].items()}


def test_a_cotangent_of_one_sample_has_no_sample_axis(graph):
    gradients = dagprop.vjp(graph, {"t": 1.0}, None, {"v": [2.0]}, ["u"])
    np.testing.assert_array_equal(gradients["u"], [2.0, 0.0, 2.0])


def test_any_leaf_can_be_fed(graph):
    values = dagprop.forward(graph, {"t": 0.0, "w": 2.0, "c": -1.0}, {"w": 7.0})
    assert values["y"] == 2 * 2 - 1


WRONG = [
    ({}, "DP304", 'node "t": the input has no value'),
    ({"t": 1.0, "q": 1.0}, "DP305", 'there is no node "q"'),
    ({"t": 1.0, "y": 1.0}, "DP305", '"y" is computed by "affine"'),
    ({"t": 1.0, "w": [1.0, 2.0]}, "DP303", 'node "w": the value has shape (2,), the graph declares ()'),
    ({"t": 1.0, "w": [1.0, 2.0]}, "DP303", "it is written as 0"),
    ({"t": 1.0, "u": [1.0, 2.0]}, "DP303", 'node "u": the value has shape (2,), the graph declares (N, 3)'),
    ({"t": [[1.0]]}, "DP303", 'node "t": the value has shape (1, 1), the graph declares (N,)'),
    ({"t": [[1.0]]}, "DP303", "one sample is written as 0, two as [0, 0]"),
    ({"t": 1.0, "u": 1.0}, "DP303", "one sample is written as [0, 0, 0], two as [[0, 0, 0], [0, 0, 0]]"),
    ({"t": "text"}, "DP302", 'node "t": the value is not a number'),
    ({"t": [1.0, [2.0]]}, "DP302", 'node "t": the value is not a number or a regular table'),
    ({"t": [1.0, 2.0], "x": [1.0, 2.0, 3.0]}, "DP306", "samples"),
]


@pytest.mark.parametrize(
    ("feeds", "code", "message"), WRONG, ids=[f"{code}-{i}" for i, (_, code, _) in enumerate(WRONG)]
)
def test_what_is_refused(graph, feeds, code, message):
    with pytest.raises(GraphError) as caught:
        dagprop.forward(graph, feeds)
    assert code in [problem.code for problem in caught.value.problems]
    assert message in str(caught.value)


def test_everything_wrong_is_said_at_once(graph):
    with pytest.raises(GraphError) as caught:
        dagprop.forward(graph, {"q": 1.0, "w": [1.0, 2.0]})
    assert sorted(problem.code for problem in caught.value.problems) == ["DP303", "DP304", "DP305"]


def test_symbols_other_than_n_must_agree_too(load_graph):
    graph = load_graph(
        {
            "a": {"op": "input", "shape": ["N", "T"]},
            "b": {"op": "input", "shape": ["T"]},
            "s": {"op": "multiply", "inputs": ["a", "b"]},
        }
    )
    assert dagprop.forward(graph, {"a": np.ones((2, 3)), "b": np.ones(3)})["s"].shape == (2, 3)
    with pytest.raises(GraphError, match=r'"b" has 4 along "T", "a" has 3.*DP306'):
        dagprop.forward(graph, {"a": np.ones((2, 3)), "b": np.ones(4)})
