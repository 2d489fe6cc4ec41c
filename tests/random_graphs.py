"""Random networks for property tests, and what they compute, worked out with NumPy alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

SHAPES = [(), (3,), (2, 1), (2, 3)]
"""Each broadcasts with each."""

UNARY = {
    "sin": (np.sin, lambda bound: 1),
    "tanh": (np.tanh, lambda bound: 1),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda bound: 1),
    "softplus": (lambda x: np.log(1 + np.exp(x)), lambda bound: bound + 1),
    "negative": (np.negative, lambda bound: bound),
}
"""Smooth functions, with a bound of the result for a bound of the argument, so that nothing grows out of reach."""

PLUGINS = {
    "snake": (lambda x: x + np.sin(x) ** 2, lambda bound: bound + 1),
    "softsign": (lambda x: x / (1 + x * np.where(np.real(x) < 0, -1, 1)), lambda bound: 1),
}
"""The same for the ops of the folder plugins/."""

FUNCTIONS = {**UNARY, **PLUGINS}

LARGEST = 100


@dataclass(frozen=True)
class RandomGraph:
    """A graph file's nodes, its loss, and a value for each leaf."""

    nodes: dict[str, Any]
    loss: str

    def document(self) -> dict[str, Any]:
        return {"dagprop": 1, "nodes": self.nodes, "loss": self.loss}

    def reordered(self, order: list[str]) -> dict[str, Any]:
        return {**self.document(), "nodes": {id: self.nodes[id] for id in order}}

    def evaluate(self, offsets: dict[str, Any]) -> dict[str, Any]:
        """Return all values, where to the value of some nodes something is added."""
        values: dict[str, Any] = {}
        for id, node in self.nodes.items():
            values[id] = _compute(node, [values[name] for name in node.get("inputs", ())]) + offsets.get(id, 0)
        return values

    def derivative(self, id: str) -> np.ndarray:
        """Return d loss / d node, one element at a time, by the complex step: exact to rounding, no subtraction."""
        value = np.asarray(self.evaluate({})[id])
        result = np.zeros(value.shape)
        for index in np.ndindex(*value.shape):
            step = np.zeros(value.shape, dtype=complex)
            step[index] = 1e-30j
            result[index] = self.evaluate({id: step})[self.loss].imag / 1e-30
        return result


def _compute(node: dict[str, Any], inputs: list[Any]) -> Any:
    name = node["op"]
    if name in FUNCTIONS:
        return FUNCTIONS[name][0](inputs[0])
    if name == "add":
        return sum(inputs[1:], inputs[0])
    if name == "multiply":
        return inputs[0] * inputs[1]
    if name == "affine":
        return inputs[0] * inputs[1] + inputs[2]
    if name == "sum":
        return np.sum(inputs[0])
    return np.asarray(node["value"], dtype=float)


@st.composite
def random_graphs(draw: st.DrawFn, plugins: bool = False, shapes: list[tuple[int, ...]] = SHAPES) -> RandomGraph:
    """Graphs with fan-out, diamonds, nodes used twice by one op, broadcasting, shared parameters; also with plugins."""
    unary = [*UNARY, *(PLUGINS if plugins else ())]
    nodes: dict[str, Any] = {}
    bounds: dict[str, float] = {}
    for number in range(draw(st.integers(1, 4))):
        shape = draw(st.sampled_from(shapes))
        count = int(np.prod(shape))
        numbers = draw(st.lists(st.integers(-100, 100), min_size=count, max_size=count))
        value = (np.array(numbers).reshape(shape) / 100).tolist()
        op = draw(st.sampled_from(["parameter", "parameter", "constant"]))
        nodes[f"leaf{number}"] = {"op": op, "value": value}
        bounds[f"leaf{number}"] = 1
    for number in range(draw(st.integers(1, 9))):
        id = f"node{number}"
        nodes[id], bounds[id] = draw(_node(bounds, unary))
    used = {name for node in nodes.values() for name in node.get("inputs", ())}
    ends = [id for id in nodes if id not in used]
    for number, end in enumerate(ends):
        nodes[f"sum{number}"] = {"op": "sum", "inputs": [end]}
    if len(ends) == 1:
        return RandomGraph(nodes, "sum0")
    nodes["loss"] = {"op": "add", "inputs": [f"sum{number}" for number in range(len(ends))]}
    return RandomGraph(nodes, "loss")


@st.composite
def _node(draw: st.DrawFn, bounds: dict[str, float], unary: list[str]) -> tuple[dict[str, Any], float]:
    def some(count: int) -> list[str]:
        return draw(st.lists(st.sampled_from(sorted(bounds)), min_size=count, max_size=count))

    op = draw(st.sampled_from(["add", "multiply", "affine", *unary]))
    inputs = some({"add": draw(st.integers(2, 4)), "multiply": 2, "affine": 3}.get(op, 1))
    of = [bounds[name] for name in inputs]
    if op in FUNCTIONS:
        return {"op": op, "inputs": inputs}, FUNCTIONS[op][1](of[0])
    bound = {"add": sum(of), "multiply": of[0] * of[-1], "affine": of[0] * of[1] + of[-1]}[op]
    return ({"op": op, "inputs": inputs}, bound) if bound <= LARGEST else ({"op": "tanh", "inputs": inputs[:1]}, 1)
