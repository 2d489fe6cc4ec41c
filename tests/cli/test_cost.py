"""``dagprop cost``: the table, and where there is nothing to count."""

from __future__ import annotations

import json

CHAIN = "graphs/four-layer-chain.json"


def row(text, start):
    """Return the words of the line that starts so, behind the start."""
    (line,) = (line for line in text.splitlines() if line.startswith(start))
    return line.removeprefix(start).split()


def test_nine_multiplications_against_eighteen(dagprop):
    text = dagprop("cost", CHAIN).out
    assert row(text, "reverse mode, with reuse")[0] == "9"
    assert row(text, "without reuse")[0] == "18"
    assert row(text, "b1 ") == ["1", "1", "1", "6", "6"]


def test_json_holds_what_the_table_shows(dagprop):
    found = dagprop("cost", CHAIN, "--json").json
    assert (found["reverse"], found["forward"], found["without_reuse"], found["paths"]) == (9, 18, 18, 4)
    assert found["finite_differences"]["central"] == {"passes": 8, "multiplications": 64}
    assert list(found["parameters"]) == ["w3", "w2", "w1", "b1"]


def test_the_batch_size_counts(dagprop):
    one = dagprop("cost", "graphs/digits.json", "--json").json
    eight = dagprop("cost", "graphs/digits.json", "--batch-size", "8", "--json").json
    assert eight["sizes"] == {"N": 8}
    assert eight["reverse"] == 8 * one["reverse"]


def test_a_table_of_many_parameters_is_shortened(dagprop, tmp_path):
    nodes = {f"w{i}": {"op": "parameter", "value": 1.0} for i in range(200)}
    nodes["L"] = {"op": "multiply", "inputs": list(nodes)}
    stdin = json.dumps({"dagprop": 1, "nodes": nodes, "loss": "L"}).encode()
    done = dagprop("cost", "-", "-o", str(tmp_path / "cost.txt"), stdin=stdin)
    text = (tmp_path / "cost.txt").read_text(encoding="utf-8")
    assert done.out == "" and "more) …" in text and len(text.splitlines()) < 50
    assert "w0 " in text and "w199 " in text


def test_a_lost_parameter_is_named(dagprop):
    nodes = {
        "w": {"op": "parameter", "value": 1.0},
        "v": {"op": "parameter", "value": 1.0},
        "u": {"op": "exp", "inputs": ["v"]},
        "L": {"op": "sin", "inputs": ["w"]},
    }
    done = dagprop("cost", "-", stdin=json.dumps({"dagprop": 1, "nodes": nodes, "loss": "L"}).encode())
    assert "v: no path from the loss, so the gradient is 0" in done.out


def test_a_graph_without_a_loss_is_refused(dagprop):
    nodes = {"w": {"op": "parameter", "value": 1.0}, "u": {"op": "exp", "inputs": ["w"]}}
    done = dagprop("cost", "-", stdin=json.dumps({"dagprop": 1, "nodes": nodes}).encode())
    assert done.exit_code == 2 and "DP206" in done.err
