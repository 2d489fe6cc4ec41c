"""Single ops against another library's results and gradients (tests/data/README.md says whose)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dagprop.author.trial import forward
from tests.ops.samples import all_ops, gradient

DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "op_oracle.json").read_text())["cases"]
ARRAYS = np.load(DATA / "op_oracle.npz")

NAMES = {
    "Add": "add", "Sum": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Pow": "power",
    "Neg": "negative", "Max": "maximum", "Min": "minimum", "Where": "where", "Identity": "identity",
    "Reciprocal": "reciprocal", "Abs": "abs", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Sin": "sin", "Cos": "cos",
    "Tan": "tan", "Atan": "arctan", "Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu", "LeakyRelu": "leaky_relu",
    "Elu": "elu", "Gelu": "gelu", "Softplus": "softplus", "Swish": "swish", "Softmax": "softmax",
    "LogSoftmax": "log_softmax", "Softsign": "softsign", "MatMul": "matmul", "Transpose": "transpose",
    "Reshape": "reshape", "ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "max",
}  # fmt: skip


def translate(case: dict[str, Any], inputs: list[np.ndarray]) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Return the inputs and attributes of dagprop's op: ONNX gives shapes and axes as inputs."""
    attributes = dict(case["attrs"])
    if case["op"] == "Swish":
        attributes["beta"] = attributes.pop("alpha")
    if case["op"] == "Transpose":
        attributes["axes"] = tuple(attributes.pop("perm"))
    if case["op"] == "Reshape":
        inputs, attributes["shape"] = inputs[:1], tuple(map(int, inputs[1]))
    if case["op"].startswith("Reduce"):
        attributes["axis"] = tuple(map(int, inputs[1])) if len(inputs) > 1 else None
        inputs, attributes["keepdims"] = inputs[:1], bool(attributes["keepdims"])
    return inputs, attributes


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some inputs are infinite on purpose
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_results_and_gradients_agree_with_the_other_library(case):
    arrays = {key.split("/")[1]: ARRAYS[key] for key in ARRAYS.files if key.startswith(f"{case['id']}/")}
    op = all_ops()[NAMES[case["op"]]]
    inputs, attributes = translate(case, [arrays[f"in{i}"] for i in range(case["n_in"])])
    attributes = {a.name: a.default for a in op.signature.attributes} | attributes
    np.testing.assert_allclose(forward(op, inputs, attributes), arrays["out0"], rtol=1e-9, atol=1e-12)
    for i in case["wrt"]:
        computed = gradient(op, i, inputs, attributes, arrays["seed0"])
        mask = arrays[f"mask{i}"]
        np.testing.assert_allclose(computed[mask], arrays[f"grad{i}"][mask], rtol=1e-6, atol=1e-9)
        if f"lo{i}" in arrays:
            assert (computed >= arrays[f"lo{i}"] - 1e-9).all()
            assert (computed <= arrays[f"hi{i}"] + 1e-9).all()
