"""``ops``, ``show``, ``schema`` and ``check``: what the vocabulary and a graph are."""

from __future__ import annotations

import json

import pytest

from dagprop.ops.registry import vocabulary


def test_ops_list_names_everything(dagprop):
    listed = {entry["name"] for entry in dagprop("ops", "list", "--json").json["ops"]}
    assert listed == set(vocabulary())
    text = dagprop("ops", "list").out
    assert all(name in text for name in listed)


@pytest.mark.parametrize("name", sorted(vocabulary()))
def test_ops_show_describes_each(dagprop, name):
    described = dagprop("ops", "show", name, "--json").json
    text = dagprop("ops", "show", name).out
    assert described["name"] == name and described["doc"]
    assert all(entry["name"] in text for entry in described["inputs"] + described["attributes"])


def test_ops_show_prints_the_rules_as_they_are_written(dagprop):
    text = dagprop("ops", "show", "sigmoid").out
    assert "@sigmoid.derivative" in text and "return y * (1 - y)" in text


def test_a_plugin_is_listed_and_shown(dagprop):
    assert "snake" in {
        entry["name"] for entry in dagprop("ops", "list", "--plugin", "plugins/snake.py", "--json").json["ops"]
    }
    assert dagprop("ops", "show", "snake").exit_code == 2


def test_show_counts_parameters_once_at_both_levels(dagprop):
    called = dagprop("show", "graphs/digits.json", "--json").json
    expanded = dagprop("show", "graphs/digits.json", "--expanded", "--json").json
    assert called["parameters"] == expanded["parameters"] == sum(n["parameters"] for n in expanded["nodes"].values())
    assert called["parameters"] == sum(n["parameters"] for n in called["nodes"].values())
    assert len(expanded["nodes"]) > len(called["nodes"])
    assert all(node["shapes"] for node in called["nodes"].values())


def test_schema_is_the_one_in_the_package(dagprop):
    from importlib.resources import files

    assert json.loads(dagprop("schema").out) == json.loads((files("dagprop.graph") / "graph.schema.json").read_text())


def test_check_reports_files_one_by_one(dagprop, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"dagprop": 1, "nodes": {"a": {"op": "sigmod", "inputs": ["b"]}}}')
    done = dagprop("check", "graphs/xor.json", str(bad))
    assert done.exit_code == 2 and "graphs/xor.json: ok" in done.out
    assert f"{bad}:1:" in done.err and 'did you mean "sigmoid"?' in done.err and "DP104" in done.err
    document = dagprop("check", str(bad), "--json").json
    assert {error["code"] for error in document["errors"]} == {"DP101", "DP104"}


def test_check_strict_fails_on_warnings(dagprop, tmp_path):
    unused = tmp_path / "unused.json"
    nodes = {
        "a": {"op": "parameter", "value": 1},
        "b": {"op": "exp", "inputs": ["a"]},
        "c": {"op": "constant", "value": 1},
    }
    unused.write_text(json.dumps({"dagprop": 1, "nodes": nodes, "loss": "b"}))
    done = dagprop("check", str(unused))
    assert done.exit_code == 0 and "warning" in done.err and "DP204" in done.err
    assert dagprop("check", str(unused), "--strict").exit_code == 1


def test_a_required_plugin_is_named_until_it_is_loaded(dagprop, tmp_path, root):
    (tmp_path / "plugins").symlink_to(root / "plugins")  # a folder that has no other plugins than these
    graph = tmp_path / "needs.json"
    nodes = {"x": {"op": "input", "value": 1}, "f": {"op": "snake", "inputs": ["x"]}}
    graph.write_text(json.dumps({"dagprop": 1, "requires": ["snake"], "nodes": {"x": nodes["x"]}}))
    done = dagprop("run", str(graph), folder=tmp_path)
    assert done.exit_code == 4 and "DP505" in done.err and "--plugin plugins/snake.py" in done.err
    assert dagprop("check", str(graph), folder=tmp_path).exit_code == 4
    graph.write_text(json.dumps({"dagprop": 1, "requires": ["snake"], "nodes": nodes}))
    assert dagprop("check", str(graph), folder=tmp_path).exit_code == 2
    assert dagprop("run", str(graph), "--plugin", "plugins/snake.py", folder=tmp_path).exit_code == 0


def test_classes_and_logits_must_be_as_many(dagprop, tmp_path):
    graph = tmp_path / "few.json"
    graph.write_text(
        json.dumps(
            {
                "dagprop": 1,
                "nodes": {
                    "x": {"op": "input", "shape": ["N", 2], "value": [1, 2]},
                    "y": {"op": "input", "value": 0},
                    "z": {"op": "dense", "inputs": ["x"], "units": 3},
                    "L": {"op": "cross_entropy", "inputs": ["z", "y"]},
                },
                "loss": "L",
                "data": {"file": "d.csv", "classes": {"y": ["a", "b"]}},
            }
        )
    )
    done = dagprop("check", str(graph))
    assert done.exit_code == 2 and '"y" has 2 classes' in done.err and "DP407" in done.err


def test_tables_stay_narrow_for_nodes_with_very_many_inputs(dagprop):
    nodes = {f"c{i}": {"op": "constant", "value": 1} for i in range(300)}
    graph = json.dumps({"dagprop": 1, "nodes": {**nodes, "s": {"op": "add", "inputs": list(nodes)}}, "loss": "s"})
    for verb in ("show", "run", "backprop"):
        text = dagprop(verb, "-", stdin=graph.encode()).out
        assert "c7, ... (300)" in text and max(map(len, text.splitlines())) < 200
