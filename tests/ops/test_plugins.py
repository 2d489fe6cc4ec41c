"""Plugin files run in this process: loaded once or twice, broken in every way."""

import os
import re
import subprocess
import sys
import threading

import pytest

from dagprop.errors import PluginError
from dagprop.ops.declared import declarations, declared
from dagprop.ops.plugins import Origin, load_module, load_plugin, origin_of
from dagprop.ops.registry import ops
from tests.plugin_files import BAD, DOUBLE, GOOD, LINES, install, write

pytestmark = pytest.mark.usefixtures("own_ops")


def test_the_ops_of_a_file_can_be_used(tmp_path):
    path = write(tmp_path)
    assert load_plugin(path) == ("double",)
    assert ops()["double"].provider == path
    assert ops()["double"].forward(None, 21) == 42


def test_a_file_loaded_again_replaces_its_ops(tmp_path):
    load_plugin(write(tmp_path, DOUBLE.format(name="times", factor=2)))
    assert load_plugin(write(tmp_path, "\n\n" + DOUBLE.format(name="times", factor=3))) == ("times",)
    assert ops()["times"].forward(None, 1) == 3
    assert load_plugin(write(tmp_path, DOUBLE.format(name="other", factor=3))) == ("other",)
    assert "times" not in ops()


def test_a_file_that_breaks_leaves_what_it_declared_before(tmp_path):
    path = write(tmp_path)
    load_plugin(path)
    write(tmp_path, GOOD + "1 / 0\n")
    with pytest.raises(PluginError):
        load_plugin(path)
    assert ops()["double"].forward(None, 1) == 2


def test_two_files_of_one_name_are_two_plugins(tmp_path):
    first = write(tmp_path, DOUBLE.format(name="first", factor=2), "a/own.py")
    second = write(tmp_path, DOUBLE.format(name="second", factor=3), "b/own.py")
    assert load_plugin(first) + load_plugin(second) == ("first", "second")
    with pytest.raises(PluginError, match="is declared by") as caught:
        load_plugin(write(tmp_path, DOUBLE.format(name="first", factor=4), "c/own.py"))
    assert first in str(caught.value)


def test_what_a_plugin_prints_is_no_output(tmp_path, capfd):
    text = "import sys\nprint('hello')\nprint('there', file=sys.stderr)\n" + GOOD
    load_plugin(write(tmp_path, text))
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "hello\nthere\n")


@pytest.mark.parametrize("kind", BAD)
def test_a_broken_file_is_one_error_with_its_place_and_leaves_nothing(tmp_path, monkeypatch, capsys, kind):
    text, line, message = BAD[kind]
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "1")
    path, before, modules = write(tmp_path, text), list(declarations()), set(sys.modules)
    streams = sys.stdout, sys.stderr
    with pytest.raises(PluginError, match=re.escape(message)) as caught:
        load_plugin(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == (path, line)
    assert problem.code in ("DP501", "DP502", "DP503")
    assert list(declarations()) == before and (sys.stdout, sys.stderr) == streams
    assert not {name for name in sys.modules.keys() - modules if "dagprop_plugin" in name}
    assert len(capsys.readouterr().err) <= 10_000


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("def f():\n    raise KeyError(1)\n\n\nf()\n", 2, "KeyError: 1"),
        ("import json\njson.loads('{')\n", 2, "JSONDecodeError"),
        ("", 1, "it declares nothing"),
        ("(" * 10_000, 1, "too many nested parentheses"),
        (b"\xff\xfe", 1, "SyntaxError"),
        (
            "class E(Exception):\n    def __str__(self):\n        raise ValueError\n\n\nraise E\n",
            6,
            "could not be loaded: E",
        ),
        ("try:\n    while True:\n        pass\nexcept Exception:\n    pass\n", 2, "has not ended"),
        (
            "try:\n    while True:\n        pass\nexcept BaseException:\n    pass\nwhile True:\n    pass\n",
            6,
            "has not ended",
        ),
    ],
)
def test_where_a_file_is_broken_is_found_however_deep(tmp_path, monkeypatch, text, line, message):
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "0.2")
    path = write(tmp_path, text)
    with pytest.raises(PluginError, match=message) as caught:
        load_plugin(path)
    problem = caught.value.problems[0]
    assert (problem.code, problem.file) == ("DP501", path)
    assert abs(problem.line - line) <= ("while" in str(text))  # a loop may be stopped in either of its lines


