"""Flow: sizes against the complex step, factors against formulas by hand, kinds by a table."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given

import dagprop
from tests.explain.scalar_graphs import graph_of, parse
from tests.random_graphs import random_graphs


def stack(depth, weight, activation="sigmoid"):
    nodes = {"x": {"op": "input", "value": 0.5}, "y": {"op": "input", "value": 0.0}}
    last = "x"
    for layer in range(1, depth + 1):
        nodes[f"w{layer}"] = {"op": "parameter", "value": weight}
        nodes[f"a{layer}"] = {"op": "multiply", "inputs": [f"w{layer}", last]}
        nodes[f"f{layer}"] = {"op": activation, "inputs": [f"a{layer}"]}
        last = f"f{layer}"
    nodes["L"] = {"op": "half_squared_error", "inputs": [last, "y"]}
    return graph_of(nodes, "L")


def parameter_of(flow, id):
    (found,) = (parameter for parameter in flow.parameters if parameter.id == id)
    return found


def log_slopes(depth, weight):
    """Return the logarithms of σ'(a) of each layer, and the last output, worked out layer by layer."""
    f, logs = 0.5, []
    for _ in range(depth):
        f = 1 / (1 + math.exp(-weight * f))
        logs.append(math.log10(f * (1 - f)))
    return logs, f


def test_ten_sigmoid_layers_vanish_by_their_slopes():
    found = dagprop.flow(stack(10, 1.0))
    w1 = parameter_of(found, "w1")
    slopes, output = log_slopes(10, 1.0)
    assert (w1.verdict, w1.blame, w1.start) == ("vanishing", "slope", "f10")
    assert w1.log_factors["slope"] == pytest.approx(sum(slopes), abs=1e-12)
    assert w1.log_factors["weight"] == w1.log_factors["sums"] == 0
    assert w1.log_factors["value"] == pytest.approx(math.log10(0.5))
    assert w1.log_size == pytest.approx(math.log10(output) + sum(slopes) + math.log10(0.5), abs=1e-12)
    factors = found.factors(w1, "slope")
    assert [step.of for step in factors] == [(f"f{layer}",) for layer in range(10, 0, -1)]
    assert [step.log_factor for step in factors] == pytest.approx(slopes[::-1], abs=1e-12)
    assert [p.verdict for p in found.parameters] == ["fine"] * 4 + ["vanishing"] * 6


def test_large_weights_explode():
    found = dagprop.flow(stack(10, -5.0, "identity"))
    w1 = parameter_of(found, "w1")
    assert (w1.verdict, w1.blame) == ("exploding", "weight")
    assert w1.log_factors["weight"] == pytest.approx(9 * math.log10(5))
    assert [step.of for step in found.factors(w1, "weight")] == [(f"w{layer}",) for layer in range(10, 1, -1)]


def test_ten_thousand_layers_do_not_underflow():
    w1 = parameter_of(dagprop.flow(stack(10_000, 1.0)), "w1")
    slopes, output = log_slopes(10_000, 1.0)
    assert w1.log_size == pytest.approx(math.log10(output) + sum(slopes) + math.log10(0.5), rel=1e-12)
    assert w1.log_size < -6000


def test_gradients_beyond_all_numbers_have_a_size():
    (x,) = dagprop.flow(stack(400, 5.0, "identity"), {"x": 1e-200}, wrt=["x"]).parameters
    assert x.log_size == pytest.approx(800 * math.log10(5) - 200, rel=1e-12)
    assert x.log_size > 308 and x.verdict == "exploding" and x.blame == "weight"


