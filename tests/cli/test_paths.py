"""``dagprop paths``: what it prints, and what it says of mistakes."""

from __future__ import annotations

import json

import pytest

CHAIN = "graphs/four-layer-chain.json"

TWICE = {
    "w": {"op": "parameter", "value": 0.5},
    "v": {"op": "parameter", "value": 2.0, "trainable": False},
    "s": {"op": "multiply", "inputs": ["w", "w"]},
    "t": {"op": "multiply", "inputs": ["w", "v"]},
    "L": {"op": "subtract", "inputs": ["s", "t"]},
}


def document(nodes, loss="L"):
    return json.dumps({"dagprop": 1, "nodes": nodes, "loss": loss}).encode()


def test_a_chain_has_one_path_with_its_factors(dagprop):
    text = dagprop("paths", CHAIN, "--wrt", "w3").out
    assert "∂L/∂w3 = -0.0289632 comes along 1 path" in text
    assert "L → f3 → a3 → w3" in text
    assert "= (-0.381726) · 0.236011 · 0.321486" in text
    assert "(100 %)" in text


def test_both_uses_of_a_value_are_told_apart(dagprop):
    text = dagprop("paths", "-", "--wrt", "w", stdin=document(TWICE)).out
    assert "w (as xs[0])" in text and "w (as xs[1])" in text
    assert "Paths cancel: without their signs all of them add up to 3, 3 times the gradient." in text
    some = dagprop("paths", "-", "--wrt", "w", "--top", "2", stdin=document(TWICE)).out
    assert "3 paths; the 2 largest:" in some and "make up 150 % of the gradient" in some


def test_json_has_full_precision(dagprop):
    found = dagprop("paths", "-", "--wrt", "w", "--json", stdin=document(TWICE)).json
    assert (found["count"], found["gradient"], found["total_size"]) == (3, -1.0, 3.0)
    assert [path["contribution"] for path in found["paths"]] == [-2.0, 0.5, 0.5]
    assert found["paths"][0] == {
        "nodes": ["L", "t", "w"],
        "inputs": ["right", "xs[0]"],
        "factors": [-1.0, 2.0],
        "contribution": -2.0,
        "share": 2.0,
    }


def test_counts_of_any_length_are_printed(dagprop):
    nodes = {"w": {"op": "parameter", "value": 0.0}}
    for level in range(16_000):
        nodes[f"n{level}"] = {"op": "add", "inputs": [f"n{level - 1}" if level else "w"] * 2}
    graph = document(nodes, "n15999")
    assert (
        "about 3.01947e+4816 paths; the 1 largest:"
        in dagprop("paths", "-", "--wrt", "w", "--top", "1", stdin=graph).out
    )
    assert (
        str(2**14000) in dagprop("paths", "-", "--wrt", "w", "--top", "1", "--to", "n13999", "--json", stdin=graph).out
    )
    exact = dagprop("paths", "-", "--wrt", "w", "--top", "1", "--to", "n59", stdin=graph).out
    assert "1152921504606846976 paths" in exact and "… (" in exact


def test_arrays_have_shares(dagprop):
    done = dagprop("paths", "graphs/xor.json", "--wrt", "hidden/w", "--element", "1,0", "--json")
    found = done.json
    assert found["element"] == [1, 0]
    assert found["shown_share"] == pytest.approx(1)
    assert found["paths"][0]["factors"] is None


def test_what_does_not_reach_is_said(dagprop):
    nodes = {**TWICE, "u": {"op": "parameter", "value": 1.0}, "z": {"op": "exp", "inputs": ["u"]}}
    done = dagprop("paths", "-", "--wrt", "u", stdin=document(nodes))
    assert done.exit_code == 0 and done.out == "no path leads from L to u: ∂L/∂u = 0\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--wrt", "w33"], 'did you mean "w3"?'),
        (["--wrt", "w3", "--to", "f33"], 'did you mean "f3"?'),
        (["--wrt", "w3", "--element", "0"], "it is one number"),
        (["--wrt", "w3", "--element", "a,b"], "as in --element 0,2"),
        (["--wrt", "w3", "--top", "0"], "--top"),
        ([], "--wrt"),
    ],
)
def test_mistakes_are_explained(dagprop, options, message):
    done = dagprop("paths", CHAIN, *options)
    assert done.exit_code == 2 and message in done.err and not done.out
