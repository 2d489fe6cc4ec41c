"""Weights files from Python: the same files and the same errors as on the command line, and nothing in one is run."""

import json
import logging
import os
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import dagprop
from dagprop.cli.main import main
from dagprop.errors import CheckpointError, GraphError
from dagprop.graph.records import METADATA, Graph, Node

GRAPHS = Path(__file__).parents[2] / "graphs"
LINE = {
    "dagprop": 1,
    "name": "line",
    "nodes": {
        "x": {"op": "input", "value": [0, 1, 2, -1]},
        "y": {"op": "input", "value": [1, 3, 5, -1]},
        **{name: {"op": "parameter", "value": 0} for name in "wb"},
        "y_hat": {"op": "affine", "inputs": ["w", "x", "b"]},
        "L": {"op": "half_squared_error", "inputs": ["y_hat", "y"]},
    },
    "loss": "L",
}


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """The path of a graph: y = 2x + 1."""
    path = tmp_path_factory.mktemp("graphs") / "line.json"
    path.write_text(json.dumps(LINE), encoding="utf-8")
    return str(path)


def graph_of(shapes, dtype="float64"):
    nodes = {id: Node(id, "parameter", attributes={"shape": shape}) for id, shape in shapes.items()}
    return Graph({**nodes, "s": Node("s", "state", attributes={"value": 1.0})}, dtype=dtype)


VALUES = st.dictionaries(
    st.sampled_from(["w", "b", "v1"]),
    arrays.arrays(
        np.float64,
        arrays.array_shapes(min_dims=0, max_dims=3, max_side=3),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    ),
    min_size=1,
)


@given(values=VALUES, state=st.floats(-1e9, 1e9))
def test_what_is_saved_is_loaded_to_the_last_bit(tmp_path_factory, values, state):
    path = tmp_path_factory.mktemp("weights") / "w.npz"
    graph = graph_of({id: value.shape for id, value in values.items()})
    dagprop.save_weights(graph, path, {**values, "s": state})
    loaded = dagprop.load_weights(graph, path)
    assert set(loaded) == {*values, "s"}
    assert all(
        loaded[id].tobytes() == value.tobytes() and loaded[id].shape == value.shape for id, value in values.items()
    )
    assert loaded["s"] == state


def test_a_training_is_saved_as_the_command_line_saves_it(tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["train", line, "-q", "-o", "command.npz"])
    graph = dagprop.load(line)
    dagprop.save_weights(graph, "python.npz", dagprop.train(graph))
    assert Path("python.npz").read_bytes() == Path("command.npz").read_bytes()
    weights = dagprop.load_weights(graph, "command.npz")
    predicted = dagprop.predict(graph, {"x": 2.0}, weights)
    assert predicted["y_hat"] == pytest.approx(weights["w"] * 2.0 + weights["b"])


def test_weights_of_no_training_say_nothing_of_one(tmp_path, capsys, line):
    graph, path = dagprop.load(line), str(tmp_path / "w.npz")
    dagprop.save_weights(graph, path, {"w": 2, "b": 1})
    metadata = json.loads(zipfile.ZipFile(path).read(METADATA))
    assert metadata["graph"] == "line" and not {"train", "epochs"} & set(metadata)
    with pytest.raises(SystemExit) as stop:
        main(["predict", line, "--weights", path, "--set", "x=2"])
    assert (stop.value.code or 0, capsys.readouterr().out) == (0, "y_hat\n5.0\n")


def test_the_dtype_is_that_of_the_graph(tmp_path):
    wide, narrow = (graph_of({"w": (2,)}, dtype) for dtype in ("float64", "float32"))
    dagprop.save_weights(wide, tmp_path / "w.npz", {"w": [0.1, 0.2], "s": 3})
    assert dagprop.load_weights(narrow, tmp_path / "w.npz")["w"].dtype == np.float32


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ({"w": 1.0}, CheckpointError, 'there are no weights for the parameter "b"'),
        ({"w": [1.0, 2.0], "b": 1.0}, CheckpointError, 'the weights for "w" have shape (2,), the graph declares ()'),
        ({"w": "one", "b": 1.0}, CheckpointError, 'the weights for "w" are not numbers'),
        ({"w": [[1], [1, 2]], "b": 1.0}, CheckpointError, 'the weights for "w" are not numbers'),
        ({"w": 1.0, 3: 1.0}, CheckpointError, "there are no weights for the parameter"),
        ({"w": None, "b": 1.0}, CheckpointError, 'the weights for "w" are not numbers'),
        ({"w": float("inf"), "b": 1.0}, CheckpointError, 'the weights for "w" are not finite'),
        ({"w": 1.0, "b": 1.0, "c": 1.0}, CheckpointError, 'there are weights for "c", which is no parameter'),
        ({"w": 1.0, "b": 1.0, 3: 1.0}, CheckpointError, 'there are weights for "3", which is no parameter'),
        ([1.0], GraphError, "weights must be a dict from node id to array, is a list"),
    ],
)
def test_what_does_not_fit_is_not_saved(tmp_path, weights, error, message, line):
    with pytest.raises(error, match=re.escape(message)):
        dagprop.save_weights(dagprop.load(line), tmp_path / "w.npz", weights)
    assert os.listdir(tmp_path) == []


