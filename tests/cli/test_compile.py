"""``dagprop compile``: each stage of a training step as text; and ``--backend`` with what -v says of it."""

from __future__ import annotations

import json
import re

import pytest

CHAIN = "graphs/four-layer-chain.json"


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--emit", "plan"], ["a1 = affine(w1, x, b1)", "d_f3 = half_squared_error.d/prediction (d_L)"]),
        (["--emit", "program", "--batch-size", "1"], ["= input learning rate", "# 1  a1 = affine(w1, x, b1)"]),
        (["--batch-size", "8"], ["# 8  a1 = affine(w1, x, b1)", "return new w1 = %"]),
        (["--emit", "python"], ["def step(", "# a1 = affine(w1, x, b1)"]),
        (
            ["--emit", "llvm", "--batch-size", "32"],
            ["define void @epoch(", "; a1 = affine(w1, x, b1)", "%sum4 = phi double"],
        ),
        (["--emit", "llvm", "--batch-size", "1"], ["define void @epoch(", "declare double @exp(double)"]),
    ],
)
def test_each_stage_is_text_with_the_nodes_as_comments(dagprop, arguments, lines):
    done = dagprop("compile", CHAIN, *arguments)
    assert done.exit_code == 0 and done.err == ""
    assert all(line in done.out for line in lines)
    assert dagprop("compile", CHAIN, *arguments) == done, "the same input gives the same bytes"


@pytest.mark.parametrize("emit", ["plan", "program", "python"])
@pytest.mark.parametrize("graph", ["xor", "iris", "digits", "line"])
def test_graphs_of_arrays(dagprop, graph, emit):
    done = dagprop("compile", f"graphs/{graph}.json", "--emit", emit)
    assert done.exit_code == 0 and "L = " in done.out


def test_a_graph_of_arrays_has_kernels(dagprop):
    python, llvm = (dagprop("compile", "graphs/digits.json", "--emit", emit) for emit in ("python", "llvm"))
    assert llvm.exit_code == 0 and llvm.err == ""
    kernels = re.findall(r"^define i32 @([ke]\d+)\(", llvm.out, re.MULTILINE)
    assert len(kernels) > 2
    for name in kernels:
        (bound,) = re.findall(rf'(f\d+) = kernel\("{name}"', python.out)
        assert f"    {bound}()" in python.out or f"if {bound}()" in python.out
    assert "; L = cross_entropy(logits/f, digit)" in llvm.out


def test_products_alone_have_no_llvm(dagprop, write_graph):
    leaves = {name: {"op": "parameter", "value": [[1, 2], [3, 4]]} for name in ("a", "b")}
    path = write_graph({**leaves, "y": {"op": "matmul", "inputs": ["a", "b"]}})
    done = dagprop("compile", str(path), "--emit", "llvm")
    assert done.exit_code == 3 and "DP705" in done.err and "--emit python" in done.err


@pytest.mark.parametrize("emit", ["plan", "program", "python", "llvm"])
def test_a_graph_without_a_loss_gives_its_forward_pass(dagprop, write_graph, emit):
    path = write_graph({"x": {"op": "input"}, "y": {"op": "tanh", "inputs": ["x"]}})
    done = dagprop("compile", str(path), "--emit", emit, "--batch-size", "1")
    assert done.exit_code == 0 and "y = tanh(x)" in done.out


def test_to_a_file(dagprop, tmp_path):
    assert dagprop("compile", CHAIN, "-o", str(tmp_path / "program")).out == ""
    assert "return mean loss" in (tmp_path / "program").read_text()


@pytest.mark.parametrize(
    ("graph", "backend", "says"),
    [
        ("four-layer-chain", "auto", "backend: compiled scalar program (LLVM)"),
        ("line", "compiled", "backend: compiled scalar program (LLVM)"),
        ("xor", "auto", "backend: compiled: arrays"),
        ("xor", "compiled", "backend: compiled: arrays with fused kernels (LLVM)"),
        ("xor", "reference", "backend: reference (NumPy, step by step)"),
    ],
)
def test_a_training_says_what_computes(dagprop, tmp_path, graph, backend, says):
    path = f"graphs/{graph}.json"
    arguments = ["train", path, "--epochs", "2", "--validation", "0.3", "-o", str(tmp_path / "w")]
    if graph == "four-layer-chain":
        arguments = [*arguments[:4], *arguments[6:]]
    done = dagprop(*arguments, "-v", "--backend", backend)
    assert done.exit_code == 0
    assert [line for line in done.err.splitlines() if line.startswith("backend")] == [says]
    assert "backend" not in dagprop(*arguments).err


@pytest.mark.parametrize("command", ["run", "backprop", "predict", "evaluate"])
@pytest.mark.parametrize("graph", ["four-layer-chain", "iris"])
def test_the_other_commands_take_a_back_end(dagprop, tmp_path, command, graph):
    path, weights = f"graphs/{graph}.json", str(tmp_path / "w.npz")
    assert dagprop("train", path, "--epochs", "1", "-o", weights).exit_code == 0
    arguments = [command, path, "--weights", weights, "--json"]
    reference, compiled, auto = (
        dagprop(*arguments, "-v", "--backend", name) for name in ("reference", "compiled", "auto")
    )
    assert auto.out == reference.out
    assert "backend: reference" in reference.err and "backend: compiled" in compiled.err
    assert all(done.err.count("backend") == 1 for done in (reference, compiled, auto))
    assert flat(compiled.json) == pytest.approx(flat(reference.json), rel=1e-12, abs=1e-14)


def flat(value):
    """Return the numbers of a JSON document in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in flat(item)]
    return [value] if isinstance(value, (int, float)) else []


def test_a_back_end_that_there_is_not(dagprop):
    done = dagprop("run", CHAIN, "--backend", "gpu", "--json")
    assert done.exit_code == 2 and "auto" in json.loads(done.err)["errors"][0]["message"]
