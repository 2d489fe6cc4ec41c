"""Plugins at the command line: registered, listed, broken; their commands; and everything else goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dagprop.ops.providers.memory import memory_file
from tests.plugin_files import BAD, GOOD, install, write

COUNT = '''"""Counts."""

import click

from dagprop import command


@command("count")
@click.argument("graph")
@click.option("--broken", is_flag=True, help="Fail.")
def count(graph, broken):
    """Count the nodes of a graph."""
    import dagprop

    click.echo(len(dagprop.load(graph).nodes) / (not broken))
'''


@pytest.fixture
def graph(tmp_path):
    """A graph file that uses the op ``double``."""
    path = tmp_path / "graph.json"
    nodes = {
        "x": {"op": "input", "value": 1.5},
        "w": {"op": "parameter", "value": 1.0},
        "p": {"op": "multiply", "inputs": ["w", "x"]},
        "f": {"op": "double", "inputs": ["p"]},
        "y": {"op": "input", "value": 1.0},
        "L": {"op": "half_squared_error", "inputs": ["f", "y"]},
    }
    path.write_text(json.dumps({"dagprop": 1, "nodes": nodes, "loss": "L"}))
    return str(path)


@pytest.fixture
def call(dagprop, plugins_in_use, tmp_path):
    """Run a command in a folder of this test."""
    return lambda *arguments, **more: dagprop(*arguments, folder=tmp_path, **more)


def test_a_registered_plugin_is_there_for_every_command(call, graph, tmp_path):
    path = write(tmp_path)
    added = call("plugins", "add", "own.py")
    assert added.exit_code == 0 and added.out == f"added own ({path}): op double\n"
    assert call("run", graph, "--json").json["nodes"]["f"]["value"] == 3.0
    for command in ("backprop", "check", "check-gradients", "derive", "equation", "show", "cost"):
        done = call(command, graph)
        assert done.exit_code == 0, (command, done.err)
    assert call("train", graph, "--epochs", "3").exit_code == 0
    assert call("ops", "show", "double").out.startswith("double: Twice x.\n\n  plugin     own, ")
    listed = {entry["name"]: entry for entry in call("ops", "list", "--json").json["ops"]}
    assert listed["double"]["plugin"] == "own" and listed["relu"]["plugin"] is None
    assert '"double"' in call("schema").out


def test_a_known_graph_asks_no_plugin(call, graph, tmp_path, monkeypatch):
    call("plugins", "add", write(tmp_path, GOOD))
    memory_file().write_text("{")  # who reads this fails
    assert call("run", "-", stdin=b'{"dagprop": 1, "nodes": {"x": {"op": "input", "value": 1}}}').exit_code == 0
    assert call("--help").exit_code == 0
    failed = call("run", graph)
    assert failed.exit_code == 2 and "DP506" in failed.err and "DP101" in failed.err
    assert "DP506" in call("plugins", "list").err
    unknown = call("frobnicate")
    assert "DP506" in unknown.err and "no such command" in unknown.err


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_plugin_is_named_and_every_other_command_works(call, dagprop, graph, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "1")
    text, line, message = BAD[kind]
    path = write(tmp_path, text, "bad.py")
    for arguments in (("plugins", "add", path), ("run", graph, "--plugin", path)):
        done = call(*arguments)
        assert done.exit_code == 2 and f"{path}:{line}: " in done.err and message in done.err
    # Registered while it was good, and changed since.
    call("plugins", "add", write(tmp_path, GOOD, "bad.py"))
    write(tmp_path, text, "bad.py")
    assert call("plugins", "list").exit_code == 0
    done = call("run", graph)
    assert done.exit_code == 2 and "its file has changed since it was added" in done.err
    for arguments in (("run", "graphs/xor.json"), ("ops", "list"), ("--help",), ("schema",)):
        assert dagprop(*arguments).exit_code == 0


@pytest.mark.parametrize("kind", ["raises", "exits at once", "loops", "floods", "missing package", "shadows relu"])
def test_a_bad_package_is_skipped_and_listed(call, graph, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "1")
    text, line, message = BAD[kind]
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    file = install(tmp_path / "site", text, module="own_bad", plugin="bad")
    call("plugins", "add", write(tmp_path))
    assert call("run", graph).exit_code == 0
    listed = {entry["name"]: entry for entry in call("plugins", "list", "--json").json["plugins"]}
    assert {name: entry["status"] for name, entry in listed.items()} == {"own": "ok", "bad": "broken"}
    assert f"{file}:{line}: " in listed["bad"]["why"] and message in listed["bad"]["why"]
    text = call("plugins", "list").out
    assert f"bad: {file}:{line}: " in text and text.count("broken") == 1
    refused = call("plugins", "add", "own-bad")
    assert refused.exit_code == 2 and f"{file}:{line}: " in refused.err
    assert call("run", graph).exit_code == 0


SWALLOWS = """import signal

