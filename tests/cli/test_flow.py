"""``dagprop flow``: which factors it names, and how it leaves."""

from __future__ import annotations

import json
import math

import pytest

from tests.explain.test_flow import stack


def document(graph):
    nodes = {id: {"op": node.op, "inputs": list(node.inputs), **node.attributes} for id, node in graph.nodes.items()}
    for node in nodes.values():
        if not node["inputs"]:
            del node["inputs"]
    return json.dumps({"dagprop": 1, "nodes": nodes, "loss": graph.loss}).encode()


SIGMOIDS = document(stack(10, 1.0))
LARGE = document(stack(10, 5.0, "identity"))


def test_the_slopes_are_named(dagprop):
    text = dagprop("flow", "-", stdin=SIGMOIDS).out
    assert "10 gradients: 4 fine, 6 vanishing" in text
    assert "∂L/∂w1 = 1.14777e-07 is 1.74e-07 of ∂L/∂f10: vanishing, by its 10 slope factors" in text
    assert "0.226 each in the geometric mean; smallest: f10 0.225" in text
    assert "The chain to w1" in text and "slope f1 " in text


def test_the_weights_are_named(dagprop):
    text = dagprop("flow", "-", stdin=LARGE).out
    assert "exploding, by its 9 weight factors" in text and "largest: w10 5, w9 5, w8 5" in text


@pytest.mark.parametrize(
    ("graph", "options", "exit_code"),
    [
        (SIGMOIDS, [], 0),
        (SIGMOIDS, ["--fail-on", "vanishing"], 1),
        (SIGMOIDS, ["--fail-on", "exploding"], 0),
        (SIGMOIDS, ["--fail-on", "vanishing", "--vanishing", "1e-9"], 0),
        (SIGMOIDS, ["--fail-on", "vanishing", "--wrt", "w10"], 0),
        (LARGE, ["--fail-on", "vanishing"], 0),
        (LARGE, ["--fail-on", "vanishing", "--fail-on", "exploding"], 1),
        (LARGE, ["--fail-on", "exploding", "--exploding", "1e9", "--json"], 0),
        (SIGMOIDS, ["--fail-on", "vanishing", "--json"], 1),
        (SIGMOIDS, ["--fail-on", "fading"], 2),
        (SIGMOIDS, ["--vanishing", "0"], 2),
    ],
)
def test_exit_codes(dagprop, graph, options, exit_code):
    assert dagprop("flow", "-", *options, stdin=graph).exit_code == exit_code


def test_json_holds_what_the_tables_show(dagprop):
    found = dagprop("flow", "-", "--json", stdin=SIGMOIDS).json
    w1 = found["parameters"]["w1"]
    assert (w1["verdict"], w1["blame"], w1["start"]) == ("vanishing", "slope", "f10")
    assert math.prod(w1["factors"].values()) == pytest.approx(w1["ratio"])
    assert found["chain"]["to"] == "w1"
    assert [link["kind"] for link in found["chain"]["links"]][:4] == ["loss", "loss", "slope", "weight"]


def test_a_deep_network_is_readable(dagprop):
    text = dagprop("flow", "-", stdin=document(stack(3000, 1.0))).out
    assert len(text.splitlines()) < 70
    assert "w1 " in text and "w3000 " in text and "e-19" in text and "(no float64 is so small)" in text


def test_wrt_shows_the_chain_of_any_node(dagprop):
    text = dagprop("flow", "graphs/four-layer-chain.json", "--wrt", "f1").out
    assert "1 gradient: 1 fine" in text and "The chain to f1" in text
    assert "weight w2" in text and "× 1.2" in text
    done = dagprop("flow", "graphs/four-layer-chain.json", "--wrt", "f11")
    assert done.exit_code == 2 and 'did you mean "f1"' in done.err


def test_what_cannot_vanish_is_explained(dagprop):
    met = dagprop("flow", "graphs/smallest-perceptron.json", "--set", "w=1.5", "--fail-on", "vanishing")
    assert met.exit_code == 0 and "no error: the loss has the derivative 0 here" in met.out
    nodes = {"x": {"op": "constant", "value": 1.0}, "L": {"op": "sin", "inputs": ["x"]}}
    empty = dagprop("flow", "-", stdin=json.dumps({"dagprop": 1, "nodes": nodes, "loss": "L"}).encode())
    assert empty.out == "the graph has no trainable parameter\n"


def test_data_is_taken_whole(dagprop):
    found = dagprop("flow", "graphs/iris.json", "--data", "graphs/data/iris.csv", "--json").json
    assert all(parameter["verdict"] == "fine" for parameter in found["parameters"].values())
