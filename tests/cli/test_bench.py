"""``dagprop bench``: what it reports; the times themselves are nobody's promise."""

from __future__ import annotations

from importlib import import_module

import pytest

from dagprop.errors import GraphError, Problem

CHAIN = "graphs/four-layer-chain.json"


@pytest.mark.parametrize(
    ("graph", "backend", "title"),
    [
        ("four-layer-chain", "auto", "compiled scalar program (LLVM)"),
        ("four-layer-chain", "reference", "reference (NumPy, step by step)"),
        ("xor", "auto", "compiled: arrays"),
        ("xor", "compiled", "compiled: arrays with fused kernels (LLVM)"),
        ("digits", "reference", "reference (NumPy, step by step)"),
    ],
)
def test_every_node_and_op_has_its_time(dagprop, graph, backend, title):
    found = dagprop("bench", f"graphs/{graph}.json", "--backend", backend, "--steps", "7", "--json").json
    assert found["backend"] == title and found["steps"] == 7
    assert 0 < found["step"]["min"] <= found["step"]["median"] <= found["step"]["max"]
    assert found["step_per_node"] == pytest.approx(found["step"]["median"] / len(found["nodes"]))
    assert all(node["forward"] > 0 and node["backward"] >= 0 for node in found["nodes"])
    nodes = {op["op"]: op["nodes"] for op in found["ops"]}
    assert nodes == {name: sum(node["op"] == name for node in found["nodes"]) for name in nodes}
    for direction in ("forward", "backward"):
        total = sum(node[direction] for node in found["nodes"])
        assert sum(op[direction] for op in found["ops"]) == pytest.approx(total)


@pytest.mark.parametrize("graph", ["digits", "iris", "line", "four-layer-chain"])
def test_the_back_end_is_chosen_as_for_the_training(dagprop, monkeypatch, graph):
    steps = []

    def remember(task, backend):
        steps.append(task.steps)
        raise GraphError(Problem("DP011", "seen"))

    for module in ("loop", "timing"):
        monkeypatch.setattr(import_module(f"dagprop.train.{module}"), "choose_trainer", remember)
    for verb in ("train", "bench"):
        assert "seen" in dagprop(verb, f"graphs/{graph}.json").err
    assert steps[0] == steps[1] > 0


def test_the_text_has_the_totals_and_both_tables(dagprop):
    done = dagprop("bench", CHAIN, "--steps", "40", "-v")
    first, ops, nodes = done.out.split("\n\n")
    assert first.startswith("compiled scalar program (LLVM), batch size 1, float64, 40 steps\na step: ")
    assert "(7 nodes)" in first and "backend: compiled scalar program (LLVM)" in done.err
    assert "sigmoid" in ops and len(nodes.splitlines()) == 2 + 7


def test_only_the_slowest_nodes_are_shown(dagprop, write_graph):
    nodes = {"w": {"op": "parameter", "value": 0.5}, "n0": {"op": "tanh", "inputs": ["w"]}}
    nodes |= {f"n{i}": {"op": "sin", "inputs": [f"n{i - 1}"]} for i in range(1, 30)}
    done = dagprop("bench", str(write_graph(nodes, loss="n29")), "--steps", "1")
    assert done.exit_code == 0 and done.out.endswith("\nand 10 more\n")


@pytest.mark.parametrize(("option", "size"), [((), 8), (("--batch-size", "3"), 3), (("--batch-size", "100000"), 1797)])
def test_the_batch_is_the_graphs_or_what_is_asked_for(dagprop, option, size):
    assert dagprop("bench", "graphs/digits.json", "--steps", "1", "--json", *option).json["batch_size"] == size


def test_values_weights_and_types_can_be_given(dagprop, tmp_path):
    weights = str(tmp_path / "weights.npz")
    dagprop("train", CHAIN, "--epochs", "1", "-o", weights)
    arguments = ["--weights", weights, "--set", "x=2", "--dtype", "float32", "--steps", "2", "--json"]
    assert dagprop("bench", CHAIN, *arguments).json["dtype"] == "float32"


@pytest.mark.parametrize(
    ("input", "keys", "code"),
    [
        ({"op": "input", "value": 1.0}, {}, "DP206"),
        ({"op": "input"}, {"loss": "y"}, "DP406"),
    ],
)
def test_what_cannot_be_trained_is_refused(dagprop, write_graph, input, keys, code):
    done = dagprop("bench", str(write_graph({"x": input, "y": {"op": "tanh", "inputs": ["x"]}}, **keys)))
    assert done.exit_code == 2 and code in done.err
