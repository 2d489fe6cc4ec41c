"""``run`` and ``backprop``: the numbers of the lecture, in full precision and as tables."""

from __future__ import annotations

import json
import math

import pytest

LECTURE = [word for setting in ("x=0.5", "y=1", "w1=0.8", "b1=0.1", "w2=-1.2", "w3=1.5") for word in ("--set", setting)]
CHAIN = "graphs/four-layer-chain.json"


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def lecture_by_hand():
    """The four-layer chain, worked out line by line as on the slides."""
    x, y, w1, b1, w2, w3 = 0.5, 1.0, 0.8, 0.1, -1.2, 1.5
    f1 = sigmoid(w1 * x + b1)
    f2 = sigmoid(w2 * f1)
    f3 = sigmoid(w3 * f2)
    d_a3 = -(y - f3) * f3 * (1 - f3)
    d_a2 = d_a3 * w3 * f2 * (1 - f2)
    d_a1 = d_a2 * w2 * f1 * (1 - f1)
    return (y - f3) ** 2 / 2, {"w3": d_a3 * f2, "w2": d_a2 * f1, "w1": d_a1 * x, "b1": d_a1}


def test_backprop_gives_the_lectures_numbers(dagprop):
    document = dagprop("backprop", CHAIN, *LECTURE, "--lr", "0.5", "--json").json
    loss, gradients = lecture_by_hand()
    assert document["loss"] == pytest.approx(loss, rel=1e-14)
    assert set(document["parameters"]) == set(gradients)
    for name, expected in gradients.items():
        entry = document["parameters"][name]
        assert entry["grad"] == pytest.approx(expected, rel=1e-12)
        assert entry["new_value"] == entry["value"] - 0.5 * entry["grad"]
        assert document["nodes"][name] == {"value": entry["value"], "grad": entry["grad"]}


def test_each_gradient_is_the_sum_over_its_edges(dagprop):
    document = dagprop("backprop", CHAIN, *LECTURE, "--json").json
    nodes = document["nodes"]
    total = dict.fromkeys(nodes, 0.0) | {"L": 1.0}
    for edge in document["edges"]:
        assert edge["contribution"] == pytest.approx(nodes[edge["to"]]["grad"] * edge["local"], rel=1e-14)
        total[edge["from"]] += edge["contribution"]
    assert {name: node["grad"] for name, node in nodes.items()} == pytest.approx(total, rel=1e-14)


def test_both_forms_of_the_chain_agree(dagprop):
    plain = dagprop("backprop", CHAIN, *LECTURE, "--json").json
    composed = dagprop("backprop", "graphs/four-layer-chain-neurons.json", *LECTURE, "--json").json
    assert composed["loss"] == plain["loss"]
    assert composed["parameters"] == plain["parameters"]
    assert len(composed["nodes"]) == len(plain["nodes"])


def test_the_table_shows_values_edges_and_updates(dagprop):
    text = dagprop("backprop", CHAIN, *LECTURE, "--lr", "0.5").out
    for shown in (
        "0.0728573",
        "-0.0289632",
        "-0.0183488",
        "0.00415645",
        "0.0083129",
        "∂f3/∂a3",
        "0.236011",
        "new value",
    ):
        assert shown in text


def test_digits_are_significant(dagprop):
    assert "-0.029\n" in dagprop("backprop", CHAIN, *LECTURE, "--digits", "2").out


def test_run_prints_every_node(dagprop):
    document = dagprop("run", CHAIN, *LECTURE, "--json").json
    assert document["nodes"]["f2"]["value"] == pytest.approx(0.321486, abs=5e-7)
    table = dagprop("run", CHAIN, *LECTURE).out
    assert all(name in table for name in document["nodes"])


def test_float32_is_computed_in_float32(dagprop):
    wide = dagprop("run", CHAIN, *LECTURE, "--json").json["nodes"]["L"]["value"]
    narrow = dagprop("run", CHAIN, *LECTURE, "--dtype", "float32", "--json").json["nodes"]["L"]["value"]
    assert wide != narrow == pytest.approx(wide, rel=1e-6)


def test_a_row_of_the_data_is_one_sample(dagprop):
    document = dagprop("run", "graphs/line.json", "--row", "2", "--json").json
    assert isinstance(document["nodes"]["L"]["value"], float)
    assert dagprop("run", "graphs/line.json", "--row", "100000").exit_code == 2


def test_a_graph_comes_from_standard_input(dagprop):
    graph = {"dagprop": 1, "nodes": {"a": {"op": "constant", "value": [1, 2]}, "b": {"op": "exp", "inputs": ["a"]}}}
    values = dagprop("run", "-", "--json", stdin=json.dumps(graph).encode()).json["nodes"]["b"]["value"]
    assert values == pytest.approx([math.e, math.e**2])


def test_non_finite_values_are_texts_and_are_named(dagprop):
    nodes = {
        "a": {"op": "constant", "value": 0},
        "b": {"op": "log", "inputs": ["a"]},
        "c": {"op": "exp", "inputs": ["b"]},
    }
    done = dagprop("run", "-", "--json", stdin=json.dumps({"dagprop": 1, "nodes": nodes}).encode())
    assert done.json["nodes"]["b"]["value"] == "-Infinity"
    assert 'node "b"' in done.err and "DP702" in done.err


def test_a_graph_without_a_loss_cannot_be_back_propagated(dagprop):
    nodes = {"a": {"op": "parameter", "value": 0}, "b": {"op": "exp", "inputs": ["a"]}}
    done = dagprop("backprop", "-", stdin=json.dumps({"dagprop": 1, "nodes": nodes}).encode())
    assert done.exit_code == 2 and "DP206" in done.err


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("x", "NODE=VALUE"),
        ("x=", "not a finite number"),
        ("x=abc", "not a finite number"),
        ("x=NaN", "not a finite number"),
        ("x=1e999", "not a finite number"),
        ("x=true", "not a finite number"),
        ("x=[[1],[2,3]]", "DP302"),
        ("x=[[1]]", "DP303"),
        ("f1=1", "DP305"),
        ("w4=1", "leaves: x, w1"),
    ],
)
def test_wrong_settings_are_explained(dagprop, setting, message):
    done = dagprop("run", CHAIN, "--set", setting)
    assert done.exit_code == 2 and message in done.err and not done.out
