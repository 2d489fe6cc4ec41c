"""``derive``: the lecture's derivation on the command line, its formats, its check, and what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GRAPHS = sorted(path.stem for path in ROOT.glob("graphs/*.json"))
CHAIN = "graphs/four-layer-chain.json"
VALUES = {"x": 0.5, "y": 1.0, "w1": 0.8, "b1": 0.1, "w2": -1.2, "w3": 1.5}


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def by_hand(x, y, w1, b1, w2, w3):
    """Return the factors and gradients of the four layers, worked out as on the board."""
    f1 = sigmoid(w1 * x + b1)
    f2 = sigmoid(w2 * f1)
    f3 = sigmoid(w3 * f2)
    a3 = -(y - f3) * f3 * (1 - f3)
    a2 = a3 * w3 * f2 * (1 - f2)
    a1 = a2 * w2 * f1 * (1 - f1)
    factors = [-(y - f3), f3 * (1 - f3), f2, a3, f2 * (1 - f2), f1, a2, f1 * (1 - f1), a1]
    return factors, {"w3": a3 * f2, "w2": a2 * f1, "w1": a1 * x, "b1": a1}


REUSED = {
    "w2": ("∂L/∂f3 · ∂f3/∂a3", "w3"),
    "w1": ("∂L/∂f3 · ∂f3/∂a3 · ∂a3/∂f2 · ∂f2/∂a2", "w2"),
    "b1": ("∂L/∂f3 · ∂f3/∂a3 · … · ∂f1/∂a1", "w1"),
}


def test_the_lectures_derivation_has_its_numbers_and_marks(dagprop):
    settings = [text for name, value in VALUES.items() for text in ("--set", f"{name}={value}")]
    outcome = dagprop("derive", CHAIN, "--wrt", "w3,w2,w1,b1", *settings)
    factors, gradients = by_hand(**VALUES)
    for number in (*factors, *gradients.values()):
        assert f"{number:.6g}" in outcome.out
    for name, (prefix, before) in REUSED.items():
        mark = f"∂L/∂{name} = [{prefix}] · "
        assert mark in outcome.out
        behind = outcome.out.partition(mark)[2].splitlines()[1]
        assert behind == f"         [..] already computed in ∂L/∂{before}, re-use (propagate)!"
    order = [text[3:7] for text in outcome.out.split("\n\n") if text.startswith("∂L/∂")]
    assert order == ["∂w3 ", "∂w2 ", "∂w1 ", "∂b1 "]
    assert "9 multiplications with re-use; 18 if each gradient were worked out alone." in outcome.out


def test_numbers_below_zero_stand_in_brackets_beside_every_operator(dagprop):
    out = dagprop("derive", CHAIN).out
    assert "= (-0.381726) · 0.236011 · 0.321486\n" in out
    assert "= [-0.0294779] · (-1.2) · 0.235004 · 0.5\n" in out
    assert "= (-1.2) - 1 · (-0.0183488)\n" in out
    assert "\n       = -0.0289632\n" in out


@pytest.mark.parametrize("name", GRAPHS)
def test_every_graph_passes_its_check(dagprop, name):
    outcome = dagprop("derive", f"graphs/{name}.json", "--check")
    assert outcome.exit_code == 0
    rows = outcome.out.partition("\nCheck\n")[2].splitlines()
    assert len(rows) > 2
    assert all(row.endswith(("agree", "; 0 of them differ")) for row in rows[1:])


def test_what_is_reused_is_checked_too(dagprop):
    rows = [row.split() for row in dagprop("derive", CHAIN, "--check").out.partition("\nCheck\n")[2].splitlines()]
    factors, _ = by_hand(**VALUES)
    first, second, a3 = (float(f"{factors[place]:.6g}") for place in (0, 1, 3))
    assert ["∂L/∂a3", f"{a3:.6g}", f"{a3:.6g}", f"{first * second:.6g}", "agree"] in rows
    assert [row[0] for row in rows[1:-1]] == [f"∂L/∂{name}" for name in ("w3", "a3", "w2", "a2", "w1", "a1", "b1")]


@pytest.mark.parametrize(("digits", "known"), [("1", 1), ("17", 14)])
def test_the_check_goes_as_far_as_the_digits_that_are_shown(dagprop, digits, known):
    outcome = dagprop("derive", CHAIN, "--check", "--digits", digits)
    assert outcome.exit_code == 0
    assert f"= {by_hand(**VALUES)[1]['w1']:.{known}g}" in outcome.out


WRONG = """
from dagprop import op

@op("almost_sine")
def almost_sine(xp, x):
    return xp.sin(x)

