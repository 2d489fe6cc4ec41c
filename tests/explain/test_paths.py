"""Paths against brute force: every path walked, on random graphs; counts against NetworkX and by hand."""

from __future__ import annotations

import itertools
import math

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dagprop
from dagprop.explain import paths as paths_module
from tests.explain.scalar_graphs import every_path, graph_of, parse, scalar_graphs
from tests.random_graphs import random_graphs


@given(scalar_graphs(), st.integers(1, 12))
def test_the_largest_paths_are_those_of_a_full_search(case, top):
    nodes, loss = case
    expected = sorted(map(math.prod, every_path(nodes, loss, "p0")), key=abs, reverse=True)
    found = dagprop.paths(graph_of(nodes, loss), wrt="p0", top=top)
    assert found.count == len(expected)
    assert found.certain
    sizes = [abs(float(path.contribution)) for path in found.paths]
    assert sizes == pytest.approx([abs(product) for product in expected[:top]], rel=1e-9, abs=1e-300)
    assert found.total_size == pytest.approx(sum(map(abs, expected)), rel=1e-9, abs=1e-300)
    assert float(found.gradient) == pytest.approx(sum(expected), rel=1e-9, abs=1e-9)
    for path in found.paths:
        assert float(path.contribution) == pytest.approx(math.prod(path.factors), rel=1e-12)
        assert len(path.nodes) == len(path.inputs) + 1 == len(path.factors) + 1


@given(random_graphs())
def test_contributions_of_arrays_add_up_to_the_gradient(case):
    document = case.document()
    graph = parse(document)
    for id in [id for id in case.nodes if id.startswith("leaf")]:
        found = dagprop.paths(graph, wrt=id, top=100_000)
        expected = case.derivative(id)
        assert found.gradient == pytest.approx(expected, rel=1e-9, abs=1e-9)
        if found.certain:
            assert len(found.paths) == found.count
            total = sum((path.contribution for path in found.paths), np.zeros(expected.shape))
            assert total == pytest.approx(expected, rel=1e-9, abs=1e-9)
            if found.count and np.abs(expected).max() > 1e-6:
                assert found.shown_share == pytest.approx(1, rel=1e-6)


@given(random_graphs())
def test_counts_are_those_of_networkx(case):
    graph = parse(case.document())
    view = graph.to_networkx()
    for id in [id for id in case.nodes if id.startswith("leaf")]:
        walked = list(itertools.islice(networkx.all_simple_edge_paths(view, id, case.loss), 5000))
        if len(walked) < 5000:
            assert dagprop.paths(graph, wrt=id, top=1).count == len(walked)


def diamonds(depth):
    """Stacked diamonds: each doubles the number of paths."""
    nodes = {"w": {"op": "parameter", "value": 0.3}}
    last = "w"
    for level in range(depth):
        nodes |= {
            f"left{level}": {"op": "sin", "inputs": [last]},
            f"right{level}": {"op": "tanh", "inputs": [last]},
            f"sum{level}": {"op": "add", "inputs": [f"left{level}", f"right{level}"]},
            f"half{level}": {"op": "divide", "inputs": [f"sum{level}", "two"]},
        }
        last = f"half{level}"
    return graph_of({"two": {"op": "constant", "value": 2}, **nodes}, last)


def test_sixty_diamonds_are_counted_at_once():
    graph = diamonds(60)
    found = dagprop.paths(graph, wrt="w", top=3)
    assert found.count == 2**60
    # The derivatives are all positive, so the largest path takes the larger at each fork.
    values = {name: float(value) for name, value in dagprop.forward(graph).items()}
    best, inner = 1.0, "w"
    for level in range(60):
        x = values[inner]
        best *= max(math.cos(x), 1 - math.tanh(x) ** 2) / 2
        inner = f"half{level}"
    assert float(found.paths[0].contribution) == pytest.approx(best, rel=1e-12)
    assert found.paths[0].share == pytest.approx(best / float(found.gradient), rel=1e-12)
    assert [float(path.contribution) for path in found.paths] == sorted(
        (float(path.contribution) for path in found.paths), reverse=True
    )


def test_a_path_of_ten_thousand_nodes_is_found():
    nodes = {"w0": {"op": "parameter", "value": 0.5}}
    nodes |= {f"w{i}": {"op": "identity", "inputs": [f"w{i - 1}"]} for i in range(1, 10_001)}
    found = dagprop.paths(graph_of(nodes, "w10000"), wrt="w0")
    assert found.count == 1
    assert found.paths[0].nodes[:2] == ("w10000", "w9999")
    assert len(found.paths[0].nodes) == 10_001


def test_paths_that_cancel_have_shares_beyond_the_whole():
    nodes = {
        "w": {"op": "parameter", "value": 1.0},
        "a": {"op": "multiply", "inputs": ["w", "three"]},
        "three": {"op": "constant", "value": 3},
        "L": {"op": "subtract", "inputs": ["a", "w"]},
    }
    found = dagprop.paths(graph_of(nodes, "L"), wrt="w")
    assert [path.share for path in found.paths] == [1.5, -0.5]
    assert (found.total_size, found.shown_share) == (4.0, 1.0)


