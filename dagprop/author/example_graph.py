"""A small network that uses a new op, to try it: sin x, to be learnt from 16 points."""

from __future__ import annotations

import json
import math
from typing import Any

from dagprop.author.new_op import NewOp

POINTS = 16
EPOCHS = 5000
RATES = (0.03, 0.1, 0.01, 0.003)
"""Learning rates to try, the one that most ops learn with first."""


def example_graph(new: NewOp, rate: float = RATES[0]) -> str:
    """Return the text of a graph file.

    An op of one input, or of learnable ones behind the first, is the activation of the hidden layer; one that has
    inputs called prediction and target is the loss.
    """
    x = [round(-3 + 6 * i / (POINTS - 1), 3) for i in range(POINTS)]
    nodes: dict[str, Any] = {
        "x": {"op": "input", "shape": ["N", 1], "value": [[number] for number in x]},
        "y": {"op": "input", "value": [round(math.sin(number), 4) for number in x]},
    }
    hidden = {"op": "dense", "inputs": ["x"], "units": 6}
    if new.is_loss:
        others = [name for name in new.inputs if name not in ("prediction", "target")]
        nodes["h"] = {**hidden, "activation": "tanh"}
    elif len(new.inputs) == 1:
        others = []
        nodes["h"] = {**hidden, "activation": new.op}
    else:
        others = list(new.inputs[1:])
        nodes["a"] = hidden
        nodes["h"] = {"op": new.op, "inputs": {new.inputs[0]: "a", **{name: name for name in others}}}
    nodes |= {name: {"op": "parameter", "value": 0.25} for name in others if name not in nodes}
    nodes["y_hat"] = {"op": "neuron", "inputs": ["h"], "activation": "identity", "tex": "\\hat{y}"}
    loss = {"prediction": "y_hat", "target": "y"}
    if new.is_loss:
        nodes["L"] = {"op": new.op, "inputs": {**loss, **{name: name for name in others}}}
    else:
        nodes["L"] = {"op": "half_squared_error", "inputs": loss}
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(node)}" for name, node in nodes.items())
    doc = f"sin x, to be learnt from {POINTS} points with {new.op}"
    train = f'{{"epochs": {EPOCHS}, "batch_size": 4, "learning_rate": {rate}}}'
    head = f'  "dagprop": 1,\n  "name": "{new.name}",\n  "doc": {json.dumps(doc)},\n  "requires": ["{new.name}"],\n'
    return f'{{\n{head}  "nodes": {{\n{lines}\n  }},\n  "loss": "L",\n  "train": {train}\n}}\n'
