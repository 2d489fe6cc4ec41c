"""All back ends train alike with every optimiser: dagprop's, those of plugins, and some that are hard to compile."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

import dagprop
from dagprop import api, optimizer
from dagprop.backends.arrays import groups
from dagprop.backends.arrays.code import array_code
from dagprop.backends.arrays.trainer import results
from dagprop.backends.scalar import program as scalar_program
from dagprop.backends.trainer import NotCompiledError
from dagprop.cli.compile import training_task
from dagprop.ops.declared import isolated
from dagprop.ops.plugins import load_plugin
from dagprop.plan.network import prepare
from dagprop.program.coefficients import split_coefficients
from dagprop.program.trace import training_program
from dagprop.train.contract import rules
from tests.ops.samples import PLUGINS

ROOT = Path(__file__).parents[2]
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
GRAPHS = ("four-layer-chain", "line", "residual")


def warm(xp, parameter, gradient, *, learning_rate, step, first=3):
    """The rate depends on a comparison with the step."""
    return parameter - xp.where(step < first, learning_rate / 2, learning_rate) * gradient


def swapped(parameter, gradient, newer, older, *, learning_rate):
    """What is remembered changes places."""
    return parameter - learning_rate * (gradient + 0.5 * newer - 0.25 * older), gradient, newer


def remembers_the_parameter(parameter, gradient, last, *, learning_rate, step):
    """The old parameter is remembered as it is."""
    moved = parameter - learning_rate * gradient
    return moved + 0.1 * (parameter - last) * (1 - 1 / step), parameter


def of_the_norm(xp, parameter, gradient, *, learning_rate, largest=0.5):
    """All numbers of a parameter matter for each."""
    norm = xp.sqrt(xp.sum(gradient * gradient))
    return parameter - learning_rate * gradient * xp.minimum(1.0, largest / (norm + 1e-12))


def by_shape(parameter, gradient, *, learning_rate, decay=0.01):
    """Only matrices decay."""
    step = gradient + decay * parameter if parameter.ndim > 1 else gradient
    return parameter - learning_rate * step


def without_rate(parameter, gradient, total, unread):
    """Neither the learning rate nor one of its memories matters."""
    return parameter - 0.01 * gradient - 0.001 * total, total + gradient, 2 * gradient


def in_pieces(xp, parameter, gradient, largest, *, learning_rate, step):
    """Truths, and choices between what changes."""
    largest = xp.where(xp.logical_and(xp.abs(gradient) > xp.abs(largest), step != 2), gradient, largest)
    bounded = xp.where(parameter > 0, parameter - learning_rate * largest, parameter - learning_rate * gradient)
    return bounded, largest


def stubborn(xp, parameter, gradient, *, learning_rate):
    """A choice of the old value."""
    return xp.where(xp.abs(gradient) > 0.25, parameter, parameter - learning_rate * gradient)


OWN = (stubborn, warm, swapped, remembers_the_parameter, of_the_norm, by_shape, without_rate, in_pieces)


@contextmanager
def declarations():
    """Declare all of them."""
    with isolated():
        for path in PLUGINS:
            load_plugin(str(path))
        for rule in OWN:
            optimizer(rule.__name__)(rule)
        yield


with declarations():
    NAMES = tuple(rules("optimizer"))


def refuse(*arguments):
    raise NotCompiledError("all is computed as arrays here")


@pytest.fixture
def compiled(backend, monkeypatch):
    """Compile in one of the ways that there are, with few steps a call."""
    monkeypatch.setattr(scalar_program, "FIRST_CALL", 0)
    if backend == "machine":
        monkeypatch.setattr(scalar_program, "COMPILED_SIZE", 0)
    monkeypatch.setattr(groups, "START", -inf if backend == "kernels" else inf)
    if backend == "kernels":
        monkeypatch.setattr(scalar_program, "scalar_program", refuse)


def assert_same(graph, dtype, **settings):
    graph = replace(graph, dtype=dtype)
    expected, found = (api.train(graph, backend=backend, **settings) for backend in ("reference", "compiled"))
    bound = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    np.testing.assert_allclose(found.step_losses, expected.step_losses, **bound)
    assert found.parameters.keys() == expected.parameters.keys()
    for name, value in expected.parameters.items():
        assert found.parameters[name].dtype == value.dtype
        np.testing.assert_allclose(found.parameters[name], value, **bound, err_msg=name)
    for one, other in zip(found.history, expected.history, strict=True):
        assert one.measures().keys() == other.measures().keys()
        for name, value in other.measures().items():
            assert one.measures()[name] == pytest.approx(value, rel=TOLERANCE[dtype], abs=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("backend", ["compiled", "machine", "kernels"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("graph", GRAPHS)
def test_back_ends_agree(graph, name, backend, dtype, compiled):
    """In several epochs, of which each ends with a short batch, with a rate that changes."""
    loaded = dagprop.load(ROOT / "graphs" / f"{graph}.json")
    settings = {"epochs": 3, "batch_size": 7, "learning_rate": 0.02, "schedule": {"name": "cosine", "floor": 0.001}}
    with declarations():
        assert_same(loaded, dtype, optimizer=name, validation=0.2 if loaded.data else 0, **settings)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("backend", ["compiled", "machine"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_numbers_that_are_their_own_gradients(load_graph, batch_size, name, backend, dtype, compiled):
    """∂L/∂v is w and ∂L/∂w is v, as they were before the step; and a state takes on the old value of a parameter."""
    nodes = {
        "x": {"op": "input"},
        "v": {"op": "parameter", "value": 0.75},
        "w": {"op": "parameter", "value": -0.5},
        "u": {"op": "parameter", "value": [[0.25]]},
        "s": {"op": "state", "value": 0.0, "update": "w"},
        "vw": {"op": "multiply", "inputs": ["v", "w"]},
        "p": {"op": "multiply", "inputs": ["u", "x"]},
        "q": {"op": "sum", "inputs": ["p"]} if batch_size == 1 else {"op": "multiply", "inputs": ["w", "x"]},
        "L": {"op": "add", "inputs": ["vw", "q"]},
    }
    graph = load_graph(nodes, loss="L")
    data = {"x": np.linspace(-1, 1.5, 10)}
    with declarations():
        assert_same(graph, dtype, data=data, optimizer=name, epochs=3, batch_size=batch_size, learning_rate=0.05)


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_fused_updates_change_parameters_and_memories_where_they_lie(name):
    graph = dagprop.load(ROOT / "graphs" / "digits.json")
    with declarations():
        graph = replace(graph, train=replace(graph.train, optimizer=name))
        task = training_task(prepare(graph), 8)
        shapes = {id: array.shape for id, array in {**task.sampled, **task.fixed, **task.variables}.items()}
        program = split_coefficients(training_program(task.plan, shapes, {}, task.dtype, task.rule)).program
    code = array_code(program, *results(task, program), inf).python
    assert "copyto" not in code.partition("def step")[2]
    assert code.count("new hidden/w") == 1
