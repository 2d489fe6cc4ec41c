"""The training loop, against gradient descent written out by hand, and what ends it early."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from dagprop import api
from dagprop.errors import ComputationError, DataError, GraphError
from dagprop.plan.network import prepare
from dagprop.train.data import data_from_arrays
from dagprop.train.evaluation import evaluate
from dagprop.train.samples import split_samples
from dagprop.train.settings import check_settings

X = np.random.default_rng(1).normal(size=(23, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1
NODES = {
    "x": {"op": "input", "shape": ["N", 3]},
    "y": {"op": "input"},
    "w": {"op": "parameter", "value": [0.1, 0.2, 0.3]},
    "b": {"op": "parameter", "value": 0.0},
    "xw": {"op": "matmul", "inputs": ["x", "w"]},
    "z": {"op": "add", "inputs": ["xw", "b"]},
    "L": {"op": "half_squared_error", "inputs": ["z", "y"]},
}
TRAIN = {"epochs": 4, "batch_size": 5, "learning_rate": 0.05, "shuffle": False}
FEEDS = {"x": X, "y": Y}


@pytest.fixture
def line(load_graph):
    return load_graph(NODES, loss="L", train=TRAIN)


def test_gradient_descent_as_written_by_hand(line):
    result = api.train(line, FEEDS)
    w, b, losses = np.array([0.1, 0.2, 0.3]), 0.0, []
    for _ in range(4):
        for start in range(0, len(X), 5):
            x, y = X[start : start + 5], Y[start : start + 5]
            error = x @ w + b - y
            losses.append((error**2 / 2).mean())
            w, b = w - 0.05 * x.T @ error / len(x), b - 0.05 * error.mean()
    np.testing.assert_allclose(result.parameters["w"], w, rtol=1e-12)
    np.testing.assert_allclose(result.parameters["b"], b, rtol=1e-12)
    np.testing.assert_allclose(result.step_losses, losses, rtol=1e-12)
    assert "step_losses" not in repr(result)  # thousands of numbers that nobody reads at a prompt
    # The loss of an epoch weighs each step by its samples: four batches of 5 and one of 3.
    epochs = np.reshape(losses, (4, 5)) @ [5, 5, 5, 5, 3] / 23
    np.testing.assert_allclose([record.loss for record in result.history], epochs, rtol=1e-12)
    assert [record.epoch for record in result.history] == [1, 2, 3, 4]
    assert result.history[-1].accuracy is None


def test_the_same_seed_trains_the_same_and_another_does_not(load_graph):
    nodes = {**NODES, "w": {"op": "parameter", "shape": [3], "init": "normal"}}
    graph = load_graph(nodes, loss="L", train={**TRAIN, "shuffle": True, "validation": 0.2, "test": 0.1})

    def train(seed):
        return api.train(graph, FEEDS, seed=seed)

    first, again, other = train(1), train(1), train(2)
    np.testing.assert_array_equal(first.step_losses, again.step_losses)
    np.testing.assert_array_equal(first.parameters["w"], again.parameters["w"])
    assert first.history == again.history
    assert first.test == again.test
    assert not np.array_equal(first.step_losses, other.step_losses)


def test_samples_kept_out_are_not_learnt_from(line):
    options = {"validation": 0.3, "test": 0.2, "seed": 4, "shuffle": True}
    split = split_samples(len(X), 0.3, 0.2, 4)
    changed = Y.copy()
    changed[np.concatenate([split.validation, split.test])] += 100
    clean, spoilt = (api.train(line, {"x": X, "y": y}, **options) for y in (Y, changed))
    np.testing.assert_array_equal(clean.parameters["w"], spoilt.parameters["w"])
    assert spoilt.history[-1].validation_loss > 1000 > clean.history[-1].validation_loss
    assert spoilt.test.loss > 1000 > clean.test.loss
    assert clean.samples == {"train": 11, "validation": 7, "test": 5}
    assert clean.test.samples == 5


def test_validation_and_test_are_judged_by_the_trained_parameters(line):
    result = api.train(line, FEEDS, validation=0.3, test=0.2, seed=4)
    split = split_samples(len(X), 0.3, 0.2, 4)
    for samples, loss in ((split.validation, result.history[-1].validation_loss), (split.test, result.test.loss)):
        expected, _ = api.value_and_grad(line, {"x": X[samples], "y": Y[samples]}, result.parameters)
        assert loss == pytest.approx(expected, rel=1e-12)


def test_no_epochs_change_nothing(line):
    result = api.train(line, FEEDS, epochs=0)
    np.testing.assert_array_equal(result.parameters["w"], [0.1, 0.2, 0.3])
    assert (result.history, len(result.step_losses)) == ((), 0)


def test_training_goes_on_where_it_stopped(line):
    half = api.train(line, FEEDS, epochs=2)
    rest = api.train(line, FEEDS, epochs=2, parameters=half.parameters)
    np.testing.assert_array_equal(rest.parameters["w"], api.train(line, FEEDS).parameters["w"])


def test_frozen_parameters_and_constants_stay(load_graph):
    nodes = {**NODES, "b": {"op": "parameter", "value": 0.7, "trainable": False}}
    result = api.train(load_graph(nodes, loss="L", train=TRAIN), FEEDS)
    assert result.parameters["b"] == 0.7
    assert not np.array_equal(result.parameters["w"], [0.1, 0.2, 0.3])


def test_values_keep_the_dtype_of_the_graph(load_graph):
    result = api.train(load_graph(NODES, loss="L", train=TRAIN, dtype="float32"), FEEDS)
    assert {value.dtype for value in result.parameters.values()} == {np.dtype("float32")}
    assert all(isinstance(value, np.ndarray) for value in result.parameters.values())


def test_a_state_takes_the_value_of_its_update_after_each_step(load_graph):
    nodes = {
        **NODES,
        "steps": {"op": "state", "value": 0.0, "update": "next"},
        "one": {"op": "constant", "value": 1.0},
        "next": {"op": "add", "inputs": ["steps", "one"]},
    }
    result = api.train(load_graph(nodes, loss="L", train=TRAIN), FEEDS)
    assert result.parameters["steps"] == len(result.step_losses) == 20


def test_a_state_inside_a_definition(load_graph):
    counter = {
        "inputs": ["x"],
        "outputs": ["same"],
        "nodes": {
            "steps": {"op": "state", "value": 0.0, "update": "next"},
            "one": {"op": "constant", "value": 1.0},
            "next": {"op": "add", "inputs": ["steps", "one"]},
            "same": {"op": "identity", "inputs": ["x"]},
        },
    }
    nodes = {**NODES, "counted": {"op": "counter", "inputs": ["z"]}}
    nodes["L"] = {"op": "half_squared_error", "inputs": ["counted", "y"]}
    result = api.train(load_graph(nodes, loss="L", train=TRAIN, definitions={"counter": counter}), FEEDS)
    assert result.parameters["counted/steps"] == 20


def test_a_state_whose_update_has_another_shape(load_graph):
    nodes = {**NODES, "s": {"op": "state", "value": 0.0, "update": "z"}}
    with pytest.raises(GraphError, match=r'the update "z" has shape \(N,\), the state has \(\) \[DP301\]'):
        api.train(load_graph(nodes, loss="L", train=TRAIN), FEEDS)


def test_a_graph_without_inputs_is_minimised(load_graph):
    nodes = {
        "w": {"op": "parameter", "value": 3.0},
        "two": {"op": "constant", "value": 2.0},
        "L": {"op": "half_squared_error", "inputs": ["w", "two"]},
    }
    result = api.train(load_graph(nodes, loss="L"), epochs=1, learning_rate=0.5)
    assert result.parameters["w"] == 2.5


@pytest.mark.parametrize(
    ("op", "logits", "target", "expected"),
    [
        ("cross_entropy", {"shape": ["N", 3]}, {}, 0.75),
        ("cross_entropy", {"shape": ["N", 3]}, {"shape": ["N", 3]}, 0.75),
        ("binary_cross_entropy_with_logits", {}, {}, 0.5),
    ],
)
def test_accuracy_where_the_target_is_a_class(load_graph, op, logits, target, expected):
    z, y = np.array([[2, 1, 0], [0, 1, 2], [0, 3, 1], [1, 5, 2]]), np.array([0, 2, 1, 2])
    if op != "cross_entropy":
        z, y = np.array([2, -1, 0.5, -3]), np.array([1, 1, 1, 1])
    elif "shape" in target:
        y = np.eye(3)[y]
    nodes = {
        "z": {"op": "input", **logits},
        "y": {"op": "input", **target},
        "b": {"op": "parameter", "value": 0.0},
        "zb": {"op": "add", "inputs": ["z", "b"]},
        "L": {"op": op, "inputs": ["zb", "y"]},
    }
    graph = load_graph(nodes, loss="L", train={"epochs": 1, "batch_size": 3, "learning_rate": 1e-9})
    assert api.train(graph, {"z": z, "y": y}).history[0].accuracy == expected


# ------------------------------------------------------------------------------------------ what ends it early


def test_ctrl_c_leaves_the_last_whole_step(line):
    def stop(record):
        if record.epoch == 2:
            raise KeyboardInterrupt

    result = api.train(line, FEEDS, test=0.2, on_epoch=stop)
    assert result.interrupted
    assert (len(result.history), result.test) == (2, None)
    np.testing.assert_array_equal(result.parameters["w"], api.train(line, FEEDS, test=0.2, epochs=2).parameters["w"])


def test_ctrl_c_inside_a_step(line, monkeypatch):
    from dagprop.train import loop

    steps = iter(range(100))

    def run(*arguments):
        if next(steps) == 7:
            raise KeyboardInterrupt
        return real(*arguments)

    real = loop.run
    monkeypatch.setattr(loop, "run", run)
    result = api.train(line, FEEDS, backend="reference")
    assert (result.interrupted, len(result.history), len(result.step_losses)) == (True, 1, 7)


@pytest.mark.parametrize(
    ("nodes", "rate", "message", "node"),
    [
        # a = w², exp(a) overflows in the second step, at a = 52900
        (
            {"a": {"op": "multiply", "inputs": ["w", "w"]}, "L": {"op": "exp", "inputs": ["a"]}}, 2000.0,
            'the value of "L" (exp) is not finite in epoch 2, step 1; all values before it were finite', "L",
        ),
        (
            {"a": {"op": "negative", "inputs": ["w"]}, "L": {"op": "log", "inputs": ["a"]}}, 1.0,
            'the value of "L" (log) is not finite in epoch 1, step 1; all values before it were finite', "L",
        ),
        (
            {"zero": {"op": "constant", "value": 0.0}, "a": {"op": "multiply", "inputs": ["w", "zero"]},
             "L": {"op": "sqrt", "inputs": ["a"]}}, 1.0,
            'the gradient of "a" (multiply) is not finite in epoch 1, step 1; all values before it were finite', "a",
        ),
        (
            {"big": {"op": "constant", "value": 1e300}, "L": {"op": "multiply", "inputs": ["w", "big"]}}, 1e100,
            'the updated value of "w" (parameter) is not finite in epoch 1, step 1; all values before it were finite',
            "w",
        ),
    ],
)  # fmt: skip
def test_the_first_value_that_is_not_finite_is_named(load_graph, nodes, rate, message, node):
    graph = load_graph({"w": {"op": "parameter", "value": 1.0}, **nodes}, loss="L", train={"learning_rate": rate})
    with pytest.raises(ComputationError) as error:
        api.train(graph)
    (problem,) = error.value.problems
    assert (problem.code, problem.message, problem.node) == ("DP702", message, node)
    assert problem.hint == f"a smaller learning rate than {rate:g} may help"


def test_a_graph_without_loss(load_graph):
    with pytest.raises(GraphError, match="the graph has no loss"):
        api.train(load_graph(NODES), FEEDS)


def test_wrong_settings_are_reported_together(line):
    wrong = replace(line.train, epochs=-1, batch_size=0, learning_rate=float("nan"), seed=-1, validation=1, test=-0.1)
    with pytest.raises(GraphError) as error:
        check_settings(wrong)
    assert [problem.message.split('"')[1] for problem in error.value.problems] == [
        "epochs", "batch_size", "learning_rate", "seed", "validation", "test",
    ]  # fmt: skip


def test_samples_that_do_not_fit_the_graph(line):
    with pytest.raises(DataError, match=r'"x" has 23, "y" has 3'):
        api.train(line, {"x": X, "y": Y[:3]})
    with pytest.raises(DataError, match="DP405"):
        api.train(line, {"x": X[:1], "y": Y[:1]}, test=0.5)


def test_evaluation_in_chunks_is_evaluation_at_once(line, monkeypatch):
    from dagprop.train import evaluation

    network = prepare(line)
    data = data_from_arrays(network, FEEDS)
    parameters = api.initial_parameters(line)
    whole = evaluation.evaluate(network, data, parameters)
    monkeypatch.setattr(evaluation, "CHUNK", 4)
    chunked = evaluation.evaluate(network, data, parameters)
    assert chunked.loss == pytest.approx(whole.loss, rel=1e-12)
    assert chunked.samples == 23


def test_accuracy_counts_each_sample_once_whatever_the_chunks(load_graph, monkeypatch):
    graph = load_graph(
        {
            "x": {"op": "input", "shape": ["N", 2]},
            "y": {"op": "input"},
            "L": {"op": "cross_entropy", "inputs": ["x", "y"]},
        },
        loss="L",
    )
    logits = np.array([[1.0, 0], [1, 0], [0, 1], [1, 0], [0, 1], [0, 1], [0, 1]])
    labels = [0, 1, 1, 1, 1, 0, 1]
    network = prepare(graph)
    data = data_from_arrays(network, {"x": logits, "y": labels})
    whole = evaluate(network, data, {})
    monkeypatch.setattr(sys.modules["dagprop.train.evaluation"], "CHUNK", 3)
    cut = evaluate(network, data, {})
    assert whole.accuracy == cut.accuracy == 4 / 7
    assert cut.loss == pytest.approx(whole.loss, rel=1e-14)
