"""What a network predicts, found from its loss."""

import pytest

import dagprop

NODES = {
    "x": {"op": "input", "value": 2.0},
    "t": {"op": "input"},
    "w": {"op": "parameter", "value": 3.0},
    "y": {"op": "multiply", "inputs": ["w", "x"]},
    "z": {"op": "negative", "inputs": ["y"]},
    "e": {"op": "half_squared_error", "inputs": {"prediction": "z", "target": "t"}},
    "L": {"op": "sqrt", "inputs": ["e"]},
}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"loss": "L"}, {"z": -6.0}),
        ({"loss": "L", "outputs": ["y", "z"]}, {"y": 6.0, "z": -6.0}),
        ({"outputs": ["y"]}, {"y": 6.0}),
    ],
    ids=["what the loss compares", "what the file says", "without a loss"],
)
def test_prediction_needs_no_target(keys, expected, load_graph):
    values = dagprop.predict(load_graph(NODES, **keys))
    assert {id: float(value) for id, value in values.items()} == expected


def test_without_loss_and_outputs_the_ends_are_predicted(load_graph):
    nodes = {id: NODES[id] for id in ("x", "w", "y", "z")} | {"aside": {"op": "sin", "inputs": ["x"]}}
    assert set(dagprop.predict(load_graph(nodes))) == {"z", "aside"}
