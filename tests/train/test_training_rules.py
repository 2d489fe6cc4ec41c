"""The worked examples of plugins, by numbers that are worked out by hand, or written as their sources have them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import dagprop
from dagprop.errors import ComputationError, GraphError
from dagprop.ops.plugins import load_plugin
from dagprop.train.initializers import initialize
from dagprop.train.rates import learning_rates
from tests.ops.samples import PLUGINS

BACKENDS = ("reference", "compiled")


@pytest.fixture(autouse=True)
def plugins(own_ops):
    for path in PLUGINS:
        load_plugin(str(path))


def slope(load_graph, factor):
    """Return a graph whose loss is a factor times w, so that the gradient is always that."""
    nodes = {
        "w": {"op": "parameter", "value": 2.0},
        "c": {"op": "constant", "value": factor},
        "L": {"op": "multiply", "inputs": ["w", "c"]},
    }
    return load_graph(nodes, loss="L")


def bowl(load_graph, start, target, dtype="float64"):
    """Return a graph with the gradient w - t."""
    nodes = {
        "w": {"op": "parameter", "value": start},
        "t": {"op": "constant", "value": target},
        "e": {"op": "half_squared_error", "inputs": ["w", "t"]},
        "L": {"op": "sum", "inputs": ["e"]},
    }
    return load_graph(nodes, loss="L", dtype=dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("factor", [3.0, -0.001])
def test_adam_goes_on_by_the_learning_rate_where_the_gradient_stays(load_graph, factor, backend):
    """Then mean/(1 - β₁ᵗ) is the gradient g in every step, and the other root its size: each step is η g/(|g| + ε)."""
    result = dagprop.train(slope(load_graph, factor), optimizer="adam", learning_rate=0.25, epochs=5, backend=backend)
    expected = 2.0 - 5 * 0.25 * factor / (abs(factor) + 1e-8)
    assert result.parameters["w"] == pytest.approx(expected, rel=1e-13)


def adam_of_the_paper(w, targets, steps, rate, beta1, beta2, epsilon):
    """Kingma and Ba (2015), section 2: with the corrections in the step size, number by number in plain Python."""
    m, v = [0.0] * len(w), [0.0] * len(w)
    for t in range(1, steps + 1):
        correction = math.sqrt(1 - beta2**t)
        size = rate * correction / (1 - beta1**t)
        for i, target in enumerate(targets):
            g = w[i] - target
            m[i] += (1 - beta1) * (g - m[i])
            v[i] += (1 - beta2) * (g * g - v[i])
            w[i] -= size * m[i] / (math.sqrt(v[i]) + epsilon * correction)
    return w


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("beta1", "beta2", "epsilon"), [(0.9, 0.999, 1e-8), (0.5, 0.9, 0.01), (0.0, 0.99, 1e-8)])
def test_adam_is_that_of_the_paper(load_graph, beta1, beta2, epsilon, backend):
    start, target = [1.5, -0.75, 0.3], [0.5, 0.25, 0.3001]
    choice = {"name": "adam", "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    graph = bowl(load_graph, start, target)
    result = dagprop.train(graph, optimizer=choice, learning_rate=0.03, epochs=60, backend=backend)
    expected = adam_of_the_paper(list(start), target, 60, 0.03, beta1, beta2, epsilon)
    np.testing.assert_allclose(result.parameters["w"], expected, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_corrections_of_adam_are_exact_in_float32(load_graph, backend):
    """1 - 0.999 in float32 would keep four digits, and the first step would be wrong in the fifth."""
    graph = bowl(load_graph, [1.0, 2.0], [0.0, 0.0], "float32")
    result = dagprop.train(graph, optimizer="adam", learning_rate=0.5, epochs=1, backend=backend)
    np.testing.assert_allclose(result.parameters["w"], [0.5, 1.5], rtol=2e-7)


@pytest.mark.parametrize("backend", BACKENDS)
def test_momentum_adds_up_a_geometric_series(load_graph, backend):
    choice = {"name": "momentum", "momentum": 0.5}
    result = dagprop.train(slope(load_graph, 4.0), optimizer=choice, learning_rate=0.125, epochs=4, backend=backend)
    # The velocities are 4, 6, 7 and 7.5.
    assert result.parameters["w"] == 2.0 - 0.125 * (4 + 6 + 7 + 7.5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_steps_are_counted_over_epochs_and_batches(load_graph, backend):
    @dagprop.optimizer("counting")
    def counting(parameter, gradient, *, step):
        return parameter + step + 0 * gradient

    nodes = {
        "x": {"op": "input"},
        "w": {"op": "parameter", "value": 0.0},
        "L": {"op": "multiply", "inputs": ["w", "x"]},
    }
    result = dagprop.train(
        load_graph(nodes, loss="L"), {"x": [1.0] * 7}, optimizer="counting", epochs=3, batch_size=3, backend=backend
    )
    assert result.parameters["w"] == sum(range(1, 10))


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_an_optimiser_remembers_is_no_result(load_graph, backend):
    seen = []
    result = dagprop.train(
        bowl(load_graph, [1.0], [0.0]), optimizer="adam", epochs=2, backend=backend, on_variables=seen.append
    )
    assert all(variables.keys() == {"w"} for variables in (result.parameters, *seen))


def test_a_rule_cannot_write_into_what_it_is_given(load_graph):
    @dagprop.optimizer("writing")
    def writing(parameter, gradient, *, learning_rate):
        parameter -= learning_rate * gradient
        return parameter

    start = np.array([1.0, 2.0])
    with pytest.raises(ComputationError, match="may not change its arguments, write x = x"):
        dagprop.train(
            bowl(load_graph, [1.0, 2.0], [0.0, 0.0]), parameters={"w": start}, optimizer="writing", backend="reference"
        )
    assert start.tolist() == [1.0, 2.0]


def test_a_rule_that_cannot_be_recorded_is_run_by_the_reference(load_graph, caplog):
    @dagprop.optimizer("deciding")
    def deciding(parameter, gradient, *, learning_rate):
        return parameter - learning_rate * gradient if abs(gradient[0]) > 0.5 else parameter

    graph = bowl(load_graph, [1.0, 2.0], [0.0, 0.0])
    with caplog.at_level("INFO", logger="dagprop"):
        result = dagprop.train(graph, optimizer="deciding", learning_rate=0.5, epochs=3)
    said = 'reference (NumPy, step by step), because the rule of the optimizer "deciding" cannot be recorded: TypeError'
    assert said in caplog.text
    assert result.parameters["w"].tolist() == [0.5, 1.0]
    with pytest.raises(dagprop.PluginError, match='the rule of the optimizer "deciding" cannot be recorded') as caught:
        dagprop.train(graph, optimizer="deciding", backend="compiled")
    problem = caught.value.problems[0]
    assert (problem.code, problem.line) == ("DP503", deciding.place[1] + 2)  # where it decides


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        (lambda parameter, gradient: 1 / 0, "DP701", "failed: ZeroDivisionError"),
        (lambda parameter, gradient: parameter.sum(), "DP703", r"of shape \(\) for a parameter of shape \(2,\)"),
        (lambda parameter, gradient: "new", "DP703", "that is no array"),
        (lambda parameter, gradient, m: parameter, "DP701", "returns 1 value instead of the new .* and the new m"),
        (lambda parameter, gradient: (parameter, gradient), "DP701", "returns 2 values instead of the new parameter"),
        (lambda parameter, gradient: parameter / 0, "DP702", 'the updated value of "w"'),
        (lambda parameter, gradient, m: (parameter, m + np.inf), "DP702", 'the m of "w" \\(parameter\\) is not finite'),
    ],
)  # fmt: skip
def test_a_rule_that_fails_is_named(load_graph, rule, code, message):
    dagprop.optimizer("bad")(rule)
    with pytest.raises(dagprop.ComputationError, match=message) as caught:
        dagprop.train(bowl(load_graph, [1.0, 2.0], [0.0, 0.0]), optimizer="bad", epochs=1)
    assert (caught.value.problems[0].code, caught.value.problems[0].node) == (code, "w")


def settings(load_graph, schedule, epochs, rate):
    return load_graph(
        {"L": {"op": "parameter", "value": 1.0}},
        loss="L",
        train={"schedule": schedule, "epochs": epochs, "learning_rate": rate},
    ).train


def test_cosine_goes_down_half_a_wave(load_graph):
    root = math.sqrt(0.5)
    expected = [0.1, 0.05 * (1 + root), 0.05, 0.05 * (1 - root)]
    np.testing.assert_allclose(learning_rates(settings(load_graph, "cosine", 4, 0.1)), expected, rtol=1e-14)
    choice = {"name": "cosine", "floor": 0.02}
    assert learning_rates(settings(load_graph, choice, 2, 0.1)) == pytest.approx([0.1, 0.06])
    assert learning_rates(settings(load_graph, "constant", 3, 0.1)) == [0.1] * 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_epoch_has_its_learning_rate(load_graph, backend):
    graph = slope(load_graph, 1.0)
    result = dagprop.train(graph, schedule="cosine", learning_rate=0.5, epochs=3, backend=backend)
    rates = [0.5, 0.375, 0.125]  # (1 + cos(π/3))/2 is 3/4, and (1 + cos(2π/3))/2 is 1/4
    assert [record.learning_rate for record in result.history] == pytest.approx(rates)
    assert result.parameters["w"] == pytest.approx(2.0 - sum(rates))
    assert dagprop.train(graph, epochs=1).history[0].learning_rate is None


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        (lambda epoch: -1, "DP703", 'the schedule "bad" gives -1 for epoch 1'),
        (lambda epoch: math.inf, "DP703", "gives inf for epoch 1"),
        (lambda epoch: 10**400, "DP703", "for epoch 1: not a finite number"),
        (lambda epoch: "0.1", "DP703", "gives a str for epoch 1"),
        (lambda epoch, epochs: 1 / (epochs - epoch), "DP701", "failed for epoch 3: ZeroDivisionError"),
    ],
)
def test_a_schedule_that_gives_no_rate_is_named_before_any_work(load_graph, rule, code, message):
    dagprop.schedule("bad")(rule)
    with pytest.raises(ComputationError, match=message) as caught:
        dagprop.train(slope(load_graph, 1.0), schedule="bad", epochs=3, on_epoch=pytest.fail)
    assert caught.value.problems[0].code == code


REGRESSION = {
    "x": {"op": "input", "shape": ["N", 1]},
    "y": {"op": "input", "shape": ["N", 1]},
    "w": {"op": "parameter", "value": [[1.0]]},
    "p": {"op": "matmul", "inputs": ["x", "w"]},
    "e": {"op": "half_squared_error", "inputs": ["p", "y"]},
    "L": {"op": "mean", "inputs": ["e"]},
}
DATA = {"x": [[1.0], [2.0], [3.0], [4.0], [5.0]], "y": [[1.5], [2.0], [2.0], [8.0], [5.25]]}
"""With w = 1, the predictions are off by -0.5, 0, 1, -4 and -0.25."""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_a_metric_is_the_mean_over_all_samples(load_graph, batch_size, backend):
    @dagprop.metric("largest_error")
    def largest_error(xp, prediction, target):
        return xp.max(xp.abs(prediction - target))

    @dagprop.optimizer("still")
    def still(parameter, gradient):
        return parameter + 0 * gradient

    names = ["mean_absolute_error", "largest_error"]
    result = dagprop.train(
        load_graph(REGRESSION, loss="L"), DATA, metrics=names, optimizer="still", batch_size=batch_size, epochs=1,
        backend=backend,
    )  # fmt: skip
    (record,) = result.history
    assert record.metrics == {"mean_absolute_error": 5.75 / 5, "largest_error": 4.0}
    assert record.measures() == {"loss": pytest.approx(record.loss), **record.metrics}


@pytest.mark.parametrize("backend", BACKENDS)
def test_metrics_of_validation_and_test(load_graph, backend):
    result = dagprop.train(
        load_graph(REGRESSION, loss="L"), DATA, metrics=["mean_absolute_error"], epochs=2, validation=0.4, test=0.2,
        learning_rate=1e-9, shuffle=False, backend=backend,
    )  # fmt: skip
    record = result.history[-1]
    errors = [record.metrics["mean_absolute_error"]] * 2 + [record.validation_metrics["mean_absolute_error"]] * 2
    assert sum(errors) + result.test.metrics["mean_absolute_error"] == pytest.approx(5.75, rel=1e-6)
    assert list(record.measures()) == [
        "loss",
        "mean_absolute_error",
        "validation_loss",
        "validation_mean_absolute_error",
    ]


def test_a_metric_needs_one_prediction_and_one_target(load_graph):
    with pytest.raises(GraphError, match="need a prediction and its target, and the loss compares no such pairs"):
        dagprop.train(slope(load_graph, 1.0), metrics=["mean_absolute_error"])
    two = {
        **REGRESSION,
        "e2": {"op": "half_squared_error", "inputs": ["p", "x"]},
        "both": {"op": "add", "inputs": ["e", "e2"]},
        "L": {"op": "mean", "inputs": ["both"]},
    }
    with pytest.raises(GraphError, match="compares 2 such pairs"):
        dagprop.train(load_graph(two, loss="L"), DATA, metrics=["mean_absolute_error"])


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        (lambda prediction, target: prediction @ target, "DP701", r"failed for a prediction of shape \(5, 1\)"),
        (lambda prediction, target: None, "DP703", "gives no numbers: it returned NoneType"),
        (lambda prediction, target: prediction[:0], "DP703", "an array without numbers"),
    ],
)
def test_a_metric_that_fails_is_named(load_graph, rule, code, message):
    dagprop.metric("bad")(rule)
    with pytest.raises(ComputationError, match=message) as caught:
        dagprop.train(load_graph(REGRESSION, loss="L"), DATA, metrics=["bad"], epochs=1)
    assert caught.value.problems[0].code == code


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 2, 3), (1, 7)])
def test_orthogonal_rows_or_columns(shape):
    gain = 1.5
    values = initialize({"name": "orthogonal", "gain": gain}, shape, np.random.default_rng(1)).reshape(-1, shape[-1])
    few = values if len(values) <= shape[-1] else values.T
    np.testing.assert_allclose(few @ few.T, gain**2 * np.eye(len(few)), atol=1e-13)


def test_an_initializer_of_a_plugin_starts_a_parameter(load_graph):
    nodes = {
        "w": {"op": "parameter", "shape": [3, 3], "init": {"name": "orthogonal", "gain": 2}},
        "L": {"op": "sum", "inputs": ["w"]},
    }
    w = dagprop.initial_parameters(load_graph(nodes, loss="L"), seed=3)["w"]
    np.testing.assert_allclose(w @ w.T, 4 * np.eye(3), atol=1e-13)


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        (lambda shape, random: random.normal(size=3), "DP703", r"shape \(3,\) for the shape \(2, 2\)"),
        (lambda shape: shape[7], "DP701", r'the initializer "bad" failed for the shape \(2, 2\): IndexError'),
        (lambda shape: np.full(shape, "a"), "DP703", "an array of <U1"),
        (lambda shape: [[1.0], [2.0, 3.0]], "DP703", r"gives no array for the shape \(2, 2\)"),
    ],
)
def test_an_initializer_that_fails_is_named_with_the_node(load_graph, rule, code, message):
    dagprop.initializer("bad")(rule)
    nodes = {"w": {"op": "parameter", "shape": [2, 2], "init": "bad"}, "L": {"op": "sum", "inputs": ["w"]}}
    with pytest.raises(ComputationError, match=message) as caught:
        dagprop.initial_parameters(load_graph(nodes, loss="L"))
    assert (caught.value.problems[0].code, caught.value.problems[0].node) == (code, "w")
