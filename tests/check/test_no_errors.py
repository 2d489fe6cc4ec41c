"""What is different, but no error: kinks, jumps, rounding, numbers that are not finite, inputs without a derivative."""

import math

import numpy as np
import pytest

import dagprop
from dagprop import op

pytestmark = pytest.mark.usefixtures("own_ops")


def parameter(value):
    return {"op": "parameter", "value": np.asarray(value, dtype=float).tolist()}


def check(load_graph, nodes, **keys):
    return dagprop.check_gradients(load_graph(nodes, **keys))


def kinds(done) -> list[tuple[str, str]]:
    return [(finding.kind, finding.input) for finding in done.rules.findings]


def with_slope(slope, name="my_relu"):
    @op(name)
    def forward(xp, x):
        return xp.maximum(x, 0.0)

    @forward.derivative("x")
    def _(xp, x):
        return xp.where(x > 0, 1.0, xp.where(x < 0, 0.0, slope))


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_a_slope_at_a_kink_may_be_any_between_its_sides(load_graph, slope):
    with_slope(slope)
    done = check(load_graph, {"x": parameter([-1.0, 0.0, 2.0]), "y": {"op": "my_relu", "inputs": ["x"]}})
    assert done.ok and kinds(done) == [("kink", "x")]
    found = done.rules.findings[0]
    assert (found.entry, found.count) == ((1,), 1)
    assert (found.left, found.right, found.rule) == pytest.approx((0, 1, slope), abs=1e-9)


@pytest.mark.parametrize("slope", [-0.01, 1.01, 2.0])
def test_a_slope_at_a_kink_must_not_be_outside_of_its_sides(load_graph, slope):
    with_slope(slope)
    done = check(load_graph, {"x": parameter([-1.0, 0.0, 2.0]), "y": {"op": "my_relu", "inputs": ["x"]}})
    assert not done.ok and done.first.entry == (1,)


@pytest.mark.parametrize("distance", [1e-12, 1e-9, 1e-5, 1e-2])
def test_near_a_kink_the_rule_is_checked(load_graph, distance):
    with_slope(0.0)
    point = {"x": parameter([-distance, distance])}
    done = check(load_graph, {**point, "y": {"op": "my_relu", "inputs": ["x"]}})
    assert done.ok and not done.rules.findings
    with_slope_wrong = op("wrong_relu")(_relu)
    with_slope_wrong.derivative("x")(lambda xp, x: xp.where(x > 0, 1.001, 0.0))
    done = check(load_graph, {**point, "y": {"op": "wrong_relu", "inputs": ["x"]}})
    assert [finding.entry for finding in done.rules.failed] == [(1,)]


def _relu(xp, x):
    return xp.maximum(x, 0.0)


TIES = {
    "abs": ({"x": 0.0}, ["x"], [-1, 1]),
    "relu": ({"x": 0.0}, ["x"], [0, 1]),
    "leaky_relu": ({"x": 0.0}, ["x"], [0.01, 1]),
    "maximum": ({"x": 2.0, "z": 2.0, "u": 2.0, "v": 2.0}, ["x", "z", "u", "v"], [0, 1]),
    "minimum": ({"x": 2.0, "z": 2.0}, ["x", "z"], [1, 0]),
    "absolute_error": ({"x": 0.5, "z": 0.5}, ["x", "z"], [-1, 1]),
    "max": ({"x": [1.0, 1.0, 0.5]}, ["x"], None),
}


@pytest.mark.parametrize("name", TIES)
def test_the_kinks_of_the_ops_of_dagprop(load_graph, name):
    values, inputs, sides = TIES[name]
    leaves = {id: parameter(value) for id, value in values.items()}
    done = check(load_graph, {**leaves, "y": {"op": name, "inputs": inputs}})
    assert done.ok
    assert [finding.kind for finding in done.rules.findings] == ["kink"] * len(inputs)
    if sides:
        for finding in done.rules.findings:
            assert (finding.left, finding.right) == pytest.approx(tuple(sides), abs=1e-9)


