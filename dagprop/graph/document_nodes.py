"""The nodes of a graph file as records."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dagprop.errors import Problem, quote
from dagprop.graph.fields import Path, check_id, freeze, normalise
from dagprop.graph.records import EMPTY, Node
from dagprop.graph.signature import describe, is_integer, is_number


def read_nodes(data: dict[str, Any], path: Path, problems: list[Problem]) -> Mapping[str, Node]:
    """Return the nodes under the key ``nodes`` of a graph or a definition."""
    if "nodes" not in data:
        problems.append(
            Problem("DP009", 'the key "nodes" is missing', 'give "nodes": {"x": {"op": "input"}}', path=path)
        )
        return EMPTY
    nodes, path = data["nodes"], (*path, "nodes")
    if not isinstance(nodes, dict):
        hint = 'write {"x": {"op": "input"}, ...}: each node under its id'
        problems.append(Problem("DP008", f'"nodes" must be an object, is {describe(nodes)}', hint, path=path))
        return EMPTY
    if not nodes:
        problems.append(Problem("DP009", '"nodes" is empty', "a graph has at least one node", path=path))
    return MappingProxyType({name: _read_node(name, node, (*path, name), problems) for name, node in nodes.items()})


def _read_node(name: str, data: object, path: Path, problems: list[Problem]) -> Node:
    """Return a node; its ``op`` is empty where it could not be read, which is reported here."""
    check_id(name, path, problems)
    if not isinstance(data, dict):
        hint = 'write {"op": ..., "inputs": [...]}'
        problems.append(Problem("DP008", f"a node must be an object, is {describe(data)}", hint, name, path))
        return Node(name, "")
    op = data.get("op")
    if type(op) is not str:
        if "op" in data:
            problems.append(Problem("DP008", f'"op" must be text, is {describe(op)}', None, name, (*path, "op")))
        else:
            problems.append(
                Problem("DP009", 'the key "op" is missing', 'say what the node does: "op": "add"', name, path)
            )
        op = ""
    inputs: tuple[str | None, ...] | Mapping[str, str] = ()
    attributes, extensions, texts, repeat = {}, {}, {}, None
    for key, value in data.items():
        if key == "op":
            continue
        if key == "inputs":
            inputs = _read_inputs(value, name, (*path, key), problems)
        elif key in ("tex", "doc"):
            texts[key] = _read_node_text(key, value, name, (*path, key), problems)
        elif key == "repeat":
            repeat = _read_repeat(value, name, (*path, key), problems)
        elif key[:2] == "x-":
            extensions[key] = freeze(value)
        else:
            attributes[key] = freeze(value)
    return Node(
        name,
        op,
        inputs,
        MappingProxyType(attributes) if attributes else EMPTY,
        texts.get("tex"),
        texts.get("doc"),
        repeat,
        MappingProxyType(extensions) if extensions else EMPTY,
    )


def _read_inputs(
    value: object, node: str, path: Path, problems: list[Problem]
) -> tuple[str | None, ...] | Mapping[str, str]:
    if isinstance(value, list):
        if set(map(type, value)) <= {str, type(None)}:
            return tuple([normalise(item) if item is not None and ":" in item else item for item in value])
    elif isinstance(value, dict):
        if all(type(item) is str for item in value.values()):
            return MappingProxyType({name: normalise(item) for name, item in value.items()})
    else:
        hint = (
            f"write [{quote(value)}]" if isinstance(value, str) else 'write ["a", "b"] or {"left": "a", "right": "b"}'
        )
        message = f'"inputs" must be a list or an object, is {describe(value)}'
        problems.append(Problem("DP008", message, hint, node, path))
        return ()
    for key, item in enumerate(value) if isinstance(value, list) else value.items():
        if not (isinstance(item, str) or (item is None and isinstance(value, list))):
            message = f"an input must be the id of a node, is {describe(item)}"
            hint = 'for a fixed number declare a node {"op": "constant", "value": ...} and name it here'
            problems.append(Problem("DP008", message, hint if is_number(item) else None, node, (*path, key)))
    return ()


def _read_node_text(key: str, value: object, node: str, path: Path, problems: list[Problem]) -> str | None:
    if not isinstance(value, str):
        problems.append(Problem("DP008", f"{quote(key)} must be text, is {describe(value)}", None, node, path))
        return None
    if key == "tex" and any(ord(character) < 32 for character in value):
        # "\theta" with one backslash is a tab and "heta"; the same holds for \beta, \nu, \rho and \frac.
        hint = r'in JSON a backslash is written twice: "\\theta"'
        problems.append(Problem("DP011", f'"tex" has a control character: {quote(value)}', hint, node, path))
        return None
    return value


def _read_repeat(value: object, node: str, path: Path, problems: list[Problem]) -> int | str | None:
    if isinstance(value, str) and value.startswith("$"):
        return value
    if isinstance(value, int) and is_integer(value) and value >= 1:
        return value
    message = f'"repeat" must be a whole number, 1 or more, is {describe(value)}'
    problems.append(Problem("DP008", message, None, node, path))
    return None
