"""The JSON Schema of graph files, for the completion and the hints of editors.

The schema knows the keys, their types and the attributes of each op; what needs the whole graph (references, circles,
definitions) is left to ``dagprop check``, which is never less strict.  Ops that the schema does not know are allowed:
they may come from a definition in the file or from a plugin.
"""

from __future__ import annotations

import json
from typing import Any

from dagprop.graph.document import VERSION
from dagprop.graph.fields import ID_PATTERN, NODE_KEYS
from dagprop.graph.records import DTYPES, Definition, TrainSettings
from dagprop.graph.settings import TRAIN_KEYS, TrainKey
from dagprop.graph.signature import AttributeSignature, Signature, Vocabulary

IDENTIFIER = f"^{ID_PATTERN}$"
PLACEHOLDER = rf"^\${ID_PATTERN}$"

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_INTEGER = {"type": "integer"}
_DIMENSION = {"type": ["integer", "string"], "minimum": -1}

_CHOICE = {"type": ["string", "object"], "properties": {"name": _TEXT}, "required": ["name"]}

_KINDS: dict[str, dict[str, Any]] = {
    "number": {"type": "number"},
    "integer": _INTEGER,
    "boolean": {"type": "boolean"},
    "string": _TEXT,
    "integers": {"type": "array", "items": _INTEGER},
    "axes": {"type": ["integer", "array"], "items": _INTEGER},
    "shape": {"type": "array", "items": _DIMENSION},
    "array": {"type": ["number", "array"]},
    "initializer": _CHOICE,
}


def json_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of graph files.

    Parameters
    ----------
    vocabulary : mapping
        The ops whose attributes the schema offers.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dagprop:graph:1",
        "title": "dagprop graph file",
        "description": f"A network as a graph of ops, version {VERSION}",
        "type": "object",
        "required": ["dagprop", "nodes"],
        "properties": {
            "dagprop": {"const": VERSION, "description": "The version of the format"},
            "name": {**_TEXT, "description": "A short name"},
            "doc": {**_TEXT, "description": "What the network is for"},
            "nodes": {
                "description": "The nodes by their ids; the order is free",
                **_objects({"$ref": "#/$defs/node"}),
                "minProperties": 1,
            },
            "definitions": {
                "description": "Small graphs that are used as ops by their names",
                **_objects({"$ref": "#/$defs/definition"}),
            },
            "loss": {**_TEXT, "description": "The node that training makes small: a scalar, or one number per sample"},
            "outputs": {**_TEXTS, "description": "The nodes whose values predict gives"},
            "dtype": {"enum": list(DTYPES), "default": "float64", "description": "The type of every value"},
            "data": _data(),
            "train": _train(),
            "requires": {**_TEXTS, "description": "Plugins that must be installed"},
            "view": {"type": "object", "description": "Hints for drawing; they change no value"},
        },
        "patternProperties": {"^x-": {"description": "Your own; kept and not read"}},
        "additionalProperties": False,
        "$defs": {"node": _node(vocabulary), "definition": _definition()},
    }


def schema_text(vocabulary: Vocabulary) -> str:
    """Return the schema as the text of ``graph.schema.json``."""
    return json.dumps(json_schema(vocabulary), indent=2, ensure_ascii=False) + "\n"


def _objects(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": IDENTIFIER}, "additionalProperties": schema}


def _node(vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "title": "Node",
        "type": "object",
        "required": ["op"],
        "properties": {
            "op": {
                "description": "What the node does: an op or a definition",
                "anyOf": [
                    {"enum": list(vocabulary)},
                    {**_TEXT, "description": "A definition of this file, or an op of a plugin"},
                ],
            },
            "inputs": {
                "description": "The nodes that it takes its values from: a list by position, or an object by name",
                "type": ["array", "object"],
                "items": {"type": ["string", "null"]},
                "additionalProperties": _TEXT,
            },
            "tex": {**_TEXT, "description": "How the node is written in mathematics"},
            "doc": {**_TEXT, "description": "What the node is for"},
            "repeat": {
                "description": "How many copies of a definition are chained",
                "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^\\$"}],
            },
        },
        "allOf": [_attributes_of(name, meaning) for name, meaning in vocabulary.items()],
    }


