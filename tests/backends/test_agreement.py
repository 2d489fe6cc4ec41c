"""All back ends agree: on every graph in graphs/ and on every op, in values, gradients and a short training."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from dagprop import api
from dagprop.author.trial import is_elementwise
from dagprop.backends.arrays import groups
from dagprop.backends.scalar import program as scalar_program
from dagprop.backends.trainer import NotCompiledError
from dagprop.ops.declared import isolated
from dagprop.ops.plugins import load_plugin
from dagprop.plan.network import prepare
from tests.ops.samples import PLUGINS, cases, sample

GRAPHS = sorted((Path(__file__).parents[2] / "graphs").glob("*.json"))
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
BACKENDS = ("compiled", "machine", "kernels")
"""The compiled ones: with arrays in NumPy; scalar graphs as they run when they are large; all as arrays, in kernels."""

pytestmark = [
    pytest.mark.parametrize("dtype", TOLERANCE),
    pytest.mark.parametrize("backend", BACKENDS),
]


def refuse(*arguments):
    raise NotCompiledError("all is computed as arrays here")


@pytest.fixture
def compiled(backend, monkeypatch):
    """The keyword for a back end."""
    if backend == "machine":
        monkeypatch.setattr(scalar_program, "COMPILED_SIZE", 0)
    monkeypatch.setattr(groups, "START", -inf if backend == "kernels" else inf)
    if backend == "kernels":
        monkeypatch.setattr(scalar_program, "scalar_program", refuse)
        monkeypatch.setattr(scalar_program, "evaluate", refuse)
    return {"backend": "compiled"}


def assert_close(found, expected, dtype, what=""):
    """Compare two results as a whole: what cancels in one of them may differ by the rounding of what it came from."""
    assert found.dtype == expected.dtype and found.shape == expected.shape, what
    size = np.abs(expected[np.isfinite(expected)]).max(initial=1e-3)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * size, err_msg=what)


def assert_all_close(found, expected, dtype):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert_close(np.asarray(found[name]), np.asarray(array), dtype, name)


def assert_same_training(graph, compiled, dtype, data=None, **settings):
    reference = api.train(graph, data, backend="reference", **settings)
    result = api.train(graph, data, **compiled, **settings)
    assert_all_close(result.parameters, reference.parameters, dtype)
    assert_close(result.step_losses, reference.step_losses, dtype)
    for found, expected in zip(result.history, reference.history, strict=True):
        assert found.accuracy == expected.accuracy
        assert found.loss == pytest.approx(expected.loss, rel=TOLERANCE[dtype])
        if expected.validation_loss is not None:
            assert found.validation_loss == pytest.approx(expected.validation_loss, rel=TOLERANCE[dtype])
        assert found.validation_accuracy == expected.validation_accuracy


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_a_graph(path, dtype, compiled):
    graph = replace(api.load(path), dtype=dtype)
    expected, found = (api.backprop(graph, **options) for options in ({"backend": "reference"}, compiled))
    assert_all_close(found.values, expected.values, dtype)
    assert_all_close(found.gradients, expected.gradients, dtype)
    assert_same_training(graph, compiled, dtype, epochs=3, validation=0.2 if graph.data else 0)


def is_scalar(case):
    return is_elementwise(case.op) and all(shape in ((), None) for shape in case.shapes)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("case", [case for case in cases() if is_scalar(case)], ids=str)
def test_an_op_on_samples(case, batch_size, dtype, backend, compiled, tmp_path):
    """Train through an op on single numbers, sample by sample and in batches, of which the last is short."""
    if backend == "kernels":
        pytest.skip("it is trained as an array below")
    arrays = [sample(case, seed=seed) for seed in range(6)]
    data = {f"x{place}": np.array([row[place] for row in arrays]) for place in range(len(case.shapes))}
    data = {name: array for name, array in data.items() if array.dtype != object}
    places = range(len(data))
    nodes = {f"x{place}": {"op": "input"} for place in places}
    nodes |= {f"w{place}": {"op": "parameter", "value": 1.0} for place in places}
    nodes |= {f"p{place}": {"op": "multiply", "inputs": [f"w{place}", f"x{place}"]} for place in places}
    nodes["y"] = {"op": case.op.name, "inputs": [f"p{place}" for place in places], **case.attributes}
    nodes["zero"] = {"op": "constant", "value": 0.1}
    nodes["L"] = {"op": "half_squared_error", "inputs": ["y", "zero"]}
    if _without_rule(case):
        pytest.skip("it cannot be trained through")
    with graph_file(nodes, dtype, tmp_path) as graph:
        assert_same_training(graph, compiled, dtype, data, epochs=3, learning_rate=1e-3, batch_size=batch_size)


@contextmanager
def graph_file(nodes, dtype, folder):
    """Load a graph of these nodes, with the plugins."""
    path = folder / "graph.json"
    path.write_text(json.dumps({"dagprop": 1, "nodes": nodes, "loss": "L", "dtype": dtype}))
    with isolated():
        for plugin in PLUGINS:
            load_plugin(str(plugin))
        yield api.load(path)


@contextmanager
def graph_of(case, dtype, folder):
    """Load a graph of one op, whose inputs are parameters, and whose loss is the mean of all that it gives."""
    arrays = sample(case)
    nodes = {}
    for place, array in enumerate(arrays):
        if array is not None:
            leaf = {"value": array.tolist()} if array.size else {"shape": array.shape, "init": "zeros"}
            nodes[f"x{place}"] = {"op": "parameter", **leaf}
    inputs = [f"x{place}" for place, array in enumerate(arrays) if array is not None]
    # Here no input has a sample axis, so that "N" has to follow from the number of elements.
    attributes = {
        name: [-1 if size == "N" else size for size in value] if name == "shape" else value
        for name, value in case.attributes.items()
    }
    nodes["y"] = {"op": case.op.name, "inputs": inputs, **attributes}
    nodes["L"] = {"op": "mean", "inputs": ["y"]}
    with graph_file(nodes, dtype, folder) as graph:
        yield graph


@pytest.mark.parametrize("case", cases(), ids=str)
def test_an_op(case, dtype, compiled, tmp_path):
    with graph_of(case, dtype, tmp_path) as graph:
        network = prepare(graph)
        y = api.forward(graph, backend="reference")["y"]
        assert_close(api.forward(graph, **compiled)["y"], y, dtype)
        g = np.linspace(-1, 1.5, y.size).reshape(y.shape)
        wrt = [id for id in network.graph.parameters() if id not in _without_rule(case)]
        gradients = [
            api.vjp(graph, None, None, {"y": g}, wrt, **options) for options in ({"backend": "reference"}, compiled)
        ]
        assert_all_close(gradients[1], gradients[0], dtype)
        if y.size and len(wrt) == len(network.graph.parameters()):
            assert_same_training(graph, compiled, dtype, epochs=3, learning_rate=0.001)


def _without_rule(case):
    names = [case.op.signature.inputs[min(i, len(case.op.signature.inputs) - 1)].name for i in range(len(case.shapes))]
    return [f"x{place}" for place, name in enumerate(names) if name not in case.op.rules]
