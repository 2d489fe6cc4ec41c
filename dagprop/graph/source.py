"""The text of a graph file: read, decoded, parsed, with places for error messages."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, BinaryIO

from dagprop.errors import GraphError, Problem, nearest, quote
from dagprop.graph.fields import DEEPEST_JSON, LONGEST_INTEGER, Path
from dagprop.record import record

_MARKS = (
    (b"\xef\xbb\xbf", "UTF-8 with a byte order mark"),
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
"""What the first bytes of a file say of its encoding."""

MOST_NAMES = 1000
"""So many files of a folder are compared with the name of one that is not there."""

_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


@record
class Source:
    """The text of a file.

    Attributes
    ----------
    file : str
        Its path as the user gave it; ``<stdin>`` for the standard input.
    text : str
    """

    file: str
    text: str

    def place(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return the problems with the file, and with line and column found by their paths in a single scan."""
        named = [problem if problem.file else replace(problem, file=self.file) for problem in problems]
        waiting = [problem for problem in named if problem.line is None and problem.file == self.file]
        if not waiting:
            return named
        from dagprop.graph.scan import find_positions  # loaded only where there is something to place

        paths = {problem.path[:length] for problem in waiting for length in range(len(problem.path) + 1)}
        places = find_positions(self.text, paths)
        return [self._placed(p, places) if p.line is None and p.file == self.file else p for p in named]

    @staticmethod
    def _placed(problem: Problem, places: dict[Path, tuple[tuple[int, int], tuple[int, int]]]) -> Problem:
        for length in range(len(problem.path), -1, -1):
            if problem.path[:length] in places:
                key, value = places[problem.path[:length]]
                line, column = key if problem.at_key and length == len(problem.path) else value
                return replace(problem, line=line, column=column)
        return problem


def read_source(path: str, stdin: BinaryIO | None = None) -> Source:
    """Return the text of a file.

    Parameters
    ----------
    path : str
        The file; ``-`` is the standard input.
    stdin : binary file, optional
        What ``-`` stands for; by default the standard input of the process.

    Raises
    ------
    GraphError
        DP001 if the file cannot be read, DP002 if it is not UTF-8 text.
    """
    file = "<stdin>" if path == "-" else path
    try:
        if path == "-":
            data = (stdin or sys.stdin.buffer).read()
        else:
            with open(path, "rb") as stream:
                data = stream.read()
    except FileNotFoundError:
        raise GraphError(Problem("DP001", "there is no such file", _meant(path), file=file)) from None
    except IsADirectoryError:
        raise GraphError(Problem("DP001", "this is a folder", "name a file in it", file=file)) from None
    except PermissionError:
        raise GraphError(Problem("DP001", "the file may not be read", "look at its permissions", file=file)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GraphError(Problem("DP001", f"the file cannot be read: {reason}", file=file)) from None
    return Source(file, _decode(file, data))


def _meant(path: str) -> str:
    """Return a hint for a path at which there is no file."""
    folder, name = os.path.split(path)
    try:
        files = sorted(name for name in os.listdir(folder or ".") if name.endswith(".json"))[:MOST_NAMES]
    except OSError:
        return f"there is no folder {quote(folder)} either; is the path right?"
    # Without their ends, which would make all names alike.
    near = nearest(os.path.splitext(name)[0], [name.removesuffix(".json") for name in files])
    return "is the path right?" if near is None else f"did you mean {quote(os.path.join(folder, near + '.json'))}?"


def parse_json(source: Source) -> tuple[Any, list[Problem]]:
    """Return the value of a JSON text and what is wrong with it.

    Where a key is there twice the last one holds, and a number that cannot be stored is read as 1, so that everything
    else can still be checked.  Text that is not JSON has no value: the problems then hold DP003 or DP006.
    """
    try:
        data = json.loads(
            source.text,
            object_pairs_hook=_object,
            parse_constant=_reject,
            parse_float=_float,
            parse_int=_integer,
        )
        if not _too_deep(data) and not _HALF_PAIR.search(source.text):
            return data, []
    except (ValueError, RecursionError):
        pass
    from dagprop.graph.scan import find_faults

    problems = [replace(problem, file=source.file) for problem in find_faults(source.text)]
    if any(problem.code in ("DP003", "DP006") for problem in problems):
        return None, problems
    try:
        one: Any = lambda text: 1  # noqa: E731
        data = json.loads(
            source.text,
            parse_constant=one,
            parse_float=lambda text: _or_one(_float, text),
            parse_int=lambda text: _or_one(_integer, text),
        )
    except (ValueError, RecursionError) as error:  # the scanner is as strict as the parser; this is for safety alone
        return None, problems or [
            Problem("DP003", f"the text is not JSON: {error}", file=source.file, line=1, column=1)
        ]
    return data, problems


def is_readable(problems: Iterable[Problem]) -> bool:
    """Whether a value came out of the text, problems or not."""
    return not any(problem.code in ("DP003", "DP006") for problem in problems)


def _decode(file: str, data: bytes) -> str:
    hint = "save it as UTF-8 (without a byte order mark)"
    for mark, name in _MARKS:
        if data.startswith(mark):
            raise GraphError(
                Problem("DP002", f"the file is {name}, not plain UTF-8", hint, file=file, line=1, column=1)
            )
    start = data[:4].ljust(4, b" ")
    if b"\x00" in start and (start[:1] == b"\x00") != (start[3:] == b"\x00"):
        name = "UTF-32" if start.count(b"\x00") == 3 else "UTF-16"
        message = f"the file looks like {name}, not UTF-8"
        raise GraphError(Problem("DP002", message, hint, file=file, line=1, column=1))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(data, error.start)
        if b"\x00" in data:
            raise GraphError(_binary(file, line, column)) from None
        message = f"the byte 0x{data[error.start]:02X} is not UTF-8"
        hint = "save the file as UTF-8; it may be Latin-1 or Windows-1252"
        raise GraphError(Problem("DP002", message, hint, file=file, line=line, column=column)) from None
    if "\x00" in text:
        raise GraphError(_binary(file, *_locate(text, text.index("\x00"))))
    return text


def _place(data: bytes, offset: int) -> tuple[int, int]:
    """Return line and column of the first byte that is not UTF-8."""
    before = data[:offset].decode("utf-8")
    return _locate(before, len(before))


def _locate(text: str, offset: int) -> tuple[int, int]:
    from dagprop.graph.syntax_errors import Lines

    return Lines(text).locate(offset)


def _binary(file: str, line: int, column: int) -> Problem:
    message = "the file has null bytes: it is binary, not text"
    return Problem("DP002", message, "is it a graph file (JSON)?", file=file, line=line, column=column)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _reject(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("too large")
    return value


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise ValueError("too large")
    return int(text)


def _or_one(read: Any, text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return 1


def _too_deep(data: object) -> bool:
    """Whether lists and objects stand deeper inside each other than is allowed."""
    level = [data] if isinstance(data, (list, dict)) else []
    for _ in range(DEEPEST_JSON):
        if not level:
            return False
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
    return bool(level)