@almost_sine.derivative("x")
def _(xp, x):
    return 1.001 * xp.cos(x)
"""


def test_a_rule_that_is_wrong_by_a_thousandth_fails_the_check(dagprop, tmp_path, write_graph):
    (tmp_path / "almost.py").write_text(WRONG, encoding="utf-8")
    path = str(
        write_graph({"w": {"op": "parameter", "value": 0.5}, "L": {"op": "almost_sine", "inputs": ["w"]}}, loss="L")
    )
    outcome = dagprop("derive", path, "--check", "--plugin", str(tmp_path / "almost.py"))
    assert outcome.exit_code == 1
    assert outcome.out.endswith("differ: dagprop check-gradients says where\n")
    assert dagprop("derive", path, "--plugin", str(tmp_path / "almost.py")).exit_code == 0
    named = dagprop("check-gradients", path, "--plugin", str(tmp_path / "almost.py"))
    assert (named.exit_code, named.out.splitlines()[0]) == (1, "wrong: node L, op almost_sine, input x, ∂L/∂w")


STARTS = {
    ("text", False): "The gradient of L\n=================\n\n∂L/∂w3 = ",
    ("latex", False): "\\section*{The gradient of ",
    ("latex", True): "\\documentclass",
    ("markdown", False): "# The gradient of ",
    ("html", False): '<div class="dagprop">',
    ("html", True): "<!DOCTYPE html>",
}


@pytest.mark.parametrize(("format", "standalone"), STARTS)
@pytest.mark.parametrize("command", ["derive", "equation"])
def test_formats(dagprop, tmp_path, command, format, standalone):
    arguments = [command, CHAIN, "--format", format, *(["--standalone"] if standalone else [])]
    outcome = dagprop(*arguments)
    start = STARTS[format, standalone]
    if command == "equation":
        start = start.partition("The gradient of ")[0]
    assert (outcome.exit_code, outcome.err) == (0, "")
    assert outcome.out.startswith(start)
    target = tmp_path / "derivation"
    assert dagprop(*arguments, "-o", str(target)).out == ""
    assert target.read_text(encoding="utf-8") == outcome.out


@pytest.mark.parametrize(
    ("name", "format"), [("a.tex", "latex"), ("a.html", "html"), ("a.md", "markdown"), ("a", "text")]
)
@pytest.mark.parametrize("command", ["derive", "equation"])
def test_the_name_of_the_output_says_the_format(dagprop, tmp_path, command, name, format):
    complete = ["--standalone"] if format in ("latex", "html") else []
    expected = dagprop(command, CHAIN, "--format", format, *complete).out
    target = tmp_path / name
    assert dagprop(command, CHAIN, "-o", str(target)).out == ""
    assert target.read_text(encoding="utf-8") == expected
    if complete:
        dagprop(command, CHAIN, "-o", str(target), "--format", format)
        assert target.read_text(encoding="utf-8") == dagprop(command, CHAIN, "--format", format).out


@pytest.mark.parametrize("command", ["derive", "equation"])
def test_text_is_not_written_under_the_name_of_another_format(dagprop, tmp_path, command):
    target = tmp_path / "a.pdf"
    done = dagprop(command, CHAIN, "-o", str(target))
    assert done.exit_code == 2 and "-o NAME.tex is for pdflatex" in done.err and not target.exists()


NUMERIC = {
    "symbolic": ["∂L/∂w3 = ∂L/∂f3 · ∂f3/∂a3 · ∂a3/∂w3", "= -(y - f3) · f3(1 - f3) · f2"],
    "substituted": [
        *("∂L/∂w3 = ∂L/∂f3 · ∂f3/∂a3 · ∂a3/∂w3", "= -(y - f3) · f3(1 - f3) · f2"),
        *("= (-0.381726) · 0.236011 · 0.321486", "= -0.0289632"),
    ],
}
NUMERIC["all"] = [
    *NUMERIC["substituted"],
    *("", "∂L/∂f3 = -(y - f3)", "= -(1 - 0.618274)", "= -0.381726"),
    *("", "∂f3/∂a3 = f3(1 - f3)", "= 0.618274 · (1 - 0.618274)", "= 0.236011"),
    *("", "∂a3/∂w3 = f2", "= 0.321486"),
]
FORWARD = [
    *("Forward", "", "a1 = w1 · x + b1", "= 0.8 · 0.5 + 0.1", "= 0.5", ""),
    *("f1 = 1 / (1 + exp(-a1))", "= 1 / (1 + exp(-0.5))", "= 0.622459", ""),
    *("a2 = w2 · f1", "= (-1.2) · 0.622459", "= -0.746951", ""),
    *("f2 = 1 / (1 + exp(-a2))", "= 1 / (1 + exp(-(-0.746951)))", "= 0.321486", ""),
    *("a3 = w3 · f2", "= 1.5 · 0.321486", "= 0.482229", ""),
    *("f3 = 1 / (1 + exp(-a3))", "= 1 / (1 + exp(-0.482229))", "= 0.618274", ""),
    *("L = 0.5 · (y - f3)^2", "= 0.5 · (1 - 0.618274)^2", "= 0.0728573", "", "Backward", ""),
]
"""Symbol = substituted = value."""


@pytest.mark.parametrize("numeric", NUMERIC)
def test_numeric_says_which_numbers_are_put_in(dagprop, numeric):
    lines = dagprop("derive", CHAIN, "--wrt", "w3", "--numeric", numeric).out.splitlines()
    update = lines.index("w3 ← w3 - η · ∂L/∂w3")
    expected = (FORWARD if numeric == "all" else []) + NUMERIC[numeric]
    assert [line.strip() for line in lines[3 : update - 1]] == expected
    assert lines[update + 1] == ("" if numeric == "symbolic" else "   = 1.5 - 1 · (-0.0289632)")


def test_the_update_takes_another_learning_rate(dagprop):
    out = dagprop("derive", CHAIN, "--wrt", "w2", "--lr", "0.5").out
    assert f"   = (-1.2) - 0.5 · (-0.0183488)\n   = {-1.2 - 0.5 * by_hand(**VALUES)[1]['w2']:.6g}\n" in out


def test_one_entry_of_a_matrix_is_written_out(dagprop):
    alone = dagprop("derive", "graphs/xor.json", "--wrt", "hidden/w", "--element", "0,2")
    assert alone.exit_code == 0
    assert "∂L/∂(hidden/w)[0, 2] = x[0, 0] · (1 / 4) · (σ(output/f[0]) - y[0]) · output/w[2]\n" in alone.out
    of_all = dagprop("derive", "graphs/xor.json", "--element", "0,2")
    assert of_all.out.count("[0, 2] = ") == 1
    assert "∂L/∂(hidden/w)[0, 2] = x[0, 0] · [∂L/∂(hidden/a)[0, 2]] + x[1, 0] · " in of_all.out


@pytest.mark.parametrize("element", ["9,9", "0", "-1,0", "0,0,0"])
def test_an_entry_that_no_gradient_has_is_refused(dagprop, element):
    outcome = dagprop("derive", "graphs/xor.json", "--wrt", "hidden/w", "--element", element)
    assert (outcome.exit_code, outcome.out) == (2, "")
    assert f"--element {element}: there is no such entry; hidden/w has 2 x 8" in outcome.err


def test_the_object_has_full_precision_and_the_check_stands_aside(dagprop):
    outcome = dagprop("derive", CHAIN, "--json", "--check")
    data = json.loads(outcome.out)
    gradients = by_hand(**VALUES)[1]
    assert {line["wrt"]: line["value"] for line in data["gradients"]} == pytest.approx(gradients, rel=1e-14)
    assert [line["terms"][0]["first_computed_for"] for line in data["gradients"]] == [None, "w3", "w2", "w1"]
    assert (data["multiplications"], data["multiplications_alone"]) == (9, 18)
    assert "agree" in outcome.err


def test_a_page_on_standard_output_is_nothing_but_the_page(dagprop):
    outcome = dagprop("derive", CHAIN, "--format", "html", "--standalone", "--check")
    assert outcome.out.rstrip().endswith("</html>")
    assert "agree" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--wrt", "w33"), 'did you mean "w3"?'),
        (("--wrt", ","), "Invalid value for '--wrt': it names nothing, as in a,b"),
        (("--element", "a,b"), "'a,b' is not of the form 0,2"),
        (("--wrt", "L"), "the derivative of the loss by itself is 1"),
        (("--numeric", "none"), "is not one of 'symbolic', 'substituted', 'all'"),
        (("--digits", "0"), "0 is not in the range"),
        (("--set", "w33=1"), 'did you mean "w3"?'),
    ],
)
def test_mistakes_are_explained(dagprop, arguments, message):
    outcome = dagprop("derive", CHAIN, *arguments)
    assert (outcome.exit_code, outcome.out) == (2, "")
    assert message in outcome.err


def test_a_graph_without_a_loss_is_refused(dagprop, write_graph):
    outcome = dagprop("derive", str(write_graph({"w": {"op": "parameter", "value": 1.0}})))
    assert outcome.exit_code == 2
    assert "the graph has no loss [DP206]" in outcome.err


def test_what_is_not_finite_is_said(dagprop, write_graph):
    nodes = {"w": {"op": "parameter", "value": -1.0}, "L": {"op": "sqrt", "inputs": ["w"]}}
    outcome = dagprop("derive", str(write_graph(nodes, loss="L")))
    assert outcome.exit_code == 0
    assert 'node "L": the value is not finite' in outcome.err


UNRECORDED = """
from dagprop import op

