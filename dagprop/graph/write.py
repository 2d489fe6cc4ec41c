"""From records to the JSON of a graph file: stable, one small node on a line, read back as the same records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from dagprop.errors import GraphError, Problem
from dagprop.graph.document import VERSION
from dagprop.graph.records import DataSource, Definition, Graph, Node, TrainSettings

WIDTH = 110
"""Lines are no longer than this where the values allow it."""

_ALWAYS_OPEN = ("nodes", "definitions")
"""The objects whose entries get a line each, however few they are."""


def to_json(graph: Graph) -> dict[str, Any]:
    """Return the graph as the JSON object of a graph file; what has its default is left out."""
    found: dict[str, Any] = {"dagprop": VERSION}
    found |= _texts(graph, "name", "doc")
    found["nodes"] = {name: _node(node) for name, node in graph.nodes.items()}
    if graph.definitions:
        found["definitions"] = {name: _definition(definition) for name, definition in graph.definitions.items()}
    if graph.loss is not None:
        found["loss"] = graph.loss
    if graph.outputs:
        found["outputs"] = list(graph.outputs)
    if graph.dtype != "float64":
        found["dtype"] = graph.dtype
    if graph.data is not None:
        found["data"] = _data(graph.data)
    default = train_json(TrainSettings())
    settings = {name: value for name, value in train_json(graph.train).items() if value != default[name]}
    if settings:
        found["train"] = settings
    if graph.requires:
        found["requires"] = list(graph.requires)
    if graph.view:
        found["view"] = _thaw(graph.view)
    return {**found, **_thaw(graph.extensions)}


def train_json(settings: TrainSettings) -> dict[str, Any]:
    """Return all settings of a training as JSON holds them."""
    return {field.name: _thaw(getattr(settings, field.name)) for field in fields(TrainSettings)}


def dumps(graph: Graph) -> str:
    """Return the text of a graph file.

    Reading the text back gives equal records, and the same graph always gives the same text.

    Raises
    ------
    GraphError
        DP005 if a value is not finite: JSON has no such number.
    """
    try:
        return "\n".join(_lines(to_json(graph), "", "", "", is_open=True)) + "\n"
    except ValueError:
        hint = "a graph file has finite numbers only"
        raise GraphError(Problem("DP005", "the graph has a value that is not finite", hint)) from None


def _node(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {"op": node.op}
    if node.inputs or isinstance(node.inputs, Mapping):
        found["inputs"] = _thaw(node.inputs)
    if node.repeat is not None:
        found["repeat"] = node.repeat
    return {**found, **_thaw(node.attributes), **_texts(node, "tex", "doc"), **_thaw(node.extensions)}


def _definition(definition: Definition) -> dict[str, Any]:
    found: dict[str, Any] = _texts(definition, "doc")
    found["inputs"] = [f"{name}?" if name in definition.optional else name for name in definition.inputs]
    if definition.attributes:
        found["attributes"] = _thaw(definition.attributes)
    found["nodes"] = {name: _node(node) for name, node in definition.nodes.items()}
    found["outputs"] = list(definition.outputs)
    return {**found, **_thaw(definition.extensions)}


def _data(data: DataSource) -> dict[str, Any]:
    found: dict[str, Any] = {"file": data.file}
    if data.columns:
        columns = {name: list(names) if len(names) != 1 else names[0] for name, names in data.columns.items()}
        found["columns"] = columns
    if data.classes:
        found["classes"] = {name: list(labels) for name, labels in data.classes.items()}
    return found


def _texts(record: Graph | Node | Definition, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(record, name)) is not None}


def _thaw(value: Any) -> Any:
    """Return immutable tuples and mappings as the lists and dicts of JSON; sizes of axes as they are written."""
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_thaw(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _lines(value: Any, indent: str, before: str, after: str, is_open: bool = False) -> Iterable[str]:
    """Yield the lines of a value, between what stands before and after it: one line if it is short enough."""
    one_line = f"{indent}{before}{json.dumps(value, ensure_ascii=False, allow_nan=False)}{after}"
    if not value or not isinstance(value, (dict, list)) or (len(one_line) <= WIDTH and not is_open):
        yield one_line
        return
    inside = f"{indent}  "
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    yield f"{indent}{before}{opening}"
    if isinstance(value, dict):
        last = len(value) - 1
        for position, (key, item) in enumerate(value.items()):
            name = f"{json.dumps(key, ensure_ascii=False)}: "
            # Definitions are opened too, so that their nodes get lines of their own.
            opened = (key in _ALWAYS_OPEN and is_open) or before == '"definitions": '
            yield from _lines(item, inside, name, "," if position < last else "", opened)
    elif any(isinstance(item, (dict, list)) for item in value):
        for position, item in enumerate(value):
            yield from _lines(item, inside, "", "," if position < len(value) - 1 else "")
    else:
        yield from _filled([json.dumps(item, ensure_ascii=False, allow_nan=False) for item in value], inside)
    yield f"{indent}{closing}{after}"


def _filled(items: list[str], indent: str) -> Iterable[str]:
    """Yield the items of a long plain list, as many on a line as fit."""
    line = ""
    for position, item in enumerate(items):
        piece = f"{item}{',' if position < len(items) - 1 else ''}"
        if line and len(indent) + len(line) + 1 + len(piece) > WIDTH:
            yield indent + line
            line = piece
        else:
            line = f"{line} {piece}" if line else piece
    yield indent + line
