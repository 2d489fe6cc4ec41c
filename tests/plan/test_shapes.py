"""Shape inference on whole graphs: what is found, and how what does not fit is said."""

import math

import numpy as np
import pytest

import dagprop
from dagprop.errors import GraphError
from dagprop.ops.registry import op
from dagprop.plan.network import prepare


def leaf(*shape, op="input"):
    return {"op": op, "shape": list(shape)}


def call(op, *inputs, **attributes):
    return {"op": op, "inputs": list(inputs), **attributes}


SHAPES = [
    ({"x": {"op": "input"}}, {"x": ("N",)}),
    ({"x": {"op": "input", "value": 3.0}}, {"x": ("N",)}),
    ({"x": leaf("N", 3)}, {"x": ("N", 3)}),
    ({"w": {"op": "parameter", "value": [[1.0, 2.0]]}}, {"w": (1, 2)}),
    ({"w": leaf(2, 3, op="parameter")}, {"w": (2, 3)}),
    ({"c": {"op": "constant", "value": [[[1, 2]]]}}, {"c": (1, 1, 2)}),
    (
        {
            "x": leaf("N", 3),
            "w": leaf(3, 2, op="parameter"),
            "a": call("matmul", "x", "w"),
            "s": call("sum", "a", axis=1),
        },
        {"a": ("N", 2), "s": ("N",)},
    ),
]


@pytest.mark.parametrize(("nodes", "expected"), SHAPES)
def test_shapes(nodes, expected, load_graph):
    shapes = prepare(load_graph(nodes)).shapes
    assert {id: shapes[id] for id in expected} == expected


WRONG = [
    ({"a": leaf(2), "b": leaf(3), "s": call("add", "a", "b")}, {}, "DP301", '"a" is (2,), "b" is (3,)'),
    ({"a": leaf("N", 4), "b": leaf(3, 2), "s": call("matmul", "a", "b")}, {}, "DP301", '"a" is (N, 4), "b" is (3, 2)'),
    ({"a": leaf("N", 4), "s": call("sum", "a", axis=2)}, {}, "DP301", "axis 2 is out of range"),
    ({"w": {"op": "parameter", "shape": [2], "value": [1.0, 2.0, 3.0]}}, {}, "DP302", "the value has the shape [3]"),
    ({"w": leaf("N", op="parameter")}, {}, "DP302", "a parameter needs fixed sizes"),
    ({"x": leaf("N", 2), "L": call("sin", "x")}, {"loss": "L"}, "DP203", "has shape (N, 2)"),
    ({"x": leaf(2), "L": call("sin", "x")}, {"loss": "L"}, "DP203", "has shape (2,)"),
    (
        {"x": leaf("N", 1), "t": {"op": "input"}, "L": call("half_squared_error", "x", "t")},
        {"loss": "L"},
        "DP203",
        "(N, 1) and (N,) were combined",
    ),
]


@pytest.mark.parametrize(("nodes", "keys", "code", "message"), WRONG)
def test_what_does_not_fit(nodes, keys, code, message, write_graph):
    graph, problems = dagprop.check_file(write_graph(nodes, **keys))
    (problem,) = [problem for problem in problems if not problem.warning]
    assert graph is None
    assert problem.code == code
    assert message in str(problem)
    assert problem.line is not None


def test_one_mistake_is_reported_once(write_graph):
    """What depends on a node without a shape has none either, and that is not a mistake of its own."""
    nodes = {"a": leaf(2), "b": leaf(3), "s": call("add", "a", "b"), "t": call("sin", "s"), "u": call("add", "t", "a")}
    _, problems = dagprop.check_file(write_graph(nodes))
    assert [(p.code, p.node) for p in problems if not p.warning] == [("DP301", "s")]


def test_mistakes_in_two_branches_are_both_reported(write_graph):
    nodes = {"a": leaf(2), "b": leaf(3), "s": call("add", "a", "b"), "t": call("multiply", "b", "a")}
    _, problems = dagprop.check_file(write_graph(nodes))
    assert [(p.code, p.node) for p in problems if not p.warning] == [("DP301", "s"), ("DP301", "t")]


def changed_in_place(x):
    x += 1
    return x


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize(
    ("rule", "advice"),
    [
        (lambda x: x if x > 0 else -x, r"depend on values.*xp\.where"),
        (lambda x: x * float(x), r"depend on values.*xp\.where"),
        (lambda x: sum(x), r"no if, float\(\) or loop"),
        (math.exp, r"xp\.exp for math\.exp"),
        (np.exp, r"functions of xp, as xp\.exp for numpy\.exp"),
        (np.asarray, r"functions of xp, as xp\.exp for numpy\.exp"),
        (changed_in_place, r"in place: write x = x \+ 1"),
    ],
)
def test_a_rule_that_needs_values_is_a_mistake_of_the_op(write_graph, rule, advice):
    @op("own")
    def own(xp, x):
        return rule(x)

    with pytest.raises(GraphError, match=rf'node "s": .*"own".*{advice}.*DP503'):
        dagprop.load(write_graph({"a": leaf(2), "s": call("own", "a")}))
