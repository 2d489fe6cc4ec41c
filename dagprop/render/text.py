"""Documents as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from dagprop.explain.document import Block, Document, Equation, Heading, Listing, Paragraph, Table, Words
from dagprop.explain.numbers import Shown
from dagprop.explain.printer import Printer
from dagprop.explain.tables import table

PAGE = 100
"""So many characters stand on a line, unless a formula cannot be broken."""

_OPERATORS = {" + ": 0, " - ": 0, " · ": 1, " ⊙ ": 1, " / ": 1}
"""Where a formula may be broken, before these; between terms rather than between factors."""


def text_document(document: Document, shown: Shown) -> str:
    """Return a document as text.

    Parameters
    ----------
    document : Document
    shown : Shown
        With how many digits computed numbers are written.
    """
    printer = Printer(shown)
    return "\n\n".join(_block(block, printer) for block in document)


def _block(block: Block, printer: Printer) -> str:
    match block:
        case Heading(words, level):
            text = _words(words, printer)
            return f"{text}\n{'=' * len(text)}" if level == 1 else text
        case Paragraph(words):
            return _words(words, printer)
        case Equation():
            return equation_text(block, printer)
        case Listing(lines):
            return "\n".join(_indented("  " * depth, _words(words, printer)) for depth, words in lines)
        case Table(header, rows):
            return table(header, [[_words((cell,), printer) for cell in row] for row in rows])


def _words(words: Sequence[Words], printer: Printer) -> str:
    return "".join(word if isinstance(word, str) else printer(word) for word in words)


def _indented(margin: str, text: str) -> str:
    """Return a text behind a margin; what does not fit goes on in the next lines, further to the right."""
    return f"\n{margin}    ".join([*broken(margin + text, PAGE)])


def equation_text(equation: Equation, printer: Printer) -> str:
    """Return an equation as text, row below row; a note that has no place beside its row stands below."""
    left = printer(equation.left)
    margin = " " * (len(left) + 3)
    lines = []
    for place, row in enumerate(equation.rows):
        start = f"{left} {'←' if equation.arrow else '='} " if place == 0 else f"{margin[:-2]}= "
        parts = broken(printer(row), PAGE - len(margin))
        # Under the terms of a sum, further to the right, stands what goes on with one of them.
        further = "    " if any(map(_is_term, parts[1:])) else "  "
        rows = [start + parts[0], *(f"{margin}{'  ' if _is_term(part) else further}{part}" for part in parts[1:])]
        words = equation.notes[place] if place < len(equation.notes) else ()
        note = _words(words, printer)
        if note and len(rows[-1]) + 6 + len(note) <= PAGE:
            rows[-1] += f"      {note}"
        elif note:
            rows.append(margin + note)
        lines += rows
    return "\n".join(lines)


def _is_term(part: str) -> bool:
    return part.startswith(("+ ", "- "))


def broken(text: str, room: int) -> list[str]:
    """Return the parts of a formula that are not wider than the room; each but the first begins with an operator.

    It is broken between its terms, or else where the fewest brackets are open, but not soon after the beginning.
    """
    room = max(room, PAGE // 2)
    places = _places(text)
    parts, start = [], 0
    while len(text) - start > room:
        coming = [(place, hold) for place, hold in places if place > start]
        late = [(place, hold) for place, hold in coming if place - start > room // 2]
        terms = [(place, hold) for place, hold in coming if place - start <= room and hold == 0]
        found = terms or [(place, hold) for place, hold in late if place - start <= room] or late[:1]
        if not found:
            break
        least = min(hold for _, hold in found)
        end = max(place for place, hold in found if hold == least)
        parts.append(text[start:end])
        start = end + 1  # behind the space
    return [*parts, text[start:]]


def _places(text: str) -> list[tuple[int, int]]:
    """Return where operators stand in a formula, and how tightly it holds together there."""
    found, depth = [], 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == " " and text[place : place + 3] in _OPERATORS:
            found.append((place, 2 * depth + _OPERATORS[text[place : place + 3]]))
    return found
