"""Layers of plugins: JSON files beside them, checked like graph files."""

import json
from pathlib import Path

import numpy as np
import pytest

from dagprop import api
from dagprop.errors import PluginError
from dagprop.ops.plugins import load_plugin
from dagprop.ops.registry import definitions
from tests.plugin_files import write

pytestmark = pytest.mark.usefixtures("own_ops")

TWICE = {"inputs": ["x"], "nodes": {"f": {"op": "add", "inputs": ["x", "x"]}}, "outputs": ["f"]}


def layer(folder: Path, text: str, name: str = "twice") -> str:
    """Write a layer and the plugin that declares it; gives the plugin."""
    (folder / f"{name}.json").write_text(text)
    return write(folder, f'from dagprop import definition\n\ndefinition("{name}.json")\n', f"of_{name}.py")


def test_a_layer_is_used_as_an_op(tmp_path, load_graph):
    assert load_plugin(layer(tmp_path, json.dumps(TWICE))) == ("twice",)
    graph = load_graph({"x": {"op": "input", "value": 3.0}, "y": {"op": "twice", "inputs": ["x"], "repeat": 3}})
    assert [*api.forward(graph).values()][-1] == 24


def test_a_layer_loaded_again_is_the_new_one(tmp_path):
    load_plugin(layer(tmp_path, json.dumps({**TWICE, "doc": "old"})))
    load_plugin(layer(tmp_path, json.dumps({**TWICE, "doc": "new"})))
    assert definitions()["twice"].doc == "new"


LINES = json.dumps(TWICE, indent=1)


@pytest.mark.parametrize(
    ("text", "code", "place", "message"),
    [
        ('{"inputs": }', "DP003", "}", ""),
        ("3", "DP008", "3", "must be an object"),
        ('{\n  "inputs": ["x"]\n}', "DP009", "{", '"nodes"'),
        (LINES.replace('"nodes"', '"input": 1, "nodes"'), "DP102", '"input":', "input"),
        (LINES.replace('"add"', '"adt"'), "DP101", '"adt"', 'did you mean "add"'),
        (LINES.replace('"x",\n', '"z",\n'), "DP104", '"z"', '"z"'),
        (LINES.replace('"f"\n', '"g"\n'), "DP110", '"g"', '"g"'),
        (LINES.replace('"add"', '"twice"'), "DP101", '"twice"', '"twice"'),
        (LINES.replace('"inputs"', '"doc": "a", "doc" : "b", "inputs"', 1), "DP004", '"doc" :', "doc"),
    ],
)
def test_mistakes_are_named_with_line_and_column_of_the_json(tmp_path, text, code, place, message):
    with pytest.raises(PluginError) as caught:
        load_plugin(layer(tmp_path, text))
    problem = caught.value.problems[0]
    assert (problem.code, problem.file) == (code, str(tmp_path / "twice.json"))
    before = text[: text.index(place)]
    assert (problem.line, problem.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert message in f"{problem.message} {problem.hint}"
    assert "twice" not in definitions()


def test_a_file_that_is_not_there(tmp_path):
    path = write(tmp_path, 'from dagprop import definition\ndefinition("none.json")\n')
    with pytest.raises(PluginError, match="there is no such file") as caught:
        load_plugin(path)
    assert caught.value.problems[0].file == str(tmp_path / "none.json")


@pytest.mark.parametrize("name", ["dense", "relu", "input"])
def test_names_of_dagprop_are_taken(tmp_path, name):
    with pytest.raises(PluginError, match=f'definition "{name}" is declared by .* and by dagprop') as caught:
        load_plugin(layer(tmp_path, json.dumps(TWICE), name))
    assert caught.value.problems[0].code == "DP502"


def test_a_layer_may_use_the_op_of_another_plugin(tmp_path, plugins_in_use, load_graph):
    from dagprop.ops.providers.register import add_plugin
    from tests.plugin_files import GOOD

    add_plugin(write(tmp_path, GOOD))
    plugin = layer(tmp_path, json.dumps(TWICE).replace('"add", "inputs": ["x", "x"]', '"double", "inputs": ["x"]'))
    (added,) = add_plugin(plugin)
    assert added.declares == {"definition": {"twice": ""}}
    graph = load_graph({"x": {"op": "input", "value": 3.0}, "y": {"op": "twice", "inputs": ["x"]}})
    assert [*api.forward(graph).values()][-1] == 6


def test_the_example_is_the_formula_of_its_paper(root, load_graph):
    load_plugin(str(root / "plugins/gated_dense.py"))
    graph = load_graph(
        {"x": {"op": "input", "shape": ["N", 3]}, "h": {"op": "gated_dense", "inputs": ["x"], "units": 2}}
    )
    x = np.array([[0.5, -1.0, 2.0], [1.0, 0.25, -0.5]])
    parameters = api.initial_parameters(graph, seed=4)
    w, b, v, c = parameters.values()
    b, c = b + 0.3, c - 0.2
    parameters = dict(zip(parameters, (w, b, v, c), strict=True))
    value = [*api.forward(graph, {"x": x}, parameters).values()][-1]
    np.testing.assert_allclose(value, (x @ w + b) / (1 + np.exp(-(x @ v + c))), rtol=1e-13)