@given(random_graphs())
def test_sizes_are_those_of_the_complex_step(case):
    graph = parse(case.document())
    ids = [id for id in case.nodes if id.startswith("leaf")]
    found = dagprop.flow(graph, wrt=ids)
    for parameter in found.parameters:
        expected = math.sqrt(np.mean(case.derivative(parameter.id) ** 2))
        chain = found.chain(parameter.id)
        if parameter.verdict == "unreached":
            assert expected == 0 and not chain
            continue
        assert 10**parameter.log_size == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert (chain[0].value, chain[-1].value) == (case.loss, parameter.id)
        # Each link multiplies the size of the one before it, by its factor and by what its other uses add.
        for before, step in itertools.pairwise(chain):
            assert step.user == before.value
            if math.isfinite(step.log_size) and math.isfinite(before.log_size):
                assert step.log_size == pytest.approx(before.log_size + step.log_factor + step.log_uses, abs=1e-9)
        if math.isfinite(parameter.log_ratio):
            assert sum(parameter.log_factors.values()) == pytest.approx(parameter.log_ratio, abs=1e-9)


LEAVES = {
    "x": {"op": "input", "value": 0.5},
    "w": {"op": "parameter", "value": 2.0},
    "c": {"op": "constant", "value": 3.0},
    "v": {"op": "parameter", "value": 4.0, "trainable": False},
    "h": {"op": "tanh", "inputs": ["x"]},
    "d": {"op": "exp", "inputs": ["w"]},
    "e": {"op": "sin", "inputs": ["w"]},
}


@pytest.mark.parametrize(
    ("node", "value", "kind", "of"),
    [
        ({"op": "sigmoid", "inputs": ["h"]}, "h", "slope", ("n",)),
        ({"op": "relu", "inputs": ["h"]}, "h", "slope", ("n",)),
        ({"op": "multiply", "inputs": ["w", "h"]}, "h", "weight", ("w",)),
        ({"op": "multiply", "inputs": ["w", "h"]}, "w", "value", ("h",)),
        ({"op": "multiply", "inputs": ["c", "h"]}, "h", "sums", ()),
        ({"op": "multiply", "inputs": ["c", "w"]}, "w", "value", ("c",)),
        ({"op": "multiply", "inputs": ["x", "h"]}, "h", "value", ("x",)),
        ({"op": "multiply", "inputs": ["h", "h"]}, "h", "slope", ("n",)),
        ({"op": "affine", "inputs": ["w", "h", "c"]}, "h", "weight", ("w",)),
        ({"op": "divide", "inputs": ["h", "w"]}, "h", "weight", ("w",)),
        ({"op": "divide", "inputs": ["h", "d"]}, "h", "weight", ("d",)),
        ({"op": "divide", "inputs": ["d", "v"]}, "d", "weight", ("v",)),
        ({"op": "divide", "inputs": ["d", "e"]}, "d", "value", ("e",)),
        ({"op": "add", "inputs": ["h", "w"]}, "h", "sums", ()),
        ({"op": "negative", "inputs": ["h"]}, "h", "sums", ()),
        ({"op": "power", "inputs": ["h", "c"]}, "h", "slope", ("n",)),
    ],
)
def test_kinds_are_read_from_the_rules(node, value, kind, of):
    nodes = {**LEAVES, "n": node, "L": {"op": "half_squared_error", "inputs": ["n", "c"]}}
    step = dagprop.flow(graph_of(nodes, "L"), wrt=[value]).chain(value)[-1]
    assert (step.kind, step.of) == (kind, of)


def test_matrices_are_weights_also_transposed():
    nodes = {
        "x": {"op": "input", "shape": ["N", 2], "value": [1.0, -2.0]},
        "v": {"op": "parameter", "value": [[1.0, 2.0], [3.0, 4.0]]},
        "h": {"op": "matmul", "inputs": ["x", "v"]},
        "f": {"op": "softmax", "inputs": ["h"]},
        "t": {"op": "transpose", "inputs": ["v"]},
        "o": {"op": "matmul", "inputs": ["f", "t"]},
        "s": {"op": "sum", "inputs": ["o"], "axis": 1},
        "L": {"op": "sin", "inputs": ["s"]},
    }
    found = dagprop.flow(graph_of(nodes, "L"), wrt=["h"])
    assert [(step.value, step.kind, step.of) for step in found.chain("h")[1:]] == [
        ("s", "loss", ("L",)),
        ("o", "sums", ()),
        ("f", "weight", ("t",)),
        ("h", "slope", ("f",)),
    ]


