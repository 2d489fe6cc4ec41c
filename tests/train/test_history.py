"""Histories: what is written is what is read, and says what the training did."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop import api
from dagprop.errors import DagpropError, DataError
from dagprop.plan.network import prepare
from dagprop.train.data import data_from_arrays
from dagprop.train.history import HistoryFile, epoch_row, parameter_columns, read_history
from dagprop.train.records import EpochRecord

ROWS = [{"epoch": 1, "loss": 0.1 + 0.2, "norm:h/w": 1e-300}, {"epoch": 2, "loss": 1e300, "norm:h/w": 5e-324}]


@pytest.mark.parametrize("name", ["h.jsonl", "h.csv", "H.CSV", "history"])
def test_what_is_written_is_read(tmp_path, name):
    path = str(tmp_path / name)
    with HistoryFile(path) as file:
        for row in ROWS:
            file.add(row)
            assert read_history(path).epochs[-1] == row["epoch"]  # a training can be watched
    found = read_history(path)
    assert found.epochs.tolist() == [1, 2]
    assert {key: column.tolist() for key, column in found.columns.items()} == {
        "loss": [0.1 + 0.2, 1e300],
        "norm:h/w": [1e-300, 5e-324],
    }


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.sampled_from(["jsonl", "csv"]))
def test_every_number_comes_back(tmp_path_factory, losses, ending):
    path = str(tmp_path_factory.mktemp("history") / f"h.{ending}")
    with HistoryFile(path) as file:
        for epoch, loss in enumerate(losses, start=1):
            file.add({"epoch": epoch, "loss": loss})
    assert read_history(path).columns["loss"].tolist() == losses


def test_what_is_not_finite_is_a_gap(tmp_path):
    path = str(tmp_path / "h.jsonl")
    with HistoryFile(path) as file:
        file.add({"epoch": 1, "loss": math.inf})
    json.loads((tmp_path / "h.jsonl").read_text(), parse_constant=pytest.fail)
    assert np.isnan(read_history(path).columns["loss"]).all()


def test_a_row_has_what_was_measured():
    assert epoch_row(EpochRecord(3, 0.5)) == {"epoch": 3, "loss": 0.5}
    assert epoch_row(EpochRecord(3, 0.5, 0.9, 0.6, 0.8)) == {
        **{"epoch": 3, "loss": 0.5, "accuracy": 0.9, "validation_loss": 0.6, "validation_accuracy": 0.8}
    }


def test_what_train_prints_as_json_is_a_history():
    document = {"history": [{"epoch": 1, "loss": 2.0, "accuracy": None}, {"epoch": 2, "loss": 1.0}], "settings": {}}
    found = read_history("-", io.BytesIO(json.dumps(document).encode()))
    assert (found.name, found.columns["loss"].tolist()) == ("<stdin>", [2.0, 1.0])
    assert np.isnan(found.columns["accuracy"]).all()


LINE = {
    "x": {"op": "input"},
    "y": {"op": "input"},
    "w": {"op": "parameter", "value": [0.5, -1.0]},
    "b": {"op": "parameter", "value": 0.25},
    "fixed": {"op": "parameter", "value": 1.0, "trainable": False},
    "sum": {"op": "sum", "inputs": ["w"]},
    "slope": {"op": "multiply", "inputs": ["sum", "fixed"]},
    "y_hat": {"op": "affine", "inputs": ["slope", "x", "b"]},
    "L": {"op": "half_squared_error", "inputs": ["y_hat", "y"]},
}


@pytest.mark.parametrize("shares", [{}, {"test": 0.3, "validation": 0.2}])
def test_norms_are_those_of_the_end_of_the_epoch(load_graph, shares):
    graph = load_graph(LINE, loss="L", train={"epochs": 3, "batch_size": 4, "learning_rate": 0.05})
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 20))
    data = data_from_arrays(prepare(graph), {"x": x, "y": y})
    seen: list[dict[str, float]] = []
    settings = type(graph.train)(**{"epochs": 3, "batch_size": 4, "learning_rate": 0.05, **shares})
    columns = parameter_columns(prepare(graph), data, settings, {})
    variables: list[dict[str, np.ndarray]] = []
    result = api.train(
        graph, data, **shares, on_variables=lambda now: (seen.append(columns(now)), variables.append(now))
    )
    assert len(seen) == 4  # the start, and three epochs
    assert set(seen[0]) == {"gradient_norm:w", "norm:w", "gradient_norm:b", "norm:b", "value:b"}
    # Which samples are learnt from: those whose residuals make up the loss of the first step of batch size 20.
    learnt = _learnt(graph, data, shares)
    assert len(learnt) == result.samples["train"]
    for row, now in zip(seen, variables, strict=True):
        residual = now["w"].sum() * x[learnt] + now["b"] - y[learnt]
        slope = float(np.mean(residual * x[learnt]))
        assert row["gradient_norm:w"] == pytest.approx(math.sqrt(2) * abs(slope), rel=1e-12)
        assert row["gradient_norm:b"] == pytest.approx(abs(float(np.mean(residual))), rel=1e-12)
        assert row["norm:w"] == pytest.approx(float(np.sqrt((now["w"] ** 2).sum())), rel=1e-15)
        assert row["value:b"] == float(now["b"]) and row["norm:b"] == abs(row["value:b"])
    assert variables[-1]["w"].tolist() == result.parameters["w"].tolist()


def _learnt(graph, data, shares):
    """Return the samples that a training uses: a sample that is learnt from changes the result."""
    base = api.train(graph, data, epochs=1, **shares).parameters["b"]
    found = []
    for row in range(data.rows):
        feeds = {**data.feeds, "y": data.feeds["y"].copy()}
        feeds["y"][row] += 1
        if api.train(graph, feeds, epochs=1, **shares).parameters["b"] != base:
            found.append(row)
    return found


WRONG = {
    "": "empty",
    "\n\n": "empty",
    "a,b\n1,2\n": 'no column "epoch"',
    '{"loss": 1}\n': 'no column "epoch"',
    "epoch,loss\n1,x\n": '"x" is not a number',
    "epoch,loss\n2,1\n1,1\n": "must be numbers that grow",
    '{"epoch": 1}\n{"loss": 1}\n': "must be numbers that grow",
    '{"epoch": 1, "loss": true}\n': '"loss" is not a number',
    '{"epoch": 1, "loss": [1]}\n': '"loss" is not a number',
    '{"epoch": 1, "loss": 1}\n{"epoch": 2,\n': "not a JSON object",
    "[1, 2]\n": "not a JSON object",
    '{"history": []}\n': "no epochs",
    '{"dagprop": 1, "nodes": {}}\n': "this is a graph",
    '{\n"dagprop": 1,\n"nodes": {}}\n': "this is a graph",
    "[" * 100_000: "not a JSON object",
}


@pytest.mark.parametrize("content", WRONG, ids=lambda text: repr(text[:20]))
def test_what_is_no_history_is_refused(tmp_path, content):
    path = tmp_path / "h"
    path.write_text(content)
    with pytest.raises(DataError, match=r"DP4\d\d") as error:
        read_history(str(path))
    assert WRONG[content] in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_what_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "h.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="DP409"):
        read_history(str(path))


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(DagpropError, match="DP603"):
        HistoryFile(str(tmp_path / "none" / "h.csv"))
