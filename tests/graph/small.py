"""A small vocabulary made by hand, and short ways to read graphs with it."""

import io
import json
from typing import Any

from dagprop.graph.document import parse_definition
from dagprop.graph.read import Reading, read_graph
from dagprop.graph.signature import AttributeSignature, InputSignature, Signature, Vocabulary
from dagprop.ops.leaves import LEAF_SIGNATURES


def op(name: str, *inputs: str, attributes: tuple[AttributeSignature, ...] = ()) -> Signature:
    """Return a signature: ``"b?"`` may be left out, ``"*xs"`` stands for two or more."""
    made = [InputSignature(text.strip("?*"), text.endswith("?"), text.startswith("*")) for text in inputs]
    return Signature(name, tuple(made), attributes)


LAYER = {
    "inputs": ["x", "bias?"],
    "attributes": {"units": None, "activation": "relu"},
    "nodes": {
        "w": {"op": "parameter", "shape": ["x[-1]", "$units"]},
        "a": {"op": "affine", "inputs": ["w", "x", "bias"]},
        "f": {"op": "$activation", "inputs": ["a"]},
    },
    "outputs": ["f", "a"],
}

VOCABULARY: Vocabulary = {
    **LEAF_SIGNATURES,
    "relu": op("relu", "x"),
    "tanh": op("tanh", "x"),
    "subtract": op("subtract", "left", "right"),
    "affine": op("affine", "w", "x", "b?"),
    "add": op("add", "*xs"),
    "sum": op("sum", "x", attributes=(AttributeSignature("axis", "axes", nullable=True),)),
    "pad": op(
        "pad",
        "x",
        attributes=(
            AttributeSignature("width", "integers", required=True),
            AttributeSignature("mode", "string", "zero", choices=("zero", "edge")),
            AttributeSignature("slope", "number", 0.1),
            AttributeSignature("keep", "boolean", False),
            AttributeSignature("times", "integer", 1),
        ),
    ),
    "layer": parse_definition("layer", LAYER),
}


def read_text(text: str | bytes, vocabulary: Vocabulary = VOCABULARY) -> Reading:
    """Read a graph file that is not on the disk."""
    return read_graph("-", vocabulary, io.BytesIO(text if isinstance(text, bytes) else text.encode("utf-8")))


def read_nodes(nodes: Any, **keys: Any) -> Reading:
    """Read a graph of these nodes."""
    return read_text(json.dumps({"dagprop": 1, "nodes": nodes, **keys}))


def has_errors(reading: Reading) -> bool:
    """Whether a problem stops the work; warnings do not."""
    return any(not problem.warning for problem in reading.problems)


def codes(reading: Reading) -> list[str]:
    """Return the codes of all problems, in the order of the file."""
    return [problem.code for problem in reading.problems]
