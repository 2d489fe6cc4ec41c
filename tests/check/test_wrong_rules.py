"""Rules that are wrong in the ways in which people get them wrong: each is named, with its numbers."""

import math

import numpy as np
import pytest

import dagprop
from dagprop import op

pytestmark = pytest.mark.usefixtures("own_ops")


def parameter(value, **keys):
    return {"op": "parameter", "value": np.asarray(value, dtype=float).tolist(), **keys}


def check(load_graph, nodes, loss="L", **settings):
    return dagprop.check_gradients(load_graph(nodes, **({"loss": loss} if loss else {})), **settings)


def swish(derivative):
    @op("my_swish")
    def forward(xp, x, *, beta=1.0):
        return x / (1 + xp.exp(-beta * x))

    forward.derivative("x")(derivative)


def right_swish(xp, x, y, beta):
    s = 1 / (1 + xp.exp(-beta * x))
    return s + beta * y * (1 - s)


def swish_by_hand(x, beta):
    s = 1 / (1 + math.exp(-beta * x))
    return s + beta * x * s * (1 - s)


SWISHES = {
    "sign": (lambda xp, x, y, beta: -right_swish(xp, x, y, beta), "the sign is wrong"),
    "twice": (lambda xp, x, y, beta: 2 * right_swish(xp, x, y, beta), "the rule gives 2 times the derivative"),
    "nothing": (lambda xp, x, y, beta: 0 * x, "the rule gives 0, as if the output did not depend on this input"),
    "forgets-beta": (lambda xp, x, y: right_swish(xp, x, y, 1.0), ""),
    "forgets-y": (lambda xp, x, y, beta: right_swish(xp, x, 0 * y, beta), ""),
    "only-above-2": (lambda xp, x, y, beta: right_swish(xp, x, y, beta) * xp.where(x > 2, 1.001, 1.0), ""),
}


@pytest.mark.parametrize("mistake", SWISHES)
def test_a_wrong_local_derivative(load_graph, mistake):
    rule, hint = SWISHES[mistake]
    swish(rule)
    x = [-1.2, 0.4, 2.1]
    nodes = {
        "x": parameter(x),
        "y": {"op": "my_swish", "inputs": ["x"], "beta": 2},
        "L": {"op": "sum", "inputs": ["y"]},
    }
    done = check(load_graph, nodes)
    assert not done.ok and len(done.rules.failed) == 1
    first = done.first
    assert (first.node, first.op, first.input, first.source) == ("y", "my_swish", "x", "x")
    assert first.entry == first.output
    assert first.numeric == pytest.approx(swish_by_hand(x[first.entry[0]], 2), rel=1e-8)
    assert first.rule != pytest.approx(first.numeric, rel=1e-4)
    assert first.relative == pytest.approx(
        abs(first.rule - first.numeric) / max(abs(first.rule), abs(first.numeric)), rel=1e-6
    )
    assert "test_wrong_rules.py:" in first.place
    if hint:
        assert first.hint == hint
    if mistake == "only-above-2":
        assert first.entry == (2,)
        assert first.count == 1


def test_the_first_wrong_node_is_the_cause_and_not_its_consequences(load_graph):
    swish(lambda xp, x, y, beta: 1.001 * right_swish(xp, x, y, beta))
    nodes = {
        "x": parameter(0.3),
        "a": {"op": "sin", "inputs": ["x"]},
        "b": {"op": "my_swish", "inputs": ["a"]},
        "c": {"op": "cos", "inputs": ["b"]},
        "d": {"op": "my_swish", "inputs": ["c"]},
        "L": {"op": "multiply", "inputs": ["d", "b"]},
    }
    done = check(load_graph, nodes)
    assert [finding.node for finding in done.rules.failed] == ["b", "d"]
    assert done.first.node == "b"
    assert [finding.source for finding in done.network.failed] == ["x"]


def test_the_derivative_of_another_input_is_recognised(load_graph):
    @op("ratio")
    def ratio(a, b):
        return a / b

    @ratio.derivative("a", "b")
    def _(a, b):
        return -a / b**2

    nodes = {
        "p": parameter([1.0, 2.0]),
        "q": parameter([3.0, 0.5]),
        "r": {"op": "ratio", "inputs": ["p", "q"]},
        "L": {"op": "sum", "inputs": ["r"]},
    }
    first = check(load_graph, nodes).first
    assert (first.input, first.source) == ("a", "p")
    assert first.hint == "the rule gives the derivative by another input: by q"


