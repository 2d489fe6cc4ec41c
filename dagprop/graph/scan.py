"""Find in JSON text what the fast parser of the standard library cannot say: every fault, and where each value stands.

Only a file with problems is scanned.  The scanner keeps its own stack, so that no depth of nesting can hurt it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from dagprop.errors import Problem, quote
from dagprop.graph.fields import DEEPEST_JSON, LONGEST_INTEGER, Path
from dagprop.graph.syntax_errors import ESCAPE, Frame, Lines, StopError, ended, unexpected, unreadable
from dagprop.record import record

_TOKEN = re.compile(
    r"""[ \t\n\r]*+(?:
        (?P<mark>[{}\[\],:])
      | (?P<string>"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+")
      | (?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)(?![\w.+-])
      | (?P<literal>true|false|null)(?!\w)
      | (?P<nonfinite>NaN|-?Infinity)(?!\w)
    )""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\n\r]*+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@record
class _Value:
    """A value that begins: its path, its offset, that of its key, and what is wrong with it."""

    path: Path
    offset: int
    key_offset: int
    faults: tuple[tuple[int, Problem], ...] = ()


def find_faults(text: str) -> list[Problem]:
    """Return every fault of a JSON text with line and column; reading stops at the first that is no JSON at all."""
    found: list[tuple[int, Problem]] = []
    try:
        for value in _values(text):
            found.extend((offset, replace(problem, path=value.path)) for offset, problem in value.faults)
    except StopError as stop:
        found.append(stop.fault)
    lines = Lines(text)
    placed = [(lines.locate(offset), problem) for offset, problem in found]
    return [replace(problem, line=line, column=column) for (line, column), problem in placed]


def find_positions(text: str, paths: Collection[Path]) -> dict[Path, tuple[tuple[int, int], tuple[int, int]]]:
    """Return the place of each path's key and of its value; paths that do not exist are left out."""
    wanted, found = set(paths), {}
    try:
        for value in _values(text):
            if value.path in wanted:
                found[value.path] = (value.key_offset, value.offset)
    except StopError:
        pass
    lines = Lines(text)
    return {path: (lines.locate(key), lines.locate(value)) for path, (key, value) in found.items()}


def _values(text: str) -> Iterator[_Value]:
    """Yield each value of a JSON text where it begins, outermost first; raise StopError where the text is not JSON."""
    stack: list[Frame] = []
    path: list[str | int] = []
    lines = Lines(text)
    state = "value"  # what comes next: value, key, "value or end", "key or end", separator, end
    offset = previous_end = 0
    key_offset, faults = 0, []
    match = _TOKEN.match(text)
    while match is not None:
        kind, end = match.lastgroup, match.end()
        offset = match.start(kind or 0)
        token = text[offset:end]
        if state in ("value", "value or end") and token not in ("]", "}", ",", ":"):
            if stack and stack[-1].kind == "[":
                path[-1], key_offset = stack[-1].count, offset
                stack[-1].count += 1
            faults += _faults_of(kind, token, offset)
            yield _Value(tuple(path), offset, key_offset, tuple(faults))
            faults = []
            state = "separator" if stack else "end"
            if token in ("[", "{"):
                if len(stack) == DEEPEST_JSON:
                    message = f"lists and objects stand more than {DEEPEST_JSON} deep inside each other"
                    raise StopError(offset, message, "no part of a graph file needs that; make it flatter", "DP006")
                stack.append(Frame(offset, token))
                path.append(0)
                state = "value or end" if token == "[" else "key or end"
        elif state in ("key", "key or end") and kind == "string":
            key = _decode(token)
            path[-1], key_offset = key, offset
            faults = _faults_of(kind, token, offset)
            first = stack[-1].keys.setdefault(key, offset)
            if first != offset:
                message = f"the key {quote(key)} is there twice, first in line {lines.locate(first)[0]}"
                faults.append((offset, Problem("DP004", message, "rename or remove one of the two", at_key=True)))
            after = _TOKEN.match(text, end)
            if after is None or after["mark"] != ":":
                place = _SPACE.match(text, end)
                at_end = place is not None and place.end() == len(text)
                raise (
                    ended(text, stack, lines)
                    if at_end
                    else StopError(
                        place.end() if place else end,
                        f"a colon is missing after the key {quote(key)}",
                        f"write {quote(key)}: and then the value",
                    )
                )
            end, state = after.end(), "value"
        elif state == "separator" and token == ",":
            state = "value" if stack[-1].kind == "[" else "key"
        elif stack and token == {"[": "]", "{": "}"}[stack[-1].kind] and state not in ("value", "key"):
            stack.pop()
            path.pop()
            state = "separator" if stack else "end"
        else:
            raise unexpected(text, token, offset, previous_end, state, stack, lines)
        previous_end = end
        match = _TOKEN.match(text, end)
    space = _SPACE.match(text, previous_end)
    offset = space.end() if space else previous_end
    if offset < len(text):
        raise unreadable(text, offset, previous_end, state, stack, lines)
    if state != "end":
        raise ended(text, stack, lines)


def _faults_of(kind: str | None, token: str, offset: int) -> list[tuple[int, Problem]]:
    """Return what is wrong with a single number or text."""
    if kind == "nonfinite":
        hint = "a graph file has finite numbers only; what is not known is left out"
        return [(offset, Problem("DP005", f"{token} is not a number of JSON", hint))]
    if kind == "number":
        whole = not any(character in token for character in ".eE")
        if len(token) > LONGEST_INTEGER if whole else abs(float(token)) == float("inf"):
            return [
                (offset, Problem("DP005", f"the number {_short(token)} is too large", "the largest is about 1.8e308"))
            ]
    if kind == "string" and "\\u" in token and _SURROGATE.search(_decode(token)):
        message = f"the text {quote(_decode(token))} has half of a surrogate pair"
        hint = "write the character itself, or both halves, as \\ud83d\\ude00"
        return [(offset, Problem("DP010", message, hint))]
    return []


def _decode(token: str) -> str:
    """Return the text that a JSON string stands for; two escaped halves of a surrogate pair are one character."""
    text = token[1:-1]
    if "\\" not in text:
        return text
    text = ESCAPE.sub(lambda m: chr(int(m[2], 16)) if m[2] else _LETTERS.get(m[1], m[1]), text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") if _paired(text) else text


def _paired(text: str) -> bool:
    return re.search(r"[\ud800-\udbff][\udc00-\udfff]", text) is not None


def _short(token: str) -> str:
    return token if len(token) <= 30 else f"{token[:12]}... of {len(token)} digits"
