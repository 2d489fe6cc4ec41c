"""Reading a whole file: broken in any way, it ends in a Reading with problems and nothing else."""

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagprop.api import check_file
from dagprop.graph.read import Reading, locate_problems, read_graph
from dagprop.graph.topology import topological_order
from dagprop.ops.registry import vocabulary
from tests.graph.small import VOCABULARY, codes, has_errors, read_nodes, read_text
from tests.graph.strategies import STRANGE, documents, mutate, mutations, parts

GRAPHS = sorted((Path(__file__).parent.parent.parent / "graphs").glob("*.json"))


def check(reading: Reading) -> None:
    """Assert what holds for every reading."""
    for problem in reading.problems:
        assert problem.file == "<stdin>"
        assert problem.line is not None
        assert problem.column is not None
        assert str(problem)
    if reading.expanded is not None:
        topological_order(reading.expanded)
        assert all(reference.partition(":")[0] in reading.expanded.nodes for reference in reading.expanded.outputs)


@settings(max_examples=300, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
@given(st.data())
def test_mutations_never_raise(data: st.DataObject) -> None:
    mutation = data.draw(documents())
    for _ in range(data.draw(st.integers(1, 3))):
        mutation = data.draw(mutations(mutation))
        if not parts(mutation):
            break
    check(read_text(json.dumps(mutation)))


@settings(max_examples=150)
@given(st.data())
def test_mutated_text_never_raises(data: st.DataObject) -> None:
    text = json.dumps(data.draw(documents()))
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    kind = data.draw(st.sampled_from(["truncate", "cut", "duplicate", "noise"]))
    if kind == "truncate":
        reading = read_text(text[: min(start, len(text) - 1)])
        assert has_errors(reading)
    else:
        middle = {"cut": "", "duplicate": text[start:end] * 2, "noise": data.draw(st.text(max_size=3))}[kind]
        reading = read_text((text[:start] + middle + text[end:]).encode("utf-8", "surrogatepass"))
    check(reading)


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name)
def test_what_is_dropped_from_a_graph_is_missed(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    needed = [("dagprop",), ("nodes",), *(("nodes", name, "op") for name in document["nodes"])]
    needed += [("nodes", name, "inputs") for name, node in document["nodes"].items() if "inputs" in node]
    needed += [("nodes", name) for name in used(document)]
    for place in needed:
        reading = read_text(json.dumps(mutate(document, place, "drop", None, ())), vocabulary())
        assert has_errors(reading), place
        check(reading)


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.name)
def test_mutations_of_a_graph_never_raise_with_shapes_too(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    chance = random.Random(7)
    for _ in range(40):
        mutation = document
        for _ in range(chance.randint(1, 3)):
            places = parts(mutation)
            kind = chance.choice(["drop", "retype", "rename", "move", "nest"])
            mutation = mutate(mutation, chance.choice(places), kind, chance.choice(STRANGE), chance.choice(places))
        _, problems = check_file("-", io.BytesIO(json.dumps(mutation).encode()))
        assert all(problem.line and problem.column for problem in problems)


def test_size_of_a_value_whose_own_shape_is_wrong() -> None:
    nodes = {
        "x": {"op": "input", "shape": ["N", 2]},
        "w": {"op": "parameter", "shape": [3, 4]},
        "h": {"op": "matmul", "inputs": ["x", "w"]},
        "y": {"op": "dense", "inputs": ["h"], "units": 3},
    }
    _, problems = check_file("-", io.BytesIO(json.dumps({"dagprop": 1, "nodes": nodes}).encode()))
    assert [(problem.code, problem.node) for problem in problems] == [("DP301", "h")]


def used(document: dict[str, Any]) -> set[str]:
    found = set()
    for node in document["nodes"].values():
        inputs = node.get("inputs", [])
        found |= {
            reference.partition(":")[0] for reference in (inputs.values() if isinstance(inputs, dict) else inputs)
        }
    return found


def test_a_part_that_has_a_problem_is_not_told_twice() -> None:
    text = json.dumps({"dagprop": 1, "nodes": {"c": {"op": "constant", "value": "\ud800"}}, "train": {"test": 1}})
    assert codes(read_text(text.replace('"test": 1', '"validation": 1e999'))) == ["DP010", "DP005"]


def test_a_file_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_text('{"dagprop": 1, "nodes": {"x": {"op": "input"}}}')
    reading = read_graph(str(path), VOCABULARY)
    assert reading.problems == []
    assert reading.graph is not None
    assert reading.expanded is not None
    assert reading.graph.file == reading.expanded.file == str(path)
    assert not has_errors(reading)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    reading = read_graph(str(tmp_path / "none.json"), VOCABULARY)
    assert codes(reading) == ["DP001"]
    assert (reading.graph, reading.expanded, reading.source) == (None, None, None)


def test_later_problems_are_placed_too() -> None:
    reading = read_nodes({"x": {"op": "input"}, "y": {"op": "rleu", "inputs": ["x"]}})
    assert reading.source is not None
    assert locate_problems(reading.source, reversed(reading.problems)) == reading.problems


def test_a_chain_of_many_nodes() -> None:
    nodes: dict[str, Any] = {"n0": {"op": "input"}}
    nodes |= {f"n{k}": {"op": "relu", "inputs": [f"n{k - 1}"]} for k in range(1, 20_000)}
    backwards = dict(reversed(nodes.items()))
    for chain in (nodes, backwards):
        reading = read_nodes(chain, loss="n19999")
        assert reading.problems == []
        assert reading.expanded is not None
        assert topological_order(reading.expanded) == tuple(nodes)
    assert codes(read_nodes({**nodes, "n0": {"op": "relu", "inputs": ["n19999"]}})) == ["DP201"]
