"""Costs against the edges and paths of random graphs, each walked, and against counts made by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dagprop
from tests.explain.scalar_graphs import every_path, graph_of, scalar_graphs


def edges_up_from(nodes, loss, start):
    """Return every edge (user, position) on some way from a node up to the loss."""
    reaches = {loss}
    for id in reversed(nodes):
        if id in reaches:
            reaches.update(nodes[id].get("inputs", ()))
    above, found = {start}, set()
    for id, node in nodes.items():
        for position, source in enumerate(node.get("inputs", ())):
            if source in above and id in reaches:
                above.add(id)
                found.add((id, position))
    return found


@given(scalar_graphs())
def test_costs_are_those_of_edges_and_paths_that_are_walked(case):
    nodes, loss = case
    found = dagprop.cost(graph_of(nodes, loss))
    used = set()
    for parameter in found.parameters:
        walked = every_path(nodes, loss, parameter.id)
        edges = edges_up_from(nodes, loss, parameter.id)
        direct = {(id, at) for id, at in edges if nodes[id]["inputs"][at] == parameter.id}
        assert parameter.paths == len(walked)
        assert parameter.without_reuse == sum(len(factors) - 1 for factors in walked)
        assert parameter.forward == len(edges - direct)
        new = {(id, at) for id, at in edges - used if id != loss}
        assert parameter.reverse == len(new)
        used |= edges
    assert found.edges == len(used)
    assert found.reverse == len([id for id, _ in used if id != loss])
    assert (found.one_sided_passes, found.central_passes) == (3, 4)


def test_the_lectures_chain(root):
    found = dagprop.cost(dagprop.load(root / "graphs/four-layer-chain.json"))
    assert [(p.id, p.reverse, p.without_reuse) for p in found.parameters] == [
        *(("w3", 2, 2), ("w2", 3, 4)),
        *(("w1", 3, 6), ("b1", 1, 6)),
    ]
    assert (found.reverse, found.forward, found.without_reuse) == (9, 18, 18)
    # Three w·x, three divisions of a sigmoid, a square and its half.
    assert (found.forward_pass, found.one_sided_passes, found.central_passes) == (8, 5, 8)


def stack(depth):
    nodes = {"x": {"op": "constant", "value": 0.5}, "y": {"op": "constant", "value": 1.0}}
    last = "x"
    for layer in range(1, depth + 1):
        nodes[f"w{layer}"] = {"op": "parameter", "value": 1.0}
        nodes[f"a{layer}"] = {"op": "multiply", "inputs": [f"w{layer}", last]}
        nodes[f"f{layer}"] = {"op": "sigmoid", "inputs": [f"a{layer}"]}
        last = f"f{layer}"
    nodes["L"] = {"op": "half_squared_error", "inputs": [last, "y"]}
    return graph_of(nodes, "L")


def test_ten_layers():
    found = dagprop.cost(stack(10))
    assert (found.paths, found.without_reuse, found.forward, found.reverse) == (10, 110, 110, 29)


def test_ten_thousand_layers():
    found = dagprop.cost(stack(10_000))
    assert found.reverse == 3 * 10_000 - 1
    assert found.forward == found.without_reuse == 10_000 * 10_001


def test_fan_out_is_exponential_only_without_reuse():
    nodes = {"w": {"op": "parameter", "value": 0.5}}
    for level in range(200):
        nodes[f"n{level}"] = {"op": "add", "inputs": [f"n{level - 1}" if level else "w"] * 2}
    found = dagprop.cost(graph_of(nodes, "n199"))
    assert (found.paths, found.without_reuse) == (2**200, 199 * 2**200)
    assert (found.reverse, found.forward) == (398, 398)


@given(*[st.integers(1, 5)] * 4)
def test_matrix_products_have_a_multiplication_for_each_triple(n, m, k, batch):
    nodes = {
        "x": {"op": "input", "shape": ["N", n]},
        "v": {"op": "parameter", "shape": [n, m], "init": "zeros"},
        "w": {"op": "parameter", "shape": [m, k], "init": "zeros"},
        "h": {"op": "matmul", "inputs": ["x", "v"]},
        "f": {"op": "tanh", "inputs": ["h"]},
        "o": {"op": "matmul", "inputs": ["f", "w"]},
        "s": {"op": "sum", "inputs": ["o"], "axis": 1},
        "L": {"op": "identity", "inputs": ["s"]},
    }
    found = dagprop.cost(graph_of(nodes, "L"), batch_size=batch)
    costs = {parameter.id: parameter for parameter in found.parameters}
    # The sum only spreads a gradient; to v it is back through w (N·k·m), the slopes (N·m) and x (n·N·m).
    assert costs["w"].reverse == batch * m * k
    assert costs["v"].reverse == batch * k * m + batch * m + n * batch * m
    assert costs["w"].forward == m * k * batch
    assert costs["v"].forward == n * m * (batch * m + batch * m * k + batch)
    assert found.forward_pass == batch * n * m + batch * m * k
    assert found.sizes == {"N": batch}


def test_a_parameter_that_does_not_reach_the_loss_costs_nothing():
    nodes = {
        "w": {"op": "parameter", "value": 1.0},
        "v": {"op": "parameter", "value": [1.0, 2.0]},
        "u": {"op": "exp", "inputs": ["v"]},
        "L": {"op": "sin", "inputs": ["w"]},
    }
    found = dagprop.cost(graph_of(nodes, "L"))
    assert [(p.id, p.entries, p.paths, p.reverse, p.forward) for p in found.parameters] == [
        ("w", 1, 1, 0, 0),
        ("v", 2, 0, 0, 0),
    ]


def test_a_rule_that_cannot_be_recorded_is_a_product_with_its_jacobian(own_ops):
    @dagprop.op("doubtful")
    def doubtful(xp, x):
        return xp.sin(x)

    @doubtful.pullback("x")
    def _(xp, g, x):
        return g * xp.cos(x) * (1 if float(x[0]) > 0 else 2)

    nodes = {
        "w": {"op": "parameter", "value": [1.0, 2.0, 3.0]},
        "u": {"op": "doubtful", "inputs": ["w"]},
        "s": {"op": "sum", "inputs": ["u"]},
        "L": {"op": "sin", "inputs": ["s"]},
    }
    assert dagprop.cost(graph_of(nodes, "L")).reverse == 9


def test_working_out_a_factor_is_not_counted(own_ops):
    @dagprop.op("total_of_fourth_powers")
    def total_of_fourth_powers(xp, x):
        return xp.sum(x * x * x * x)

    @total_of_fourth_powers.pullback("x")
    def _(g, x):
        return g * (4 * x * x * x)

    nodes = {
        "w": {"op": "parameter", "value": [1.0, 2.0, 3.0]},
        "u": {"op": "total_of_fourth_powers", "inputs": ["w"]},
        "L": {"op": "sin", "inputs": ["u"]},
    }
    assert dagprop.cost(graph_of(nodes, "L")).reverse == 3


def test_no_parameters_and_no_loss(root):
    nodes = {"x": {"op": "constant", "value": 1.0}, "L": {"op": "sin", "inputs": ["x"]}}
    found = dagprop.cost(graph_of(nodes, "L"))
    assert (found.reverse, found.paths, found.one_sided_passes, found.parameters) == (0, 0, 0, ())
    with pytest.raises(dagprop.GraphError, match="no loss"):
        dagprop.cost(graph_of(nodes, None))
    with pytest.raises(dagprop.GraphError, match="at least 1"):
        dagprop.cost(graph_of(nodes, "L"), batch_size=0)
    assert math.prod(dagprop.cost(dagprop.load(root / "graphs/digits.json")).sizes.values()) == 1
