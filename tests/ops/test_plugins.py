"""Plugin files: loaded once or twice, broken in every way."""

import re
from pathlib import Path

import pytest

from dagprop.errors import PluginError
from dagprop.ops.plugins import load_plugin
from dagprop.ops.registry import ops

pytestmark = pytest.mark.usefixtures("own_ops")

GOOD = 'from dagprop import op\n\n\n@op("{name}")\ndef rule(xp, x):\n    return {factor} * x\n'


def write(folder: Path, text: str | bytes, name: str = "own.py") -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_the_ops_of_a_file_can_be_used(tmp_path):
    path = write(tmp_path, GOOD.format(name="double", factor=2))
    assert load_plugin(path) == ("double",)
    assert ops()["double"].provider == path
    assert ops()["double"].forward(None, 21) == 42


def test_a_file_loaded_again_replaces_its_ops(tmp_path):
    load_plugin(write(tmp_path, GOOD.format(name="times", factor=2)))
    assert load_plugin(write(tmp_path, GOOD.format(name="times", factor=3))) == ("times",)
    assert ops()["times"].forward(None, 1) == 3


def test_two_files_of_one_name_are_two_plugins(tmp_path):
    first = write(tmp_path, GOOD.format(name="first", factor=2), "a/own.py")
    second = write(tmp_path, GOOD.format(name="second", factor=3), "b/own.py")
    assert load_plugin(first) + load_plugin(second) == ("first", "second")
    with pytest.raises(PluginError, match="is declared by") as caught:
        load_plugin(write(tmp_path, GOOD.format(name="first", factor=4), "c/own.py"))
    assert first in str(caught.value)


def test_what_a_plugin_prints_is_no_output(tmp_path, capsys):
    load_plugin(write(tmp_path, "print('hello')\n" + GOOD.format(name="double", factor=2)))
    assert (capsys.readouterr().out, capsys.readouterr().err) == ("", "")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("x = 1\ndef (:\n", 2, "SyntaxError"),
        ("x = 1\n\n1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("def f():\n    raise KeyError(1)\n\n\nf()\n", 2, "KeyError: 1"),
        ("import json\njson.loads('{')\n", 2, "JSONDecodeError"),
        ("import no_such_module\n", 1, "ModuleNotFoundError"),
        ("import sys\nsys.exit(0)\n", 2, "it exits"),
        ("x = 1\n", 1, "it declares nothing"),
        ("", 1, "it declares nothing"),
        ("(" * 10_000, 1, "too many nested parentheses"),
        (b"\0", 1, "null bytes"),
        (b"\xff\xfe", 1, "SyntaxError"),
        (GOOD.format(name="half", factor=0.5) + "raise ValueError\n", 7, "ValueError"),
    ],
)
def test_a_broken_file_is_one_error_with_its_place_and_leaves_nothing(tmp_path, text, line, message):
    path, before = write(tmp_path, text), dict(ops())
    with pytest.raises(PluginError, match=message) as caught:
        load_plugin(path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.file, problem.line) == ("DP501", path, line)
    assert dict(ops()) == before


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_a_file_that_cannot_be_read(tmp_path, name):
    with pytest.raises(PluginError, match=r"could not be loaded: (No such file|Is a directory|Permission)") as caught:
        load_plugin(str(tmp_path / name))
    assert caught.value.problems[0].code == "DP501"


def test_a_wrong_declaration_keeps_its_own_code_and_line(tmp_path):
    path = write(tmp_path, 'from dagprop import op\n\n\n@op("own")\ndef rule(xp, y):\n    return y\n')
    with pytest.raises(PluginError, match=re.escape(f"{path}:4: op ")) as caught:
        load_plugin(path)
    assert caught.value.problems[0].code == "DP503"


def test_interruption_is_not_an_error_of_the_plugin(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        load_plugin(write(tmp_path, "raise KeyboardInterrupt\n"))
