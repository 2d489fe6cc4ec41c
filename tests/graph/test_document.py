"""Keys, types, version and settings of a graph file."""

import json
from typing import Any

import pytest

from dagprop.errors import GraphError
from dagprop.graph.document import TOP_KEYS, parse_definition, parse_document
from dagprop.graph.records import DataSource, TrainSettings
from tests.graph.small import LAYER, read_text

RIGHT: dict[str, Any] = {"dagprop": 1, "nodes": {"x": {"op": "input"}, "y": {"op": "relu", "inputs": ["x"]}}}


@pytest.mark.parametrize(
    ("changes", "code", "place", "words"),
    [
        ({"dagprop": 2}, "DP007", "2", "reads version 1"),
        ({"dagprop": "1"}, "DP007", '"1"', 'write "dagprop": 1'),
        ({"dagprop": True}, "DP007", "true", "must be 1"),
        ({"dagprop": 1.0}, "DP007", "1.0", "must be 1"),
        ({"dagprop": None}, "DP007", "null", "must be 1"),
        ({"los": "y"}, "DP102", '"los"', 'did you mean "loss"'),
        ({"zzz": 1}, "DP102", '"zzz"', "the keys of a graph file are: dagprop, name"),
        ({"nodes": []}, "DP008", "[]", "must be an object"),
        ({"nodes": {}}, "DP009", "{}", "is empty"),
        ({"nodes": {"x": 3}}, "DP008", "3", "a node must be an object"),
        ({"nodes": {"x": {}}}, "DP009", "{}", 'the key "op" is missing'),
        ({"nodes": {"x": {"op": 3}}}, "DP008", "3", '"op" must be text'),
        ({"nodes": {"x": {"op": "input", "doc": 3}}}, "DP008", "3", '"doc" must be text'),
        ({"nodes": {"x": {"op": "input", "tex": ["a"]}}}, "DP008", '["a"', '"tex" must be text'),
        ({"nodes": {"x": {"op": "input", "tex": "\theta"}}}, "DP011", '"\\theta"', "backslash is written twice"),
        ({"nodes": {"x": {"op": "input", "inputs": 3}}}, "DP008", "3", "a list or an object"),
        ({"nodes": {"x": {"op": "input"}, "y": {"op": "relu", "inputs": "x"}}}, "DP008", '"x"}', 'write ["x"]'),
        ({"nodes": {"x": {"op": "input"}, "y": {"op": "relu", "inputs": [3]}}}, "DP008", "3", "constant"),
        ({"nodes": {"x": {"op": "input"}, "y": {"op": "relu", "inputs": {"x": None}}}}, "DP008", "null", "is null"),
        ({"name": 3}, "DP008", "3", '"name" must be text'),
        ({"doc": []}, "DP008", "[]", '"doc" must be text'),
        ({"loss": ["y"]}, "DP008", '["y"]', '"loss" must be text'),
        ({"outputs": "y"}, "DP008", '"y"', 'write ["y"]'),
        ({"outputs": [3]}, "DP008", "3", "list of texts"),
        ({"requires": [3]}, "DP008", "3", "list of texts"),
        ({"view": 3}, "DP008", "3", "must be an object"),
        ({"definitions": []}, "DP008", "[]", "must be an object"),
        ({"dtype": "float46"}, "DP011", '"float46"', 'did you mean "float64"'),
        ({"dtype": 64}, "DP011", "64", '"float64" or "float32"'),
        ({"train": []}, "DP008", "[]", "must be an object"),
        ({"train": {"epoch": 3}}, "DP102", '"epoch"', 'did you mean "epochs"'),
        ({"train": {"x-a": 3}}, "DP102", '"x-a"', "the keys of"),
        ({"train": {"epochs": -1}}, "DP011", "-1", "0 or more"),
        ({"train": {"epochs": 1.5}}, "DP011", "1.5", "whole number"),
        ({"train": {"epochs": True}}, "DP011", "true", "whole number"),
        ({"train": {"batch_size": 0}}, "DP011", "0", "1 or more"),
        ({"train": {"learning_rate": 0}}, "DP011", "0", "greater than 0"),
        ({"train": {"shuffle": 1}}, "DP011", "1", "true or false"),
        ({"train": {"seed": -1}}, "DP011", "-1", "0 or more"),
        ({"train": {"validation": 1}}, "DP011", "1", "less than 1"),
        ({"train": {"test": -0.1}}, "DP011", "-0.1", "0 or more"),
        ({"train": {"validation": 0.5, "test": 0.5}}, "DP011", "0.5}", "no sample is left"),
        ({"data": 3}, "DP008", "3", "must be an object"),
        ({"data": {}}, "DP009", "{}", 'the key "file" is missing'),
        ({"data": {"file": 3}}, "DP008", "3", "must be text"),
        ({"data": {"file": "a", "column": {}}}, "DP102", '"column"', 'did you mean "columns"'),
        ({"data": {"file": "a", "columns": {"x": 3}}}, "DP008", "3", "must be a list"),
        ({"data": {"file": "a", "columns": {"x": []}}}, "DP008", "[]", "empty"),
        ({"data": {"file": "a", "columns": {"x": ["a", 1]}}}, "DP008", "1]", 'write "1"'),
        ({"data": {"file": "a", "classes": {"x": "a"}}}, "DP008", '"a"}', 'write ["a"]'),
        ({"data": {"file": "a", "classes": {"x": ["a", "a"]}}}, "DP112", '"a"]', "twice"),
    ],
)
def test_a_mistake(changes: dict[str, Any], code: str, place: str, words: str) -> None:
    text = json.dumps({**RIGHT, **changes})
    reading = read_text(text)
    assert [problem.code for problem in reading.problems] == [code]
    [problem] = reading.problems
    assert problem.column is not None
    assert text[problem.column - 1 :].startswith(place)
    assert words in f"{problem.message} | {problem.hint}"


