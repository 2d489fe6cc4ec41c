"""``dagprop animate`` as a user runs it."""

import json
import re
from types import SimpleNamespace

import pytest

CHAIN = "graphs/four-layer-chain.json"


def island(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--set", "w2=-3"],
        ["--lr", "0.25"],
        ["--set", "x=[0.5,-1]", "--set", "y=[1,0]"],
    ],
)
def test_the_numbers_in_the_page_are_those_of_backprop(dagprop, options):
    steps = island(dagprop("animate", CHAIN, *options).out)["steps"]
    rate = [] if "--lr" in options else ["--lr", "1"]
    printed = dagprop("backprop", CHAIN, "--json", *options, *rate).json
    values = {name: value for step in steps for name, value in step.get("values", {}).items()}
    gradients = {name: value for step in steps for name, value in step.get("grad", {}).items()}
    assert {name: {"value": values[name], "grad": gradients[name]} for name in values} == printed["nodes"]
    edges = [{key: step[key] for key in printed["edges"][0]} for step in steps if "from" in step]
    assert edges == printed["edges"]
    assert steps[-1]["parameters"] == printed["parameters"]
    again = ["--set", "y=[1,0]", "--set", "x=[0.5,-1]"] if "x=[0.5,-1]" in options else []
    new = [
        text for name, entry in printed["parameters"].items() for text in ("--set", f"{name}={entry['new_value']!r}")
    ]
    assert steps[-1]["loss_after"] == dagprop("backprop", CHAIN, "--json", *again, *new).json["loss"]


def test_data_rows_weights_and_digits(dagprop, tmp_path):
    done = dagprop(
        "animate", "graphs/iris.json", "--row", "3", "--seed", "7", "--digits", "3", "-o", str(tmp_path / "iris.html")
    )
    assert done.exit_code == 0 and "random values (seed 7)" in done.err
    steps = island((tmp_path / "iris.html").read_text(encoding="utf-8"))["steps"]
    printed = dagprop("backprop", "graphs/iris.json", "--row", "3", "--seed", "7", "--json").json
    values = {name: value for step in steps for name, value in step.get("values", {}).items()}
    assert all(values[name] == printed["nodes"][name]["value"] for name in ("L", "logits/a", "flower"))


def test_frames_go_into_a_folder(dagprop, tmp_path):
    folder = tmp_path / "new" / "steps"
    done = dagprop("animate", CHAIN, "-f", "frames", "-o", str(folder), "--theme", "dark", "--wrt", "w3,w2")
    assert (done.exit_code, done.out, done.err) == (0, "", f"saved to {folder}\n")
    assert len(list(folder.glob("*.svg"))) == len(list(folder.iterdir())) == 1 + 7 + 7 + 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-f", "frames"], 2, "name a folder with -o"),
        (["-o", "x.svg"], 2, "DP011"),
        (["--around", "hiden"], 2, "DP104"),
        (["--wrt", "w9"], 2, "DP104"),
        (["--wrt", ","], 2, "--wrt"),
        (["-o", "no/such/folder/x.html"], 2, "DP603"),
        (["-f", "html", "-o", "graphs"], 2, "DP603"),
        (["--lr", "nan"], 2, "--lr"),
        (["--depth", "-1"], 2, "--depth"),
        (["--format", "gif"], 2, "frames"),
    ],
)
def test_what_cannot_be_animated_is_said(dagprop, arguments, code, words):
    done = dagprop("animate", CHAIN, *arguments)
    assert done.exit_code == code and words in done.err and done.out == ""


def test_a_page_does_not_flood_a_terminal(dagprop, monkeypatch):
    arguments = ("animate", CHAIN)
    assert dagprop(*arguments).out.startswith("<!DOCTYPE html>")
    monkeypatch.setattr("dagprop.cli.animate.sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    done = dagprop(*arguments)
    assert (done.exit_code, done.out) == (2, "") and "name a file with -o, as in -o page.html" in done.err
    assert dagprop(*arguments, "-o", "-").out.startswith("<!DOCTYPE html>")


def test_a_large_graph_is_refused_at_once(dagprop, write_graph):
    nodes = {"n0": {"op": "parameter", "value": 0.1}}
    nodes |= {f"n{place}": {"op": "tanh", "inputs": [f"n{place - 1}"]} for place in range(1, 20_000)}
    path = str(write_graph(nodes, loss="n19999"))
    done = dagprop("animate", path)
    assert done.exit_code == 2 and "DP803" in done.err and "20,000 nodes" in done.err
    part = dagprop("animate", path, "--around", "n10000", "--radius", "2")
    assert part.exit_code == 0
    phases = [step["phase"] for step in island(part.out)["steps"]]  # the parameter is far away
    assert phases == ["start", *5 * ["forward"], *5 * ["backward"]]
