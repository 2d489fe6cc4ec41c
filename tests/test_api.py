"""The Python API as a whole: its names, and what each function needs."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dagprop
from dagprop.errors import DagpropError, GraphError

CHAIN = Path(__file__).parent.parent / "graphs/four-layer-chain.json"


@pytest.mark.parametrize("name", dagprop.__all__)
def test_every_name_is_there_and_described(name):
    assert getattr(dagprop, name).__doc__
    assert name in dir(dagprop)


def test_another_name_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        dagprop.lod  # noqa: B018


@pytest.mark.parametrize(
    "first", ["import dagprop.train.loop", "from dagprop.train import loop", "import dagprop; dagprop.load", "pass"]
)
def test_train_is_the_function_whatever_was_imported_before(first):
    """A folder of the package has the same name."""
    code = (
        f"{first}\nimport dagprop, dagprop.train.samples\nfrom dagprop import train\nprint(train is dagprop.api.train)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import dagprop.api\n{code}"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_lecture_example():
    graph = dagprop.load(CHAIN)
    feeds = {"x": 0.5, "y": 1.0}
    parameters = {"w1": 0.8, "b1": 0.1, "w2": -1.2, "w3": 1.5}
    value, gradients = dagprop.value_and_grad(graph, feeds, parameters)
    assert round(value, 7) == 0.0728573
    expected = {"w1": 0.00415645, "b1": 0.0083129, "w2": -0.0183488, "w3": -0.0289632}
    assert gradients == pytest.approx(expected, abs=5.1e-8)


def test_a_wrong_file_is_reported_with_every_problem(tmp_path):
    path = tmp_path / "wrong.json"
    nodes = {"a": {"op": "sigmiod", "inputs": ["x"]}, "b": {"op": "add", "inputs": ["a"], "colour": "red"}}
    path.write_text(json.dumps({"dagprop": 1, "nodes": nodes, "lss": "b"}), encoding="utf-8")
    with pytest.raises(GraphError) as caught:
        dagprop.load(path)
    assert {"DP101", "DP102", "DP104"} <= {problem.code for problem in caught.value.problems}
    assert all(problem.file == str(path) and problem.line == 1 for problem in caught.value.problems)
    assert isinstance(caught.value, DagpropError)


def test_initial_parameters_depend_on_the_seed_only(load_graph):
    graph = load_graph(
        {
            "x": {"op": "input", "shape": ["N", 2]},
            "h": {"op": "dense", "inputs": ["x"], "units": 3},
            "w": {"op": "parameter", "value": 2.0},
            "y": {"op": "multiply", "inputs": ["h", "w"]},
        }
    )
    first, again, other = (dagprop.initial_parameters(graph, seed) for seed in (0, 0, 1))
    assert set(first) == {"h/w", "h/b", "w"}
    np.testing.assert_array_equal(first["h/w"], again["h/w"])
    assert not np.array_equal(first["h/w"], other["h/w"])
    assert first["w"] == other["w"] == 2.0


def test_what_is_left_out_starts_as_training_would(load_graph):
    graph = load_graph({"x": {"op": "input", "shape": ["N", 2]}, "h": {"op": "dense", "inputs": ["x"], "units": 3}})
    feeds = {"x": [1.0, 2.0]}
    explicit = dagprop.forward(graph, feeds, dagprop.initial_parameters(graph))
    np.testing.assert_array_equal(dagprop.forward(graph, feeds)["h/f"], explicit["h/f"])


def test_trained_parameters_go_into_the_other_functions(load_graph):
    graph = load_graph(
        {
            "x": {"op": "input"},
            "y": {"op": "input"},
            "w": {"op": "parameter", "value": 0.0},
            "p": {"op": "multiply", "inputs": ["w", "x"]},
            "L": {"op": "half_squared_error", "inputs": {"prediction": "p", "target": "y"}},
        },
        loss="L",
    )
    data = {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}
    result = dagprop.train(graph, data, epochs=50, batch_size=3, learning_rate=0.1)
    assert result.parameters["w"] == pytest.approx(2.0)
    np.testing.assert_allclose(dagprop.predict(graph, {"x": [5.0, 6.0]}, result.parameters)["p"], [10.0, 12.0])


def test_graphs_are_not_kept_alive(load_graph):
    import gc
    import weakref

    graph = load_graph({"x": {"op": "input", "value": 1.0}, "f": {"op": "exp", "inputs": ["x"]}})
    dagprop.forward(graph)
    watch = weakref.ref(graph)
    del graph
    gc.collect()
    assert watch() is None


@pytest.mark.parametrize(
    "misuse",
    [
        lambda g: dagprop.forward("graph.json"),
        lambda g: dagprop.forward(None),
        lambda g: dagprop.forward({}),
        lambda g: dagprop.forward(g, 1.5),
        lambda g: dagprop.forward(g, np.zeros(3)),
        lambda g: dagprop.forward(g, [[1, 2]]),
        lambda g: dagprop.forward(g, {"x": "3"}),
        lambda g: dagprop.forward(g, {"x": None}),
        lambda g: dagprop.forward(g, {"x": 1j}),
        lambda g: dagprop.forward(g, {"x": 10**400}),
        lambda g: dagprop.forward(g, {"x": [[1], [1, 2]]}),
        lambda g: dagprop.forward(g, parameters={"nowhere": 1}),
        lambda g: dagprop.value_and_grad(g, {"x": [], "y": []}),
        lambda g: dagprop.value_and_grad(g, wrt=1.5),
        lambda g: dagprop.value_and_grad(g, wrt=[["w1"]]),
        lambda g: dagprop.value_and_grad(g, wrt=["nowhere"]),
        lambda g: dagprop.vjp(g, None, None, {"L": "a"}),
        lambda g: dagprop.vjp(g, None, None, {"L": None}),
        lambda g: dagprop.vjp(g, None, None, {"L": [[1], [1, 2]]}),
        lambda g: dagprop.vjp(g, None, None, {"L": [1, 2, 3]}),
        lambda g: dagprop.vjp(g, None, None, 3),
        lambda g: dagprop.train(g, parameters={"nowhere": 1}),
        lambda g: dagprop.train(g, parameters={"x": 1}),
        lambda g: dagprop.train(g, parameters=[1]),
        lambda g: dagprop.train(g, [1, 2]),
        lambda g: dagprop.train(g, b"1"),
        lambda g: dagprop.train(g, epochs="3"),
        lambda g: dagprop.train(g, epochs=1.5),
        lambda g: dagprop.initial_parameters(g, seed=-1),
        lambda g: dagprop.initial_parameters(g, seed=1.5),
        lambda g: dagprop.forward(replace(g, dtype="int8")),
        lambda g: dagprop.forward(replace(g, loss=1.5)),
        lambda g: dagprop.forward(replace(g, outputs=1)),
        lambda g: dagprop.forward(replace(g, nodes=[])),
        lambda g: dagprop.forward(replace(g, definitions=[])),
        lambda g: dagprop.forward(replace(g, data=[])),
        lambda g: dagprop.forward(replace(g, train=None)),
        lambda g: dagprop.forward(replace(g, nodes={"x": 3})),
        lambda g: dagprop.forward(replace(g, nodes={"x": replace(g.nodes["x"], op=3)})),
        lambda g: dagprop.forward(replace(g, nodes={"x": replace(g.nodes["x"], attributes=[])})),
        lambda g: dagprop.forward(replace(g, nodes={"x": replace(g.nodes["x"], inputs=3)})),
        lambda g: dagprop.forward(replace(g, nodes={"x": replace(g.nodes["x"], inputs=(3,))})),
        lambda g: dagprop.forward(replace(g, nodes={"z": g.nodes["x"]})),
    ],
)
def test_misuse_is_an_error_of_dagprop(root, misuse):
    with pytest.raises(dagprop.DagpropError, match=r"\[DP\d\d\d\]"):
        misuse(dagprop.load(root / "graphs" / "four-layer-chain.json"))


def test_results_belong_to_the_caller(root):
    graph = dagprop.load(root / "graphs" / "four-layer-chain.json")
    x = np.array([0.5, 0.25])
    values = dagprop.forward(graph, {"x": x})
    values["x"][:] = 7
    assert x.tolist() == [0.5, 0.25]
    _, gradients = dagprop.value_and_grad(graph, {"x": x}, wrt=["x", "L"])
    gradients["x"][0] = gradients["L"][0] = 7


def test_numbers_of_numpy_are_settings(root):
    graph = dagprop.load(root / "graphs" / "line.json")
    result = dagprop.train(graph, epochs=np.int64(1), learning_rate=np.float32(0.5), shuffle=np.bool_(False))
    assert len(result.history) == 1 and result.settings.learning_rate == 0.5
