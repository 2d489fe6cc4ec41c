"""What to say of text that is no JSON: what stands there, what was expected, what to do."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from dagprop.errors import Problem, quote

ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))')
_WORD = re.compile(r"[\w.+\-]++")
_WORDS = {
    "True": "true", "False": "false", "None": "null", "TRUE": "true", "FALSE": "false", "NULL": "null",
    "nil": "null", "undefined": "null", "yes": "true", "no": "false",
}  # fmt: skip


class Lines:
    """Line and column, both from 1, of the offsets in a text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def locate(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


@dataclass(slots=True)
class Frame:
    """A list or object that is being read: where it opened, its index now, where each of its keys stands."""

    opened: int
    kind: str
    count: int = 0
    keys: dict[str, int] = field(default_factory=dict)


class StopError(Exception):
    """The text is not JSON beyond this point."""

    def __init__(self, offset: int, message: str, hint: str | None = None, code: str = "DP003") -> None:
        super().__init__(message)
        self.fault = (offset, Problem(code, message, hint))


def ended(text: str, stack: list[Frame], lines: Lines) -> StopError:
    """Return the error for a text that ends too early."""
    if not text.strip(" \t\r\n"):
        return StopError(
            0, "the file is empty", 'the smallest graph file is {"dagprop": 1, "nodes": {"x": {"op": "input"}}}'
        )
    what = f"the {_name(stack[-1].kind)} that opens in line {lines.locate(stack[-1].opened)[0]} is not closed"
    close = "".join("]" if frame.kind == "[" else "}" for frame in reversed(stack))
    hint = f"add {close}" if len(close) <= 3 else f"add {close[:3]}... ({len(close)} closing brackets)"
    return StopError(
        len(text.rstrip(" \t\r\n")), f"the file ends too early: {what}", f"{hint}, or was the file cut off?"
    )


def _name(bracket: str) -> str:
    return "list" if bracket in "[]" else "object"


def unexpected(
    text: str, token: str, offset: int, previous_end: int, state: str, stack: list[Frame], lines: Lines
) -> StopError:
    """Return the error for a token that is right in itself and wrong in this place."""
    shown = quote(token) if token[0] != '"' else token if len(token) <= 40 else f"{token[:37]}..."
    if state == "end":
        return StopError(
            offset, f"the JSON is complete, but {shown} follows", "remove what comes after the last bracket"
        )
    if token in ("]", "}"):
        if state in ("value", "key") and text[previous_end - 1] == ",":
            return StopError(previous_end - 1, f"there is a comma before {quote(token)}", "remove the comma")
        if stack and (stack[-1].kind == "[") == (token == "}"):
            place = f"the {_name(stack[-1].kind)} that opens in line {lines.locate(stack[-1].opened)[0]}"
            return StopError(
                offset,
                f"{quote(token)} cannot close {place}",
                f"close it with {'{['[token == '}']}".translate(str.maketrans("{[", "}]")),
            )
        return StopError(offset, f"a value is missing before {quote(token)}")
    if state == "separator":
        if token == ":":
            return StopError(offset, "a colon stands where a comma is expected")
        return StopError(previous_end, f"a comma is missing before {shown}", "put a comma between two entries")
    if token == ",":
        return StopError(offset, "there is a comma with nothing before it", "remove the comma")
    if state in ("key", "key or end"):
        return StopError(offset, f"a key must be text in double quotes, {shown} is not", 'write "key": value')
    return StopError(offset, f"{shown} stands where a value is expected")


def unreadable(text: str, offset: int, previous_end: int, state: str, stack: list[Frame], lines: Lines) -> StopError:
    """Return the error for characters that are no token of JSON."""
    character = text[offset]
    if character == '"':
        return _bad_string(text, offset)
    if text.startswith(("//", "/*", "#"), offset):
        return StopError(offset, "JSON has no comments", 'remove it, or put the text under a "doc" or "x-note" key')
    if character in "'`\u2018\u2019\u201c\u201d":
        return StopError(offset, f"{character} is not a quotation mark of JSON", 'put the text in double quotes: "..."')
    match = _WORD.match(text, offset)
    word = match[0] if match else character
    if state in ("key", "key or end"):
        hint = f"write {quote(word)}: ..." if match else None
        return StopError(offset, f"a key must be text in double quotes, {quote(word)} is not", hint)
    if state == "end":
        return StopError(offset, f"the JSON is complete, but {quote(word)} follows", "remove what comes after it")
    if state == "separator":
        return StopError(previous_end, f"a comma is missing before {quote(word)}", "put a comma between two entries")
    if word in _WORDS:
        return StopError(offset, f"{quote(word)} is not a value of JSON", f"write {_WORDS[word]}")
    if word.lstrip("+-").lower() in ("nan", "inf", "infinity"):
        hint = "a graph file has finite numbers only; what is not known is left out"
        return StopError(offset, f"{word} is not a number of JSON", hint, "DP005")
    if word[0] in "+-.0123456789":
        try:
            hint = f"write {float(word):.17g}"
        except ValueError:
            hint = "write numbers as 2, -0.5 or 1e-3"
        return StopError(offset, f"{quote(word)} is not a number of JSON", hint)
    return StopError(offset, f"{quote(word)} is not a value of JSON", "put text in double quotes" if match else None)


def _bad_string(text: str, offset: int) -> StopError:
    """Return the error for a text that does not end, or has a character or an escape that JSON does not allow."""
    at = offset + 1
    while at < len(text) and text[at] != '"':
        if text[at] < " ":
            if text[at] in "\r\n":
                return StopError(offset, "the text that begins here has no closing quotation mark in its line", 'add "')
            return StopError(at, f"a text has the control character U+{ord(text[at]):04X}", "write a tab as \\t")
        if text[at] == "\\":
            escape = ESCAPE.match(text, at)
            if escape is None and at + 1 < len(text):
                shown = text[at : at + 2]
                hint = f"a backslash is written twice in JSON: \\{shown}" if shown[1].isprintable() else None
                return StopError(at, f"the backslash before {quote(shown[1])} begins no escape of JSON", hint)
            at = escape.end() if escape else len(text)
        else:
            at += 1
    return StopError(
        offset, "the text that begins here has no closing quotation mark", 'add ", or was the file cut off?'
    )