def _attributes_of(name: str, meaning: Signature | Definition) -> dict[str, Any]:
    """Return the rule that a node with this op has these attributes and no others."""
    if isinstance(meaning, Signature):
        attributes = {attribute.name: _attribute(attribute) for attribute in meaning.attributes}
        required = [attribute.name for attribute in meaning.attributes if attribute.required]
    else:
        attributes = {
            key: {} if default is None else {"default": json.loads(json.dumps(default, default=dict))}
            for key, default in meaning.attributes.items()
        }
        required = [key for key, default in meaning.attributes.items() if default is None]
    then: dict[str, Any] = {
        "description": (meaning.doc or "").partition("\n")[0],
        "properties": {**dict.fromkeys(NODE_KEYS, True), **attributes},
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }
    if isinstance(meaning, Signature):
        then["properties"]["repeat"] = False
    if required:
        then["required"] = required
    return {"if": {"properties": {"op": {"const": name}}, "required": ["op"]}, "then": then}


def _attribute(attribute: AttributeSignature) -> dict[str, Any]:
    """Return the schema of an attribute: its kind, or ``"$name"`` as definitions may write."""
    kind = {"enum": list(attribute.choices)} if attribute.choices else _KINDS[attribute.kind]
    choices = [kind, {"type": "string", "pattern": PLACEHOLDER}]
    if attribute.nullable:
        choices.append({"type": "null"})
    found: dict[str, Any] = {"anyOf": choices}
    if attribute.default is not None:
        found["default"] = list(attribute.default) if isinstance(attribute.default, tuple) else attribute.default
    return found


def _definition() -> dict[str, Any]:
    return {
        "title": "Definition",
        "type": "object",
        "required": ["nodes", "outputs"],
        "properties": {
            "inputs": {
                "type": "array",
                "items": {"type": "string", "pattern": rf"^{ID_PATTERN}\??$"},
                "uniqueItems": True,
                "description": 'Names that the nodes inside refer to; "b?" may be left out by a call',
            },
            "outputs": {**_TEXTS, "minItems": 1, "description": "The nodes inside whose values a call gives"},
            "attributes": {
                "type": "object",
                "propertyNames": {"pattern": IDENTIFIER, "not": {"enum": list(NODE_KEYS)}},
                "description": 'Names with their defaults, null where a call must give a value; inside, "$name"',
            },
            "nodes": {**_objects({"$ref": "#/$defs/node"}), "minProperties": 1},
            "doc": {**_TEXT, "description": "What it does"},
        },
        "patternProperties": {"^x-": True},
        "additionalProperties": False,
    }


def _data() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Where the samples lie",
        "required": ["file"],
        "properties": {
            "file": {**_TEXT, "description": "A CSV or NPZ file; the path starts at the folder of this file"},
            "columns": {
                "type": "object",
                "additionalProperties": {"type": ["string", "array"], "items": _TEXT, "minItems": 1},
                "description": "For each input the columns that feed it",
            },
            "classes": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True},
                "description": "For each input of labels the labels, in the order of their numbers",
            },
        },
        "additionalProperties": False,
    }


def _train() -> dict[str, Any]:
    default = TrainSettings()
    return {
        "type": "object",
        "description": "How the network is trained where nothing else is said",
        "properties": {
            name: {**_train_key(key), "default": _thaw(getattr(default, name))} for name, key in TRAIN_KEYS.items()
        },
        "additionalProperties": False,
    }


def _thaw(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _train_key(key: TrainKey) -> dict[str, Any]:
    if key.kind == "choice":
        return {**_CHOICE, "description": key.doc}
    if key.kind == "choices":
        return {"type": "array", "items": _CHOICE, "description": key.doc}
    found: dict[str, Any] = {"type": "number" if key.kind == "share" else key.kind}
    if key.kind != "boolean":
        found["exclusiveMinimum" if key.exclusive else "minimum"] = key.minimum
    if key.kind == "share":
        found["exclusiveMaximum"] = 1
    return {**found, "description": key.doc}
