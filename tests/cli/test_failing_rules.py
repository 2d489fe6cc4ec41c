"""A rule of a plugin that fails is named with the file and the line where it does, by whatever command runs it."""

import json

import pytest

PLUGIN = """from dagprop import op


def halved(x):
    return {helper}


@op("own")
def own(xp, x):
    y = halved(x)
    return {forward}


@own.derivative("x")
def _(xp, x):
    half = xp.exp(x)
    return {derivative}
"""
RIGHT = {"helper": "x / 2", "forward": "y + 1", "derivative": "0 * half + 0.5"}


@pytest.mark.parametrize("verb", ["train", "backprop", "derive", "flow"])
@pytest.mark.parametrize(
    ("wrong", "line", "words"),
    [
        ({"forward": "y + nope"}, 11, "NameError: name 'nope' is not defined"),
        ({"forward": "xp.sigmoid(y)"}, 11, 'xp has no "sigmoid"'),
        ({"helper": "x.halved"}, 5, "AttributeError"),
        ({"forward": "y[0, 1]"}, 11, "DP301"),  # the shape may be what is wrong, or the rule
        ({"derivative": "half * nope"}, 17, "NameError: name 'nope' is not defined"),
        ({"derivative": "half if x > 0 else 0 * half[0]"}, 17, "DP"),
    ],
    ids=str,
)
def test_the_line_is_named(dagprop, tmp_path, wrong, line, words, verb):
    plugin, graph = tmp_path / "own.py", tmp_path / "graph.json"
    plugin.write_text(PLUGIN.format(**{**RIGHT, **wrong}), encoding="utf-8")
    nodes = {"w": {"op": "parameter", "value": -0.5}, "f": {"op": "own", "inputs": ["w"]}}
    graph.write_text(json.dumps({"dagprop": 1, "nodes": nodes, "loss": "f"}), encoding="utf-8")
    done = dagprop(verb, str(graph), "--plugin", str(plugin))
    assert done.exit_code in (2, 3) and words in done.err
    assert f"{plugin}:{line}" in done.err
