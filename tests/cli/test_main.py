"""What all commands have in common: help, exit codes, errors as text and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

from dagprop.cli.main import COMMANDS
from dagprop.cli.main import dagprop as group


def every_command(command=group, path=()):
    """Return each command with the words that call it."""
    if not isinstance(command, click.Group):
        return [(path, command)]
    context = click.Context(command)
    return [
        found
        for name in command.list_commands(context)
        for found in every_command(command.get_command(context, name), (*path, name))
    ]


@pytest.mark.parametrize(
    ("path", "command"), every_command(), ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_help_and_debug(dagprop, path, command):
    short, long = dagprop(*path, "-h"), dagprop(*path, "--help")
    assert short == long and short.exit_code == 0
    assert short.out.startswith(f"Usage: dagprop {' '.join(path)}")
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    assert "--debug" in short.out


def test_the_list_of_commands_is_complete_and_not_cut(dagprop):
    text = dagprop("--help").out
    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert "..." not in text.partition("Commands:")[2]


def test_version(dagprop):
    from dagprop import __version__

    assert dagprop("--version").out == f"dagprop, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bakprop", "graphs/xor.json"], 'did you mean "backprop"?'),
        (["frobnicate"], "the commands are: check"),
        (["run"], "Missing argument 'GRAPH'"),
        (["run", "graphs/xor.json", "--sed", "1"], "--seed"),
        (["run", "graphs/xro.json"], "DP001"),
        (["run", "graphs"], "DP001"),
        (["train", "graphs/xor.json", "--lr", "high"], "'high' is not a valid number"),
        (["ops", "show", "sigmod"], 'did you mean "sigmoid"?'),
        (["ops", "show", "MSE"], 'here it is called "mean_squared_error"'),
        (["run", "graphs/xor.json", "--plugin", "nowhere.py"], "DP501"),
        (["train", "-", "--data", "-"], "standard input"),
        (["evaluate", "graphs/digits.json"], "train first"),
        (["predict", "graphs/digits.json", "--weights", "nowhere.npz"], "DP601"),
    ],
)
def test_mistakes_exit_with_2_and_say_what_to_do(dagprop, arguments, message):
    done = dagprop(*arguments)
    assert done.exit_code == 2 and message in done.err and not done.out
    as_json = dagprop(*arguments, "--json")
    if "No such option: --json" not in as_json.err:
        assert as_json.exit_code == 2
        assert all(
            {"code", "message", "file", "line", "column", "node", "hint"} == set(e)
            for e in json.loads(as_json.err)["errors"]
        )


def test_environment_variables_set_options(dagprop, monkeypatch):
    monkeypatch.setenv("DAGPROP_RUN_DIGITS", "3")
    assert "0.0729\n" in dagprop("run", "graphs/four-layer-chain.json").out


def test_a_fault_of_dagprop_itself_is_one_line(dagprop, monkeypatch):
    monkeypatch.setattr("dagprop.api.forward", lambda *_, **__: 1 / 0)
    done = dagprop("run", "graphs/xor.json")
    assert done.exit_code == 3 and "ZeroDivisionError" in done.err and "--debug" in done.err


def test_a_reader_that_leaves_is_no_error():
    command = f"{sys.executable} -m dagprop.cli.main schema | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stderr == "" and len(done.stdout) == 10
