"""Documents as Markdown, as GitHub writes it: formulas in dollar signs, tables with bars."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dagprop.explain.document import Block, Document, Equation, Heading, Listing, Paragraph, Table, Words
from dagprop.explain.numbers import Shown
from dagprop.graph.records import Node
from dagprop.render.latex import aligned_rows
from dagprop.render.latex_printer import LatexPrinter
from dagprop.render.names import Names


def markdown_document(document: Document, shown: Shown, nodes: Mapping[str, Node]) -> str:
    """Return a document as Markdown.

    Parameters
    ----------
    document : Document
    shown : Shown
        With how many digits computed numbers are written.
    nodes : mapping from str to Node
        Of the expanded graph; they say how they are written in mathematics.
    """
    printer = LatexPrinter(Names(nodes), shown)
    return "\n\n".join(_block(block, printer) for block in document)


def escaped(text: str) -> str:
    """Return any text as Markdown that shows it."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_{}\[\]()#+.!|~-])", r"\\\1", text)
    return " ".join(text.split("\n")).replace("$", "<span>$</span>")


def _block(block: Block, printer: LatexPrinter) -> str:
    match block:
        case Heading(words, level):
            return f"{'#' * level} {_words(words, printer)}"
        case Paragraph(words):
            return _words(words, printer)
        case Equation():
            inside = " \\\\\n".join(aligned_rows(block, printer))
            return f"$$\n\\begin{{aligned}}\n{inside}\n\\end{{aligned}}\n$$"
        case Listing(lines):
            return "\n".join(f"{'  ' * depth}- {_words(words, printer)}" for depth, words in lines)
        case Table(header, rows):
            table = [[escaped(title) for title in header], ["---"] * len(header)]
            table += [[_words((cell,), printer) for cell in row] for row in rows]
            return "\n".join(f"| {' | '.join(line)} |" for line in table)


def _words(words: Sequence[Words], printer: LatexPrinter) -> str:
    return "".join(escaped(word) if isinstance(word, str) else f"${printer(word)}$" for word in words)