@pytest.mark.parametrize("x", [0.0, -0.0, 1e-300, 30.0, 40.0, -40.0, 700.0, -700.0])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "gelu", "swish", "elu", "arctan"])
def test_smooth_ops_have_no_kink_at_0_and_pass_where_they_saturate(load_graph, name, x):
    done = check(load_graph, {"x": parameter([x, 0.5]), "y": {"op": name, "inputs": ["x"]}})
    assert done.ok
    assert {finding.kind for finding in done.rules.findings} <= {"rounding"}


def test_kinks_that_cancel_in_the_whole_graph_are_no_error(load_graph):
    """relu(x) - relu(-x) is x, but back-propagation gives 0 at 0."""
    nodes = {
        "x": parameter(0.0),
        "n": {"op": "negative", "inputs": ["x"]},
        "a": {"op": "relu", "inputs": ["x"]},
        "b": {"op": "relu", "inputs": ["n"]},
        "L": {"op": "subtract", "inputs": ["a", "b"]},
    }
    done = check(load_graph, nodes, loss="L")
    assert done.ok
    found = done.network.findings[0]
    assert (found.kind, found.rule) == ("kink", 0.0)
    assert found.numeric == pytest.approx(1.0)


def test_a_jump_has_no_derivative(load_graph):
    nodes = {
        "c": parameter([0.0, 1.0]),
        "t": parameter([1.0, 2.0]),
        "o": parameter([3.0, 4.0]),
        "y": {"op": "where", "inputs": ["c", "t", "o"]},
    }
    done = check(load_graph, nodes)
    assert done.ok and kinds(done) == [("jump", "condition")]
    assert done.rules.findings[0].entry == (0,)


def test_a_straight_through_rule_is_no_derivative(load_graph):
    @op("rounded")
    def forward(xp, x):
        return xp.round(x)

    @forward.derivative("x")
    def _():
        return 1

    done = check(load_graph, {"x": parameter([0.2, 1.7]), "y": {"op": "rounded", "inputs": ["x"]}})
    assert not done.ok and done.first.hint == "the output does not change with this input"


def test_class_indices_are_not_checked(load_graph):
    nodes = {
        "z": parameter([[0.1, 0.5, -0.2], [1.0, 0.0, 0.3]]),
        "t": {"op": "constant", "value": [2, 0]},
        "e": {"op": "cross_entropy", "inputs": ["z", "t"]},
        "L": {"op": "mean", "inputs": ["e"]},
    }
    done = check(load_graph, nodes, loss="L")
    assert done.ok
    assert [(item.node, item.input) for item in done.unchecked] == [("e", "target")]
    assert "class index" in done.unchecked[0].reason


def test_an_input_without_a_rule_is_not_checked(load_graph):
    @op("gated")
    def forward(x, gate):
        return x * gate

    @forward.derivative("x")
    def _(gate):
        return gate

    nodes = {"x": parameter(2.0), "g": {"op": "constant", "value": 3.0}, "L": {"op": "gated", "inputs": ["x", "g"]}}
    done = check(load_graph, nodes, loss="L")
    assert done.ok
    assert [(item.input, item.reason) for item in done.unchecked] == [("gate", "the op has no derivative rule for it")]
    assert done.network.subjects == 1
    done = check(load_graph, {**nodes, "g": parameter(3.0)}, loss="L")
    assert done.ok and done.network is None
    assert 'op "gated" has no derivative rule for its input "gate"' in done.network_missing


NOT_FINITE = {
    "sqrt": (0.0, "no limit"),
    "log": (0.0, "a value is not finite there"),
    "reciprocal": (0.0, "a value is not finite there"),
}


