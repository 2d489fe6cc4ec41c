"""Plugins tried in a process of their own: what they declare, or why they fail, and never any harm."""

import pytest

from dagprop.ops.providers.memory import Plugin
from dagprop.ops.providers.probe import probe, probe_all
from dagprop.ops.registry import ops
from tests.plugin_files import BAD, GOOD, LINES, install, write

WORSE = {
    "prints past Python": ("import os\nwhile True:\n    os.write(1, b'x' * 999)\n", "it has not ended after 1 s"),
    "crashes": ("import ctypes\nctypes.string_at(0)\n", "it crashes"),
    "kills itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "it crashes (SIGKILL)"),
    "lets nothing stop it": (
        "while True:\n    try:\n        while True:\n            pass\n    except:\n        pass\n",
        "it has not ended after 1 s",
    ),
    "reads": ("input()\n", "EOFError"),
}
"""What a process survives that is not the plugin's own: what is added to the good plugin, and what is to be said."""


def test_what_a_file_declares_comes_with_its_description(tmp_path):
    found = probe(Plugin("own", write(tmp_path)))
    assert found.declares == {"op": {"double": "Twice x."}} and not found.problems
    assert "double" not in ops()


def test_every_kind_is_found(tmp_path):
    nodes = '{"f": {"op": "add", "inputs": ["x", "x"]}}'
    (tmp_path / "twice.json").write_text(f'{{"inputs": ["x"], "nodes": {nodes}, "outputs": ["f"]}}')
    text = (
        GOOD
        + 'from dagprop import command, definition\ndefinition("twice.json")\n\n\n'
        + '@command("count")\ndef count():\n    """Count."""\n'
    )
    found = probe(Plugin("own", write(tmp_path, text)))
    assert found.declares == {"op": {"double": "Twice x."}, "definition": {"twice": ""}, "command": {"count": "Count."}}


def test_threads_and_children_that_stay_do_not_keep_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "30")
    text = GOOD + "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n"
    assert probe(Plugin("own", write(tmp_path, text))).declares == {"op": {"double": "Twice x."}}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_plugin_is_named_with_file_and_line(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "1")
    text, line, message = BAD[kind]
    path = write(tmp_path, text)
    found = probe(Plugin("own", path))
    (problem,) = found.problems
    assert (problem.file, problem.line) == (path, line) and message in f"{problem.message} {problem.hint}"
    assert not found.declares


@pytest.mark.parametrize("kind", WORSE)
def test_a_worse_plugin_is_named_as_well(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "1")
    text, message = WORSE[kind]
    path = write(tmp_path, GOOD + text)
    (problem,) = probe(Plugin("own", path)).problems
    assert problem.code == "DP501" and problem.file == path and message in problem.message
    assert problem.line is None if kind == "kills itself" else problem.line > LINES


def test_several_are_tried_each_alone(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, GOOD.replace("double", "triple"))
    plugins = [
        Plugin("own", write(tmp_path, GOOD)),
        Plugin("other", write(tmp_path, GOOD + "1 / 0\n", "other.py")),
        Plugin("own", None, "own-package", "1.0", "own_package"),
    ]
    first, second, third = probe_all(plugins)
    assert first.declares == {"op": {"double": "Twice x."}} and third.declares == {"op": {"triple": "Twice x."}}
    assert second.problems[0].file == plugins[1].file
