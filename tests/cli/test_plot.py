"""``plot``, ``train --history`` and ``ops show --plot`` as a user meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dagprop.train.history  # noqa: F401 - a test replaces a function of it

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    """A folder with links to the graphs and plugins, and a history."""
    for name in ("graphs", "plugins"):
        (tmp_path / name).symlink_to(ROOT / name)
    rows = [{"epoch": n, "loss": 1 / n, "norm:w": n} for n in (1, 2, 3, 4)]
    (tmp_path / "run.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_a_history_says_what_train_prints(dagprop, folder):
    done = dagprop(
        *("train", "graphs/iris.json", "--epochs", "3", "--validation", "0.2", "--json"),
        *("--history", "h.csv", "--norms", "-o", "w.npz"),
        folder=folder,
    )
    table = np.genfromtxt(folder / "h.csv", delimiter=",", names=True, deletechars="")
    for name in ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"):
        assert table[name].tolist() == [row[name] for row in done.json["history"]]
    with np.load(folder / "w.npz") as weights:
        assert table["norm:hidden/w"][-1] == pytest.approx(float(np.linalg.norm(weights["hidden/w"])), rel=1e-12)
    plain = dagprop("train", "graphs/iris.json", "--epochs", "3", "--history", "h.jsonl", "-o", "v.npz", folder=folder)
    assert plain.exit_code == 0
    assert set(json.loads((folder / "h.jsonl").read_text().splitlines()[0])) == {"epoch", "loss", "accuracy"}


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_watching_changes_no_weights(dagprop, folder, backend):
    more = ["--history", "h.jsonl", "--norms"]
    for name, options in (("a.npz", []), ("b.npz", more)):
        dagprop(
            *("train", "graphs/line.json", "--backend", backend, "--epochs", "3", "-o", name, *options), folder=folder
        )
    assert (folder / "a.npz").read_bytes() == (folder / "b.npz").read_bytes()


def test_norms_are_worked_out_only_where_they_are_asked_for(dagprop, folder, monkeypatch):
    def refuse(*arguments):
        raise AssertionError

    monkeypatch.setattr(sys.modules["dagprop.train.history"], "parameter_columns", refuse)
    done = dagprop("train", "graphs/line.json", "--history", "h.jsonl", "-o", "w.npz", folder=folder)
    assert done.exit_code == 0 and len((folder / "h.jsonl").read_text().splitlines()) == 20


def test_a_training_that_fails_leaves_its_epochs(dagprop, folder):
    done = dagprop("train", "graphs/line.json", "--lr", "50", "--history", "h.jsonl", "-o", "w.npz", folder=folder)
    assert done.exit_code == 3
    rows = [json.loads(line) for line in (folder / "h.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3] and rows[-1]["loss"] > rows[0]["loss"]


def test_histories_as_text_and_json(dagprop, folder):
    text = dagprop("plot", "run.jsonl", folder=folder)
    assert text.exit_code == 0 and text.out.startswith("run\n\nloss\n") and "⠉" in text.out
    assert max(map(len, text.out.splitlines())) == 80
    data = dagprop("plot", "run.jsonl", "--json", "--show", "loss", folder=folder).json
    assert data["panels"][0]["series"][0]["y"] == [1, 1 / 2, 1 / 3, 1 / 4]
    piped = dagprop("plot", "-", "--json", folder=folder, stdin=(folder / "run.jsonl").read_bytes()).json
    assert piped["title"] == "<stdin>" and len(piped["panels"]) == 2
    chosen = dagprop("plot", "run.jsonl", "--json", "--wrt", "w", "--show", "parameter_norms", folder=folder).json
    assert [panel["y_label"] for panel in chosen["panels"]] == ["parameter norms"]


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        (["-o", "p.svg"], b"<?xml"),
        (["-o", "p.PNG"], b"\x89PNG"),
        (["-o", "p.pdf"], b"%PDF"),
        (["-o", "p.txt"], b"run\n"),
        (["-o", "p"], b"run\n"),
        (["-o", "p.txt", "-f", "svg"], b"<?xml"),
    ],
)
def test_the_name_of_the_output_says_what_is_drawn(dagprop, folder, arguments, beginning):
    assert dagprop("plot", "run.jsonl", *arguments, folder=folder).exit_code == 0
    assert (folder / arguments[1]).read_bytes().startswith(beginning)


def test_the_same_command_writes_the_same_bytes(dagprop, folder):
    for name in ("a.svg", "b.svg"):
        dagprop("plot", "graphs/two-weight-perceptron.json", "--surface", "-o", name, folder=folder)
    assert (folder / "a.svg").read_bytes() == (folder / "b.svg").read_bytes()
    dagprop("plot", "graphs/two-weight-perceptron.json", "--surface", "--log", "-o", "b.svg", folder=folder)
    assert (folder / "a.svg").read_bytes() != (folder / "b.svg").read_bytes()


def test_regions_need_weights_and_two_inputs(dagprop, folder):
    untrained = dagprop("plot", "graphs/xor.json", "--regions", folder=folder)
    assert untrained.exit_code == 2 and "DP602" in untrained.err and "dagprop train graphs/xor.json" in untrained.err
    dagprop("train", "graphs/xor.json", "-o", "w.npz", folder=folder)
    data = dagprop("plot", "graphs/xor.json", "--regions", "--weights", "w.npz", "--json", folder=folder).json
    field = data["panels"][0]["field"]
    values, x, y = (np.array(field[key]) for key in ("values", "x", "y"))
    for sample, expected in (((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)):
        assert values[np.abs(y - sample[1]).argmin(), np.abs(x - sample[0]).argmin()] == expected


def test_an_op_of_a_plugin_is_drawn(dagprop, folder):
    arguments = ("ops", "show", "snake", "--plugin", "plugins/snake.py", "--plot", "--set", "a=2")
    series = dagprop(*arguments, "--range", "-1:1", "--json", folder=folder).json["panels"][0]["series"]
    x = np.array(series[0]["x"])
    assert series[1]["y"] == pytest.approx((1 + np.sin(4 * x)).tolist()) and x[0] == -1
    assert "a = 2" in dagprop(*arguments, folder=folder).out


WRONG = {
    "plot none.jsonl": "DP409",
    "plot graphs/xor.json": "DP409",
    "plot run.jsonl --show lost": 'did you mean "loss"?',
    "plot run.jsonl --wrt v": "DP409",
    "plot run.jsonl -o p.jpeg": "no format is called 'jpeg'",
    "plot run.jsonl -o none/p.svg": "DP603",
    "plot run.jsonl --points 3": "--points has no effect here: add --surface",
    "plot run.jsonl --weights w": "--weights has no effect here",
    "plot - -": "one history only",
    "plot graphs/line.json --surface --regions": "two pictures",
    "plot graphs/line.json --surface --show loss": "--show has no effect here",
    "plot graphs/line.json graphs/xor.json --surface": "draws one graph",
    "plot graphs/xor.json --surface": "as in --wrt hidden/w[1,7],hidden/b[7]",
    "plot graphs/xor.json --surface --wrt hidden/b[0],hidden/b[1],hidden/b[2]": "two that differ",
    "plot graphs/xor.json --surface --wrt hidden/b[0],hidden/b[0]": "two that differ",
    "plot graphs/xor.json --surface --wrt hiden/b[0]": 'did you mean "hidden/b"?',
    "plot graphs/line.json --surface --range 1:1": "must be smaller",
    "plot graphs/line.json --surface --range 1": "LOW:HIGH",
    "plot graphs/line.json --surface --range 0:1 --range 0:1": "2 ranges",
    "plot graphs/xor.json --regions --wrt hidden/b": "--columns",
    "plot graphs/line.json --regions": "no classifier",
    "ops show softmax --plot": "DP301",
    "ops show sigmoid --plot --set beta=1": "DP102",
    "ops show sigmoid --plot --set beta": "NAME=VALUE",
    "ops show sigmoid --range 0:1": "add --plot",
    "train graphs/xor.json --norms": "--history",
    "train graphs/xor.json --history -": "standard output",
    "train graphs/xor.json --history none/h.csv": "DP603",
}


@pytest.mark.parametrize("command", WRONG)
def test_what_is_wrong_is_said(dagprop, folder, command):
    done = dagprop(*command.split(), folder=folder)
    assert done.exit_code == 2 and WRONG[command] in done.err and done.out == ""


def test_a_training_that_diverges_has_no_surface(dagprop, folder):
    done = dagprop("plot", "graphs/line.json", "--surface", "--lr", "50", folder=folder)
    assert done.exit_code == 3 and "DP702" in done.err


@pytest.mark.parametrize(
    "command",
    ["plot run.jsonl", "plot graphs/line.json --surface", "ops show sigmoid --plot"],
)
def test_without_matplotlib_text_is_drawn_and_pictures_are_refused(dagprop, folder, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused = dagprop(*command.split(), "-o", "p.svg", folder=folder)
    assert refused.exit_code == 4 and "DP801" in refused.err and "pip install 'dagprop[plot]'" in refused.err
    assert not (folder / "p.svg").exists()
    assert dagprop(*command.split(), folder=folder).exit_code == 0


def test_text_does_not_load_matplotlib(folder):
    script = (
        "import sys, atexit\nfrom dagprop.cli.main import main\n"
        "atexit.register(lambda: print('matplotlib' in sys.modules, file=sys.stderr))\nmain(['plot', 'run.jsonl'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, check=True)
    assert done.stderr.split() == [b"False"]
    assert done.stdout.isascii() and b"*" in done.stdout and b"\\u" not in done.stdout  # the terminal knows no more
