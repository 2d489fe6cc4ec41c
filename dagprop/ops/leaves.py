"""The leaves: nodes without inputs, whose values come from the file, the data or the training."""

from __future__ import annotations

from dagprop.graph.records import DEFAULT_INITIALIZER, INPUT_SHAPE
from dagprop.graph.signature import AttributeSignature, Signature

_VALUE = AttributeSignature("value", "array")
_SHAPE = AttributeSignature("shape", "shape")
_INIT = AttributeSignature("init", "initializer", DEFAULT_INITIALIZER)

LEAF_SIGNATURES: dict[str, Signature] = {
    "input": Signature(
        "input",
        attributes=(AttributeSignature("shape", "shape", INPUT_SHAPE), _VALUE),
        doc="A value that comes from the data; ``value`` is the sample to use where no data is given.",
    ),
    "parameter": Signature(
        "parameter",
        attributes=(_VALUE, _SHAPE, _INIT, AttributeSignature("trainable", "boolean", True)),
        doc="A value that training changes: a fixed ``value`` at the start, or a ``shape`` and an ``init``.",
    ),
    "constant": Signature(
        "constant",
        attributes=(AttributeSignature("value", "array", required=True),),
        doc="A value that never changes.",
    ),
    "state": Signature(
        "state",
        attributes=(_VALUE, _SHAPE, _INIT, AttributeSignature("update", "string", nullable=True)),
        doc="A value that a training step replaces by that of the node named by ``update``: a running statistic.",
    ),
}
"""What a graph file may say of each leaf."""