def product(left, right):
    @op("product")
    def forward(xp, a, b):
        return xp.matmul(a, b)

    forward.pullback("a")(left)
    forward.pullback("b")(right)


def right_left(xp, g, b):
    return xp.matmul(g, xp.matrix_transpose(b))


def right_right(xp, g, a):
    return xp.matmul(xp.matrix_transpose(a), g)


A = np.arange(1.0, 10.0).reshape(3, 3) / 3
B = np.cos(np.arange(9.0)).reshape(3, 3)
PRODUCT = {"A": parameter(A), "B": parameter(B), "y": {"op": "product", "inputs": ["A", "B"]}}
PULLBACKS = {
    "transposed": (lambda xp, g, b: xp.matmul(g, b), right_right, "a"),
    "forgets-g": (lambda xp, g, b: xp.matmul(xp.ones_like(g), xp.matrix_transpose(b)), right_right, "a"),
    "result-transposed": (right_left, lambda xp, g, a: xp.matrix_transpose(right_right(xp, g, a)), "b"),
    "a-thousandth": (right_left, lambda xp, g, a: 1.001 * right_right(xp, g, a), "b"),
    "square-of-g": (right_left, lambda xp, g, a: right_right(xp, g * g, a), "b"),
}


@pytest.mark.parametrize("mistake", PULLBACKS)
def test_a_wrong_pullback(load_graph, mistake):
    left, right, name = PULLBACKS[mistake]
    product(left, right)
    done = check(load_graph, PRODUCT, loss=None)
    assert [finding.input for finding in done.rules.failed] == [name]
    first = done.first
    if first.output is not None:  # ∂y[i, j]/∂A[m, n], worked out by hand
        (i, j), (m, n) = first.output, first.entry
        by_hand = {"a": (i == m) * B[n, j], "b": (j == n) * A[i, m]}[name]
        assert first.numeric == pytest.approx(by_hand, rel=1e-9, abs=1e-12)
        assert first.rule != pytest.approx(by_hand, rel=1e-4)


def test_a_rule_whose_result_has_the_wrong_shape(load_graph):
    product(lambda xp, g, b: xp.matmul(g, b)[:, :2], right_right)
    done = check(load_graph, PRODUCT | {"L": {"op": "sum", "inputs": ["y"]}})
    assert not done.ok
    assert "gives shape (3, 2); its input has shape (3, 3)" in done.first.hint
    assert done.network is None
    assert done.network_missing == "a rule gives no gradient to check"


def test_a_rule_that_fails(load_graph):
    swish(lambda x: 1 / 0)
    done = check(load_graph, {"x": parameter(1.0), "L": {"op": "my_swish", "inputs": ["x"]}})
    assert not done.ok and "ZeroDivisionError" in done.first.hint


def test_an_op_that_is_not_elementwise_has_no_local_derivative(load_graph):
    @op("my_softmax")
    def forward(xp, x):
        e = xp.exp(x)
        return e / xp.sum(e)

    @forward.derivative("x")
    def _(y):
        return y * (1 - y)

    done = check(load_graph, {"x": parameter([0.1, 0.5, -1.0]), "y": {"op": "my_softmax", "inputs": ["x"]}}, loss=None)
    assert not done.ok


def test_a_local_derivative_that_is_larger_than_the_output(load_graph):
    @op("first")
    def forward(xp, x):
        return xp.sum(x)

    @forward.derivative("x")
    def _(x):
        return 2 * x

    done = check(load_graph, {"x": parameter([0.1, 0.5]), "y": {"op": "first", "inputs": ["x"]}}, loss=None)
    assert not done.ok


def test_several_outputs(load_graph):
    def declare(name, factor):
        @op(name)
        def forward(xp, x, z):
            return xp.sin(x) * z, x * x

        @forward.pullback("x")
        def _(xp, g, x, z):
            return g[0] * xp.cos(x) * z + factor * g[1] * x

        @forward.pullback("z")
        def _(xp, g, x):
            return g[0] * xp.sin(x)

    declare("both", 2)
    declare("both_wrong", 2.002)
    leaves = {"x": parameter([0.3, 0.7]), "z": parameter([1.5, -0.4])}
    for name, wrong in (("both", []), ("both_wrong", [("y", "x")])):
        nodes = {
            **leaves,
            "y": {"op": name, "inputs": ["x", "z"]},
            "m": {"op": "multiply", "inputs": ["y", "y:1"]},
            "L": {"op": "sum", "inputs": ["m"]},
        }
        done = check(load_graph, nodes)
        assert [(finding.node, finding.input) for finding in done.rules.failed] == wrong
        assert done.ok == (not wrong)


