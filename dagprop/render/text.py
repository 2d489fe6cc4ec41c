"""Documents as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from dagprop.explain.document import Block, Document, Equation, Heading, Listing, Paragraph, Table, Words
from dagprop.explain.numbers import Shown
from dagprop.explain.printer import Printer
from dagprop.explain.tables import table


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
        case Heading(text, level):
            return f"{text}\n{'=' * len(text)}" if level == 1 else text
        case Paragraph(words):
            return _words(words, printer)
        case Equation():
            return equation_text(block, printer)
        case Listing(lines):
            return "\n".join("  " * depth + _words(words, printer) for depth, words in lines)
        case Table(header, rows):
            return table(header, [[_words((cell,), printer) for cell in row] for row in rows])


def _words(words: Sequence[Words], printer: Printer) -> str:
    return "".join(word if isinstance(word, str) else printer(word) for word in words)


def equation_text(equation: Equation, printer: Printer) -> str:
    """Return an equation as text, row below row."""
    left = printer(equation.left)
    margin = " " * len(left)
    lines = []
    for place, row in enumerate(equation.rows):
        start = f"{left} {'←' if equation.arrow else '='}" if place == 0 else f"{margin} ="
        words = equation.notes[place] if place < len(equation.notes) else ()
        note = f"      {_words(words, printer)}" if words else ""
        lines.append(f"{start} {printer(row)}{note}")
    return "\n".join(lines)