@op("picky")
def picky(xp, x):
    return x * x if hasattr(x, "value") or not hasattr(x, "number") else xp.no_such_function(x)

@picky.derivative("x")
def _(xp, x):
    return 2 * x

@op("choosy")
def choosy(xp, x):
    return xp.abs(x)

@choosy.derivative("x")
def _(xp, x):
    return 1.0 if float(x) > 0 else -1.0
"""


def test_a_rule_that_cannot_be_recorded_is_a_name_or_an_error_that_names_it(dagprop, tmp_path, write_graph):
    (tmp_path / "unrecorded.py").write_text(UNRECORDED, encoding="utf-8")
    plugin = ("--plugin", str(tmp_path / "unrecorded.py"))
    nodes = {"w": {"op": "parameter", "value": 0.5}, "L": {"op": "picky", "inputs": ["w"]}}
    forward = dagprop("derive", str(write_graph(nodes, loss="L")), "--numeric", "all", *plugin)
    assert (forward.exit_code, forward.err) == (0, "")
    assert "\nL = picky(w)\n  = picky(0.5)\n  = 0.25\n" in forward.out
    nodes["L"]["op"] = "choosy"
    backward = dagprop("derive", str(write_graph(nodes, loss="L")), *plugin)
    assert (backward.exit_code, backward.out) == (2, "")
    assert 'node "L": the derivative rule for "x" of "choosy" cannot be recorded' in backward.err
    assert "[DP503]" in backward.err


def test_no_row_says_what_another_has_said(dagprop, write_graph):
    nodes = {
        "w": {"op": "parameter", "value": 3.0},
        "v": {"op": "parameter", "value": -2.0},
        "L": {"op": "multiply", "inputs": ["w", "v"]},
    }
    out = dagprop("derive", str(write_graph(nodes, loss="L"))).out
    assert "\n∂L/∂w = v\n      = -2\n\n" in out
    assert "\n∂L/∂v = w\n      = 3\n\n" in out
    out = dagprop("derive", "graphs/iris.json", "--wrt", "species").out
    assert "\n∂L/∂species = 0\n\n" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "for each batch of 4 samples (x, y):"),
        (["--data", "two.csv"], "for each batch of 2 samples (x, y):"),
        (["--row", "3"], "for each batch of 4 samples (x, y), with the mean of their derivatives:"),
        (
            ["--row", "2", "--data", "two.csv"],
            "for each batch of 2 samples (x, y), with the mean of their derivatives:",
        ),
        (["--set", "x=1", "--set", "y=2"], "for each batch of 4 samples (x, y), with the mean of their derivatives:"),
    ],
)
@pytest.mark.parametrize("size", [4, 100])
def test_the_algorithm_takes_the_batches_that_train_takes(dagprop, tmp_path, write_graph, arguments, words, size):
    lines = [f"{number},{2 * number}" for number in range(9)]
    (tmp_path / "nine.csv").write_text("\n".join(["x,y", *lines]), encoding="utf-8")
    (tmp_path / "two.csv").write_text("\n".join(["x,y", *lines[:2]]), encoding="utf-8")
    nodes = {
        **{"x": {"op": "input"}, "y": {"op": "input"}, "w": {"op": "parameter", "value": 0.5}},
        "p": {"op": "multiply", "inputs": ["w", "x"]},
        "L": {"op": "half_squared_error", "inputs": ["p", "y"]},
    }
    path = write_graph(nodes, loss="L", data={"file": "nine.csv"}, train={"batch_size": size})
    out = dagprop("derive", str(path), *arguments, folder=tmp_path).out
    assert (words if size == 4 else words.replace("of 4", "of 9")) in out


def test_data_that_is_not_there_is_not_needed_to_derive_at_given_values(dagprop, write_graph):
    nodes = {
        **{"x": {"op": "input", "value": 2}, "w": {"op": "parameter", "value": 0.5}},
        "L": {"op": "multiply", "inputs": ["w", "x"]},
    }
    path = write_graph(nodes, loss="L", data={"file": "missing.csv"}, train={"batch_size": 4})
    done = dagprop("derive", str(path))
    assert (done.exit_code, done.err) == (0, "") and "for each batch of 4 samples (x), with the mean" in done.out