def test_one_wrong_input_of_very_many(load_graph):
    @op("total")
    def forward(xp, *xs):
        return sum(xs)

    @forward.derivative("xs")
    def _(xs):
        return tuple(1.001 if number == 123 else 1.0 for number in range(len(xs)))

    count = 300
    leaves = {f"x{number}": parameter(math.sin(number)) for number in range(count)}
    done = check(load_graph, {**leaves, "L": {"op": "total", "inputs": list(leaves)}})
    assert [(finding.input, finding.source) for finding in done.rules.failed] == [("xs[123]", "x123")]
    assert done.rules.subjects == count


@pytest.mark.parametrize("numbers", ["complex step", "central differences"])
def test_one_wrong_entry_of_very_many(load_graph, numbers):
    @op("scaled")
    def forward(xp, x):
        result = xp.exp(xp.sum(x * x, axis=1) / 100)
        return result if numbers == "complex step" else result * xp.erf(1.0 + 0 * result)

    @forward.pullback("x")
    def _(xp, g, x, y):
        gradient = g[:, None] * y[:, None] * x / 50
        row, column = xp.one_hot(xp.full_like(g[0], 71), 100), xp.one_hot(xp.full_like(g[0], 3), 60)
        return gradient * (1 + 0.001 * row[:, None] * column)

    x = np.random.default_rng(1).normal(size=(100, 60))
    done = check(load_graph, {"x": parameter(x), "y": {"op": "scaled", "inputs": ["x"]}}, loss=None)
    first = done.first
    assert (first.entry, first.output, first.count) == ((71, 3), (71,), 1)
    assert first.method == numbers
    assert first.relative == pytest.approx(1e-3, rel=0.01)
    assert done.rules.entries < 30 and done.rules.total == 6000
    every = check(load_graph, {"x": parameter(x[:, :5]), "y": {"op": "exp", "inputs": ["x"]}}, loss=None, samples=None)
    assert every.ok and every.rules.entries == 500


def test_kinks_do_not_hide_a_wrong_entry_of_very_many(load_graph):
    @op("largest")
    def forward(xp, x):
        return xp.max(x, axis=1)

    @forward.pullback("x")
    def _(xp, g, x, y):
        chosen = xp.where(x == y[:, None], 1.0, 0.0)
        gradient = (g / xp.sum(chosen, axis=1))[:, None] * chosen
        return gradient * (1 + 0.001 * xp.one_hot(xp.full_like(g[0], 71), 100)[:, None])

    x = np.random.default_rng(1).normal(size=(100, 60))
    x[5, :3] = 9.0  # three equal ones
    done = check(load_graph, {"x": parameter(x), "y": {"op": "largest", "inputs": ["x"]}}, loss=None, samples=1)
    assert done.first.entry == (71, int(x[71].argmax()))
    assert {finding.kind for finding in done.rules.findings} == {"wrong", "kink"}


def test_a_gradient_that_the_engine_loses_is_found_by_the_whole_graph(load_graph, monkeypatch):
    """All rules are right, but one use of a value is left out of the sum."""
    import dataclasses

    from dagprop.check import network

    whole = network.plan

    def forgetful(*arguments):
        steps = whole(*arguments)
        kept = tuple(step for step in steps.backward if (step.node, step.target) != ("a", "w"))
        return dataclasses.replace(steps, backward=kept)

    monkeypatch.setattr(network, "plan", forgetful)
    nodes = {
        "v": parameter(np.ones((8, 8))),
        "w": parameter(np.full((8, 8), 0.3)),
        "a": {"op": "sin", "inputs": ["w"]},
        "b": {"op": "multiply", "inputs": ["w", "v"]},
        "c": {"op": "add", "inputs": ["a", "b"]},
        "L": {"op": "sum", "inputs": ["c"]},
    }
    done = check(load_graph, nodes)
    assert not done.rules.failed and not done.ok
    assert {finding.source for finding in done.network.failed} == {"w"}
    assert done.first.input == ""
    assert done.first.numeric == pytest.approx(math.cos(0.3) + 1)
    assert done.first.rule == 1.0
