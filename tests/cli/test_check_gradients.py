"""``dagprop check-gradients``: what is printed for right and for wrong networks, and its exit code."""

import json

import pytest

WRONG = """
from dagprop import op

@op("my_swish")
def my_swish(xp, x, *, beta=1.0):
    return x / (1 + xp.exp(-beta * x))

@my_swish.derivative("x")
def _(xp, x, y, beta):
    s = 1 / (1 + xp.exp(-beta * x))
    return 1.001 * (s + beta * y * (1 - s))
"""


@pytest.fixture
def wrong(tmp_path):
    """A plugin with a wrong rule, and a graph that uses it twice."""
    nodes = {
        "x": {"op": "input", "value": 0.5},
        "w": {"op": "parameter", "value": -1.2},
        "a": {"op": "multiply", "inputs": ["w", "x"]},
        "h": {"op": "my_swish", "inputs": ["a"]},
        "f": {"op": "my_swish", "inputs": ["h"], "beta": 2},
        "L": {"op": "half_squared_error", "inputs": ["f", "x"]},
    }
    (tmp_path / "swish.py").write_text(WRONG, encoding="utf-8")
    graph = tmp_path / "graph.json"
    graph.write_text(json.dumps({"dagprop": 1, "nodes": nodes, "loss": "L"}), encoding="utf-8")
    return str(graph), "--plugin", str(tmp_path / "swish.py")


def test_a_right_network_has_a_short_report(dagprop):
    done = dagprop("check-gradients", "graphs/four-layer-chain.json")
    assert (done.exit_code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "12 derivative rules: right; 12 entries; complex step"
    assert lines[2] == "gradient of L by 4 parameters: right; 4 entries; complex step"
    assert all(line.startswith("  largest relative difference ") for line in (lines[1], lines[3]))
    assert len(lines) == 4


def test_a_wrong_rule_is_named_with_both_numbers(dagprop, wrong):
    done = dagprop("check-gradients", *wrong)
    assert done.exit_code == 1
    assert done.err == ""
    lines = done.out.splitlines()
    assert lines[0] == "wrong: node h, op my_swish, input x, ∂h/∂a"
    assert lines[1].split()[:4] == ["the", "rule", "gives", "0.21729"]
    assert lines[1].endswith("swish.py:8")
    assert "0.217073  complex step" in lines[2]
    assert lines[3].split() == ["relative", "difference", "0.000999"]
    assert lines[4] == "  the rule gives 1.001 times the derivative"
    assert "also wrong:" in lines and "as a consequence, the gradients of L are wrong by: w" in lines
    assert "6 derivative rules: 2 wrong; 6 entries; complex step" in lines


def test_a_tolerance_may_let_it_pass(dagprop, wrong):
    done = dagprop("check-gradients", *wrong, "--tolerance", "0.01")
    assert done.exit_code == 0 and "largest relative difference 0.001" in done.out


def test_json_says_everything(dagprop, wrong):
    done = dagprop("check-gradients", *wrong, "--json")
    assert done.exit_code == 1
    document = done.json
    assert document["ok"] is False and document["tolerance"] == 1e-6
    first = document["rules"]["findings"][0]
    assert (first["kind"], first["node"], first["op"], first["input"]) == ("wrong", "h", "my_swish", "x")
    assert first["rule"] == pytest.approx(1.001 * first["numeric"], rel=1e-12)
    assert document["network"]["findings"][0]["source"] == "w"
    right = dagprop("check-gradients", "graphs/xor.json", "--json").json
    assert right["ok"] is True and right["rules"]["findings"] == []


def test_quiet_says_only_what_is_wrong(dagprop, wrong):
    assert dagprop("check-gradients", "graphs/xor.json", "-q").out == ""
    assert dagprop("check-gradients", *wrong, "-q").out.startswith("wrong: node h")


def test_the_report_goes_to_a_file(dagprop, tmp_path):
    path = tmp_path / "report.txt"
    done = dagprop("check-gradients", "graphs/four-layer-chain.json", "-o", str(path))
    assert (done.exit_code, done.out) == (0, "")
    assert path.read_text(encoding="utf-8").startswith("12 derivative rules: right")


def test_what_is_no_error_is_said(dagprop, tmp_path):
    nodes = {
        "x": {"op": "input", "shape": ["N", 2], "value": [0.0, 1.0]},
        "t": {"op": "input", "value": 1},
        "r": {"op": "relu", "inputs": ["x"]},
        "s": {"op": "sqrt", "inputs": ["r"]},
        "w": {"op": "where", "inputs": ["x", "r", "s"]},
        "L": {"op": "cross_entropy", "inputs": ["w", "t"]},
    }
    graph = json.dumps({"dagprop": 1, "nodes": nodes, "loss": "L"}).encode()
    done = dagprop("check-gradients", "-", stdin=graph)
    assert done.exit_code == 0
    lines = done.out.splitlines()
    assert "gradients of the whole graph: not checked, the graph has no parameter that is trained" in lines
    kink = "kink: node r, op relu, input x: ∂r/∂x at [0] is 0 to the left and 1 to the right; the rule gives 0"
    assert kink in lines
    assert any(
        line.startswith("not finite: node s, op sqrt, input x: ∂s/∂r at [0]: the rule gives inf") for line in lines
    )
    assert "not checked: node L, op cross_entropy, input target: a class index does not move by small steps" in lines


def test_samples_and_all(dagprop):
    few = dagprop("check-gradients", "graphs/xor.json", "--samples", "3", "--json").json
    every = dagprop("check-gradients", "graphs/xor.json", "--all", "--json").json
    assert few["rules"]["entries"] < every["rules"]["entries"] == every["rules"]["total"]
    assert few["rules"]["total"] == every["rules"]["total"]


def test_the_same_input_gives_the_same_bytes(dagprop):
    first, second = (dagprop("check-gradients", "graphs/two-spirals.json").out for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("--tolerance", "0"), 2, "--tolerance"),
        (("--tolerance", "nan"), 2, "--tolerance"),
        (("--samples", "0"), 2, "--samples"),
        (("--set", "w9=1"), 2, "DP305"),
        (("--dtype", "float16"), 2, "--dtype"),
    ],
)
def test_bad_arguments(dagprop, arguments, exit_code, message):
    done = dagprop("check-gradients", "graphs/four-layer-chain.json", *arguments)
    assert done.exit_code == exit_code and message in done.err


def test_a_misspelt_command(dagprop):
    done = dagprop("check-gradient", "graphs/xor.json")
    assert done.exit_code == 2 and 'did you mean "check-gradients"?' in done.err
