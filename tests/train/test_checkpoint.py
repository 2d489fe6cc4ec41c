"""Weights files: what is saved comes back, and damage is noticed."""

import json
import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dagprop.errors import CheckpointError
from dagprop.graph.records import METADATA
from dagprop.plan.network import prepare
from dagprop.train.checkpoint import fit_weights, graph_hash, read_weights, weights_metadata, write_weights

WEIGHTS = {"hidden/w": np.arange(6.0).reshape(2, 3), "b": np.array(0.5, dtype=np.float32), "empty": np.zeros((0, 2))}
NODES = {
    "hidden_w": {"op": "parameter", "shape": [2, 3]},
    "b": {"op": "parameter", "value": 1.0},
    "s": {"op": "state", "value": [1.0, 2.0]},
    "c": {"op": "constant", "value": 1.0},
    "L": {"op": "sum", "inputs": ["hidden_w"]},
}


@pytest.fixture
def file(tmp_path):
    return str(tmp_path / "w.npz")


def codes_and_messages(error):
    return [(problem.code, problem.message) for problem in error.value.problems]


def test_what_is_saved_comes_back(file):
    write_weights(file, WEIGHTS, {"seed": 3, "name": "Ω"})
    weights, metadata = read_weights(file)
    assert metadata == {"seed": 3, "name": "Ω"}
    assert list(weights) == list(WEIGHTS)
    for id, value in WEIGHTS.items():
        np.testing.assert_array_equal(weights[id], value)
        assert (weights[id].dtype, weights[id].shape) == (value.dtype, value.shape)


def test_the_same_weights_give_the_same_bytes(tmp_path):
    for name in ("1", "2"):
        write_weights(str(tmp_path / name), WEIGHTS, {"a": 1, "b": 2})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_numpy_reads_it_and_any_archive_of_arrays_is_read(file):
    write_weights(file, WEIGHTS, {})
    with np.load(file) as archive:
        np.testing.assert_array_equal(archive["hidden/w"], WEIGHTS["hidden/w"])
    np.savez(file, **WEIGHTS)
    assert read_weights(file)[1] == {}


def test_a_file_is_replaced_whole_or_not_at_all(file, tmp_path, monkeypatch):
    write_weights(file, WEIGHTS, {})
    before = Path(file).read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError) as error:
        write_weights(file, {"w": np.ones(3)}, {})
    assert codes_and_messages(error) == [("DP603", "the weights cannot be written: No space left on device")]
    assert Path(file).read_bytes() == before
    assert os.listdir(tmp_path) == ["w.npz"]


def test_new_files_have_the_usual_permissions_and_links_stay(file, tmp_path):
    umask = os.umask(0o022)
    try:
        write_weights(file, WEIGHTS, {})
    finally:
        os.umask(umask)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o644
    link = tmp_path / "link.npz"
    link.symlink_to(file)
    write_weights(str(link), {"w": np.ones(1)}, {})
    assert link.is_symlink()
    assert list(read_weights(file)[0]) == ["w"]


def test_a_device_is_written_to_and_not_replaced():
    write_weights(os.devnull, WEIGHTS, {})
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.parametrize("place", ["missing/folder/w.npz", "."])
def test_a_file_that_cannot_be_written(tmp_path, place):
    with pytest.raises(CheckpointError) as error:
        write_weights(str(tmp_path / place), WEIGHTS, {})
    assert [problem.code for problem in error.value.problems] == ["DP603"]


def test_a_truncated_file_is_never_read(file):
    write_weights(file, WEIGHTS, {"seed": 1})
    whole = Path(file).read_bytes()
    for length in range(0, len(whole), 7):
        Path(file).write_bytes(whole[:length])
        with pytest.raises(CheckpointError) as error:
            read_weights(file)
        assert [problem.code for problem in error.value.problems] == ["DP601"]


