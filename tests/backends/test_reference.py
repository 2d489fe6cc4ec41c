"""The reference back end: errors inside rules, sums over broadcast axes, ops with several outputs."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dagprop
from dagprop.backends.reference import sum_to_shape
from dagprop.errors import ComputationError, DagpropError, GraphError
from dagprop.ops.registry import op

pytestmark = pytest.mark.usefixtures("own_ops")


def graph_of(load_graph, name, count=1):
    nodes = {f"x{i}": {"op": "parameter", "value": [1.0, 2.0, 3.0]} for i in range(count)}
    nodes["bad"] = {"op": name, "inputs": list(nodes)}
    return load_graph({**nodes, "L": {"op": "sum", "inputs": ["bad"]}}, loss="L")


def test_an_error_in_a_forward_rule_names_the_node(load_graph):
    @op("picky")
    def picky(xp, x):
        if type(x) is np.ndarray:  # only when it computes, not when shapes are worked out
            raise RuntimeError("not on Sundays")
        return x

    with pytest.raises(ComputationError) as caught:
        dagprop.forward(graph_of(load_graph, "picky"))
    (problem,) = caught.value.problems
    assert problem.code == "DP701"
    assert problem.node == "bad"
    assert 'forward rule of "picky" failed: RuntimeError: not on Sundays' in problem.message
    assert '"x0" has shape (3,)' in problem.message
    assert f"{__file__}:" in problem.hint
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_error_in_a_derivative_rule_names_the_input(load_graph):
    @op("picky")
    def picky(xp, left, right):
        return left * right

    @picky.derivative("left")
    def _(right):
        return right

    @picky.derivative("right")
    def _(left):
        return left / {}

    with pytest.raises(
        ComputationError, match=r'node "bad": the derivative rule for "right" of "picky" failed: TypeError'
    ):
        dagprop.value_and_grad(graph_of(load_graph, "picky", 2))


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("pullback", lambda xp, g: xp.concat([g, g])),
        ("pullback", lambda xp, g: xp.sum(g)),
        ("derivative", lambda xp, x: xp.concat([x, x])[:-1]),
        ("derivative", lambda xp, x: xp.stack([x, x])),
        ("derivative", lambda x: [1, 2, 3]),
        ("derivative", lambda x: "1"),
    ],
    ids=["too long", "too few axes", "does not broadcast", "more than outputs", "a list", "text"],
)
def test_a_gradient_of_the_wrong_shape_is_an_error(load_graph, kind, rule):
    @op("odd")
    def odd(xp, x):
        return x

    getattr(odd, kind)("x")(rule)
    with pytest.raises(ComputationError, match='node "bad"') as caught:
        dagprop.value_and_grad(graph_of(load_graph, "odd"))
    assert caught.value.problems[0].code == "DP703"
    for call in (dagprop.backprop, partial(dagprop.train, epochs=1, backend="compiled")):
        with pytest.raises(DagpropError, match=r'"bad"|cannot be compiled'):
            call(graph_of(load_graph, "odd"))


def test_an_op_with_two_outputs(load_graph):
    @op("polar")
    def polar(xp, a, b):
        return xp.sqrt(a * a + b * b), xp.atan(b / a)

    @polar.pullback("a")
    def _(g, y, a, b):
        return g[0] * a / y[0] - g[1] * b / y[0] ** 2

    @polar.pullback("b")
    def _(g, y, a, b):
        return g[0] * b / y[0] + g[1] * a / y[0] ** 2

    graph = load_graph(
        {
            "a": {"op": "parameter", "value": 3.0},
            "b": {"op": "parameter", "value": 4.0},
            "p": {"op": "polar", "inputs": ["a", "b"]},
            "square": {"op": "multiply", "inputs": ["p", "p"]},
            "slope": {"op": "tan", "inputs": ["p:1"]},
            "L": {"op": "add", "inputs": ["square", "slope"]},
        },
        loss="L",
    )
    values = dagprop.forward(graph)
    assert values["p"] == pytest.approx(5.0)
    assert values["p:1"] == pytest.approx(np.arctan2(4, 3))
    # L = a² + b² + b/a
    _, gradients = dagprop.value_and_grad(graph)
    assert gradients["a"] == pytest.approx(2 * 3 - 4 / 9)
    assert gradients["b"] == pytest.approx(2 * 4 + 1 / 3)


def test_only_one_of_two_outputs_reaches_the_loss(load_graph):
    @op("both")
    def both(xp, x):
        return 2 * x, 3 * x

    @both.pullback("x")
    def _(g):
        return 2 * g[0] + 3 * g[1]

    nodes = {"x": {"op": "parameter", "value": [1.0, 2.0]}, "b": {"op": "both", "inputs": ["x"]}}
    graph = load_graph({**nodes, "L": {"op": "sum", "inputs": ["b:1"]}}, loss="L")
    np.testing.assert_array_equal(dagprop.value_and_grad(graph)[1]["x"], [3.0, 3.0])


SIZES = st.lists(st.integers(1, 3), max_size=4)


@given(full=SIZES, data=st.data())
def test_sum_to_shape_undoes_broadcasting(full, data):
    kept = data.draw(st.integers(0, len(full)))
    shape = tuple(data.draw(st.sampled_from([1, size])) for size in full[len(full) - kept :])
    gradient = np.arange(1.0, np.prod(full, dtype=int) + 1).reshape(full)
    result = sum_to_shape(gradient, shape)
    # <g, broadcast(x)> = <sum(g), x> for every x: what a gradient has to satisfy.
    x = np.arange(1.0, np.prod(shape, dtype=int) + 1).reshape(shape)
    assert result.shape == shape
    assert np.sum(gradient * np.broadcast_to(x, full)) == pytest.approx(np.sum(result * x))


@pytest.mark.parametrize(("gradient", "shape"), [((3,), (2,)), ((3,), (3, 1)), ((2, 3), (2, 2)), ((), (1,))])
def test_sum_to_shape_refuses_what_is_no_broadcast(gradient, shape):
    assert sum_to_shape(np.ones(gradient), shape) is None


@pytest.mark.parametrize("nothing", [None, "text", [1.0], {}])
def test_a_rule_that_gives_no_array_is_named(load_graph, nothing):
    @op("gives_nothing")
    def forward(x):
        return nothing

    with pytest.raises(GraphError, match=r'"b".*gives_nothing.*DP503'):
        load_graph({"a": {"op": "constant", "value": 1}, "b": {"op": "gives_nothing", "inputs": ["a"]}})


@pytest.mark.parametrize("nothing", [None, "text"])
def test_a_derivative_that_gives_no_array_is_named(load_graph, nothing):
    @op("flat")
    def forward(x):
        return x + 0

    forward.derivative("x")(lambda x: nothing)
    graph = load_graph({"a": {"op": "parameter", "value": 1}, "b": {"op": "flat", "inputs": ["a"]}}, loss="b")
    with pytest.raises(ComputationError, match=r'"b".*derivative rule of "flat".*DP703'):
        dagprop.value_and_grad(graph)


@pytest.mark.parametrize("wide", [lambda x: x > 0, lambda x: np.float64(2) * x.astype("float64")])
def test_every_value_and_gradient_has_the_dtype_of_the_graph(load_graph, wide):
    @op("other_type")
    def other_type(xp, x):
        return wide(x) if isinstance(x, np.ndarray) else x + 0

    other_type.derivative("x")(lambda x: np.float64(3))
    graph = load_graph(
        {
            "a": {"op": "parameter", "value": [1.0, -2.0]},
            "b": {"op": "other_type", "inputs": ["a"]},
            "L": {"op": "sum", "inputs": ["b"]},
        },
        loss="L",
        dtype="float32",
    )
    assert {str(value.dtype) for value in dagprop.forward(graph).values()} == {"float32"}
    _, gradients = dagprop.value_and_grad(graph, wrt=["a", "b"])
    assert {str(gradient.dtype) for gradient in gradients.values()} == {"float32"}


@pytest.mark.parametrize("result", [lambda x: x * 1j, lambda x: (), lambda x: 1 / 0])
def test_a_rule_that_computes_no_real_numbers_is_named(load_graph, result):
    @op("strange")
    def strange(xp, x):
        return result(x) if isinstance(x, np.ndarray) else x + 0

    with pytest.raises(ComputationError, match=r'node "bad".*"strange" failed.*DP701'):
        dagprop.forward(graph_of(load_graph, "strange"))


class MuteError(Exception):
    """An error whose own text fails."""

    def __str__(self):
        raise ValueError


@pytest.mark.parametrize("error", [MuteError(), SystemExit(7)])
def test_whatever_a_rule_raises_is_its_own_fault(load_graph, error):
    @op("raises")
    def raises(xp, x):
        if isinstance(x, np.ndarray):
            raise error
        return x + 0

    with pytest.raises(ComputationError, match=r'node "bad".*"raises" failed: (MuteError|SystemExit)'):
        dagprop.forward(graph_of(load_graph, "raises"))