signal.signal(signal.SIGALRM, signal.SIG_IGN)
while True:
    try:
        while True:
            pass
    except:
        pass
"""


@pytest.mark.parametrize(
    ("text", "lines", "code"), [(SWALLOWS, (4, 5, 6, 7, 8, 9), 2), ("sum(range(10**13))\n", (1,), 1)]
)
def test_what_lets_nothing_stop_it_ends_the_program_with_its_line(graph, tmp_path, text, lines, code):
    path = write(tmp_path, text)
    command = [sys.executable, "-m", "dagprop.cli.main", "run", str(graph), "--plugin", path]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, "DAGPROP_PLUGIN_SECONDS": "0.2"}
    )
    assert done.returncode == code and done.stdout == ""
    assert any(
        f"{path}:{line}: " in done.stderr if code == 2 else f'"{path}", line {line}' in done.stderr for line in lines
    )


BUSY = """import os
import sys
from pathlib import Path
import threading
import time

os.write(1, b"to descriptor 1 ")
os.system("echo from another program")
print("past dagprop", file=sys.__stdout__)
assert os.read(0, 1) == b""
os.chdir("/")
threading.Thread(target=time.sleep, args=(1000,)).start()
"""


def test_what_a_plugin_leaves_behind_does_not_disturb_the_command(graph, tmp_path):
    path = write(tmp_path, GOOD + BUSY)
    command = [sys.executable, "-m", "dagprop.cli.main", "run", "-", "--json", "--plugin", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, input=Path(graph).read_text())
    assert done.returncode == 0 and json.loads(done.stdout)
    assert {"to descriptor 1 from another program", "past dagprop"} == set(done.stderr.splitlines())


def test_several_are_added_and_those_that_are_broken_are_named(call, tmp_path):
    good, bad = write(tmp_path), write(tmp_path, "1 / 0\n", "bad.py")
    done = call("plugins", "add", good, bad, "nowhere.py")
    assert done.exit_code == 2 and done.out == f"added own ({good}): op double\n"
    assert f"{bad}:1: " in done.err and '"nowhere.py" is not there' in done.err
    as_json = call("plugins", "add", good, bad, "--json")
    assert [entry["name"] for entry in as_json.json["plugins"]] == ["own"]
    assert [error["line"] for error in json.loads(as_json.err)["errors"]] == [1]


def test_list_and_show(call, tmp_path):
    assert "dagprop plugins add FILE.py" in call("plugins", "list").out
    path = write(tmp_path, GOOD + COUNT.partition('"""\n')[2])
    call("plugins", "add", path)
    lines = call("plugins", "list").out.splitlines()
    assert lines[0].split() == ["name", "version", "from", "declares", "status"]
    assert lines[1].split() == ["own", path, "op", "double;", "command", "count", "ok"]
    shown = call("plugins", "show", "own").out
    assert "status: ok" in shown and "Twice x." in shown and "Count the nodes of a graph." in shown
    described = call("plugins", "show", path, "--json").json
    assert described["status"] == "ok" and described["declares"]["op"] == {"double": "Twice x."}
    wrong = call("plugins", "show", "onw")
    assert wrong.exit_code == 2 and 'did you mean "own"?' in wrong.err