@pytest.mark.parametrize("name", NOT_FINITE)
def test_what_is_not_finite_is_reported_and_is_no_error(load_graph, name):
    x, reason = NOT_FINITE[name]
    done = check(load_graph, {"x": parameter([x, 2.0]), "y": {"op": name, "inputs": ["x"]}})
    assert done.ok and kinds(done) == [("not finite", "x")]
    found = done.rules.findings[0]
    assert found.entry == (0,) and reason in found.hint


def test_a_power_of_a_negative_base_has_no_slope_in_its_exponent(load_graph):
    nodes = {"b": parameter(-2.0), "e": parameter(3.0), "y": {"op": "power", "inputs": ["b", "e"]}}
    done = check(load_graph, nodes)
    assert done.ok and kinds(done) == [("not finite", "exponent")]
    assert "beside" in done.rules.findings[0].hint


def test_a_rule_that_gives_nan_where_there_is_a_derivative_fails(load_graph):
    @op("powers")
    def forward(x):
        return x * x

    @forward.derivative("x")
    def _(x):
        return x * x / x * 2  # 0/0 at 0

    done = check(load_graph, {"x": parameter([0.0, 1.0]), "y": {"op": "powers", "inputs": ["x"]}})
    assert not done.ok
    first = done.first
    assert (first.kind, first.entry, first.numeric) == ("not finite", (0,), 0.0)
    assert math.isnan(first.rule)


def differences_only(name, derivative):
    """An op whose forward rule does not work on complex numbers: abs of a complex number is its modulus."""

    @op(name)
    def forward(xp, x):
        return abs(x) * xp.exp(x / 3)

    forward.derivative("x")(derivative)


def right(xp, x):
    return (xp.sign(x) + abs(x) / 3) * xp.exp(x / 3)


def test_differences_where_the_complex_step_does_not_work(load_graph):
    differences_only("fold", right)
    differences_only("fold_wrong", lambda xp, x: 1.001 * right(xp, x))
    points = [-700.0, -2.5, -1e-3, -1e-8, 1e-6, 0.2, 5.0, 1000.0]
    done = check(load_graph, {"x": parameter(points), "y": {"op": "fold", "inputs": ["x"]}})
    assert done.ok and not done.rules.findings
    done = check(load_graph, {"x": parameter(points), "y": {"op": "fold_wrong", "inputs": ["x"]}})
    assert done.first.count == len(points)
    done = check(load_graph, {"x": parameter([0.0]), "y": {"op": "fold", "inputs": ["x"]}})
    assert done.ok and kinds(done) == [("kink", "x")]


def test_a_forward_rule_with_random_results_is_not_checked(load_graph):
    generator = np.random.default_rng(0)

    @op("noisy")
    def forward(xp, x):
        return x + (generator.normal() if isinstance(x, np.ndarray) else 0.0)

    @forward.derivative("x")
    def _():
        return 1

    done = check(
        load_graph,
        {"x": parameter([1.0, 2.0]), "y": {"op": "noisy", "inputs": ["x"]}, "L": {"op": "sum", "inputs": ["y"]}},
        loss="L",
    )
    assert done.ok and not done.rules.findings
    assert [item.node for item in done.unchecked] == ["y"]
    assert "another result each time" in done.unchecked[0].reason and done.network is None


def test_a_value_that_is_not_finite_is_nobodys_fault(load_graph):
    nodes = {
        "x": parameter([0.0, 1.0]),
        "a": {"op": "log", "inputs": ["x"]},
        "b": {"op": "exp", "inputs": ["a"]},
    }
    done = check(load_graph, nodes)
    assert done.ok
    assert [(found.kind, found.node) for found in done.rules.findings] == [("not finite", "a"), ("not finite", "b")]
    assert all(found.hint == "a value is not finite there" for found in done.rules.findings)


