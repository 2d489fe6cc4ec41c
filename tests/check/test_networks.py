"""Whole networks: random ones, those of graphs/, and random ones with a wrong rule somewhere inside."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dagprop
from dagprop.ops.registry import ops
from dagprop.plan.network import prepare
from dagprop.train.data import fed_inputs, load_data
from tests.conformance.neutral import write_file
from tests.random_graphs import UNARY, random_graphs

GRAPHS = sorted((Path(__file__).parents[2] / "graphs").glob("*.json"))


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """Load a graph from a document; one folder serves all examples of a property."""
    folder = tmp_path_factory.mktemp("graphs")
    return lambda document: dagprop.load(write_file(folder, document))


@settings(max_examples=50)
@given(example=random_graphs(), seed=st.integers(0, 100))
def test_random_networks_are_right(load, example, seed):
    done = dagprop.check_gradients(load(example.document()), seed=seed)
    assert done.ok
    assert {finding.kind for finding in done.rules.findings} <= {"rounding"}
    uses = sum(len(node.get("inputs", ())) for node in example.nodes.values())
    assert done.rules.subjects == uses and not done.unchecked


@settings(max_examples=50)
@given(example=random_graphs(), data=st.data())
def test_one_wrong_op_in_a_random_network_is_named_where_it_is_used_first(load, example, data):
    used = [node["op"] for node in example.nodes.values() if node["op"] in UNARY]
    if not used:
        return
    name = data.draw(st.sampled_from(sorted(set(used))))
    rule = ops()[name].rules["x"]

    def wrong(*arguments):
        return 1.001 * np.asarray(rule.function(*arguments))

    ops()[name].rules["x"] = dataclasses.replace(rule, function=wrong)
    try:
        done = dagprop.check_gradients(load(example.document()))
    finally:
        ops()[name].rules["x"] = rule
    assert {finding.node for finding in done.rules.failed} == {
        id for id, node in example.nodes.items() if node["op"] == name
    }
    assert done.first.relative == pytest.approx(1e-3, rel=0.02)


def feeds_of(graph):
    """Feed the first rows of the graph's data where its inputs have no value of their own."""
    network = prepare(graph)
    lacking = [id for id in fed_inputs(network) if "value" not in network.node(id).attributes]
    if not lacking:
        return {}
    return {id: array[:8] for id, array in load_data(graph, network).feeds.items()}


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
@pytest.mark.parametrize("samples", [5, None], ids=["a-sample", "each"])
def test_the_graphs_that_users_run(path, samples):
    graph = dagprop.load(path)
    if samples is None and path.stem == "digits":
        return  # it has 9610 parameters
    done = dagprop.check_gradients(graph, feeds_of(graph), samples=samples)
    assert done.ok
    assert done.network is not None and done.network.subjects == len(prepare(graph).graph.parameters())
    assert done.rules.largest.relative < 1e-10
    assert done.network.largest.relative < 1e-9
    assert set(done.rules.methods) == set(done.network.methods) == {"complex step"}
    assert {item.op for item in done.unchecked} <= {"cross_entropy"}


def test_names_inside_of_definitions():
    done = dagprop.check_gradients(dagprop.load(GRAPHS[0].parent / "four-layer-chain-neurons.json"))
    assert done.rules.largest.node.startswith(("unit", "L"))


def test_one_sample_has_no_sample_axis_in_what_is_named(load_graph):
    graph = load_graph(
        {
            "x": {"op": "input", "shape": ["N", 3], "value": [1.0, 0.0, -2.0]},
            "y": {"op": "relu", "inputs": ["x"]},
        }
    )
    (one,) = dagprop.check_gradients(graph).rules.findings
    (many,) = dagprop.check_gradients(graph, {"x": [[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]}).rules.findings
    assert (one.entry, one.output, one.count) == ((1,), (1,), 1)
    assert (many.entry, many.count) == ((0, 2), 2)
