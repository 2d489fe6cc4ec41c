"""A chain of 10,000 nodes: each command that explains it answers with a page that can be read."""

from __future__ import annotations

import json

import pytest

NODES = 10_000

COMMANDS = {
    "equation": ((), "(9997) h9996 = tanh(h9995)"),
    "derive": ((), "∂L/∂w = ∂L/∂h9996 · ∂h9996/∂h9995 · "),
    "depends": (("w",), "L depends on h9996 depends on h9995 depends on "),
    "paths": (("--wrt", "w"), "   L → h9996 → h9995 → "),
    "cost": ((), "9998 edges between the loss and the parameters"),
    "flow": ((), "by its 9996 slope factors"),
    "check-gradients": ((), "gradient of L by 1 parameter: right"),
}


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    nodes = {
        "x": {"op": "input", "value": 0.5},
        "y": {"op": "input", "value": 1.0},
        "w": {"op": "parameter", "value": 1.0},
        "h0": {"op": "multiply", "inputs": ["w", "x"]},
    }
    for number in range(1, NODES - 4 + 1):
        op = "softplus" if number % 2 else "tanh"
        nodes[f"h{number}"] = {"op": op, "inputs": [f"h{number - 1}"]}
    nodes["L"] = {"op": "half_squared_error", "inputs": [f"h{NODES - 4}", "y"]}
    path = tmp_path_factory.mktemp("chain") / "chain.json"
    path.write_text(json.dumps({"dagprop": 1, "nodes": nodes, "loss": "L"}), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_long_chain_is_a_page(dagprop, chain, command):
    options, said = COMMANDS[command]
    outcome = dagprop(command, chain, *options)
    lines = outcome.out.splitlines()
    assert (outcome.exit_code, outcome.err) == (0, "")
    assert said in outcome.out
    assert len(lines) <= 100
    assert max(map(len, lines)) <= 240


def test_the_middle_of_each_long_list_is_left_out(dagprop, chain):
    out = dagprop("derive", chain, "--numeric", "all").out
    assert "\n... 9,974 steps are left out here: --full shows them.\n" in out
    assert "\n... 9,974 local derivatives are left out here: --full shows them.\n" in out
    assert len(out.splitlines()) < 300


@pytest.mark.parametrize("command", ["equation", "derive"])
def test_so_it_is_as_a_page(dagprop, chain, command):
    outcome = dagprop(command, chain, "--format", "html")
    assert outcome.exit_code == 0
    assert len(outcome.out) < 200_000
