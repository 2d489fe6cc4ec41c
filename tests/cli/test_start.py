"""Ctrl-C while the command is still being imported: it ends with 130 and without a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

INTERRUPT = """
import signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "{module}" and "dagprop.cli.start" in sys.modules:
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupt())
sys.argv = ["dagprop", "run", "graphs/xor.json"]
from dagprop.cli.start import main
main()
"""
"""A run that is interrupted when a module is about to be imported."""

MODULES = ("click", "dagprop.cli.main", "inspect", "dagprop.errors", "dagprop.cli.run", "numpy", "dagprop.backends")


def python(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize("module", MODULES)
def test_an_interrupt_during_imports(module):
    done = python("-c", INTERRUPT.format(module=module))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_an_interrupt_with_standard_error_closed():
    closed = "import sys; sys.stderr = None\n"
    assert python("-c", closed + INTERRUPT.format(module="click")).returncode == 130


def test_the_command_begins_where_interrupts_are_caught():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts == {"dagprop": "dagprop.cli.start:main"}
    assert python("-m", "dagprop.cli.start", "--version").stdout == python("-m", "dagprop.cli.main", "--version").stdout


def test_next_to_nothing_is_imported_before():
    """What is imported before the command begins cannot be interrupted without a traceback."""
    code = "import sys; before = set(sys.modules); import dagprop.cli.start; print(*sorted(set(sys.modules) - before))"
    loaded = set(python("-S", "-c", code).stdout.split())
    assert loaded <= {"__future__", "types", "dagprop", "dagprop.cli", "dagprop.cli.start"}