def test_a_gradient_of_zero_has_no_shares():
    nodes = {"w": {"op": "parameter", "value": 1.0}, "L": {"op": "subtract", "inputs": ["w", "w"]}}
    found = dagprop.paths(graph_of(nodes, "L"), wrt="w")
    assert [float(path.contribution) for path in found.paths] == [1.0, -1.0]
    assert [path.inputs for path in found.paths] == [("left",), ("right",)]
    assert all(math.isnan(path.share) for path in found.paths)


def test_an_element_is_that_of_the_whole(root):
    graph = dagprop.load(root / "graphs/iris.json")
    wrt = next(iter(dagprop.initial_parameters(graph)))
    whole = dagprop.paths(graph, wrt=wrt)
    one = dagprop.paths(graph, wrt=wrt, element=(1, 2))
    assert float(one.gradient) == whole.gradient[1, 2]
    assert float(one.paths[0].contribution) == whole.paths[0].contribution[1, 2]
    with pytest.raises(dagprop.GraphError, match="there is no element 1, 99"):
        dagprop.paths(graph, wrt=wrt, element=(1, 99))
    with pytest.raises(dagprop.GraphError, match="there is no element 1 of"):
        dagprop.paths(graph, wrt=wrt, element=(1,))


def test_many_paths_between_arrays_are_followed_as_far_as_said(monkeypatch):
    nodes = {"w": {"op": "parameter", "value": [0.1, 0.2]}}
    for level in range(6):
        nodes[f"x{level}"] = {"op": "sin", "inputs": [f"s{level - 1}" if level else "w"]}
        nodes[f"s{level}"] = {"op": "add", "inputs": [f"x{level}", f"x{level}"]}
    nodes["L"] = {"op": "sum", "inputs": ["s5"]}
    graph = graph_of(nodes, "L")
    whole = dagprop.paths(graph, wrt="w", top=64)
    assert (whole.count, len(whole.paths), whole.certain) == (64, 64, True)
    assert sum(path.contribution for path in whole.paths) == pytest.approx(whole.gradient, rel=1e-12)
    monkeypatch.setattr(paths_module, "KEPT_ARRAYS", 10)
    some = dagprop.paths(graph, wrt="w", top=5)
    assert (some.count, len(some.paths), some.certain) == (64, 5, False)


def test_inner_nodes_may_be_both_ends(root):
    graph = dagprop.load(root / "graphs/four-layer-chain.json")
    found = dagprop.paths(graph, wrt="f1", to="f2")
    assert found.paths[0].nodes == ("f2", "a2", "f1")
    assert dagprop.paths(graph, wrt="f1", to="f1").paths[0].share == 1.0
    assert dagprop.paths(graph, wrt="f2", to="f1").count == 0
    with pytest.raises(dagprop.GraphError, match='did you mean "f1"'):
        dagprop.paths(graph, wrt="F1")


def test_a_pullback_of_many_inputs_is_asked_for_each_path(own_ops):
    @dagprop.op("weighted_sum")
    def weighted_sum(xp, *xs):
        return sum((i + 1) * x for i, x in enumerate(xs))

    @weighted_sum.pullback("xs")
    def _(g, xs):
        return tuple((i + 1) * g for i in range(len(xs)))

    nodes = {
        "w": {"op": "parameter", "value": [1.0, 2.0]},
        "a": {"op": "weighted_sum", "inputs": ["w", "w", "w"]},
        "b": {"op": "weighted_sum", "inputs": ["a", "a"]},
        "L": {"op": "sum", "inputs": ["b"]},
    }
    found = dagprop.paths(graph_of(nodes, "L"), wrt="w")
    assert [path.contribution[0] for path in found.paths] == [6, 4, 3, 2, 2, 1]


def test_two_outputs_of_a_node_are_two_ways(own_ops):
    @dagprop.op("both")
    def both(xp, x):
        return xp.sin(x), xp.cos(x)

    @both.pullback("x")
    def _(g, y):
        return g[0] * y[1] - g[1] * y[0]

    nodes = {
        "w": {"op": "parameter", "value": 0.7},
        "p": {"op": "both", "inputs": ["w"]},
        "L": {"op": "multiply", "inputs": ["p", "p:1"]},
    }
    found = dagprop.paths(graph_of(nodes, "L"), wrt="w")
    assert [path.nodes for path in found.paths] == [("L", "p", "w"), ("L", "p:1", "w")]
    sine, cosine = math.sin(0.7), math.cos(0.7)
    assert [float(path.contribution) for path in found.paths] == pytest.approx([cosine**2, -(sine**2)])
    assert float(found.gradient) == pytest.approx(math.cos(1.4))


def test_an_element_of_one_sample_has_no_sample_axis(root):
    graph = dagprop.load(root / "graphs/iris.json")
    whole = dagprop.paths(graph, wrt="flower")
    assert whole.gradient.shape == whole.paths[0].contribution.shape == (4,)
    assert float(dagprop.paths(graph, wrt="flower", element=2).gradient) == whole.gradient[2]