def test_a_plugins_activation_is_a_slope(own_ops):
    @dagprop.op("cubed")
    def cubed(xp, x):
        return x**3

    @cubed.derivative("x")
    def _(x):
        return 3 * x**2

    nodes = {**LEAVES, "n": {"op": "cubed", "inputs": ["h"]}, "L": {"op": "half_squared_error", "inputs": ["n", "c"]}}
    assert dagprop.flow(graph_of(nodes, "L"), wrt=["h"]).chain("h")[-1].kind == "slope"


def test_a_residual_branch_adds_to_the_gradient():
    nodes = {
        **LEAVES,
        "p": {"op": "multiply", "inputs": ["w", "h"]},
        "n": {"op": "add", "inputs": ["h", "p"]},
        "L": {"op": "half_squared_error", "inputs": ["n", "c"]},
    }
    step = dagprop.flow(graph_of(nodes, "L"), wrt=["h"]).chain("h")[-1]
    # ∂n/∂h = 1 + w = 3, of which the branch through w contributes 2.
    assert (step.user, step.kind, step.uses) == ("p", "weight", 2)
    assert (10**step.log_factor, 10**step.log_uses) == (pytest.approx(2), pytest.approx(1.5))


def test_equal_samples_flow_like_one(root):
    graph = dagprop.load(root / "graphs/iris.json")
    sample = {"flower": [5.1, 3.5, 1.4, 0.2], "species": 0}
    one = dagprop.flow(graph, sample)
    many = dagprop.flow(graph, {id: np.array([value] * 7) for id, value in sample.items()})
    assert {n: s.log_size for n, s in many.steps.items()} == pytest.approx(
        {n: s.log_size for n, s in one.steps.items()}, abs=1e-9
    )


def dead(y=1.0):
    nodes = {
        **LEAVES,
        "n": {"op": "negative", "inputs": ["h"]},
        "r": {"op": "relu", "inputs": ["n"]},
        "p": {"op": "multiply", "inputs": ["w", "x"]},
        "s": {"op": "add", "inputs": ["p", "r"]},
        "y": {"op": "input", "value": y},
        "v": {"op": "parameter", "value": 1.0},
        "u": {"op": "exp", "inputs": ["v"]},
        "L": {"op": "half_squared_error", "inputs": ["s", "y"]},
    }
    return graph_of(nodes, "L")


def test_a_gradient_of_zero_has_a_place():
    found = dagprop.flow(dead(2.0), wrt=["h", "w", "v"])
    h = parameter_of(found, "h")
    assert (h.verdict, h.blame, h.log_size) == ("vanishing", "slope", -math.inf)
    assert parameter_of(found, "w").verdict == "fine"
    assert parameter_of(found, "v").verdict == "unreached"
    assert {p.verdict for p in dagprop.flow(dead(1.0), wrt=["h", "w"]).parameters} == {"no error"}


def test_what_is_not_finite_explodes():
    nodes = {
        "w": {"op": "parameter", "value": 0.0},
        "r": {"op": "sqrt", "inputs": ["w"]},
        "c": {"op": "constant", "value": 1.0},
        "L": {"op": "half_squared_error", "inputs": ["r", "c"]},
    }
    (w,) = dagprop.flow(graph_of(nodes, "L")).parameters
    assert w.verdict == "exploding"


@pytest.mark.parametrize(
    ("vanishing", "exploding", "verdict"), [(0.4, 10, "fine"), (0.6, 10, "vanishing"), (0.01, 0.4, "exploding")]
)
def test_bounds_decide(vanishing, exploding, verdict):
    # Of ∂L/∂s, the gradient of w in s = w·x + ... is x = 0.5.
    w = parameter_of(dagprop.flow(dead(2.0), vanishing=vanishing, exploding=exploding), "w")
    assert 10**w.log_ratio == pytest.approx(0.5)
    assert w.verdict == verdict


def test_bounds_are_above_zero():
    with pytest.raises(dagprop.GraphError, match="above 0"):
        dagprop.flow(dead(2.0), vanishing=0)
