"""Graphs that were made in Python: whether their records hold what records must hold.

A graph that was read from a file does; one that is put together by hand may have a text where a tuple belongs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dagprop.errors import Problem, quote
from dagprop.graph.records import DataSource, Definition, Graph, Node, TrainSettings


def check_records(graph: Graph) -> list[Problem]:
    """Return every field of a graph and its nodes that is of a wrong type (DP008)."""
    problems = list(
        _wrong_fields(
            graph,
            "the graph's",
            {"definitions": Mapping, "train": TrainSettings, "outputs": (tuple, list), "requires": (tuple, list)}
            | {"view": Mapping, "extensions": Mapping, "dtype": str, "nodes": Mapping},
            {"loss": str, "name": str, "doc": str, "data": DataSource, "file": str},
        )
    )
    if problems:
        return problems
    for name, items, kind in (("output", graph.outputs, str), ("requirement", graph.requires, str)):
        problems += [_wrong(f"each {name}", item, kind) for item in items if not isinstance(item, kind)]
    for id, node in graph.nodes.items():
        problems += _wrong_node(id, node)
    for name, definition in graph.definitions.items():
        if not isinstance(definition, Definition) or not isinstance(definition.nodes, Mapping):
            problems.append(_wrong(f"the definition {quote(name)}", definition, Definition))
            continue
        for id, node in definition.nodes.items():
            problems += _wrong_node(id, node)
    return problems


def _wrong_node(id: Any, node: Any) -> list[Problem]:
    if not isinstance(id, str):
        return [_wrong("the id of a node", id, str)]
    if not isinstance(node, Node):
        return [_wrong(f"the node {quote(id)}", node, Node)]
    if node.id != id:
        return [Problem("DP008", f"the node {quote(id)} has another id in its record: {quote(node.id)}", node=id)]
    needed = {"op": str, "attributes": Mapping, "inputs": (tuple, list, Mapping), "extensions": Mapping}
    problems = list(_wrong_fields(node, f"node {quote(id)}:", needed, {"tex": str, "doc": str, "repeat": (int, str)}))
    if problems:
        return problems
    references = node.inputs.values() if isinstance(node.inputs, Mapping) else node.inputs
    return [
        _wrong(f"node {quote(id)}: each input", reference, str)
        for reference in references
        if reference is not None and not isinstance(reference, str)
    ]


def _wrong_fields(record: Any, owner: str, needed: Mapping[str, Any], optional: Mapping[str, Any]) -> Iterator[Problem]:
    for name, kind in {**needed, **optional}.items():
        value = getattr(record, name)
        if not isinstance(value, kind) and not (name in optional and value is None):
            yield _wrong(f"{owner} {name}", value, kind)


def _wrong(what: str, value: Any, kind: Any) -> Problem:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    expected = " or ".join(item.__name__ for item in kinds)
    return Problem("DP008", f"{what} must be a {expected}, is a {type(value).__name__}")
