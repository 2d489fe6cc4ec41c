"""``train``, ``predict`` and ``evaluate``: from data to parameters, and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

LINE = {
    "dagprop": 1,
    "nodes": {
        "x": {"op": "input"},
        "y": {"op": "input"},
        "w": {"op": "parameter", "value": 0},
        "b": {"op": "parameter", "value": 0},
        "y_hat": {"op": "affine", "inputs": ["w", "x", "b"]},
        "L": {"op": "half_squared_error", "inputs": ["y_hat", "y"]},
    },
    "loss": "L",
    "train": {"epochs": 200, "batch_size": 2, "learning_rate": 0.1},
}
ROWS = "x,y\n0,1\n1,3\n2,5\n-1,-1\n"


@pytest.fixture
def line(tmp_path):
    """A folder with a graph and its data: y = 2x + 1."""
    (tmp_path / "line.json").write_text(json.dumps(LINE))
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path


def test_train_learns_and_saves(dagprop, line):
    done = dagprop("train", "line.json", "--data", "rows.csv", folder=line)
    assert done.exit_code == 0 and "saved to line.weights.npz" in done.out
    with np.load(line / "line.weights.npz") as weights:
        assert weights["w"] == pytest.approx(2, abs=1e-6) and weights["b"] == pytest.approx(1, abs=1e-6)
    judged = dagprop(
        "evaluate", "line.json", "--weights", "line.weights.npz", "--data", "rows.csv", "--json", folder=line
    )
    assert judged.json["loss"] < 1e-10 and judged.json["samples"] == 4


def test_predict_needs_no_target_and_writes_csv(dagprop, line):
    dagprop("train", "line.json", "--data", "rows.csv", "-o", "w.npz", folder=line)
    done = dagprop("predict", "line.json", "--weights", "w.npz", "--data", "-", stdin=b"x\n10\n-10\n", folder=line)
    header, *values = done.out.split()
    assert header == "y_hat" and [float(value) for value in values] == pytest.approx([21, -19], abs=1e-4)
    one = dagprop("predict", "line.json", "--weights", "w.npz", "--set", "x=3", "--json", folder=line)
    assert one.json["outputs"]["y_hat"] == [pytest.approx(7, abs=1e-4)]


def test_the_same_seed_gives_the_same_file(dagprop, line):
    for name in ("a.npz", "b.npz"):
        dagprop("train", "line.json", "--data", "rows.csv", "--seed", "7", "-o", name, folder=line)
    assert (line / "a.npz").read_bytes() == (line / "b.npz").read_bytes()


def test_training_goes_on_from_weights(dagprop, line):
    arguments = ["train", "line.json", "--data", "rows.csv", "--no-shuffle"]
    dagprop(*arguments, "--epochs", "6", "-o", "whole.npz", folder=line)
    dagprop(*arguments, "--epochs", "3", "-o", "half.npz", folder=line)
    dagprop(*arguments, "--epochs", "3", "--weights", "half.npz", "-o", "rest.npz", folder=line)
    with np.load(line / "whole.npz") as whole, np.load(line / "rest.npz") as rest:
        assert whole["w"] == rest["w"] and whole["b"] == rest["b"]


def test_flags_win_over_the_file_and_are_reported(dagprop, line):
    arguments = ["--epochs", "3", "--batch-size", "1", "--lr", "0.25", "--seed", "9", "--test", "0.25", "--json"]
    document = dagprop("train", "line.json", "--data", "rows.csv", *arguments, folder=line).json
    settings = document["settings"]
    assert (settings["epochs"], settings["batch_size"], settings["learning_rate"], settings["seed"]) == (3, 1, 0.25, 9)
    assert document["samples"] == {"train": 3, "validation": 0, "test": 1} and document["test"]["samples"] == 1
    assert [record["epoch"] for record in document["history"]] == [1, 2, 3]


def test_an_input_can_be_set_for_all_samples(dagprop, line):
    document = dagprop(
        "train", "line.json", "--data", "-", "--set", "y=4", "--json", stdin=b"x\n1\n-1\n", folder=line
    ).json
    assert document["history"][-1]["loss"] < 1e-6
    with np.load(line / "line.weights.npz") as weights:
        assert weights["b"] == pytest.approx(4, abs=1e-2)


def test_samples_that_are_set_are_told_where_samples_come_from(dagprop, line):
    done = dagprop("train", "line.json", "--set", "x=[1,2]", "--set", "y=[1,2]", folder=line)
    assert done.exit_code == 2 and done.err.count("[DP303]") == 1
    assert "samples come from --data FILE" in done.err


def test_progress_goes_to_standard_error_and_quiet_ends_it(dagprop, line):
    loud = dagprop("train", "line.json", "--data", "rows.csv", folder=line)
    assert (
        "epoch 200/200" in loud.err
        and "epoch" not in loud.out.replace("epochs", "")
        and len(loud.err.splitlines()) <= 25
    )
    assert dagprop("train", "line.json", "--data", "rows.csv", "-q", folder=line).err == ""


def test_a_training_that_diverges_says_where(dagprop, line):
    done = dagprop("train", "line.json", "--data", "rows.csv", "--lr", "1e200", folder=line)
    assert done.exit_code == 3 and "DP702" in done.err and "learning rate" in done.err
    assert not (line / "line.weights.npz").exists()


def test_ctrl_c_saves_the_parameters(dagprop, line, monkeypatch):
    from dagprop.train import loop

    steps = iter(range(10))
    whole = loop.run

    def interrupted(*arguments):
        if next(steps) == 5:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(loop, "run", interrupted)
    done = dagprop("train", "line.json", "--data", "rows.csv", "--backend", "reference", folder=line)
    assert done.exit_code == 130 and "interrupted after 2 epochs" in done.out
    assert (line / "line.weights.npz").exists()


WHERE = "line.weights.npz"
REPLACED = f"note: replaced {WHERE}, which was there\n"


@pytest.mark.parametrize("output", [(), ("-o", WHERE)])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_file_that_is_replaced_is_named(dagprop, line, output, form):
    arguments = ["train", "line.json", "--data", "rows.csv", "--epochs", "3", *output]
    assert "replaced" not in dagprop(*arguments, *form, folder=line).err
    again = dagprop(*arguments, *form, folder=line)
    assert again.exit_code == 0 and again.err.endswith(REPLACED) and "replaced" not in again.out
    assert dagprop(*arguments, *form, "-q", folder=line).err == ""


@pytest.mark.parametrize("form", [(), ("--json",), ("-q",)])
@pytest.mark.parametrize("by", ["option", "file"])
def test_no_epochs_replace_no_weights(dagprop, line, form, by):
    arguments = ["train", "line.json", "--data", "rows.csv", *form]
    dagprop(*arguments, folder=line)
    before = (line / WHERE).read_bytes()
    if by == "file":
        (line / "line.json").write_text(json.dumps({**LINE, "train": {"epochs": 0}}))
    else:
        arguments += ["--epochs", "0"]
    refused = dagprop(*arguments, folder=line)
    assert refused.exit_code == 2 and "name a file with -o" in refused.err + refused.out
    assert (line / WHERE).read_bytes() == before
    named = dagprop(*arguments, "-o", WHERE, folder=line)
    assert named.exit_code == 0 and (REPLACED in named.err) == (form != ("-q",))
    assert (line / WHERE).read_bytes() != before


def test_no_epochs_where_no_weights_are_write_the_initial_ones(dagprop, line):
    done = dagprop("train", "line.json", "--data", "rows.csv", "--epochs", "0", folder=line)
    assert (done.exit_code, done.err) == (0, "")
    with np.load(line / WHERE) as weights:
        assert weights["w"] == weights["b"] == 0


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_ctrl_c_before_anything_is_learnt_replaces_no_weights(dagprop, line, monkeypatch, steps):
    from dagprop.train import loop

    arguments = ["train", "line.json", "--data", "rows.csv", "--backend", "reference"]
    dagprop(*arguments, folder=line)
    before = (line / WHERE).read_bytes()
    whole, count = loop.run, iter(range(10))

    def interrupted(*arguments):
        if next(count) == steps:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(loop, "run", interrupted)
    done = dagprop(*arguments, folder=line)
    assert done.exit_code == 130
    assert ((line / WHERE).read_bytes() == before) == (steps == 0)
    assert (f"nothing was learnt: {WHERE} is as it was" in done.out) == (steps == 0)
    assert (REPLACED in done.err) == (f"saved to {WHERE}" in done.out) == (steps > 0)


def test_what_is_no_file_is_not_replaced(dagprop, line):
    done = dagprop("train", "line.json", "--data", "rows.csv", "--epochs", "0", "-o", "/dev/null", folder=line)
    assert (done.exit_code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (b"x,y\n0,1\n1,oops\n", 'row 3, column "y"'),
        (b"x,y\n0,1\n1,\n", 'row 3, column "y"'),
        (b"x,z\n0,1\n", "DP403"),
        (b"", "DP40"),
        (b"x,y\n", "DP405"),
    ],
)
def test_bad_data_trains_nothing(dagprop, line, rows, message):
    done = dagprop("train", "line.json", "--data", "-", stdin=rows, folder=line)
    assert done.exit_code == 2 and message in done.err
    assert not (line / "line.weights.npz").exists()


def test_classes_are_named_in_predictions(dagprop, tmp_path):
    dagprop("train", "graphs/iris.json", "-o", str(tmp_path / "iris.npz"), "-q")
    done = dagprop("predict", "graphs/iris.json", "--weights", str(tmp_path / "iris.npz"))
    header, *rows = done.out.splitlines()
    assert header.endswith(",class") and len(rows) == 150
    assert {row.rpartition(",")[2] for row in rows} == {"setosa", "versicolor", "virginica"}


def test_evaluate_judges_the_test_samples_of_the_training(dagprop, tmp_path):
    weights = str(tmp_path / "iris.npz")
    trained = dagprop("train", "graphs/iris.json", "-o", weights, "--json", "--test", "0.3", "--seed", "3").json
    again = dagprop("evaluate", "graphs/iris.json", "--weights", weights, "--split", "test", "--json").json
    assert again == trained["test"] and again["samples"] == 45
    whole = dagprop("evaluate", "graphs/iris.json", "--weights", weights, "--json").json
    assert whole["samples"] == 150 and whole["loss"] != again["loss"]


PLUGINS = tuple(
    part
    for name in ("adam", "cosine", "mean_absolute_error")
    for part in ("--plugin", str(Path(__file__).parents[2] / "plugins" / f"{name}.py"))
)
CHOICES = ("--optimizer", "adam:beta1=0.5", "--schedule", "cosine:floor=0.01", "--metric", "mean_absolute_error")


def test_optimizer_schedule_and_metrics_are_chosen_and_reported(dagprop, line):
    given = ["--data", "rows.csv", *PLUGINS, *CHOICES, "--epochs", "2", "--validation", "0.25", "--lr", "0.1"]
    done = dagprop("train", "line.json", *given, "--history", "h.csv", folder=line)
    assert "optimizer adam:beta1=0.5, learning rate 0.1 cosine:floor=0.01" in done.out
    assert "  mean absolute error " in done.out and "  validation mean absolute error " in done.out
    assert done.err.splitlines()[0].endswith("learning rate 0.1")
    header, first, second = (line / "h.csv").read_text().split()
    columns = "epoch,loss,mean_absolute_error,validation_loss,validation_mean_absolute_error,learning_rate"
    assert header == columns
    assert [float(row.split(",")[-1]) for row in (first, second)] == pytest.approx([0.1, 0.055])
    picture = dagprop("plot", "h.csv", "--show", "learning_rate,mean_absolute_error", folder=line)
    assert "learning_rate" in picture.out and "validation" in picture.out
    document = dagprop("train", "line.json", *given, "--json", "-q", folder=line).json
    assert document["settings"]["optimizer"] == {"name": "adam", "beta1": 0.5}
    assert document["history"][1]["learning_rate"] == pytest.approx(0.055)
    assert document["history"][0].keys() == {*columns.split(","), "accuracy", "validation_accuracy"}


def test_weights_say_how_they_were_trained_and_can_be_judged_without_the_plugin(dagprop, line):
    from dagprop.train.checkpoint import read_weights

    dagprop("train", "line.json", "--data", "rows.csv", *PLUGINS, *CHOICES, "--test", "0.25", folder=line)
    arrays, metadata = read_weights(str(line / "line.weights.npz"))
    assert arrays.keys() == {"w", "b"}
    assert metadata["train"]["optimizer"] == {"name": "adam", "beta1": 0.5}
    assert metadata["train"]["schedule"] == {"name": "cosine", "floor": 0.01}
    judge = [
        "evaluate",
        "line.json",
        "--weights",
        "line.weights.npz",
        "--data",
        "rows.csv",
        "--split",
        "test",
        "--json",
    ]
    assert dagprop(*judge, folder=line).json.keys() == {"loss", "accuracy", "samples"}
    judged = dagprop(*judge, *PLUGINS, "--metric", "mean_absolute_error", folder=line).json
    assert judged["mean_absolute_error"] == pytest.approx((2 * judged["loss"]) ** 0.5)  # of one sample


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--optimizer", "adma", 'unknown optimizer "adma"; did you mean "adam"?'),
        ("--optimizer", "adam:beta=1", 'has no setting "beta"; did you mean "beta2"?'),
        ("--optimizer", "adam(beta1=1)", "is not of the form NAME or NAME:SETTING=VALUE"),
        ("--schedule", "cosin", 'did you mean "cosine"?'),
        ("--metric", "mean_absolut_error", 'did you mean "mean_absolute_error"?'),
    ],
)
def test_a_misspelt_choice_is_mended(dagprop, line, option, text, message):
    done = dagprop("train", "line.json", "--data", "rows.csv", *PLUGINS, option, text, folder=line)
    assert done.exit_code == 2 and message in done.err
    assert not (line / "line.weights.npz").exists()


def test_explanations_say_which_update_is_taken(dagprop, line):
    samples = {name: {"op": "input", "value": 2.0} for name in ("x", "y")}
    graph = {**LINE, "nodes": {**LINE["nodes"], **samples}, "train": {"optimizer": "adam"}}
    (line / "adam.json").write_text(json.dumps(graph))
    derived = dagprop("derive", "adam.json", *PLUGINS, folder=line).out
    assert "--lr changes nothing here" in dagprop("derive", "adam.json", "--lr", "1", *PLUGINS, folder=line).err
    assert "by adam" in derived and "mean ← 0.9 · mean + 0.1 · ∂L/∂θ" in derived
    assert "square ← 0.999 · square + 0.001 · (∂L/∂θ)^2" in derived
    assert "w ← w - η" not in derived and "vector form" not in derived
    stepped = dagprop("backprop", "adam.json", "--lr", "0.1", *PLUGINS, folder=line).out
    assert "this is plain gradient descent; the training goes by adam" in stepped
