"""Rows of a batch that are read where they lie: which are, and that the numbers are the same."""

import json
import math

import numpy as np
import pytest

import dagprop
from dagprop.backends.arrays import products, team, trainer
from dagprop.backends.arrays.batch_rows import row_finder
from dagprop.backends.arrays.code import array_code
from dagprop.backends.arrays.program import bind
from dagprop.backends.interpreter import interpret
from dagprop.program.recorder import Recorder
from dagprop.program.symbols import Symbol, symbolic_namespace


def sampled_program(build, width=100, dtype="float32"):
    """Return a program of an input x of 30 rows, of which somebody has more, and its code."""
    recorder = Recorder()
    shapes = {"x": (30, width), "w": (width, 40), "d": (30, 40), "rate": ()}
    symbols = {name: Symbol(recorder, recorder.input(name, shape)) for name, shape in shapes.items()}
    outputs = build(symbolic_namespace(recorder), **symbols)
    program = recorder.program(shapes, {name: symbol.number for name, symbol in outputs.items()}, dtype)
    updates = {"w": "new w"} if "new w" in outputs else {}
    wanted = [name for name in outputs if name != "new w"]
    return program, wanted, updates


def squashed(xp, a):
    return xp.tanh(0.01 * a) * 2.0  # something to fuse, without which there are no kernels


def forwards(xp, x, w, **others):
    return {"y": squashed(xp, xp.matmul(x, w))}


def both_ways(xp, x, w, d, rate):
    return {"y": squashed(xp, xp.matmul(x, w)), "new w": w - rate * xp.matmul(xp.matrix_transpose(x), d)}


def with_epilogue(xp, x, w, d, rate):
    return {"y": xp.maximum(xp.matmul(x, w) + d, 0.0)}


def reshaped(xp, x, w, **others):
    return {"y": squashed(xp, xp.matmul(xp.reshape(xp.reshape(x, (30, 20, -1)), (30, -1)), w))}


def used_otherwise(xp, x, w, **others):
    return {"y": xp.matmul(x, w), "z": squashed(xp, x)}


def wanted_itself(xp, x, w, **others):
    return {"y": squashed(xp, xp.matmul(x, w)), "z": x}


def on_the_right(xp, x, d, **others):
    return {"y": squashed(xp, xp.matmul(xp.matrix_transpose(d), x))}


def with_itself(xp, x, **others):
    return {"y": squashed(xp, xp.matmul(xp.matrix_transpose(x), x))}


def cut_otherwise(xp, x, w, **others):
    return {"y": squashed(xp, xp.matmul(xp.reshape(x, (60, 50)), xp.reshape(w, (50, 80))))}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("build", "width", "found"),
    [
        (forwards, 100, True),
        (both_ways, 100, True),
        (with_epilogue, 100, True),
        (reshaped, 100, True),
        (forwards, 20, False),  # short rows
        (forwards, 1, False),
        (used_otherwise, 100, False),
        (wanted_itself, 100, False),
        (on_the_right, 100, False),
        (with_itself, 100, False),
        (cut_otherwise, 100, False),
    ],
)
def test_rows_are_read_where_they_lie(build, width, found, dtype, monkeypatch):
    monkeypatch.setattr(products, "LEAST_COPIED", 0)
    if width == 1:
        monkeypatch.setattr(products, "LEAST_ROW", 0)
    generator = np.random.default_rng(0)
    program, wanted, updates = sampled_program(build, width, dtype)
    shapes = {name: program.instructions[number].shape for name, number in program.inputs.items()}
    inputs = {name: generator.integers(-9, 10, shape).astype(dtype) for name, shape in shapes.items()}
    with np.errstate(all="ignore"):
        expected = interpret(program, inputs)
    code = array_code(program, wanted, updates, math.inf, sampled=["x", "absent"])
    if found:
        source = np.full((2 * len(inputs["x"]), width), np.nan, dtype)
        places = generator.permutation(len(source))[: len(inputs["x"])]
        source[places] = inputs["x"]
    step, results, rows = bind(code, list(inputs.values()))
    assert list(rows) == (["x"] if found else [])
    if found:
        inputs["x"][...] = np.nan  # nobody reads it
        row_finder(source, rows["x"])(places)
    step()
    named = dict(zip(wanted, results, strict=True)) | ({"new w": inputs["w"]} if updates else {})
    for name in program.outputs:
        np.testing.assert_allclose(named[name], expected[name], rtol=1e-5 if dtype == "float32" else 1e-13)


def test_few_rows_are_copied():
    code = array_code(sampled_program(forwards)[0], ["y"], {}, math.inf, sampled=["x"])
    assert "addresses" not in code.python


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_rows_are_found_in_gigabytes(dtype):
    source = np.broadcast_to(np.zeros(10_000), (100_000, 10_000))  # as large, though one row is all that there is
    numbers, addresses = np.array([0, 99_999, 70_000, 70_000], dtype), np.zeros(4, np.int64)
    row_finder(source, addresses)(numbers)
    assert addresses.tolist() == [source.ctypes.data + int(number) * 80_000 for number in numbers]


NETWORK = {
    "dagprop": 1,
    "nodes": {
        "x": {"op": "input", "shape": ["N", 40]},
        "y": {"op": "input", "shape": ["N", 3]},
        "hidden": {"op": "dense", "inputs": ["x"], "units": 50, "activation": "tanh"},
        "prediction": {"op": "dense", "inputs": ["hidden"], "units": 3},
        "errors": {"op": "half_squared_error", "inputs": {"prediction": "prediction", "target": "y"}},
        "L": {"op": "mean", "inputs": ["errors"]},
    },
    "loss": "L",
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_on_rows_where_they_lie_gives_the_same_bits(tmp_path, monkeypatch, dtype):
    (tmp_path / "network.json").write_text(json.dumps({**NETWORK, "dtype": dtype}))
    graph = dagprop.load(tmp_path / "network.json")
    generator = np.random.default_rng(0)
    data = {"x": generator.standard_normal((60, 40)), "y": generator.standard_normal((60, 3))}
    found, finders = [], []
    monkeypatch.setattr(products, "LEAST_ROW", 0)
    monkeypatch.setattr(trainer, "row_finder", lambda *given: finders.append(given) or row_finder(*given))
    monkeypatch.setattr(products, "PART", 1e-9)
    monkeypatch.setattr(team, "WORTH", 0.0)
    for backend, least, threads in (
        ("compiled", 0, 1),
        ("compiled", math.inf, 1),
        ("compiled", 0, 3),
        ("reference", 0, 1),
    ):
        monkeypatch.setattr(products, "LEAST_COPIED", least)
        monkeypatch.setattr(trainer, "team", lambda size=threads: team.Team(size) if size > 1 else None)
        settings = {"epochs": 3, "batch_size": 24, "learning_rate": 0.1, "shuffle": True, "backend": backend}
        found.append(dagprop.train(graph, data, **settings))
    assert len(finders) == 4, "one for the batches of 24, and one for the last, of 12; twice"
    *compiled, reference = found
    for other in compiled[1:]:
        assert [record.loss for record in compiled[0].history] == [record.loss for record in other.history]
        for id, array in compiled[0].parameters.items():
            np.testing.assert_array_equal(array, other.parameters[id], err_msg=id)
    for id, array in compiled[0].parameters.items():
        allowed = 1e-5 if dtype == "float32" else 1e-13
        np.testing.assert_allclose(array, reference.parameters[id], allowed, allowed, err_msg=id)
