"""Calls of the command line inside the test's process."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagprop.cli.main import main
from dagprop.ops.declared import isolated

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object that it printed."""
        return json.loads(self.out)


class _Input:
    """A standard input with a binary buffer, as ``sys.stdin`` has it."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.fixture
def dagprop(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run a command in the checkout and return what it printed and its exit code."""
    monkeypatch.chdir(ROOT)

    def call(*arguments: str, stdin: bytes = b"", folder: Path = ROOT) -> Outcome:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "stdin", _Input(stdin))
        with isolated(), pytest.raises(SystemExit) as stop:
            main(list(arguments))
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Outcome(int(stop.value.code or 0), printed.out, printed.err)

    return call
