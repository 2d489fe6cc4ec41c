"""Documents as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dagprop.explain.document import Block, Document, Equation, Heading, Listing, Paragraph, Table, Words
from dagprop.explain.numbers import Shown
from dagprop.graph.records import Node
from dagprop.render.latex_printer import LatexPrinter
from dagprop.render.latex_text import escaped
from dagprop.render.names import Names
from dagprop.render.rows import PAGE, Row, equation_rows, note_width, width

PACKAGES = ("amsmath", "amssymb", "array", "graphicx", "longtable")
"""What a document needs that takes in a fragment."""

LONGEST_TABLE = 30
"""A table of more rows may go on to the next page."""

_START = r"""\documentclass[11pt,fleqn]{article}
\usepackage[a4paper,margin=2cm]{geometry}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}
\usepackage{%s}
\allowdisplaybreaks[1]
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.6em}
\AtBeginDocument{\setlength{\abovedisplayskip}{0.8em}\setlength{\belowdisplayskip}{0.8em}}
\begin{document}
"""

_FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{$\displaystyle %s$}"
"""Makes what is wider than the page as narrow as the page."""


def latex_document(document: Document, shown: Shown, nodes: Mapping[str, Node], standalone: bool = False) -> str:
    """Return a document as LaTeX.

    Parameters
    ----------
    document : Document
    shown : Shown
        With how many digits computed numbers are written.
    nodes : mapping from str to Node
        Of the expanded graph; they say how they are written in mathematics.
    standalone : bool
        Whether to return a complete document, and not a fragment, which needs the :data:`PACKAGES`.
    """
    printer = LatexPrinter(Names(nodes), shown)
    body = ""
    for place, block in enumerate(document):
        # An equation that begins a paragraph of its own has an empty line above it.
        together = isinstance(block, Equation) and place and isinstance(document[place - 1], Equation | Paragraph)
        body += ("\n" if together else "\n\n" if place else "") + _block(block, printer)
    return f"{_START % ','.join(PACKAGES)}\n{body}\n\n\\end{{document}}" if standalone else body


def _block(block: Block, printer: LatexPrinter) -> str:
    match block:
        case Heading(words, level):
            return rf"\{'section' if level == 1 else 'subsection'}*{{{_words(words, printer)}}}"
        case Paragraph(words):
            return _words(words, printer)
        case Equation():
            return _equation(block, printer)
        case Listing(lines):
            return _listing(lines, printer)
        case Table(header, rows):
            return _table(header, rows, printer)


def _words(words: Sequence[Words], printer: LatexPrinter, large: bool = False) -> str:
    style = r"\displaystyle " if large else ""
    return "".join(escaped(word) if isinstance(word, str) else f"${style}{printer(word)}$" for word in words)


def _note(row: Row, printer: LatexPrinter) -> str:
    return rf"\text{{{_words(row.note, printer).strip()}}}" if row.note else ""


def aligned_rows(equation: Equation, printer: LatexPrinter) -> list[str]:
    """Return the rows of an equation, aligned at their signs; a note that has no place beside its row stands below."""
    lines = []
    rows = list(equation_rows(equation, printer))
    margin = width(printer(equation.left)) + 4
    for row in rows:
        line = f"{row.left} &{row.sign} {row.right}".strip()
        note = _note(row, printer)
        if note and margin + width(row.right) + note_width(row.note, printer) > PAGE:
            lines += [line, rf"&\quad {note}"]
        else:
            lines.append(rf"{line} \qquad {note}" if note else line)
    return lines


def _equation(equation: Equation, printer: LatexPrinter) -> str:
    lines = aligned_rows(equation, printer)
    inside = " \\\\\n".join(f"  {line}" for line in lines)
    if max(width(line) for line in lines) > PAGE:
        whole = f"\\begin{{aligned}}\n{inside}\n\\end{{aligned}}"
        return f"\\[\n{_FITTED % whole}\n\\]"
    return f"\\begin{{align*}}\n{inside}\n\\end{{align*}}"


def _listing(lines: Sequence[tuple[int, Sequence[Words]]], printer: LatexPrinter) -> str:
    """Return lines below each other; one that is wider than the page goes on further to the right."""
    made = []
    for depth, words in lines:
        indent = 2 * depth
        made.append(rf"\item[] \hangindent={indent + 2}em \hspace*{{{indent}em}}{_words(words, printer, large=True)}")
    inside = "\n".join(made)
    lengths = ("leftmargin", "labelwidth", "labelsep", "itemsep")
    sizes = "".join(rf"\setlength{{\{name}}}{{0pt}}" for name in lengths) + r"\raggedright"
    return f"\\begin{{list}}{{}}{{{sizes}}}\n{inside}\n\\end{{list}}"


def _table(header: Sequence[str], rows: Sequence[Sequence[Words]], printer: LatexPrinter) -> str:
    cells = [[_words((cell,), printer, large=True) for cell in row] for row in rows]
    titles = [escaped(title) for title in header]
    widths = [max(_width_of_cell(line[column]) for line in [titles, *cells]) for column in range(len(titles))]
    long = len(rows) > LONGEST_TABLE
    columns = "l" * len(titles)
    if long or sum(widths) + 2 * len(widths) > PAGE:
        # The longest columns share what the others leave.  A table of several pages has fixed columns, for LaTeX finds
        # out how wide they are only when it is run again.
        shares = [min(size + 2, PAGE / len(widths)) for size in widths]
        page = max(sum(shares), PAGE)
        columns = "".join(
            rf">{{\raggedright\arraybackslash}}p{{{0.9 * share / page:.3f}\linewidth}}" for share in shares
        )
    lines = [rf"\rule{{0pt}}{{2.8ex}}{' & '.join(line)} \\[0.4ex]" for line in cells]
    head = rf"{' & '.join(titles)} \\ \hline" + r" \endhead" * long
    inside = "\n".join([head, *lines])
    kind = "longtable" if long else "tabular"
    return f"\\noindent\\begin{{{kind}}}{'[l]' * long}{{@{{}}{columns}@{{}}}}\n{inside}\n\\end{{{kind}}}"


def _width_of_cell(text: str) -> float:
    return width(re.sub(r"\$", "", text))
