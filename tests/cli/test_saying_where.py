"""Who writes a file says where, on standard error, unless asked to be quiet."""

import pytest

CHAIN = "graphs/four-layer-chain.json"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("draw", CHAIN), "chain.svg"),
        (("draw", CHAIN, "--chain", "w1"), "chain.mmd"),
        (("derive", CHAIN), "chain.tex"),
        (("derive", CHAIN, "--json"), "chain.json"),
        (("equation", CHAIN), "chain.md"),
        (("depends", CHAIN, "w1"), "chain.txt"),
        (("paths", CHAIN, "--wrt", "w1"), "paths.txt"),
        (("cost", CHAIN), "cost.txt"),
        (("flow", CHAIN), "flow.txt"),
        (("predict", CHAIN), "predicted.csv"),
        (("compile", CHAIN, "--emit", "plan"), "plan.txt"),
        (("check-gradients", CHAIN, "--json"), "checked.json"),
        (("animate", CHAIN), "chain.html"),
        (("animate", CHAIN), "slides"),
        (("ops", "show", "sigmoid", "--plot", "-f", "text"), "sigmoid.txt"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else given,
)
def test_where_the_output_is_saved(dagprop, tmp_path, command, name):
    path = str(tmp_path / name)
    loud, quiet = (dagprop(*command, "-o", path, *more) for more in ((), ("-q",)))
    assert (loud.exit_code, loud.out, loud.err) == (0, "", f"saved to {path}\n")
    assert (quiet.exit_code, quiet.out, quiet.err) == (0, "", "")
    assert (tmp_path / name).exists()


def test_each_picture_is_named_and_none_that_is_printed(dagprop, tmp_path):
    done = dagprop("draw", CHAIN, "--all", "-o", str(tmp_path / "chain.svg"))
    names = [f"chain-{name}.svg" for name in ("w3", "w2", "w1", "b1")]
    assert done.err == "".join(f"saved to {tmp_path / name}\n" for name in names)
    assert dagprop("draw", CHAIN, "-o", "-").err == dagprop("derive", CHAIN).err == ""


@pytest.mark.parametrize("arguments", [("trian",), ("draw", "--colour"), ("draw",)])
def test_usage_errors_have_no_code_in_words_and_one_in_json(dagprop, arguments):
    done = dagprop(*arguments)
    assert done.exit_code == 2 and "[DP" not in done.err and "Error: " in done.err
    done = dagprop(*arguments, "--json")
    assert done.exit_code == 2 and '"DP000"' in done.err
