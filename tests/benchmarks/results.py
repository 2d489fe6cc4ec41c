"""What a benchmark gives: rows with ratios, goals and verdicts, and the page made of them."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.processes import PAUSE

PACKAGES = ("dagprop", "numpy", "llvmlite", "torch", "jax", "scikit-learn", "autograd", "micrograd", "pytensor")


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes
    ----------
    cells : tuple of str
    goal : str
        What the number shall be; "" where there is none.
    met : bool, optional
    """

    cells: tuple[str, ...]
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Table:
    """The results of a workload."""

    title: str
    text: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """Return the table under its heading."""
        header = (*self.header, "goal", "met")
        verdict = {None: "", True: "yes", False: "**no**"}
        lines = [f"## {self.title}", "", self.text, "", _line(header), _line(["---"] * len(header))]
        lines += [_line([*row.cells, row.goal, verdict[row.met]]) for row in self.rows]
        return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def compare(cells: Sequence[str], own: Sequence[float], others: Sequence[float], goal: float | None) -> Row:
    """Return the row for ratios of what was measured in pairs: the median, and the smallest and the largest.

    Parameters
    ----------
    cells : sequence of str
        What stands before the ratio.
    own, others : sequence of float
        Of dagprop and of a peer, measured one after the other.
    goal : float, optional
        What the median shall not be above.
    """
    ratios = [a / b for a, b in zip(own, others, strict=True)]
    median = statistics.median(ratios)
    spread = f"{number(min(ratios))} to {number(max(ratios))}"
    met = None if goal is None else median <= goal
    return Row((*cells, number(median), spread), "" if goal is None else f"≤ {number(goal)}", met)


def number(value: float) -> str:
    """Return a number with three digits, without an exponent."""
    return f"{float(f'{value:.3g}'):,.10f}".rstrip("0").rstrip(".")


def missing(cells: Sequence[str], reason: str) -> Row:
    """Return the row of a peer that is not there."""
    return Row((*cells, "missing", reason))


def page(tables: Sequence[Table], rounds: int) -> str:
    """Return the page of all tables."""
    lines = [
        "# Benchmarks",
        "<!-- Written by python -m tests.benchmarks; do not edit. -->",
        "",
        "Every contestant runs in a process of its own; they take turns on the same cores, dagprop before each peer, a",
        f"pause of {PAUSE:g} s between them, in which threads go to sleep; what is compared are pairs of neighbouring",
        "turns. A ratio is dagprop's time over the peer's: smaller is",
        f"faster, below 1 dagprop is ahead. Shown is the median over {rounds} rounds, "
        "then the smallest and the largest.",
        "That all compute the same is checked by the losses of the first epochs. "
        "Times on the clock are those of a machine",
        "on which other work may have run; the ratios are what counts. A goal is what the project has set itself.",
        "",
        'dagprop is asked for compiled code (`backend="compiled"`) where a step is timed; compiling is no part',
        "of the time of a step, for nobody. The tables of whole processes have everything in them, from their start",
        "on, with the back end that dagprop picks by itself.",
        "",
        f"Machine: {processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; "
        f"Python {platform.python_version()}.",
        f"Date: {datetime.datetime.now(datetime.UTC).date()}. Versions: {', '.join(map(_version, PACKAGES))}.",
        "",
        "To repeat: `pip install -e '.[bench]' && python -m tests.benchmarks -o docs/benchmarks.md`, on a machine that",
        "does nothing else. What is not installed is shown as missing.",
    ]
    return "\n".join(lines) + "\n\n" + "\n\n".join(table.markdown() for table in tables) + "\n"


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or "unknown processor")


def _version(package: str) -> str:
    if package == "dagprop":
        from dagprop import __version__

        return f"dagprop {__version__}"
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} (not installed)"
