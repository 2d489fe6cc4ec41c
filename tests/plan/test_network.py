"""Preparing a graph: once for each, anew when the ops change, and never of a graph with mistakes."""

from dataclasses import replace

import pytest

from dagprop.errors import GraphError
from dagprop.graph.records import Graph, Node
from dagprop.ops.registry import op
from dagprop.plan.network import prepare

NODES = {
    "x": {"op": "input", "shape": ["N", 2]},
    "h": {"op": "dense", "inputs": ["x"], "units": 3, "activation": "tanh"},
    "s": {"op": "sum", "inputs": ["h"], "axis": -1},
}


def test_the_network_has_expanded_nodes_in_order(load_graph):
    network = prepare(load_graph(NODES, loss="s"))
    assert network.order == ("x", "h/w", "h/b", "h/xw", "h/a", "h/f", "s")
    assert network.shapes["h/w"] == (2, 3)
    assert network.shapes["s"] == ("N",)
    assert network.outputs["h/f"] == ("h/f",)
    assert network.node("h/f").op == "tanh"
    assert network.node("h/f").origin == ("h",)


def test_a_graph_is_prepared_once(load_graph):
    graph = load_graph(NODES)
    assert prepare(graph) is prepare(graph)
    assert prepare(replace(graph)) is not prepare(graph)


@pytest.mark.usefixtures("own_ops")
def test_a_new_op_is_seen():
    graph = Graph({"x": Node("x", "input"), "t": Node("t", "triple", ("x",))})
    with pytest.raises(GraphError, match='unknown op "triple"'):
        prepare(graph)

    @op("triple")
    def triple(xp, x):
        return 3 * x

    assert prepare(graph).order == ("x", "t")


def test_a_graph_made_in_python_is_checked_too():
    graph = Graph({"a": Node("a", "sin", ("b",)), "b": Node("b", "cos", ("a",)), "c": Node("c", "sin", ("q",))})
    with pytest.raises(GraphError) as caught:
        prepare(graph)
    assert {problem.code for problem in caught.value.problems} == {"DP104", "DP201"}
