"""Pictures from DOT: by the ``dot`` of the machine where there is one, else by the Graphviz inside pygraphviz.

Both run as a process of their own, with a time limit.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dagprop.errors import ComputationError, MissingDependencyError, Problem

TIME_LIMIT = 30.0
"""Seconds that a layout may take."""

INSTALL = "pip install pygraphviz"
"""The one command that brings a Graphviz along."""

_DATE = re.compile(rb"(/CreationDate \(D:)\d{14}")
"""When a PDF was made: put to a fixed date of the same length, so that the same input gives the same bytes."""


class LayoutTimeoutError(ComputationError):
    """A layout takes too long."""


def picture(source: str, format: str, limit: float = TIME_LIMIT) -> bytes:
    """Return the picture of a graph in DOT.

    Parameters
    ----------
    source : str
    format : str
        ``svg``, ``png``, ``pdf``, or another that Graphviz writes.
    limit : float
        Seconds.

    Raises
    ------
    MissingDependencyError
        If there is no Graphviz (DP801).
    ComputationError
        If each that there is fails (DP802).
    LayoutTimeoutError
        If it takes longer than the limit (DP802).
    """
    failures = []
    for command in _commands(format):
        try:
            done = subprocess.run(
                command, input=source.encode(), capture_output=True, timeout=limit, env=_environment(), check=False
            )
        except subprocess.TimeoutExpired:
            message = f"the layout takes longer than {limit:g} seconds"
            hint = "draw less: --depth 0, --around NODE, --roll, or a smaller --limit; or -f mermaid, which needs none"
            raise LayoutTimeoutError(Problem("DP802", message, hint)) from None
        except OSError as error:
            failures.append(f"{command[0]}: {error.strerror or error}")
            continue
        if done.returncode == 0 and done.stdout:
            return _DATE.sub(rb"\g<1>19700101000000", done.stdout) if format == "pdf" else done.stdout
        words = " ".join(done.stderr.decode(errors="replace").split())
        failures.append(f"{Path(command[0]).name}: {words[-300:] or f'exit code {done.returncode}'}")
    hint = f"{INSTALL}, which brings Graphviz along; -f dot, mermaid and text need none"
    if not failures:
        raise MissingDependencyError(Problem("DP801", f"there is no Graphviz to draw {format} with", hint))
    raise ComputationError(Problem("DP802", f"Graphviz could not draw the picture: {'; '.join(failures)}", hint))


def _commands(format: str) -> Iterator[list[str]]:
    """Yield what can lay out a graph here, the best first."""
    system = shutil.which("dot")
    if system is not None:
        yield [system, f"-T{format}"]
    if importlib.util.find_spec("pygraphviz") is not None:
        yield [sys.executable, "-m", "dagprop.render.diagrams.graphviz_worker", format]


def _environment() -> dict[str, str]:
    """Return the environment of the layout, in which this package is found."""
    package = str(Path(__file__).parents[3])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "SOURCE_DATE_EPOCH": "0", "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