@pytest.mark.parametrize("data", [None, True, 3, "a", [], [1]])
def test_what_is_no_object(data: object) -> None:
    graph, [problem] = parse_document(data)
    assert graph is None
    assert problem.code == "DP008"


def test_missing_version_and_nodes_are_told_together() -> None:
    graph, problems = parse_document({})
    assert graph is None
    assert [problem.code for problem in problems] == ["DP007", "DP009"]


def test_every_key_becomes_part_of_the_graph() -> None:
    data = {
        "dagprop": 1,
        "name": "n",
        "doc": "d",
        "nodes": {
            "x": {"op": "input", "shape": ["N", 2], "tex": "x", "doc": "two", "x-note": {"a": [1]}},
            "y": {"op": "layer", "inputs": {"x": "x:0"}, "units": 2, "repeat": 3},
        },
        "definitions": {"mine": LAYER},
        "loss": "y:0",
        "outputs": ["y:1", "y:0"],
        "dtype": "float32",
        "data": {"file": "a.csv", "columns": {"x": ["a", "b"], "y": "c"}, "classes": {"y": ["p", "q"]}},
        "train": {"epochs": 0, "batch_size": 1, "learning_rate": 1, "shuffle": False, "seed": 7, "validation": 0.5},
        "requires": ["p"],
        "view": {"direction": "LR"},
        "x-mine": [1],
    }
    assert set(TOP_KEYS) <= set(data)
    graph, problems = parse_document(data)
    assert problems == []
    assert graph is not None
    assert (graph.name, graph.doc, graph.loss, graph.outputs, graph.dtype) == ("n", "d", "y", ("y:1", "y"), "float32")
    assert graph.data == DataSource("a.csv", {"x": ("a", "b"), "y": ("c",)}, {"y": ("p", "q")})
    assert graph.train == TrainSettings(0, 1, 1, False, 7, 0.5)
    assert (graph.requires, graph.view, graph.extensions) == (("p",), {"direction": "LR"}, {"x-mine": (1,)})
    assert graph.nodes["x"].attributes == {"shape": ("N", 2)}
    assert graph.nodes["x"].extensions == {"x-note": {"a": (1,)}}
    assert (graph.nodes["x"].tex, graph.nodes["x"].doc) == ("x", "two")
    assert graph.nodes["y"].inputs == {"x": "x"}
    assert graph.nodes["y"].repeat == 3
    definition = graph.definitions["mine"]
    assert (definition.inputs, definition.optional, definition.outputs) == (("x", "bias"), {"bias"}, ("f", "a"))
    assert definition.attributes == {"units": None, "activation": "relu"}


def test_definition_that_is_wrong_raises_with_every_problem() -> None:
    with pytest.raises(GraphError) as caught:
        parse_definition("mine", {"inputs": [1], "nodes": {"r": {}}})
    assert {problem.code for problem in caught.value.problems} == {"DP008", "DP009"}
