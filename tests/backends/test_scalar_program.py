"""Machine code for single numbers: every primitive on special values, and what a training with it must keep."""

from __future__ import annotations

import itertools
import math
import signal
import time
from decimal import Context, Decimal
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from dagprop import api
from dagprop.backends.arrays.program import ARRAYS
from dagprop.backends.interpreter import interpret
from dagprop.backends.llvm.code import TYPES
from dagprop.backends.llvm.engine import addresses
from dagprop.backends.llvm.exponential import powers
from dagprop.backends.llvm.tanh import series
from dagprop.backends.scalar import program as scalar_program
from dagprop.backends.scalar.bytecode import encode
from dagprop.backends.scalar.code import Roles
from dagprop.backends.scalar.machine_code import MACHINE_SIGNATURE, machine_text
from dagprop.backends.scalar.program import ScalarTrainer, compiled, evaluate
from dagprop.backends.trainer import Batches, NotCompiledError
from dagprop.cli.compile import training_task
from dagprop.errors import ComputationError
from dagprop.plan.network import prepare
from dagprop.program.recorder import Recorder
from dagprop.program.records import ELEMENTWISE
from dagprop.program.symbols import Symbol, elementwise, symbolic_namespace

SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.3, -0.7, 2.5, -3.5, 1e3, 1e300, np.inf, -np.inf, np.nan)
NUMERIC = [name for name in ELEMENTWISE if not name.startswith("logical_") and name != "real"]


def program_of(primitive, dtype):
    """Return a program of one operation on the inputs a, b, c; what chooses is whether a is above 0.5."""
    recorder = Recorder()
    count = ELEMENTWISE[primitive]
    symbols = [Symbol(recorder, recorder.input(name, ())) for name in "abc"[:count]]
    if primitive == "where" or primitive.startswith("logical_"):
        symbols[0] = symbols[0] > 0.5
    if primitive.startswith("logical_") and count == 2:
        symbols[1] = symbols[1] < 0.2
    result = symbolic_namespace(recorder).where(
        elementwise(recorder, "equal", 1.0, 1.0), elementwise(recorder, primitive, *symbols), 0.0
    )
    if recorder.instructions[result.number].boolean:
        result = elementwise(recorder, "real", result)
    return recorder.program("abc"[:count], {"y": result.number}, dtype)


def run_machine(program, inputs):
    roles = Roles(tuple(program.inputs), (), "y", (), (), (), {}, ())
    code = encode(program, roles, {}, batched=False)
    code_of_machine = compiled(machine_text(TYPES[program.dtype]), MACHINE_SIGNATURE, program.dtype, "code")
    function = code_of_machine.functions["machine"]
    for name, value in inputs.items():
        code.values[code.slots[name]] = value
    one, special, losses = np.zeros(1, np.int64), np.array([0, 0, code.loss]), np.empty(1)
    at = [array.ctypes.data for array in (code.values, one, code.sample, code.update, one, losses, special)]
    function(
        at[0], at[1], at[2], len(code.sample), at[3], 0, addresses([]), 0, at[4], at[5], at[5], at[6], 0, at[1],
        at[5], powers().ctypes.data, 0, 0, 1, 1, 1, code.special,
    )  # fmt: skip
    return losses[0]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("primitive", [name for name in ELEMENTWISE if name != "real"])
def test_every_primitive_is_numpys(primitive, dtype):
    program = program_of(primitive, dtype)
    others = (0.0, -2.0, 0.5, np.inf, np.nan)
    for given in itertools.product(SPECIAL, *[others] * (ELEMENTWISE[primitive] - 1)):
        with np.errstate(over="ignore"):
            inputs = {name: np.array(value, dtype) for name, value in zip("abc", given, strict=False)}
        if primitive == "pow" and given == (-np.inf, 0.5):
            continue  # infinite in C, but NumPy takes the square root for this exponent alone
        expected = interpret(program, inputs)["y"]
        for found in (evaluate(program, inputs)["y"], run_machine(program, inputs)):
            np.testing.assert_allclose(
                found, expected, rtol=1e-13 if dtype == "float64" else 1e-6, err_msg=f"{primitive}{given}"
            )