def test_a_tolerance_below_rounding_finds_no_errors(load_graph):
    x = np.random.default_rng(0).normal(size=(3, 3))
    nodes = {
        "x": parameter(x),
        "m": {"op": "matmul", "inputs": ["x", "x"]},
        "t": {"op": "tanh", "inputs": ["m"]},
        "a": {"op": "add", "inputs": ["t", "x"]},
        "L": {"op": "mean", "inputs": ["a"]},
    }
    done = dagprop.check_gradients(load_graph(nodes, loss="L"), tolerance=1e-20)
    assert done.ok


def test_float32_is_checked_in_float64_and_its_rounding_is_said(load_graph):
    nodes = {
        "w": parameter([0.1, 0.2]),
        "h": {"op": "sin", "inputs": ["w"]},
        "L": {"op": "mean", "inputs": ["h"]},
    }
    done = check(load_graph, nodes, loss="L", dtype="float32")
    assert done.ok and done.rules.largest.relative < 1e-12
    assert 0 < done.rounding < 1e-6
    assert check(load_graph, nodes, loss="L").rounding is None


def test_sums_that_cancel_are_rounding(load_graph):
    """Softmax adds up to 1 whatever its input: the true gradient of the sum is 0, the computed one 1e-17."""
    x = np.random.default_rng(0).normal(size=(4, 5))
    nodes = {
        "x": parameter(x),
        "s": {"op": "softmax", "inputs": ["x"]},
        "L": {"op": "sum", "inputs": ["s"]},
    }
    done = check(load_graph, nodes, loss="L")
    assert done.ok and not done.rules.findings
    assert {finding.kind for finding in done.network.findings} <= {"rounding"}


def test_what_is_not_trained_is_no_part_of_the_whole_graph(load_graph):
    nodes = {
        "x": {"op": "input", "value": 2.0},
        "w": parameter(3.0),
        "fixed": {**parameter(1.0), "trainable": False},
        "s": {"op": "state", "value": 0.5},
        "a": {"op": "affine", "inputs": ["w", "x", "fixed"]},
        "L": {"op": "multiply", "inputs": ["a", "s", "s"]},
    }
    done = check(load_graph, nodes, loss="L")
    assert done.ok and done.network.subjects == 1
    assert done.rules.subjects == 6  # w, x, b; and s twice


def test_without_a_loss_or_parameters_the_rules_are_checked(load_graph):
    nodes = {"x": {"op": "constant", "value": 2.0}, "y": {"op": "exp", "inputs": ["x"]}}
    done = check(load_graph, nodes)
    assert done.ok and (done.rules.subjects, done.network) == (1, None)
    assert done.network_missing == "the graph has no loss"
    assert "no parameter" in check(load_graph, nodes, loss="y").network_missing
    assert check(load_graph, {"x": {"op": "constant", "value": 2.0}}).rules.subjects == 0


def test_the_same_seed_gives_the_same_check(load_graph):
    x = np.random.default_rng(0).normal(size=(20, 20))
    graph = load_graph({"x": parameter(x), "s": {"op": "softmax", "inputs": ["x"]}})
    first, second, other = (dagprop.check_gradients(graph, seed=seed) for seed in (1, 1, 2))
    assert first == second != other


def test_a_chain_of_10_000_nodes_is_checked_without_recursion(load_graph):
    nodes = {"h0": parameter(0.5)}
    for number in range(1, 10_000):
        nodes[f"h{number}"] = {"op": "sin" if number % 2 else "tanh", "inputs": [f"h{number - 1}"]}
    done = check(load_graph, nodes, loss="h9999")
    assert done.ok and done.rules.subjects == 9_999


@pytest.mark.parametrize("settings", [{"tolerance": 0}, {"tolerance": "x"}, {"samples": 0}, {"samples": 1.5}])
def test_settings_out_of_range_are_refused(load_graph, settings):
    graph = load_graph({"x": parameter(1.0)})
    with pytest.raises(dagprop.GraphError, match="DP011"):
        dagprop.check_gradients(graph, **settings)
