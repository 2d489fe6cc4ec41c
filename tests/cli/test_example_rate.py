"""The small network that ``plugins new`` writes learns, whatever the formula, or it is said that it does not."""

import json

import pytest

import dagprop as library
from dagprop.ops.plugins import load_plugin

LOSS = ["--input", "prediction", "--input", "target"]


@pytest.mark.parametrize(
    ("formula", "more", "largest"),
    [
        ("x + (sqrt(x**2 + 1) - 1) / 2", [], 1e-3),
        ("x * sigmoid(x)", [], 1e-3),
        ("x / (1 + abs(x))", [], 1e-3),  # crawls with a rate that is right for most
        ("x**4 / 10", [], 0.02),  # steep: most rates throw it off
        ("exp(x)", [], 0.02),
        ("x if x > 0 else slope*x", ["--input", "x", "--input", "slope"], 5e-3),
        ("log(cosh(prediction - target))", LOSS, 5e-3),
    ],
)
def test_the_network_learns_with_any_formula(dagprop, tmp_path, own_ops, formula, more, largest):
    graph = tmp_path / "own.json"
    done = dagprop("plugins", "new", "own", "--formula", formula, *more, "--graph", str(graph), folder=tmp_path)
    assert done.exit_code == 0 and f"{graph} {'trains' if more == LOSS else 'learns sin x'}: loss" in done.out
    load_plugin(str(tmp_path / "plugins" / "own.py"))
    assert library.train(library.load(graph)).history[-1].loss < largest


@pytest.mark.parametrize(
    ("formula", "words"),
    [("10*x", "trains, but not to a sine: loss 0.1"), ("x**6", "does not train: with every learning rate")],
)
def test_what_cannot_learn_a_sine_is_said(dagprop, tmp_path, formula, words):
    done = dagprop("plugins", "new", "own", "--formula", formula, "--graph", "own.json", folder=tmp_path)
    assert done.exit_code == 0 and f"own.json {words}" in done.out
    assert json.loads((tmp_path / "own.json").read_text(encoding="utf-8"))["train"]["epochs"] == 5000