def test_the_training_of_another_graph_is_not_saved(tmp_path, line):
    result = dagprop.train(dagprop.load(GRAPHS / "four-layer-chain.json"), epochs=1)
    with pytest.raises(CheckpointError, match="DP602"):
        dagprop.save_weights(dagprop.load(line), tmp_path / "w.npz", result)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("place", ["missing/w.npz", "."])
def test_a_place_that_cannot_be_written_to(tmp_path, place, line):
    with pytest.raises(CheckpointError, match="DP603"):
        dagprop.save_weights(dagprop.load(line), tmp_path / place, {"w": 1.0, "b": 1.0})


class Trap:
    def __reduce__(self):
        return os.mkdir, ("trapped",)


def pickled(path):
    np.savez(path, w=np.array([Trap()], dtype=object), b=1.0)


def raw_pickle(path):
    Path(path).write_bytes(pickle.dumps(Trap()))


def of_another_graph(path):
    np.savez(path, v=1.0, u=2.0)


def foreign_text(path):
    np.savez(path, w=1.0, b=2.0)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("setup.py", "import os; os.mkdir('trapped')")


def nothing(path):
    assert not os.path.exists(path)


@pytest.mark.parametrize("write", [pickled, raw_pickle, of_another_graph, foreign_text, nothing])
def test_both_ways_to_a_file_refuse_the_same_in_the_same_words(tmp_path, monkeypatch, capsys, write, line):
    monkeypatch.chdir(tmp_path)
    write("w.npz")
    with pytest.raises(CheckpointError) as error:
        dagprop.load_weights(dagprop.load(line), "w.npz")
    with pytest.raises(SystemExit) as stop:
        main(["predict", line, "--weights", "w.npz", "--set", "x=2"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.strip() == str(error.value)
    assert not os.path.exists("trapped")


def test_any_archive_of_arrays_will_do(tmp_path, line):
    np.savez(tmp_path / "w.npz", w=np.float32(2), b=1)
    assert dagprop.load_weights(dagprop.load(line), tmp_path / "w.npz") == {"w": 2.0, "b": 1.0}


def test_a_whole_file_is_no_dict_of_parameters_and_the_way_is_shown(tmp_path, line):
    graph, path = dagprop.load(line), tmp_path / "w.npz"
    dagprop.save_weights(graph, path, {"w": 2.0, "b": 1.0})
    with np.load(path) as archive, pytest.raises(GraphError, match=r"DP305.*\n.*dagprop.load_weights\(graph, path\)"):
        dagprop.predict(graph, {"x": 2.0}, dict(archive))


def test_another_version_of_an_op_is_told(tmp_path, own_ops, caplog):
    plugin = tmp_path / "twice.py"
    source = "from dagprop import op\n\n\n@op('twice')\ndef twice(xp, x):\n    '''Twice.'''\n    return {} * x\n"
    path, graph = tmp_path / "w.npz", None
    from dagprop.ops.declared import isolated
    from dagprop.ops.plugins import load_plugin

    for factor in (2, 3):
        plugin.write_text(source.format(factor), encoding="utf-8")
        with isolated():
            load_plugin(str(plugin))
            graph = Graph({"w": Node("w", "parameter", attributes={"value": 1.0}), "t": Node("t", "twice", ("w",))})
            if factor == 2:
                dagprop.save_weights(graph, path, {"w": 1.0})
            with caplog.at_level(logging.WARNING, "dagprop"):
                dagprop.load_weights(graph, path)
            assert len(caplog.records) == factor - 2
    assert "DP604" in caplog.records[0].getMessage()
