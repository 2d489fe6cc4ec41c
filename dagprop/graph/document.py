"""From a JSON value to records: keys, types, version and ids, everything that can be judged without knowing the ops.

Parts that are wrong are reported and left out of the records, so that the rest can still be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from dagprop.errors import GraphError, Problem, quote, suggest
from dagprop.graph.document_nodes import read_nodes
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
from dagprop.graph.records import Definition, Graph
from dagprop.graph.settings import read_data, read_train
from dagprop.graph.signature import describe

VERSION = 1

TOP_KEYS = (
    "dagprop", "name", "doc", "nodes", "definitions", "loss", "outputs", "dtype", "data", "train", "requires", "view",
)  # fmt: skip
DEFINITION_KEYS = ("inputs", "outputs", "attributes", "nodes", "doc")
DTYPES = ("float64", "float32")


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
    nodes = read_nodes(data, (), problems)
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
    nodes = read_nodes(data, path, problems)
    for position, text in enumerate(inputs):
        place = (*path, "inputs", position)
        if not ID.fullmatch(text):
            problems.append(Problem("DP103", f"{quote(text)} is not a valid name of an input", path=place))
        elif text in inputs[:position]:
            problems.append(Problem("DP112", f"the input {quote(text)} is there twice", path=place))
        elif text in nodes:
            message = f"{quote(text)} is an input of the definition and a node in it"
            problems.append(Problem("DP112", message, "give one of them another name", None, place))
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


def _read_loss(data: object, path: Path, problems: list[Problem]) -> str | None:
    text = read_text(data, path, problems)
    return None if text is None else normalise(text)


def _read_dtype(data: object, path: Path, problems: list[Problem]) -> str | None:
    if isinstance(data, str) and data in DTYPES:
        return data
    message = f'"dtype" must be {" or ".join(quote(dtype) for dtype in DTYPES)}, is {describe(data)}'
    problems.append(Problem("DP011", message, suggest(data, DTYPES) if isinstance(data, str) else None, path=path))
    return None


def _read_view(data: object, path: Path, problems: list[Problem]) -> Mapping[str, Any] | None:
    return freeze(data) if is_object(data, path, problems) else None


_TOP_READERS: dict[str, Callable[[object, Path, list[Problem]], Any]] = {
    "name": read_text,
    "doc": read_text,
    "definitions": _read_definitions,
    "loss": _read_loss,
    "outputs": read_references,
    "dtype": _read_dtype,
    "data": read_data,
    "train": read_train,
    "requires": read_texts,
    "view": _read_view,
}
