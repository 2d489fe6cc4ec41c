"""Weights remember the plugins of their ops."""

import hashlib
import json
import sys

import numpy as np
import pytest

from dagprop.ops.plugins import Origin, load_module, load_plugin
from dagprop.train.checkpoint import read_weights, weights_metadata, write_weights
from dagprop.train.op_origins import op_origins, origin_problems
from tests.plugin_files import DOUBLE, GOOD, install, write

pytestmark = pytest.mark.usefixtures("own_ops")

NODES = {
    "x": {"op": "input", "value": 1.0},
    "w": {"op": "parameter", "value": 0.5},
    "p": {"op": "multiply", "inputs": ["w", "x"]},
    "f": {"op": "double", "inputs": ["p"]},
}
DIGEST = hashlib.sha256(GOOD.encode()).hexdigest()


def saved(graph, path):
    metadata = weights_metadata(graph, graph.train, 1)
    write_weights(str(path), {"w": np.array(0.5)}, metadata)
    return read_weights(str(path))[1]


def test_a_file_is_recorded_with_its_hash(tmp_path, load_graph):
    load_plugin(write(tmp_path))
    graph = load_graph(NODES, loss="f")
    assert saved(graph, tmp_path / "w.npz")["ops"] == {"double": {"plugin": "own", "sha256": DIGEST}}


def test_a_package_is_recorded_with_its_version(tmp_path, load_graph, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    file = install(tmp_path, module="own_origin")
    load_module("own_origin", Origin("own", None, "own-origin", "1.0"), file)
    del sys.modules["own_origin"]
    recorded = {"plugin": "own", "package": "own-origin", "version": "1.0", "sha256": DIGEST}
    assert op_origins(load_graph(NODES, loss="f")) == {"double": recorded}


def test_what_is_dagprops_own_is_not_recorded(tmp_path, load_graph):
    load_plugin(write(tmp_path))
    graph = load_graph({**NODES, "f": {"op": "exp", "inputs": ["p"]}}, loss="f")
    assert "ops" not in saved(graph, tmp_path / "w.npz")


def test_ops_inside_layers_and_the_layers_are_recorded(tmp_path, load_graph):
    load_plugin(write(tmp_path))
    outer = {"inputs": ["x"], "nodes": {"g": {"op": "inner", "inputs": ["x"]}}, "outputs": ["g"]}
    inner = {"inputs": ["x"], "nodes": {"g": {"op": "double", "inputs": ["x"]}}, "outputs": ["g"]}
    for name, definition in {"inner": inner, "outer": outer}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(definition))
    load_plugin(
        write(
            tmp_path,
            'from dagprop import definition\ndefinition("inner.json")\ndefinition("outer.json")\n',
            "layers.py",
        )
    )
    origins = op_origins(load_graph({**NODES, "f": {"op": "outer", "inputs": ["p"]}}, loss="f"))
    assert {name: origin["plugin"] for name, origin in origins.items()} == {
        "double": "own",
        "inner": "layers",
        "outer": "layers",
    }
    assert origins["inner"]["sha256"] == hashlib.sha256(json.dumps(inner).encode()).hexdigest()


def test_another_version_is_a_warning(tmp_path, load_graph):
    load_plugin(write(tmp_path))
    graph = load_graph(NODES, loss="f")
    metadata = saved(graph, tmp_path / "w.npz")
    assert origin_problems(graph, metadata) == []
    load_plugin(write(tmp_path, DOUBLE.format(name="double", factor=2.0)))
    (problem,) = origin_problems(graph, metadata, "w.npz")
    assert problem.warning and problem.code == "DP604" and problem.file == "w.npz"
    assert f"sha256 {DIGEST[:12]}" in problem.message


@pytest.mark.parametrize("recorded", [None, 3, [], {}, {"double": 3}, {"exp": {"plugin": "own"}}])
def test_metadata_that_says_nothing_warns_of_nothing(tmp_path, load_graph, recorded):
    load_plugin(write(tmp_path))
    assert origin_problems(load_graph(NODES, loss="f"), {"ops": recorded}) == []


def test_an_op_that_has_become_dagprops_own_is_a_warning(load_graph):
    graph = load_graph({**NODES, "f": {"op": "exp", "inputs": ["p"]}}, loss="f")
    (problem,) = origin_problems(graph, {"ops": {"exp": {"plugin": "own", "version": "1.0"}}})
    assert 'trained with "exp" of the plugin own 1.0, and this is that of dagprop itself' in problem.message
