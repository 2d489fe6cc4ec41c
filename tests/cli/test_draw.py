"""``dagprop draw`` as a user runs it."""

import pytest

CHAIN = "graphs/four-layer-chain.json"


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "dot", "mmd", "tex", "txt"])
def test_the_name_of_the_file_says_what_is_drawn(dagprop, tmp_path, ending):
    path = tmp_path / f"picture.{ending}"
    done = dagprop("draw", CHAIN, "-o", str(path))
    assert (done.exit_code, done.out, done.err) == (0, "", f"saved to {path}\n")
    assert path.stat().st_size > 300


@pytest.mark.parametrize(("phase", "shown"), [("forward", "0.6183"), ("backward", "∂ℒ/∂f₃ = −0.3817")])
def test_a_phase_brings_its_numbers(dagprop, phase, shown):
    done = dagprop("draw", CHAIN, "--phase", phase)
    assert done.exit_code == 0 and shown in done.out and "–" not in done.out.replace("–\n", "")


def test_text_is_drawn_where_nothing_is_said(dagprop):
    done = dagprop("draw", CHAIN, "--chain", "w1", "--show", "local")
    assert done.exit_code == 0 and "∂f₃/∂a₃ = 0.236 (already computed, re-used)" in done.out
    assert "Each node stands above what it depends on." in done.out


def test_all_draws_one_picture_for_each_parameter_in_their_order(dagprop, tmp_path):
    assert dagprop("draw", CHAIN, "--all", "-o", str(tmp_path / "chain.svg")).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"chain-{name}.svg" for name in ("b1", "w1", "w2", "w3")
    ]
    out = dagprop("draw", CHAIN, "--all").out
    assert [out.index(f"∂ℒ/∂{name} = ") for name in ("w₃", "w₂", "w₁", "b₁")] == sorted(
        out.index(f"∂ℒ/∂{name} = ") for name in ("w₃", "w₂", "w₁", "b₁")
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--chain", "w9"], 2, "DP104"),
        (["--around", "hiden"], 2, "DP104"),
        (["--show", "vlue"], 2, 'did you mean "value"?'),
        (["-o", "x.jpg"], 2, "DP011"),
        (["-o", "x.html"], 2, "dagprop animate makes pages"),
        (["--all", "-f", "svg"], 2, "name a file with -o"),
        (["--all", "--chain", "w1"], 2, "does not go with --chain"),
        (["--weights", "edge", "--weights", "node"], 2, "at most"),
        (["--weights", "no.npz"], 2, "DP601"),
        (["-o", "no/such/folder.svg"], 2, "DP603"),
        (["--phase", "up"], 2, "forward"),
    ],
)
def test_what_cannot_be_drawn_is_said(dagprop, arguments, code, words):
    done = dagprop("draw", CHAIN, *arguments)
    assert done.exit_code == code and words in done.err and "Traceback" not in done.err


@pytest.mark.parametrize(
    "nodes",
    [
        {},
        {"x": {"op": "input", "value": 1}},
        {"x": {"op": "input", "value": 1}, "f": {"op": "multiply", "inputs": ["x", "x"]}},
    ],
    ids=["empty", "one", "square"],
)
def test_small_graphs_without_a_loss(dagprop, write_graph, nodes):
    path = str(write_graph(nodes))
    for format in ("text", "svg", "mermaid", "tikz"):
        assert dagprop("draw", path, "-f", format).exit_code == (0 if nodes else dagprop("check", path).exit_code)
    assert nodes == {} or dagprop("draw", path, "--show", "value,shape").exit_code == 0
    done = dagprop("draw", path, "--phase", "backward")
    assert done.exit_code == 2 and "Traceback" not in done.err
