"""Rows of equations in LaTeX: how wide they are, and where one that is wider than the page goes on in the next row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dagprop.explain.document import ALREADY_COMPUTED, Equation, Words
from dagprop.explain.printer import Printer
from dagprop.record import record
from dagprop.render.latex_printer import UNDER_THE_BRACE

PAGE = 84.0
"""The width of a page, in digits."""

_TOKEN = re.compile(r"\\begin\{\w+\}(?:\{\w+\})?|\\end\{\w+\}|\\[A-Za-z]+ ?|\\.|.", re.DOTALL)

_NO_WIDTH = frozenset((r"\left", r"\right", r"\text", r"\mathit", r"\mathrm", r"\mathcal", r"\mathbf", r"\mathbb"))

_OPERATORS = frozenset((r"\cdot", r"\odot", "+", "-", "="))


@record
class Row:
    """One row: what stands left of the sign, the sign, what stands right of it, and what is said beside that."""

    left: str
    sign: str
    right: str
    note: tuple[Words, ...] = ()


def equation_rows(equation: Equation, printer: Printer, page: float = PAGE) -> Iterator[Row]:
    """Yield the rows of an equation, those that are too wide in parts."""
    left = printer(equation.left)
    room = page - width(left) - 3
    for place, formula in enumerate(equation.rows):
        text = printer(formula)
        note = equation.notes[place] if place < len(equation.notes) else ()
        if r"\underbrace" in text and note[:1] == (ALREADY_COMPUTED,):
            note = ("computed", *note[1:])
        sign = r"\leftarrow" if equation.arrow and place == 0 else "="
        *first, last = broken(text, room)
        for number, part in enumerate([*first, last]):
            start = left if place == 0 and number == 0 else ""
            yield Row(start, sign if number == 0 else "", part, note if number == len(first) else ())


def note_width(note: Sequence[Words], printer: Printer) -> float:
    """Return about how wide it is what is said of a row."""
    return sum(len(word) if isinstance(word, str) else width(printer(word)) for word in note)


def broken(latex: str, room: float) -> list[str]:
    """Return the parts of a formula, each but the first beginning with an operator, that are not wider than the room.

    A formula without operators where it could be broken stays wider.
    """
    if width(latex) <= room:
        return [latex]
    pieces = _pieces(latex)
    rows = [pieces[0]]
    for piece in pieces[1:]:
        if width(rows[-1]) + width(piece) > room:
            rows.append(piece)
        else:
            rows[-1] += piece
    if len(rows) == 1:
        return [latex]
    # A pair of growing brackets cannot stand in two rows.
    rows = [row if _is_closed(row) else _with_fixed_brackets(row) for row in rows]
    return [rows[0], *(rf"\quad {row.strip()}" for row in rows[1:])]


def _is_closed(latex: str) -> bool:
    """Whether each growing bracket has its partner."""
    depth = 0
    for token in re.findall(r"\\(?:left|right)(?![A-Za-z])", latex):
        depth += 1 if token == r"\left" else -1
        if depth < 0:
            return False
    return depth == 0


def _with_fixed_brackets(latex: str) -> str:
    return re.sub(r"\\left(?=[(\[\\])", r"\\bigl", re.sub(r"\\right(?=[)\]\\])", r"\\bigr", latex))


def _pieces(latex: str) -> list[str]:
    """Return a formula cut before each operator that stands in no braces and is not a sign."""
    pieces, depth, before = [""], 0, "("
    for token in _TOKEN.findall(latex):
        depth += _opens(token)
        bare = token.strip()
        if depth == 0 and bare in _OPERATORS and before not in "([" and before not in _OPERATORS:
            pieces.append("")
        pieces[-1] += token
        before = bare or before
    return pieces


def _opens(token: str) -> int:
    if token == "{" or token.startswith(r"\begin"):
        return 1
    return -1 if token == "}" or token.startswith(r"\end") else 0


def width(latex: str) -> float:
    """Return about how wide a formula is, in digits."""
    latex = latex.replace(UNDER_THE_BRACE, "")
    widths, kinds = [0.0], ["whole"]
    coming, top = ["group"], 0.0
    for token in _TOKEN.findall(latex):
        bare = token.strip()
        if _opens(token) > 0:
            kinds.append(coming.pop() if bare == "{" else "group")
            widths.append(0.0)
        elif _opens(token) < 0 and len(kinds) > 1:
            inner, kind = widths.pop(), kinds.pop()
            if kind == "top":
                top = inner
                coming.append("bottom")
                continue
            widths[-1] += max(inner, top) + 1 if kind == "bottom" else inner * (0.65 if kind == "script" else 1)
            top = 0.0 if kind == "bottom" else top
        elif bare == r"\frac":
            coming.append("top")
            continue
        elif bare in ("_", "^"):
            coming.append("script")
            continue
        elif bare in _OPERATORS:
            widths[-1] += 2.5
        elif bare and bare not in _NO_WIDTH and bare not in (r"\underbrace", "&", r"\\"):
            widths[-1] += 4 if bare in (r"\tanh", r"\sinh", r"\cosh", r"\log", r"\max") else 1
        elif token == "&":
            widths[-1] += 2
        coming = coming or ["group"]
        if coming[0] != "group":
            coming.insert(0, "group")
    return sum(widths)