CHAIN = {
    "x": {"op": "input"},
    "y": {"op": "input"},
    "w": {"op": "parameter", "value": [0.4]},
    "b": {"op": "parameter", "value": 0.1},
    "a": {"op": "affine", "inputs": ["w", "x", "b"]},
    "z": {"op": "tanh", "inputs": ["a"]},
    "L": {"op": "binary_cross_entropy_with_logits", "inputs": ["z", "y"]},
}
X = np.random.default_rng(3).normal(size=101)
FEEDS = {"x": X, "y": (X > 0.2).astype(float)}


@pytest.fixture(params=["whole", "machine"])
def how(request, monkeypatch):
    """Both ways to run a scalar program."""
    if request.param == "machine":
        monkeypatch.setattr(scalar_program, "COMPILED_SIZE", 0)


def both(graph, **options):
    return [api.train(graph, FEEDS, backend=backend, **options) for backend in ("reference", "compiled")]


@pytest.mark.usefixtures("how")
@pytest.mark.parametrize("batch_size", [1, 7, 200])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_training_is_the_reference(load_graph, batch_size, dtype):
    graph = load_graph(CHAIN, loss="L", dtype=dtype)
    options = {"epochs": 4, "learning_rate": 0.3, "batch_size": batch_size, "validation": 0.2, "test": 0.1, "seed": 2}
    expected, found = both(graph, **options)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(found.step_losses, expected.step_losses, rtol=tolerance)
    for name, value in expected.parameters.items():
        assert found.parameters[name].dtype == value.dtype and found.parameters[name].shape == value.shape
        np.testing.assert_allclose(found.parameters[name], value, rtol=tolerance)
    for one, other in zip(expected.history, found.history, strict=True):
        assert one.accuracy == pytest.approx(other.accuracy, abs=1e-15)
        assert one.loss == pytest.approx(other.loss, rel=tolerance)
        assert one.validation_loss == pytest.approx(other.validation_loss, rel=tolerance)
    assert found.test.loss == pytest.approx(expected.test.loss, rel=tolerance)


@pytest.mark.usefixtures("how")
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_quick_code_and_good_code_give_the_same_bits(load_graph, batch_size, dtype):
    graph = load_graph(CHAIN, loss="L", dtype=dtype)
    options = {"epochs": 3, "learning_rate": 0.3, "batch_size": batch_size}
    # So few steps are not worth good code, unless it is asked for.
    quick, good = (api.train(graph, FEEDS, backend=backend, **options) for backend in ("auto", "compiled"))
    np.testing.assert_array_equal(quick.step_losses, good.step_losses)
    assert {**quick.parameters} == {**good.parameters}


