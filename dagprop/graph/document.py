"""From a JSON value to records: keys, types, version and ids, everything that can be judged without knowing the ops.

Parts that are wrong are reported and left out of the records, so that the rest can still be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from dagprop.errors import GraphError, Problem, quote
from dagprop.graph.fields import (
    ID,
    NODE_KEYS,
    Path,
    check_id,
    freeze,
    is_object,
    normalise,
    read_extensions,
    read_references,
    read_text,
    read_texts,
    report_unknown_keys,
)
from dagprop.graph.records import EMPTY, Definition, Graph, Node
from dagprop.graph.settings import read_data, read_dtype, read_train
from dagprop.graph.signature import describe, is_integer, is_number

VERSION = 1

TOP_KEYS = (
    "dagprop", "name", "doc", "nodes", "definitions", "loss", "outputs", "dtype", "data", "train", "requires", "view",
)  # fmt: skip
DEFINITION_KEYS = ("inputs", "outputs", "attributes", "nodes", "doc")


def parse_document(data: object) -> tuple[Graph | None, list[Problem]]:
    """Return the graph that a JSON value declares, with every problem of keys, types, version and ids.

    Parameters
    ----------
    data : object
        The parsed JSON of a graph file.

    Returns
    -------
    graph : Graph or None
        What could be read; None where there are no nodes to speak of.
    problems : list of Problem
        With ``path`` set, without positions.
    """
    problems: list[Problem] = []
    if not isinstance(data, dict):
        return None, [Problem("DP008", f"a graph file must hold an object, this one holds {describe(data)}")]
    version = data.get("dagprop")
    if type(version) is int and version != VERSION:
        message = f"version {describe(version).removeprefix('the number ')} of the graph file is not known"
        return None, [Problem("DP007", message, f"this dagprop reads version {VERSION}", path=("dagprop",))]
    if "dagprop" not in data:
        problems.append(Problem("DP007", 'the key "dagprop" is missing', f'a graph file has "dagprop": {VERSION}'))
    elif type(version) is not int:
        message = f"the version of the graph file must be {VERSION}, is {describe(version)}"
        problems.append(Problem("DP007", message, f'write "dagprop": {VERSION}', path=("dagprop",)))
    report_unknown_keys(data, TOP_KEYS, (), "a graph file", problems)
    fields: dict[str, Any] = {}
    for key, read in _TOP_READERS.items():
        if key in data:
            value = read(data[key], (key,), problems)
            if value is not None:
                fields[key] = value
    nodes = _read_nodes(data, (), problems)
    extensions = read_extensions(data)
    return (Graph(nodes, extensions=extensions, **fields) if nodes else None), problems


def parse_definition(name: str, data: object) -> Definition:
    """Return the definition that a JSON value declares.

    Raises
    ------
    GraphError
        With every problem of its keys, types and names.
    """
    problems: list[Problem] = []
    definition = read_definition(name, data, (), problems)
    if problems or definition is None:
        raise GraphError(*problems).in_file(f"definition {name}")
    return definition


def _read_definitions(data: object, path: Path, problems: list[Problem]) -> Mapping[str, Definition] | None:
    if not is_object(data, path, problems):
        return None
    found = {name: read_definition(name, value, (*path, name), problems) for name, value in data.items()}
    return MappingProxyType({name: definition for name, definition in found.items() if definition is not None})


def read_definition(name: str, data: object, path: Path, problems: list[Problem]) -> Definition | None:
    """Return a definition, or None, with an entry in ``problems``, where there is nothing of use."""
    check_id(name, path, problems, "name of a definition")
    if not isinstance(data, dict):
        problems.append(Problem("DP008", f"a definition must be an object, is {describe(data)}", path=path))
        return None
    report_unknown_keys(data, DEFINITION_KEYS, path, "a definition", problems)
    given = read_texts(data["inputs"], (*path, "inputs"), problems) if "inputs" in data else ()
    inputs = tuple(text.removesuffix("?") for text in given)
    nodes = _read_nodes(data, path, problems)
    seen: set[str] = set()
    for position, text in enumerate(inputs):
        place = (*path, "inputs", position)
        if not ID.fullmatch(text):
            problems.append(Problem("DP103", f"{quote(text)} is not a valid name of an input", path=place))
        elif text in seen:
            problems.append(Problem("DP112", f"the input {quote(text)} is there twice", path=place))
        elif text in nodes:
            message = f"{quote(text)} is an input of the definition and a node in it"
            problems.append(Problem("DP112", message, "give one of them another name", None, place))
        seen.add(text)
    outputs: tuple[str, ...] = ()
    if data.get("outputs", []) == []:
        hint = 'name the nodes whose values a call gives: "outputs": ["a"]'
        problems.append(Problem("DP009", 'a definition needs "outputs"', hint, path=path))
    else:
        outputs = read_references(data["outputs"], (*path, "outputs"), problems)
    attributes = data.get("attributes", {})
    if not isinstance(attributes, dict):
        message = f'"attributes" must be an object of names and defaults, is {describe(attributes)}'
        problems.append(Problem("DP008", message, path=(*path, "attributes")))
        attributes = {}
    for key in attributes:
        place = (*path, "attributes", key)
        if key in NODE_KEYS:
            message = f"{quote(key)} is a key of every node and cannot be an attribute"
            problems.append(Problem("DP112", message, "give the attribute another name", None, place, at_key=True))
        else:
            check_id(key, place, problems, "name of an attribute")
    return Definition(
        name,
        inputs,
        outputs,
        nodes,
        freeze(attributes),
        frozenset(text.removesuffix("?") for text in given if text.endswith("?")),
        read_text(data["doc"], (*path, "doc"), problems) if "doc" in data else None,
        read_extensions(data),
    )


def _read_nodes(data: dict[str, Any], path: Path, problems: list[Problem]) -> Mapping[str, Node]:
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


def _read_loss(data: object, path: Path, problems: list[Problem]) -> str | None:
    text = read_text(data, path, problems)
    return None if text is None else normalise(text)


def _read_view(data: object, path: Path, problems: list[Problem]) -> Mapping[str, Any] | None:
    return freeze(data) if is_object(data, path, problems) else None


_TOP_READERS: dict[str, Callable[[object, Path, list[Problem]], Any]] = {
    "name": read_text,
    "doc": read_text,
    "definitions": _read_definitions,
    "loss": _read_loss,
    "outputs": read_references,
    "dtype": read_dtype,
    "data": read_data,
    "train": read_train,
    "requires": read_texts,
    "view": _read_view,
}
