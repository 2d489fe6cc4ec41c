"""Streams that are closed, full or left by their reader, and places that cannot be written to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DAGPROP = f"{sys.executable} -m dagprop.cli.main"


def shell(command, folder=ROOT):
    """Run a line of bash in which ``dagprop`` is the command, and return what became of it."""
    line = f'dagprop() {{ {DAGPROP} "$@"; }}; {command}'
    own = {name: value for name, value in os.environ.items() if name.startswith("DAGPROP_")}  # the test's configuration
    environment = {**own, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, capture_output=True, text=True, env=environment, check=False
    )
    assert "Traceback" not in done.stderr and "fault of its own" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [
        ("dagprop check graphs/xor.json <&-", 0),
        ("dagprop check - <&-", 2),
        ("dagprop run graphs/xor.json >&-", 0),
        ("dagprop --help >&-", 0),
        ("dagprop check nowhere.json 2>&-", 2),
        ("dagprop run graphs/xor.json >/dev/full", 2),
        ("dagprop --help >/dev/full", 2),
        ("dagprop check nowhere.json 2>/dev/full", 2),
        ("dagprop frobnicate 2>/dev/full", 2),
        ("set -o pipefail; dagprop show graphs/xor.json | true", 0),
        ("set -o pipefail; dagprop schema | head -c 1 >/dev/null", 0),
    ],
)
def test_streams_that_fail_are_no_fault(command, exit_code):
    assert shell(command).returncode == exit_code


def test_a_training_survives_a_full_standard_error(tmp_path):
    weights = tmp_path / "w.npz"
    assert shell(f"dagprop train graphs/line.json -o {weights} 2>/dev/full").returncode == 0
    assert weights.exists()


def test_weights_go_to_standard_output_when_asked(tmp_path):
    weights = tmp_path / "w.npz"
    done = shell(f"dagprop train graphs/line.json -q -o - > {weights}")
    assert done.returncode == 0 and "trained" in done.stderr
    assert shell(f"dagprop evaluate graphs/line.json --weights {weights}").returncode == 0
    assert not (ROOT / "-").exists()


@pytest.mark.parametrize("path", ["/nowhere/w.npz", "graphs", ""])
def test_weights_that_cannot_be_written_are_refused_before_training(path):
    done = shell(f"dagprop train graphs/line.json -o '{path}'")
    assert done.returncode == 2 and "DP603" in done.stderr and "epoch" not in done.stderr