def test_a_changed_byte_ends_in_weights_or_a_clean_error(file):
    write_weights(file, WEIGHTS, {"seed": 1})
    whole = bytearray(Path(file).read_bytes())
    for position in range(0, len(whole), 3):
        changed = bytes(whole[:position]) + bytes([whole[position] ^ 0xFF]) + bytes(whole[position + 1 :])
        Path(file).write_bytes(changed)
        try:
            read_weights(file)
        except CheckpointError as error:
            assert [problem.code for problem in error.problems] == ["DP601"]  # noqa: PT017


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is not an NPZ archive"),
        (b"epoch,loss\n", "it is not an NPZ archive"),
        (b"\x93NUMPY\x01\x00", "it is not an NPZ archive"),
        (b"\x80\x04\x95pickle", "it is not an NPZ archive"),
    ],
)
def test_a_file_that_is_no_archive(file, content, reason):
    Path(file).write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        read_weights(file)
    assert codes_and_messages(error) == [("DP601", f"the weights cannot be read: {reason}")]


def test_pickles_are_never_loaded(file):
    np.savez(file, w=np.array([{}, 1], dtype=object))
    with pytest.raises(CheckpointError, match="pickled Python objects, which are never loaded"):
        read_weights(file)


@pytest.mark.parametrize(("name", "content"), [("notes.txt", "hello"), (METADATA, "[1]"), (METADATA, "{")])
def test_other_entries_are_refused(file, name, content):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    with pytest.raises(CheckpointError, match="DP601"):
        read_weights(file)


def test_a_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match="No such file or directory"):
        read_weights(str(tmp_path / "w.npz"))


def test_weights_that_fit(load_graph):
    network = prepare(load_graph(NODES, dtype="float32"))
    weights = {"hidden_w": np.ones((2, 3)), "b": np.array(2), "s": np.zeros(2)}
    fitted = fit_weights(network, weights)
    assert list(fitted) == ["hidden_w", "b", "s"]
    assert {value.dtype for value in fitted.values()} == {np.dtype("float32")}


def test_everything_that_does_not_fit_is_told_at_once(load_graph):
    network = prepare(load_graph(NODES))
    weights = {"hiden_w": np.ones((2, 3)), "b": np.ones((2, 2)), "s": np.array([np.nan, 1]), "c": np.array(1.0)}
    with pytest.raises(CheckpointError) as error:
        fit_weights(network, weights, "w.npz")
    assert codes_and_messages(error) == [
        ("DP602", 'there are no weights for the parameter "hidden_w"'),
        ("DP602", 'the weights for "b" have shape (2, 2), the graph declares ()'),
        ("DP602", 'the weights for "s" are not finite'),
        ("DP602", 'there are weights for "hiden_w", which is no parameter or state of the graph'),
        ("DP602", 'there are weights for "c", which is no parameter or state of the graph'),
    ]
    assert error.value.problems[0].hint == 'did you mean "hiden_w"?'
    assert {problem.file for problem in error.value.problems} == {"w.npz"}


def test_weights_of_another_graph_are_one_mistake(load_graph):
    weights = {f"layer{place}/w": np.ones(2) for place in range(6)}
    with pytest.raises(CheckpointError) as error:
        fit_weights(prepare(load_graph(NODES)), weights, "w.npz")
    [problem] = error.value.problems
    assert problem.message.startswith('these are the weights of another graph: of "layer0/w", ')
    assert problem.message.endswith(', ..., and none of "hidden_w", "b", "s"')
    assert problem.file == "w.npz" and "dagprop train" in problem.hint


def test_the_hash_follows_the_meaning(load_graph):
    graph = load_graph(NODES)
    assert graph_hash(graph) == graph_hash(load_graph(NODES, name="another", doc="name", train={"epochs": 3}))
    changed = {**NODES, "c": {"op": "constant", "value": 2.0}}
    assert graph_hash(graph) != graph_hash(load_graph(changed))
    assert graph_hash(graph) != graph_hash(load_graph(NODES, dtype="float32"))
    assert json.dumps(weights_metadata(graph, graph.train, 2))
