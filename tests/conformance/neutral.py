"""Turn a neutral graph (ONNX op names, see tests/data/README.md) into a dagprop graph file."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

NAMES = {
    **{"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Neg": "negative", "Pow": "power"},
    **{"Sum": "add", "Max": "maximum", "Min": "minimum", "Reciprocal": "reciprocal", "Identity": "identity"},
    **{"Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Abs": "abs", "Where": "where"},
    **{"Sin": "sin", "Cos": "cos", "Tan": "tan", "Atan": "arctan"},
    **{"Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu", "LeakyRelu": "leaky_relu", "Elu": "elu"},
    **{"Softplus": "softplus", "Gelu": "gelu", "Swish": "swish"},
    **{"Softmax": "softmax", "LogSoftmax": "log_softmax"},
    **{"MatMul": "matmul", "Transpose": "transpose", "Reshape": "reshape"},
    **{"ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "max"},
}
"""What dagprop calls an op of ONNX."""

VARIADIC = ("Sum", "Max", "Min")
"""With a single input they pass it on; dagprop's take two or more."""

ATTRIBUTES = {
    "axes": "axis",
    "perm": "axes",
    "alpha": "alpha",
    "axis": "axis",
    "shape": "shape",
    "approximate": "approximate",
}
"""What dagprop calls an attribute; Swish, whose alpha is beta, is an exception below."""


def to_document(graph: Mapping[str, Any], train: Collection[str] | None = None, *, loss: bool = True) -> dict[str, Any]:
    """Return the graph file of a neutral graph.

    Parameters
    ----------
    graph : mapping
        With ``consts``, ``params``, ``nodes`` and ``loss``.
    train : collection of str, optional
        The parameters that training changes; by default all.
    loss : bool
        Whether the file names the loss: one that is neither scalar nor per sample cannot be named.
    """
    nodes: dict[str, Any] = {id: {"op": "constant", "value": value} for id, value in graph["consts"].items()}
    for id, value in graph["params"].items():
        nodes[id] = {"op": "parameter", "value": value}
        if train is not None and id not in train:
            nodes[id]["trainable"] = False
    for node in graph["nodes"]:
        nodes[node["id"]] = _node(node)
    document: dict[str, Any] = {"dagprop": 1, "nodes": nodes}
    if loss:
        document["loss"] = graph["loss"]
    return document


def write_file(folder: Path, document: Mapping[str, Any]) -> Path:
    """Write a graph file and return its path."""
    path = folder / "graph.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    name = NAMES[node["op"]]
    if node["op"] in VARIADIC and len(node["in"]) == 1:
        name = "identity"
    attributes = dict(node.get("attrs", {}))
    result: dict[str, Any] = {"op": name, "inputs": list(node["in"])}
    if node["op"].startswith("Reduce"):
        result["keepdims"] = bool(attributes.pop("keepdims", 1))
    for key, value in attributes.items():
        result["beta" if node["op"] == "Swish" else ATTRIBUTES[key]] = value
    return result