@pytest.mark.usefixtures("how")
@pytest.mark.parametrize("batch_size", [1, 7])
def test_states_are_updated_from_the_values_before_the_step(load_graph, batch_size):
    nodes = {
        **CHAIN,
        "last": {"op": "state", "value": 5.0, "update": "b"},
        "steps": {"op": "state", "value": 0.0, "update": "next"},
        "next": {"op": "add", "inputs": ["steps", "one"]},
        "one": {"op": "constant", "value": 1.0},
    }
    expected, found = both(load_graph(nodes, loss="L"), epochs=2, learning_rate=0.3, batch_size=batch_size)
    assert found.parameters["steps"] == len(found.step_losses) == 2 * -(-101 // batch_size)
    assert found.parameters["last"] == pytest.approx(expected.parameters["last"], rel=1e-12)


@pytest.mark.usefixtures("how")
@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize(
    ("nodes", "rate"),
    [
        ({"e": {"op": "exp", "inputs": ["a"]}, "L": {"op": "multiply", "inputs": ["e", "e"]}}, 1e3),
        ({"e": {"op": "log", "inputs": ["a"]}, "L": {"op": "negative", "inputs": ["e"]}}, 0.01),
        ({"L": {"op": "multiply", "inputs": ["a", "a"]}}, 1e308),
        (  # a state that is infinite once, and then finite again
            {
                "s": {"op": "state", "value": 0.0, "update": "next"},
                "zero": {"op": "constant", "value": 0.0},
                "next": {"op": "reciprocal", "inputs": ["s"]},
                "L": {"op": "multiply", "inputs": ["a", "a"]},
            },
            0.01,
        ),
    ],
)
def test_what_is_not_finite_is_found_where_the_reference_finds_it(load_graph, nodes, rate, batch_size):
    graph = load_graph({**{k: v for k, v in CHAIN.items() if k not in "yzL"}, **nodes}, loss="L")
    messages = []
    for backend in ("reference", "compiled"):
        with pytest.raises(ComputationError, match="DP702") as error:
            api.train(graph, {"x": X}, backend=backend, learning_rate=rate, batch_size=batch_size, epochs=3)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.usefixtures("how")
def test_ctrl_c_leaves_the_last_whole_step(load_graph, monkeypatch):
    graph = load_graph(CHAIN, loss="L")
    calls = itertools.count(1)

    def clock():  # is looked at before and behind each call
        if next(calls) == 7:
            signal.raise_signal(signal.SIGINT)
        return time.perf_counter()

    monkeypatch.setattr(scalar_program, "CALL_SECONDS", 0.0)  # one step a call
    options = {"epochs": 1, "batch_size": 1, "backend": "compiled", "shuffle": False}
    three = api.train(graph, {name: values[:3] for name, values in FEEDS.items()}, **options)
    monkeypatch.setattr(scalar_program, "time", SimpleNamespace(perf_counter=clock))
    monkeypatch.setattr(scalar_program, "FIRST_CALL", 1)
    result = api.train(graph, FEEDS, **options)
    assert result.interrupted and not result.history
    np.testing.assert_array_equal(result.step_losses, three.step_losses)
    assert {**result.parameters} == {**three.parameters}


def test_the_exponential_is_right_to_the_last_digits():
    generator = np.random.default_rng(0)
    program = program_of("exp", "float64")
    for x in (*generator.uniform(-708, 709, 300), *generator.normal(size=100), 1e-9, 699.999, -700.0, 700.001, -707.9):
        found = evaluate(program, {"a": np.array(x)})["y"].item()
        expected = Decimal(x).exp(Context(prec=40))
        assert abs(Decimal(found) - expected) <= Decimal(1.5 * math.ulp(float(expected))), x


def test_tanh_is_right_to_the_last_digits():
    generator = np.random.default_rng(0)
    program = program_of("tanh", "float64")
    edges = [0.5, math.nextafter(0.5, 0), 0.25, 1e-9, 1e-20, 19.06, 350.0, 400.0]
    context = Context(prec=50)
    for x in (*generator.uniform(-25, 25, 300), *generator.normal(size=500), *edges, *(-x for x in edges)):
        found = evaluate(program, {"a": np.array(x)})["y"].item()
        square = context.exp(context.multiply(2, Decimal(x)))
        expected = context.divide(context.subtract(square, 1), context.add(square, 1))
        assert abs(Decimal(found) - expected) <= Decimal(2 * math.ulp(float(expected))), x
    for x in (1e-300, -5e-324, -0.0):
        found = evaluate(program, {"a": np.array(x)})["y"].item()
        assert found == x and math.copysign(1, found) == math.copysign(1, x)


def test_the_series_of_tanh_is_that_of_sympy():
    x = sympy.symbols("x")
    known = sympy.series(sympy.tanh(x), x, 0, 24).removeO()
    assert series(12) == [known.coeff(x, 2 * place + 1) for place in range(12)]


@pytest.mark.parametrize("more", [1.0, 1e-300, 3e5])
def test_what_is_added_to_an_exponential_costs_no_digits(more):
    recorder = Recorder()
    x = Symbol(recorder, recorder.input("a", ()))
    y = more + symbolic_namespace(recorder).exp(x)
    program = recorder.program("a", {"y": y.number}, "float64")
    generator = np.random.default_rng(0)
    for value in (*generator.uniform(-690, 709, 300), *generator.normal(size=100), 0.0, -745.0, 708.9):
        found = evaluate(program, {"a": np.array(value)})["y"].item()
        expected = Decimal(value).exp(Context(prec=40)) + Decimal(more)
        assert abs(Decimal(found) - expected) <= Decimal(2 * math.ulp(float(expected))), value
    for value, expected in ((np.inf, np.inf), (-np.inf, more), (np.nan, np.nan)):
        np.testing.assert_equal(evaluate(program, {"a": np.array(value)})["y"].item(), expected)


@pytest.mark.usefixtures("how")
def test_thousands_of_short_epochs(load_graph):
    graph = load_graph(CHAIN, loss="L")
    result = api.train(graph, {"x": [0.5], "y": [1.0]}, epochs=3000, backend="compiled", learning_rate=0.01)
    assert len(result.step_losses) == 3000 and (np.diff(result.step_losses) < 0).all()


@pytest.mark.parametrize(
    ("nodes", "batch_size", "reason"),
    [
        (
            {
                "L": {"op": "multiply", "inputs": ["m", "b"]},
                "v": {"op": "parameter", "value": [1.0, 2.0]},
                "m": {"op": "mean", "inputs": ["v"]},
            },
            1,
            "arrays",
        ),
        ({"x": {"op": "input", "shape": ["N", 2]}, "L": {"op": "sum", "inputs": ["a"]}}, 1, "a sample is an array"),
        ({"L": {"op": "mean", "inputs": ["a"]}}, 2, "combined"),
        ({"m": {"op": "mean", "inputs": ["a"]}, "L": {"op": "multiply", "inputs": ["a", "m"]}}, 2, "combined"),
    ],
)
def test_what_is_no_scalar_graph_says_why(load_graph, nodes, batch_size, reason):
    network = prepare(load_graph({**{k: v for k, v in CHAIN.items() if k in "xwba"}, **nodes}, loss="L"))
    with pytest.raises(NotCompiledError, match=reason):
        ScalarTrainer(training_task(network, batch_size))


def test_one_sample_of_what_is_combined_is_a_scalar_graph(load_graph):
    network = prepare(load_graph({**CHAIN, "M": {"op": "mean", "inputs": ["L"]}}, loss="M"))
    assert ScalarTrainer(training_task(network, 1)).title == "compiled scalar program (LLVM)"


def test_batches_are_slices_of_the_order():
    batches = Batches(np.arange(7) * 10, 3)
    assert [batch.tolist() for batch in batches] == [[0, 10, 20], [30, 40, 50], [60]]
    assert batches.sizes().tolist() == [3, 3, 1]
    assert [batch.tolist() for batch in batches[1:]] == [[30, 40, 50], [60]]
    assert len(Batches(np.arange(6), 3)) == 2 and Batches(np.arange(6), 3).sizes().tolist() == [3, 3]


@pytest.mark.parametrize(("size", "title"), [(1000, scalar_program.SCALAR), (10, ARRAYS)])
def test_what_runs_once_is_compiled_if_it_is_small(load_graph, monkeypatch, caplog, size, title):
    monkeypatch.setattr(scalar_program, "EVALUATED_SIZE", size)
    graph, feeds = load_graph(CHAIN, loss="L"), {"x": 0.5, "y": 1.0}
    with caplog.at_level("INFO", logger="dagprop"):
        (loss, gradients), expected = (
            api.value_and_grad(graph, feeds, backend=backend) for backend in ("compiled", "reference")
        )
    assert caplog.messages[0] == f"backend: {title}"
    assert (loss, gradients["b"]) == (pytest.approx(expected[0]), pytest.approx(expected[1]["b"]))
