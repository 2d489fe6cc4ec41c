"""Contestants as processes that are pinned and take turns, and programs that are run to their end."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAUSE = 0.3
"""Seconds before each turn: the threads of other libraries look for work for a while when theirs is over."""

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
CORES = tuple(sorted(os.sched_getaffinity(0)))


@dataclass(frozen=True)
class Finished:
    """A program that has ended: seconds, MiB at most, and what it printed."""

    seconds: float
    memory: float
    output: str


class MissingError(Exception):
    """A contestant that is not installed here; the text says what is missing."""


def pin(count: int) -> list[int]:
    """Let this process and those that it starts from now on use so many cores; return which."""
    cores = CORES[-count:]
    os.sched_setaffinity(0, cores)
    os.environ.update(dict.fromkeys(THREADS, str(count)))
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the peers are installed, so that theirs is there already
    return list(cores)


def run_to_end(arguments: Sequence[str]) -> Finished:
    """Run a program in the checkout; its memory is the peak of it alone.

    Raises
    ------
    MissingError
        If it ends with code 4, as dagprop does, or for want of a module.
    """
    start = time.perf_counter()
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stderr
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if "ModuleNotFoundError" in errors:
        raise MissingError(errors.strip().splitlines()[-1])
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{errors}")
    return Finished(seconds, usage.ru_maxrss / 1024, output)


class Contestant:
    """A process of ``tests.benchmarks.contestant``.

    Attributes
    ----------
    losses : list of float
        Of its first epochs.
    """

    def __init__(self, problem: str, name: str, batch: int) -> None:
        arguments = [sys.executable, "-m", "tests.benchmarks.contestant", problem, name, str(batch)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(arguments, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        answer = self._answer()
        if "missing" in answer:
            self.close()
            raise MissingError(answer["missing"])
        self.losses = answer["losses"]

    def turn(self) -> float:
        """Let it train for a while and return the seconds of a step."""
        assert self._process.stdin
        time.sleep(PAUSE)
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._answer()["seconds"])

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _answer(self) -> dict:
        assert self._process.stdout and self._process.stderr
        for line in self._process.stdout:
            if line.startswith("ANSWER "):
                return json.loads(line.removeprefix("ANSWER "))
        raise RuntimeError(f"a contestant failed:\n{self._process.stderr.read()}")


def check_losses(name: str, losses: Sequence[float], expected: Sequence[float], tolerance: float) -> None:
    """Refuse to compare with what computes something else; NaN says that a contestant has no loss.

    Raises
    ------
    RuntimeError
        If a loss is off by more than the tolerance, relative.
    """
    for found, wanted in zip(losses, expected, strict=True):
        if not math.isnan(found) and abs(found - wanted) > tolerance * abs(wanted):
            raise RuntimeError(f"{name} has the loss {found}, dagprop {wanted}: that is not the same work")