def test_list_names_plugins_that_get_in_each_others_way(call, tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    call("plugins", "add", write(tmp_path, GOOD, "a.py"))
    install(tmp_path / "site")
    listed = {entry["name"]: entry["status"] for entry in call("plugins", "list", "--json").json["plugins"]}
    assert listed == {"a": "conflict", "own": "conflict"}
    call("plugins", "remove", "a")
    listed = {entry["name"]: entry["status"] for entry in call("plugins", "list", "--json").json["plugins"]}
    assert listed == {"a": "removed", "own": "ok"}


def test_a_layer_that_is_mended_works_again(call, tmp_path):
    definition = {"inputs": ["x"], "nodes": {"f": {"op": "exp", "inputs": ["x"]}}, "outputs": ["f"]}
    layer = tmp_path / "grow.json"
    layer.write_text(json.dumps(definition))
    call("plugins", "add", write(tmp_path, 'from dagprop import definition\ndefinition("grow.json")\n'))
    use = b'{"dagprop": 1, "nodes": {"x": {"op": "input", "value": 0}, "y": {"op": "grow", "inputs": ["x"]}}}'
    layer.write_text(json.dumps(definition).replace("exp", "epx"))
    assert "broken" in call("plugins", "list").out
    broken = call("run", "-", stdin=use)
    assert broken.exit_code == 2 and f"{layer}:1:41: " in broken.err and 'did you mean "exp"?' in broken.err
    layer.write_text(json.dumps(definition))
    assert call("run", "-", stdin=use).exit_code == 0


def test_remove_says_what_is_left(call, tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    install(tmp_path / "site", plugin="packed")
    path = write(tmp_path, GOOD.replace("double", "triple"))
    call("plugins", "add", path)
    assert f"its file is left alone: {path}" in call("plugins", "remove", "own").out
    assert f"status: removed\n  dagprop plugins add {path}\n" in call("plugins", "show", "own").out
    assert "pip uninstall own-package" in call("plugins", "remove", "packed").out
    assert call("plugins", "remove", "nothing").exit_code == 2


def test_a_file_that_was_added_once_is_added_again_by_its_name(call, tmp_path, monkeypatch):
    path = write(tmp_path)
    call("plugins", "add", path)
    call("plugins", "remove", "own")
    monkeypatch.chdir(tmp_path.parent)
    assert call("plugins", "add", "own").out == f"added own ({path}): op double\n"
    write(tmp_path, GOOD + "# changed\n")
    assert "status: changed" in call("plugins", "show", "own").out
    assert call("plugins", "add", "own").exit_code == 0
    assert "status: ok" in call("plugins", "show", "own").out


def test_a_package_that_is_not_installed_is_optional_and_missing(call):
    done = call("plugins", "add", "no-such-package", "--json")
    (error,) = json.loads(done.err)["errors"]
    assert done.exit_code == 4 and error["code"] == "DP801" and "pip install no-such-package" in error["hint"]


def test_a_required_plugin_that_is_registered_is_there(call, graph, tmp_path):
    with open(graph) as stream:
        document = json.load(stream)
    with open(graph, "w") as stream:
        json.dump({**document, "requires": ["own"]}, stream)
    path = write(tmp_path)
    assert call("run", graph).err.count("dagprop plugins add own.py") == 1
    call("plugins", "add", path)
    assert call("run", graph).exit_code == 0
    call("plugins", "remove", "own")
    assert call("run", graph).err.count(f"dagprop plugins add {path}") == 2  # of the requirement, and of the op


def test_weights_of_another_version_are_told(call, graph, tmp_path):
    path = write(tmp_path)
    call("plugins", "add", path)
    call("train", graph, "--epochs", "1", "-o", "w.npz")
    assert call("run", graph, "--weights", "w.npz").err == ""
    call("plugins", "add", write(tmp_path, GOOD + "# another version\n"))
    done = call("run", graph, "--weights", "w.npz")
    assert done.exit_code == 0 and "DP604" in done.err


def test_a_command_of_a_plugin(call, graph, tmp_path):
    write(tmp_path, COUNT, "counting.py")
    write(tmp_path)
    near = call("count", graph)
    assert near.exit_code == 2 and "add --plugin counting.py" not in near.err
    assert "dagprop plugins add counting.py" in near.err
    call("plugins", "add", "own.py")
    call("plugins", "add", "counting.py")
    text = call("--help").out
    assert text.partition("Commands of plugins:")[2].split() == ["count", "Count", "the", "nodes", "of", "a", "graph."]
    assert call("count", graph).out == "6.0\n"
    assert "--debug" in call("count", "-h").out
    assert 'did you mean "count"?' in call("cuont").err
    assert call("count", "nowhere.json").exit_code == 2
    failed = call("count", graph, "--broken")
    line = COUNT.splitlines().index("    click.echo(len(dagprop.load(graph).nodes) / (not broken))") + 1
    assert failed.exit_code == 3 and f"{tmp_path / 'counting.py'}:{line}: " in failed.err and "DP508" in failed.err
    call("plugins", "remove", "counting")
    gone = call("count", graph)
    assert gone.exit_code == 2 and f"it was removed: dagprop plugins add {tmp_path / 'counting.py'}" in gone.err


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ('"count"', '"train"', "DP502", 'command "train" is declared by'),
        ('"count"', '"Count it"', "DP503", "lower-case letters"),
        ("def count(graph, broken):", "class count:", "DP503", "it must be made of a function"),
    ],
)
def test_a_command_that_cannot_be(call, tmp_path, old, new, code, message):
    text = COUNT.replace(old, new)
    if "class" in new:
        text = text.partition("    import dagprop")[0]
    done = call("plugins", "add", write(tmp_path, text))
    assert done.exit_code == 2 and code in done.err and message in done.err


