"""The writer: what it writes reads back as the same records."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from dagprop.errors import GraphError
from dagprop.graph.document import parse_document
from dagprop.graph.records import Graph, Node
from dagprop.graph.write import WIDTH, dumps, to_json
from tests.graph.small import has_errors, read_text
from tests.graph.strategies import documents
from tests.graph.test_topology import same

GRAPHS = sorted((Path(__file__).parent.parent.parent / "graphs").glob("*.json"))


def read(text: str) -> Graph:
    graph, problems = parse_document(json.loads(text))
    assert problems == []
    assert graph is not None
    return graph


@given(documents())
def test_writing_and_reading_gives_the_same_records(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    graph = read(text)
    assert not has_errors(read_text(text))
    written = dumps(graph)
    again = read(written)
    assert same(again, graph)
    assert dumps(again) == written
    assert json.loads(written) == to_json(graph)


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name)
def test_the_graphs_of_the_project_are_written_back(path: Path) -> None:
    graph = read(path.read_text(encoding="utf-8"))
    assert same(read(dumps(graph)), graph)


def test_layout() -> None:
    text = """{
  "dagprop": 1,
  "name": "smallest",
  "nodes": {
    "x": {"op": "input", "value": 2.0},
    "y_hat": {"op": "multiply", "inputs": ["w", "x"], "tex": "\\\\hat{ä}"},
    "L": {"op": "half_squared_error", "inputs": {"prediction": "y_hat", "target": "y"}}
  },
  "definitions": {
    "one": {
      "inputs": ["a", "b?"],
      "nodes": {
        "r": {"op": "relu", "inputs": ["a"]}
      },
      "outputs": ["r"]
    }
  },
  "loss": "L",
  "train": {"epochs": 3}
}
"""
    assert dumps(read(text)) == text


def test_long_values_are_broken_into_lines() -> None:
    value = [[0.125 * k for k in range(40)], [1.0] * 40]
    graph = Graph({"c": Node("c", "constant", attributes={"value": value})})
    lines = dumps(graph).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) < 20
    assert json.loads("\n".join(lines))["nodes"]["c"]["value"] == value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say(value: float) -> None:
    with pytest.raises(GraphError, match="DP005"):
        dumps(Graph({"c": Node("c", "constant", attributes={"value": value})}))
