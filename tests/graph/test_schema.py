"""The JSON Schema: what it rejects the checker rejects, and it accepts every graph file."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagprop.graph.read import read_graph
from dagprop.graph.schema import json_schema, schema_text
from dagprop.ops.registry import vocabulary
from tests.graph.small import VOCABULARY, has_errors, read_text
from tests.graph.strategies import documents, mutations

ROOT = Path(__file__).parent.parent.parent
SMALL = jsonschema.Draft202012Validator(json_schema(VOCABULARY))
GRAPHS = sorted((ROOT / "graphs").glob("*.json"))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(VOCABULARY))


def test_the_file_in_the_package_is_that_of_the_code() -> None:
    stored = (files("dagprop.graph") / "graph.schema.json").read_text(encoding="utf-8")
    assert stored == schema_text(vocabulary()), "run: dagprop schema > dagprop/graph/graph.schema.json"


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name)
def test_the_graphs_of_the_project_pass_schema_and_checker(path: Path) -> None:
    jsonschema.Draft202012Validator(json_schema(vocabulary())).validate(json.loads(path.read_text(encoding="utf-8")))
    assert not has_errors(read_graph(str(path), vocabulary()))


@given(documents())
def test_valid_files_pass_schema_and_checker(document: dict[str, Any]) -> None:
    SMALL.validate(document)
    assert not has_errors(read_text(json.dumps(document)))


@settings(max_examples=400, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
@given(st.data())
def test_what_the_schema_rejects_the_checker_rejects(data: st.DataObject) -> None:
    mutation = data.draw(mutations(data.draw(documents())))
    reading = read_text(json.dumps(mutation))
    if not SMALL.is_valid(mutation):
        assert has_errors(reading)


RIGHT: dict[str, Any] = {"dagprop": 1, "nodes": {"x": {"op": "input"}}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodes": {"x": {"op": "input"}}},
        {"dagprop": 1},
        {**RIGHT, "dagprop": 2},
        {**RIGHT, "nam": "a"},
        {**RIGHT, "nodes": {}},
        {**RIGHT, "nodes": {"x y": {"op": "input"}}},
        {**RIGHT, "nodes": {"x": {}}},
        {**RIGHT, "nodes": {"x": {"op": "input", "shap": [1]}}},
        {**RIGHT, "nodes": {"x": {"op": "input", "shape": 1}}},
        {**RIGHT, "nodes": {"x": {"op": "input", "repeat": 2}}},
        {**RIGHT, "nodes": {"x": {"op": "input", "inputs": "x"}}},
        {**RIGHT, "nodes": {"x": {"op": "constant"}}},
        {**RIGHT, "nodes": {"x": {"op": "input"}, "y": {"op": "pad", "inputs": ["x"], "width": [1], "mode": "q"}}},
        {**RIGHT, "nodes": {"x": {"op": "input"}, "y": {"op": "layer", "inputs": ["x"]}}},
        {**RIGHT, "loss": 3},
        {**RIGHT, "outputs": "x"},
        {**RIGHT, "dtype": "int8"},
        {**RIGHT, "train": {"epochs": -1}},
        {**RIGHT, "train": {"lr": 1}},
        {**RIGHT, "data": {"columns": {}}},
        {**RIGHT, "definitions": {"d": {"nodes": {"a": {"op": "input"}}}}},
    ],
)
def test_structural_mistakes_fail_in_both(wrong: dict[str, Any]) -> None:
    assert not SMALL.is_valid(wrong)
    assert has_errors(read_text(json.dumps(wrong)))
