"""The order of products: the same numbers, sooner, and in the order of the rules where another might change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop import api
from dagprop.backends.interpreter import interpret
from dagprop.backends.scalar import program as scalar_program
from dagprop.backends.scalar.latency import arrivals
from dagprop.backends.scalar.product_order import FACTORS, MODERATE, early_products
from dagprop.program.recorder import Recorder
from dagprop.program.symbols import Symbol, symbolic_namespace

LEAVES = "abcd"


@st.composite
def programs(draw):
    """Draw a program of products, and of other operations between them."""
    recorder = Recorder()
    xp = symbolic_namespace(recorder)
    values = [Symbol(recorder, recorder.input(name, ())) for name in LEAVES]
    for operation in draw(
        st.lists(st.sampled_from(["multiply"] * 5 + ["add", "tanh", "reshape", "where"]), max_size=30)
    ):
        one, other = (values[draw(st.integers(0, len(values) - 1))] for _ in range(2))
        match operation:
            case "multiply":
                values.append(one * other)
            case "add":
                values.append(one + other)
            case "tanh":
                values.append(xp.tanh(one))
            case "reshape":
                values.append(xp.reshape(one, ()))
            case "where":
                values.append(xp.where(one > other, one, other * (one > 0)))
    wanted = {f"y{place}": value.number for place, value in enumerate(values[-3:])}
    return recorder.program(LEAVES, wanted, "float64")


@given(programs(), st.lists(st.floats(-2, 2).filter(lambda x: abs(x) > 1e-3), min_size=4, max_size=4))
def test_the_numbers_are_the_same_and_no_later(program, numbers):
    ordered, factors = early_products(program)
    inputs = {name: np.array(number) for name, number in zip(LEAVES, numbers, strict=True)}
    with np.errstate(all="ignore"):
        expected, found = interpret(program, inputs), interpret(ordered, inputs)
    assert found.keys() == expected.keys()
    if all(1 / MODERATE < abs(value) < MODERATE for value in expected.values() if np.isfinite(value)):
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-13 * len(program.instructions), atol=1e-300)
    assert all(0 <= factor < len(ordered.instructions) for factor in factors)
    before, behind = arrivals(program.instructions), arrivals(ordered.instructions)
    for name, position in program.outputs.items():
        assert behind[ordered.outputs[name]] <= before[position]


def chain_of(layers):
    """Return a program of f = tanh(w f) again and again, and all derivatives of the last f."""
    recorder = Recorder()
    xp = symbolic_namespace(recorder)
    names = ["x", *(f"w{layer}" for layer in range(layers))]
    f, *weights = (Symbol(recorder, recorder.input(name, ())) for name in names)
    inputs, values = [], []
    for weight in weights:
        inputs.append(f)
        f = xp.tanh(weight * f)
        values.append(f)
    g, outputs = f - 1.0, {}
    for layer in range(layers - 1, -1, -1):
        g = g * (1.0 - values[layer] * values[layer])
        outputs[f"d_w{layer}"] = (g * inputs[layer]).number
        g = g * weights[layer]
    return recorder.program(names, outputs, "float64")


@pytest.mark.parametrize("layers", [4, 40, 400])
def test_back_propagation_waits_for_few_products(layers):
    program = chain_of(layers)
    ordered, factors = early_products(program)
    before, behind = (arrivals(p.instructions)[p.outputs["d_w0"]] for p in (program, ordered))
    # In the order of the rules it waits twice a layer; now once for each product of so many factors as are allowed.
    assert behind <= before - 4 * (2 * layers - 3) + 12 * (2 * layers // FACTORS)
    assert len(ordered.instructions) < 3 * len(program.instructions)
    assert len(factors) < len(ordered.instructions)


@pytest.mark.parametrize("first", [False, True])
def test_the_factors_of_a_product_that_was_there_already_are_looked_at(first):
    recorder = Recorder()
    xp = symbolic_namespace(recorder)
    x, u, v = (Symbol(recorder, recorder.input(name, ())) for name in "xuv")
    outputs = {"uv": (u * v).number} if first else {}
    outputs["late"] = (xp.exp(x) * u * v).number
    ordered, factors = early_products(recorder.program("xuv", outputs, "float64"))
    assert {ordered.inputs["u"], ordered.inputs["v"]} <= set(factors)


LATE = {  # e^x u v + b, where u and v are known long before e^x
    "x": {"op": "input"},
    "e": {"op": "exp", "inputs": ["x"]},
    "eu": {"op": "multiply", "inputs": ["e", "u"]},
    "euv": {"op": "multiply", "inputs": ["eu", "v"]},
    "b": {"op": "parameter", "value": 1.0},
    "L": {"op": "add", "inputs": ["euv", "b"]},
}


@pytest.fixture
def careful(monkeypatch):
    """Return a list that grows with every program in the order of the rules that is asked for."""
    asked = []
    original = scalar_program.epoch_text

    def recorded(*arguments):
        asked.extend(argument for argument in arguments if argument is True)
        return original(*arguments)

    monkeypatch.setattr(scalar_program, "epoch_text", recorded)
    return asked


@pytest.mark.parametrize(
    ("exponents", "size", "matters"),
    [
        ([-480.0, -470.0, -455.0, -460.0], 1e200, True),  # u v is infinite
        ([470.0, 1.0, 465.0, 460.0], 1e-200, True),  # u v vanishes
        ([0.5, -0.25, 0.0, 1.0], 0.0, False),
        ([0.5, -0.25, 0.0, 1.0], 3.0, False),
        ([-200.0, -0.25, 0.0, -100.0], 3.0, True),  # e^-200 is not of a moderate size, and nothing is lost
    ],
)
def test_products_that_another_order_would_lose(load_graph, careful, exponents, size, matters):
    nodes = {**LATE, **{leaf: {"op": "constant", "value": size} for leaf in "uv"}}
    graph = load_graph(nodes, loss="L")
    expected, found = (
        api.train(graph, {"x": np.array(exponents)}, backend=backend, epochs=3, batch_size=1)
        for backend in ("reference", "compiled")
    )
    assert len(careful) == matters  # it is made once, however many steps need it
    np.testing.assert_allclose(found.step_losses, expected.step_losses, rtol=1e-12)
    for name, value in expected.parameters.items():
        np.testing.assert_allclose(found.parameters[name], value, rtol=1e-12)
