"""Local derivatives of edges, by hand."""

import numpy as np
import pytest

import dagprop


def edge(done, source, target):
    (found,) = (edge for edge in done.edges if (edge.source, edge.target) == (source, target))
    return found


def test_local_derivatives_of_elementwise_ops(load_graph):
    done = dagprop.backprop(
        load_graph(
            {
                "w": {"op": "parameter", "value": 3.0},
                "x": {"op": "input", "value": 2.0},
                "a": {"op": "multiply", "inputs": ["w", "x"]},
                "L": {"op": "multiply", "inputs": ["a", "a"]},
            },
            loss="L",
        )
    )
    assert done.loss == 36
    assert edge(done, "w", "a").local == 2
    assert edge(done, "w", "a").contribution == 24
    assert [(e.position, e.input, float(e.local)) for e in done.edges if e.source == "a"] == [
        (0, "xs[0]", 6.0),
        (1, "xs[1]", 6.0),
    ]
    assert {id: float(g) for id, g in done.gradients.items()} == {"w": 24, "x": 36, "a": 12, "L": 1}


def test_local_derivatives_of_other_ops_are_jacobians(load_graph):
    matrix = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    done = dagprop.backprop(
        load_graph(
            {
                "x": {"op": "input", "shape": ["N", 3], "value": [1.0, 1.0, 1.0]},
                "W": {"op": "parameter", "value": matrix},
                "y": {"op": "matmul", "inputs": ["x", "W"]},
                "L": {"op": "sum", "inputs": ["y"], "axis": -1},
            },
            loss="L",
        )
    )
    np.testing.assert_array_equal(edge(done, "x", "y").local, np.transpose(matrix))
    np.testing.assert_array_equal(edge(done, "y", "L").local, [1.0, 1.0])


def test_a_large_jacobian_is_left_out(load_graph):
    done = dagprop.backprop(
        load_graph(
            {
                "W": {"op": "parameter", "value": np.ones((40, 40)).tolist()},
                "y": {"op": "transpose", "inputs": ["W"]},
                "L": {"op": "sum", "inputs": ["y"]},
            },
            loss="L",
        )
    )
    assert edge(done, "W", "y").local is None
    assert edge(done, "W", "y").contribution.shape == (40, 40)


@pytest.mark.parametrize("value", [1.0, [1.0, 2.0]], ids=["one sample", "two"])
def test_what_does_not_reach_the_loss_has_gradient_zero(load_graph, value):
    done = dagprop.backprop(
        load_graph(
            {
                "x": {"op": "input", "value": value},
                "aside": {"op": "exp", "inputs": ["x"]},
                "L": {"op": "sin", "inputs": ["x"]},
            },
            loss="L",
        )
    )
    np.testing.assert_array_equal(done.gradients["aside"], np.zeros(np.shape(value)))
    np.testing.assert_allclose(done.gradients["x"], np.cos(value) / np.size(value))
