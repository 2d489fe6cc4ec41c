"""``equation`` and ``depends``: what they print, write, and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

GRAPHS = sorted(path.stem for path in (Path(__file__).parents[2] / "graphs").glob("*.json"))


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("command", ["equation", "depends"])
def test_every_graph_is_explained(dagprop, command, name):
    outcome = dagprop(command, f"graphs/{name}.json")
    assert (outcome.exit_code, outcome.err) == (0, "")
    assert outcome.out.strip()
    assert isinstance(dagprop(command, f"graphs/{name}.json", "--json").json, dict)


@pytest.mark.parametrize("command", ["equation", "depends"])
def test_a_file_gets_what_the_terminal_would_show(dagprop, tmp_path, command):
    target = tmp_path / "explained.txt"
    assert dagprop(command, "graphs/xor.json", "-o", str(target)).out == ""
    assert target.read_text(encoding="utf-8") == dagprop(command, "graphs/xor.json").out


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "graphs/broken").glob("*.json")), ids=lambda p: p.stem
)
@pytest.mark.parametrize("command", ["equation", "depends"])
def test_a_broken_graph_is_refused_as_check_refuses_it(dagprop, command, path):
    checked = dagprop("check", str(path))
    outcome = dagprop(command, str(path))
    assert outcome.exit_code in (0, 2, 4)
    assert bool(outcome.exit_code) == bool(checked.exit_code)
    assert outcome.err


def test_equation_as_json(dagprop):
    document = dagprop("equation", "graphs/four-layer-chain.json", "--json").json
    assert document["equations"] == {"L": "0.5 · (y - σ(w3 · σ(w2 · σ(w1 · x + b1))))^2"}
    assert list(document["substitutions"]) == ["a1", "f1", "a2", "f2", "a3", "f3", "L"]
    assert document["known"]["x"] == {"op": "input", "shape": ["N"], "value": 0.5}
    assert document["activations"] == [{"name": "σ(x)", "form": "1 / (1 + exp(-x))", "attributes": {}}]
    assert document["unknown"] == {id: {"shape": []} for id in ("w1", "b1", "w2", "w3")}


def test_equation_is_cut_and_elided_on_request(dagprop):
    chain = "graphs/four-layer-chain.json"
    cut = dagprop("equation", chain, "--length", "12", "--elide", "2").out
    assert "L = 0.5 · (y - f3)^2\n\nwhere\n\n  f3 = σ(w3 · σ(w2 · σ(w1 · x + b1)))\n" in cut
    assert "(1) a1 = w1 · x + b1\n… 5 more are left out here: --full shows them\n(7) L" in cut
    whole = dagprop("equation", chain, "--length", "12", "--elide", "2", "--full").out
    assert "left out" not in whole


def test_a_plugin_is_written_by_name_with_its_form(dagprop):
    nodes = {"p": {"op": "parameter", "value": 0.5}, "f": {"op": "snake", "inputs": ["p"], "a": 2.5}}
    graph = json.dumps({"dagprop": 1, "nodes": nodes}).encode()
    out = dagprop("equation", "-", "--plugin", "plugins/snake.py", stdin=graph).out
    assert "f = snake(p)" in out
    assert "snake(x)  Snake, with a = 2.5  x + sin(a · x)^2 / a" in out


def test_depends_as_json(dagprop):
    document = dagprop("depends", "graphs/four-layer-chain.json", "a1", "--json").json
    way = ["L", "f3", "a3", "f2", "a2", "f1", "a1"]
    assert document["ways"] == [{"from": "L", "count": 1, "shown": [way]}]
    assert document["depends_on"]["a1"] == {"op": "affine", "nodes": ["w1", "x", "b1"]}
    reverse = dagprop("depends", "graphs/four-layer-chain.json", "a1", "--reverse", "--json").json
    assert list(reverse["needed_by"]) == way[::-1]


def test_depends_draws_with_lines_or_plain_characters(dagprop, tmp_path):
    target = tmp_path / "tree.txt"
    dagprop("depends", "graphs/xor.json", "-o", str(target))
    assert "\n├─ output/f (identity)\n│  └─ output/a (add)\n" in target.read_text(encoding="utf-8")


def test_depends_refuses_an_unknown_node(dagprop):
    outcome = dagprop("depends", "graphs/xor.json", "hiden")
    assert outcome.exit_code == 2
    assert 'there is no node "hiden" [DP104]\n  did you mean "hidden"?' in outcome.err
