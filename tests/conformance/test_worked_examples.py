"""Published worked examples: values, gradients, and plain gradient descent, up to 10,000 steps of it."""

import json
from pathlib import Path

import numpy as np
import pytest

import dagprop
from tests.conformance.neutral import to_document, write_file

EXAMPLES = json.loads((Path(__file__).parent.parent / "data/worked_examples.json").read_text(encoding="utf-8"))[
    "examples"
]


def load(example, folder):
    document = to_document(example["graph"], example["train"] or None, loss=example["seed"] is None)
    return dagprop.load(write_file(folder, document))


def gradients_of(example, graph, parameters, wrt):
    if example["seed"] is None:
        return dagprop.value_and_grad(graph, parameters=parameters, wrt=wrt)[1]
    return dagprop.vjp(graph, None, parameters, {example["graph"]["loss"]: example["seed"]}, wrt)


def trained_to(graph, example, step):
    """Return the parameters after so many steps of gradient descent: the data is one sample, so an epoch is a step."""
    if step == 0:
        return dagprop.initial_parameters(graph)
    return dagprop.train(graph, epochs=step, batch_size=1, learning_rate=example["lr"], shuffle=False).parameters


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
def test_worked_example(example, tmp_path):
    graph = load(example, tmp_path)
    compared = 0
    for step in sorted({check["step"] for check in example["checks"]}):
        checks = [check for check in example["checks"] if check["step"] == step]
        parameters = trained_to(graph, example, step)
        values = dagprop.forward(graph, parameters=parameters)
        gradients = gradients_of(example, graph, parameters, [c["id"] for c in checks if c["what"] == "grad"])
        found = {"value": values, "loss": values, "grad": gradients, "param": parameters}
        for check in checks:
            number = found[check["what"]][check["id"]]
            np.testing.assert_allclose(number, check["value"], rtol=1e-9, atol=1e-12, err_msg=str(check))
            if check["published"] is not None:
                np.testing.assert_allclose(
                    number, check["published"], rtol=1e-12, atol=check["tol"], err_msg=str(check)
                )
            compared += 1
    assert compared == len(example["checks"]) > 0


def test_every_example_is_here():
    assert len(EXAMPLES) == 15
