"""Plugin files near a graph that seem to declare something: found by reading their text, never by running it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dagprop.errors import nearest, quote
from dagprop.ops.declared import KINDS, Kind

MOST_FILES = 200
LARGEST = 300_000
"""Bytes of a file that is read; a plugin is small."""


def declared_nearby(kinds: Iterable[Kind], graph: str | None = None) -> dict[str, str]:
    """Return which names files seem to declare, each with its file as a user would write it.

    Parameters
    ----------
    kinds : iterable of str
    graph : str, optional
        A graph file: its folder and the folder ``plugins`` in it are searched, after the working folder and its own
        ``plugins``.
    """
    called = "|".join(kinds)
    pattern = re.compile(rf"""^@?(?:\w+\.)?(?:{called})\(\s*["']([A-Za-z_]\w*)(?:\.json)?["']""", re.MULTILINE)
    found: dict[str, str] = {}
    for path in _files(graph):
        try:
            if path.stat().st_size <= LARGEST:
                for name in pattern.findall(path.read_text(encoding="utf-8", errors="replace")):
                    found.setdefault(name, str(path))
        except OSError:
            continue
    return found


def plugins_nearby(graph: str | None = None) -> dict[str, str]:
    """Return the files that seem to be plugins, each by its name without ``.py``."""
    return {Path(file).stem: file for file in sorted(set(declared_nearby(KINDS, graph).values()), reverse=True)}


def plugin_nearby(name: str, graph: str | None = None) -> str | None:
    """Return the file ``NAME.py`` that seems to be a plugin, or None."""
    return plugins_nearby(graph).get(name)


def file_meant(path: str) -> str | None:
    """Return ``did you mean "plugins/snake.py"?`` for the path of a plugin that is not there, or None."""
    files = plugins_nearby()
    stem = Path(path).stem
    name = nearest(stem, files)
    return None if name is None else f"did you mean {quote(files[name])}?"


def _files(graph: str | None) -> Iterator[Path]:
    folders = [Path(), Path("plugins")]
    if graph and not graph.startswith("<"):
        beside = Path(os.path.relpath(Path(graph).parent)) if not Path(graph).is_absolute() else Path(graph).parent
        folders += [beside, beside / "plugins"]
    left = MOST_FILES
    for folder in dict.fromkeys(folders):
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix == ".py" and str(path).isprintable())
        except OSError:
            continue
        yield from files[:left]
        left -= min(left, len(files))