def test_the_help_loads_no_plugin(call, configuration, tmp_path):
    """Not by the clock: ten plugins are registered, and starting opens none of them and imports nothing more."""
    imported = []
    for number in range(11):
        if number:
            text = COUNT.replace("count", f"count{number}") + f"open({str(tmp_path / 'ran')!r}, 'a').close()\n"
            assert call("plugins", "add", write(tmp_path, text, f"p{number}.py")).exit_code == 0
        if number in (1, 10):
            (tmp_path / "ran").unlink()
            script = (
                "import sys\nsys.addaudithook(lambda event, arguments: event == 'open' and "
                f"str(arguments[0]).startswith({str(tmp_path)!r}) and sys.exit('opened'))\n"
                "import atexit\natexit.register(lambda: print(sorted(sys.modules), file=sys.stderr))\n"
                "from dagprop.cli.main import main\nmain(['--help'])\n"
            )
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
            assert done.returncode == 0 and done.stdout.count("Count the nodes") == number
            assert not (tmp_path / "ran").exists()
            imported.append(done.stderr)
    assert imported[0] == imported[1] and "importlib.metadata" not in imported[0] and "numpy" not in imported[0]


def test_the_example_of_a_command(call, dagprop, root):
    call("plugins", "add", str(root / "plugins/norms.py"))
    done = dagprop("norms", "graphs/four-layer-chain.json")
    found = dict(line.split() for line in done.out.splitlines())
    assert {name: float(value) for name, value in found.items()} == {
        **{"w1": 0.8, "b1": 0.1, "w2": 1.2, "w3": 1.5},
    }
    call("train", str(root / "graphs/four-layer-chain.json"), "--epochs", "1", "-o", "w.npz")
    done = call("norms", str(root / "graphs/four-layer-chain.json"), "--weights", "w.npz")
    assert len(done.out.splitlines()) == 4 and done.out != "" and done.exit_code == 0


def test_the_example_of_a_package(call, root, tmp_path, monkeypatch):
    """As pip installs it: the records follow from its pyproject.toml."""
    import shutil
    import tomllib

    folder = root / "plugins/packaged"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    ((plugin, module),) = project["entry-points"]["dagprop.plugins"].items()
    site = tmp_path / "site"
    record = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (record / "entry_points.txt").write_text(f"[dagprop.plugins]\n{plugin} = {module}\n")
    shutil.copy(folder / f"{module}.py", site)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, module, raising=False)
    described = call("plugins", "show", plugin, "--json").json
    assert described["status"] == "ok" and described["distribution"] == project["name"]
    use = {"x": {"op": "input", "value": 2.0}, "f": {"op": "bent_identity", "inputs": ["x"]}}
    done = call("backprop", "-", "--json", stdin=json.dumps({"dagprop": 1, "nodes": use, "loss": "f"}).encode())
    assert done.exit_code == 0
    (edge,) = done.json["edges"]
    np.testing.assert_allclose(done.json["nodes"]["f"]["value"], 2 + (np.sqrt(5) - 1) / 2, rtol=1e-15)
    np.testing.assert_allclose(edge["local"], 1 + 1 / np.sqrt(5), rtol=1e-15)
    monkeypatch.delitem(sys.modules, module)


def test_commands_of_plugins_complete(call, tmp_path):
    from click.shell_completion import ShellComplete

    from dagprop.cli.main import dagprop as group

    call("plugins", "add", write(tmp_path, COUNT))
    found = ShellComplete(group, {}, "dagprop", "_DAGPROP_COMPLETE").get_completions([], "cou")
    assert [(item.value, item.help) for item in found] == [("count", "Count the nodes of a graph.")]


def test_every_example_can_be_registered(call, root):
    for path in sorted(root.glob("plugins/*.py")):
        assert call("plugins", "add", str(path)).exit_code == 0
    listed = call("plugins", "list", "--json").json["plugins"]
    assert {entry["status"] for entry in listed} == {"ok"} and len(listed) == len([*root.glob("plugins/*.py")])
    kinds = {kind for entry in listed for kind in entry["declares"]}
    assert {"op", "definition", "optimizer", "schedule", "metric", "initializer", "command"} <= kinds
    assert all(line for entry in listed for names in entry["declares"].values() for line in names.values())


def test_what_trains_comes_from_plugins_as_well(call, graph, root):
    chain = str(root / "graphs/four-layer-chain.json")
    arguments = ("train", chain, "--epochs", "2", "-q", "--optimizer", "momentum")
    assert "unknown optimizer" in call(*arguments).err
    call("plugins", "add", str(root / "plugins/momentum.py"))
    assert "optimizer momentum" in call(*arguments).out
    assert 'did you mean "momentum"? It is in the plugin momentum (' in call(*arguments[:-1], "momentun").err
    call("plugins", "remove", "momentum")
    assert "it was removed: dagprop plugins add" in call(*arguments).err


def test_check_finds_registered_ops_by_name(call, tmp_path):
    call("plugins", "add", write(tmp_path))
    assert "op double: nothing is wrong" in call("plugins", "check", "double").out
    assert 'did you mean "double"? It is in the plugin own' in call("plugins", "check", "duoble").err
