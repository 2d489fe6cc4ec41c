"""Targets that are no class are refused before anything is computed from them."""

import numpy as np
import pytest

from dagprop import api
from dagprop.errors import DataError


def classifier(load_graph, op, logits, target):
    nodes = {
        "x": {"op": "input", "shape": logits},
        "y": {"op": "input", "shape": target},
        "b": {"op": "parameter", "value": 0.0},
        "z": {"op": "add", "inputs": ["x", "b"]},
        "L": {"op": op, "inputs": ["z", "y"]},
    }
    return load_graph(nodes, loss="L", train={"epochs": 1})


@pytest.mark.parametrize(
    ("op", "logits", "target", "message"),
    [
        ("cross_entropy", ["N", 3], [1, 2, 3], 'the target "y" is 3 at sample 3; the classes of "z" are 0 to 2'),
        ("cross_entropy", ["N", 3], [0, -1, 3], 'the target "y" is -1 at sample 2; the classes of "z" are 0 to 2'),
        ("cross_entropy", ["N", 3], [0.5, 1, 2], 'the target "y" is 0.5 at sample 1; the classes of "z" are 0 to 2'),
        (
            "binary_cross_entropy_with_logits", ["N"], [1, -1, 1],
            'the target "y" is -1 at sample 2; it must be 0, 1 or a probability',
        ),
    ],
)  # fmt: skip
def test_a_target_that_is_no_class(load_graph, op, logits, target, message):
    graph = classifier(load_graph, op, logits, ["N"])
    with pytest.raises(DataError) as error:
        api.train(graph, {"x": np.ones([3, *logits[1:]]), "y": target})
    assert [(problem.code, problem.message) for problem in error.value.problems] == [("DP407", message)]


@pytest.mark.parametrize(
    ("op", "logits", "target", "values"),
    [
        ("cross_entropy", ["N", 3], ["N"], [0, 2]),
        ("cross_entropy", ["N", 3], ["N", 3], [[0, 0, 1], [0.5, 0.25, 0.25]]),
        ("binary_cross_entropy_with_logits", ["N"], ["N"], [0.0, 0.5]),
        ("half_squared_error", ["N"], ["N"], [-7.5, 9.0]),
    ],
)
def test_targets_that_are_right(load_graph, op, logits, target, values):
    graph = classifier(load_graph, op, logits, target)
    assert len(api.train(graph, {"x": np.ones([2, *logits[1:]]), "y": values}).history) == 1