def test_a_hang_in_another_thread_is_stopped_as_well(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "0.2")
    path, caught = write(tmp_path, "while True:\n    pass\n"), []

    def load():
        try:
            load_plugin(path)
        except PluginError as error:
            caught.append(error)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert "it has not ended after 0.2 s" in str(caught[0]) and caught[0].problems[0].file == path


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_a_file_that_cannot_be_read(tmp_path, name):
    with pytest.raises(PluginError, match=r"could not be loaded: (No such file|Is a directory|Permission)") as caught:
        load_plugin(str(tmp_path / name))
    assert caught.value.problems[0].code == "DP501"


def test_a_file_with_another_hash_is_not_run(tmp_path):
    path = write(tmp_path, "raise SystemExit")
    with pytest.raises(PluginError, match="the file has changed") as caught:
        load_plugin(path, sha256="0" * 64)
    assert f"dagprop plugins add {path}" in str(caught.value)


def test_what_is_in_the_standard_input_is_not_the_plugins(tmp_path, monkeypatch):
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("a graph"))
    load_plugin(write(tmp_path, "import sys\nassert sys.stdin.read() == ''\n" + GOOD))
    with pytest.raises(PluginError, match="EOFError"):
        load_plugin(write(tmp_path, "input()\n"))
    assert sys.stdin.read() == "a graph"


def test_interruption_is_not_an_error_of_the_plugin(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        load_plugin(write(tmp_path, "raise KeyboardInterrupt\n"))


def test_what_is_declared_knows_its_plugin(tmp_path):
    import hashlib

    load_plugin(write(tmp_path))
    assert origin_of(declared("op")["double"]) == Origin("own", hashlib.sha256(GOOD.encode()).hexdigest())
    assert origin_of(declared("op")["relu"]) is None


def test_a_module_is_imported_and_can_be_loaded_again_once_it_is_forgotten(tmp_path, monkeypatch):
    from dagprop.ops.declared import isolated

    monkeypatch.syspath_prepend(tmp_path)
    file = install(tmp_path)
    origin = Origin("own", None, "own-package", "1.0")
    for _ in range(2):
        with isolated():
            assert load_module("own_package", origin, file) == ("double",)
            assert str(origin_of(declared("op")["double"])) == "own 1.0 (own-package)"
        assert "double" not in ops()
    del sys.modules["own_package"]


@pytest.mark.parametrize("kind", ["syntax error", "raises", "exits", "shadows relu", "missing package"])
def test_a_broken_module_is_an_error_that_names_its_file(tmp_path, monkeypatch, kind):
    text, line, message = BAD[kind]
    monkeypatch.syspath_prepend(tmp_path)
    module = f"own_{kind.replace(' ', '_')}"
    file = install(tmp_path, text, module=module)
    with pytest.raises(PluginError, match=re.escape(message)) as caught:
        load_module(module, Origin("own"), file)
    assert (caught.value.problems[0].file, caught.value.problems[0].line) == (file, line)
    sys.modules.pop(module, None)


def test_a_crash_of_the_program_names_the_line(tmp_path):
    path = write(tmp_path, GOOD + "import ctypes\nctypes.string_at(0)\n")
    code = f"from dagprop.ops.plugins import load_plugin\nload_plugin({path!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and f'File "{path}", line {LINES + 2}' in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_process_that_a_plugin_forks_may_end_as_it_likes(tmp_path):
    fork = "import os\n\nchild = os.fork()\nif not child:\n    os._exit(7)\nstatus = os.waitpid(child, 0)[1]\n"
    assert load_plugin(write(tmp_path, GOOD + fork + "assert os.waitstatus_to_exitcode(status) == 7\n")) == ("double",)
