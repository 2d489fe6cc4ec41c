"""Compiled training does what the reference does with whatever rules, settings and numbers it meets."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import dagprop
from dagprop.backends.select import say_fallback
from dagprop.ops.registry import op

RULES = {
    "products_of_truth": (lambda xp, x: (x > 0) * 1.0 + (x > 1) * 1.0, lambda xp, x: 0 * x),
    "powers_of_truth": (lambda xp, x: (x > 0) ** 2 + xp.pow(x > 1, 1.0), lambda xp, x: 0 * x),
    "function_of_truth": (lambda xp, x: xp.sqrt((x > 0) * 1.0) + x * (x > 1), lambda xp, x: 1.0 * (x > 1)),
    "functions_of_truth": (lambda xp, x: xp.exp(x > 0) + xp.tanh(x > 1) * xp.log(1 + (x > 1)), lambda xp, x: 0 * x),
    "choice_of_truth": (lambda xp, x: x * xp.where(x > 0, x > 1, x > -1), lambda xp, x: 1.0 * (x > -1)),
    "number_of_numpy": (lambda xp, x: 2 * x, lambda xp, x: np.float32(2)),
    "array_of_numpy": (lambda xp, x: 2 * x, lambda xp, x: np.array(2.0)),
    "signed_zero": (lambda xp, x: x / (1 + xp.abs(1 / xp.where(x > 99, 1.0, -1.0))), lambda xp, x: 0.5),
}
"""Rules that plugins may have and that are easily compiled to something else."""


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("shape", [["N"], ["N", 3]])
def test_rules_of_plugins_train_alike(load_graph, name, shape):
    forward, derivative = RULES[name]
    declared = op(name)(lambda xp, x: forward(xp, x))
    declared.derivative("x")(lambda xp, x: derivative(xp, x))
    nodes = {
        "x": {"op": "input", "shape": shape},
        "w": {"op": "parameter", "value": 0.75},
        "wx": {"op": "multiply", "inputs": ["w", "x"]},
        "f": {"op": name, "inputs": ["wx"]},
        "e": {"op": "half_squared_error", "inputs": ["f", "wx"]},
        "L": {"op": "mean", "inputs": ["e"]},
    }
    graph = load_graph(nodes, loss="L")
    x = np.random.default_rng(0).normal(size=[7, *shape[1:]]) * 2
    found, expected = (
        dagprop.train(graph, {"x": x}, epochs=3, batch_size=2, learning_rate=0.1, backend=backend)
        for backend in ("auto", "reference")
    )
    np.testing.assert_allclose(found.step_losses, expected.step_losses, rtol=1e-12)
    assert found.parameters["w"] == pytest.approx(expected.parameters["w"], rel=1e-12)


@pytest.mark.parametrize(
    "nodes",
    [
        {"w": {"op": "parameter", "value": 1, "trainable": False}, "L": {"op": "multiply", "inputs": ["w", "x"]}},
        {"w": {"op": "parameter", "value": 1}, "L": {"op": "exp", "inputs": ["x"]}},
        {"L": {"op": "exp", "inputs": ["x"]}},
    ],
)
def test_a_loss_that_no_parameter_reaches_is_still_computed(load_graph, nodes):
    graph = load_graph({"x": {"op": "input"}, **nodes}, loss="L")
    losses = [
        dagprop.train(graph, {"x": [1.0, 2.0, 4.0]}, epochs=2, batch_size=2, backend=backend, shuffle=False).step_losses
        for backend in ("auto", "reference")
    ]
    np.testing.assert_allclose(*losses, rtol=1e-12)


def test_a_state_that_is_not_finite_for_one_step_is_found(load_graph):
    nodes = {
        "x": {"op": "input", "shape": ["N", 3]},
        "t": {"op": "input"},
        "w": {"op": "parameter", "value": [1.0, 1.0, 1.0]},
        "p": {"op": "matmul", "inputs": ["x", "w"]},
        "L": {"op": "half_squared_error", "inputs": ["p", "t"]},
        "largest": {"op": "max", "inputs": ["t"]},
        "u": {"op": "log", "inputs": ["largest"]},
        "a": {"op": "state", "value": 0.0, "update": "u"},
    }
    graph = load_graph(nodes, loss="L")
    data = {"x": np.ones((5, 3)), "t": [1.0, 2.0, 0.0, 3.0, 4.0]}
    for backend in ("auto", "reference"):
        with pytest.raises(dagprop.DagpropError, match="DP702"):
            dagprop.train(graph, data, batch_size=1, learning_rate=0.01, shuffle=False, backend=backend)


def test_a_batch_size_beyond_the_data_takes_no_more_memory(root):
    graph = dagprop.load(root / "graphs" / "iris.json")
    assert len(dagprop.train(graph, epochs=1, batch_size=10**15).step_losses) == 1


def test_going_back_to_the_reference_is_said(root, monkeypatch, caplog):
    def fails(*_):
        raise OverflowError("too much")

    monkeypatch.setattr("dagprop.backends.scalar.program.ScalarTrainer.epoch", fails)
    monkeypatch.setattr(importlib.import_module("dagprop.train.loop"), "say_fallback", say_fallback)
    graph = dagprop.load(root / "graphs" / "four-layer-chain.json")
    with caplog.at_level("INFO", logger="dagprop"):
        found = dagprop.train(graph, epochs=2)
    assert "reference (NumPy, step by step), because compiled code failed: OverflowError: too much" in caplog.text
    np.testing.assert_array_equal(found.step_losses, dagprop.train(graph, epochs=2, backend="reference").step_losses)


def test_who_asks_for_compiled_code_does_not_get_the_reference(root, monkeypatch):
    def fails(*_):
        raise OverflowError("too much")

    for module in ("dagprop.train.loop", "dagprop.backends.select"):
        monkeypatch.setattr(importlib.import_module(module), "say_fallback", say_fallback)
    monkeypatch.setattr("dagprop.backends.scalar.program.ScalarTrainer.epoch", fails)
    monkeypatch.setattr("dagprop.backends.select._evaluated", fails)
    graph = dagprop.load(root / "graphs" / "four-layer-chain.json")
    for function, options in ((dagprop.train, {"epochs": 2}), (dagprop.forward, {}), (dagprop.value_and_grad, {})):
        with pytest.raises(
            dagprop.ComputationError, match=r"the compiled code failed: OverflowError: too much \[DP705"
        ):
            function(graph, backend="compiled", **options)


@pytest.mark.parametrize("shape", [["N"], ["N", 2]])
@pytest.mark.parametrize("name", ["loss", "d_w", "d_p", "L"])
def test_a_loss_may_be_called_as_anybody_likes(load_graph, name, shape):
    nodes = {
        "x": {"op": "input", "shape": shape},
        "w": {"op": "parameter", "value": 0.75},
        "p": {"op": "multiply", "inputs": ["w", "x"]},
        "s": {"op": "half_squared_error", "inputs": ["p", "x"]},
        name: {"op": "sum", "inputs": ["s"], "axis": 1} if shape[1:] else {"op": "multiply", "inputs": ["s", "s"]},
    }
    x = np.random.default_rng(0).normal(size=[7, *shape[1:]])
    found, expected = (
        dagprop.train(load_graph(nodes, loss=name), {"x": x}, epochs=2, batch_size=3, backend=backend)
        for backend in ("compiled", "reference")
    )
    np.testing.assert_allclose(found.step_losses, expected.step_losses, rtol=1e-12)
    assert found.parameters["w"] == pytest.approx(expected.parameters["w"], rel=1e-12)


def test_a_leaf_may_be_called_as_a_gradient(load_graph):
    nodes = {"d_L": {"op": "parameter", "value": 0.5}, "x": {"op": "parameter", "value": 3.0}}
    graph = load_graph({**nodes, "L": {"op": "multiply", "inputs": ["d_L", "x"]}}, loss="L")
    for backend in ("reference", "compiled"):
        assert dagprop.vjp(graph, None, None, {"L": 7.0}, backend=backend) == {"d_L": 21.0, "x": 3.5}


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_a_gradient_that_lies_the_wrong_way_round_is_refused(load_graph, backend):
    turned = op("turned")(lambda xp, x: xp.sum(x * x))
    turned.pullback("x")(lambda xp, g, x: 2 * g * xp.matrix_transpose(x))
    nodes = {
        "x": {"op": "input"},
        "w": {"op": "parameter", "value": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]},
        "t": {"op": "turned", "inputs": ["w"]},
        "L": {"op": "multiply", "inputs": ["t", "x"]},
    }
    with pytest.raises(dagprop.ComputationError, match="DP703"):
        dagprop.train(load_graph(nodes, loss="L"), {"x": [1.0, 2.0]}, epochs=1, backend=backend)
