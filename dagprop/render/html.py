"""Documents as HTML: formulas in MathML, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape

from dagprop.explain.document import Block, Document, Equation, Heading, Listing, Paragraph, Table, Words
from dagprop.explain.formula import Formula
from dagprop.explain.numbers import Shown
from dagprop.explain.printer import Printer
from dagprop.graph.records import Node
from dagprop.render.latex_printer import LatexPrinter
from dagprop.render.mathml import mathml
from dagprop.render.names import Names
from dagprop.render.rows import PAGE, Row, broken, equation_rows, note_width, width
from dagprop.render.text import equation_text, text_document

STYLE = """
.dagprop { font: 1.05rem/1.6 system-ui, sans-serif; color: inherit; overflow-wrap: anywhere; }
.dagprop h1 { font-size: 1.6em; line-height: 1.2; margin: 0 0 0.8em; }
.dagprop h2 { font-size: 1.25em; margin: 1.6em 0 0.6em; }
.dagprop math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", math; font-size: 1.12em; }
.dagprop .reused { border-bottom: 0.08em solid; padding: 0 0.1em 0.2em;
  background: linear-gradient(currentColor, currentColor) left bottom / 0.08em 0.35em no-repeat,
    linear-gradient(currentColor, currentColor) right bottom / 0.08em 0.35em no-repeat; }
.dagprop .equation { overflow: auto hidden; margin: 0.9em 0; break-inside: avoid; }
.dagprop .equation table { border: 0; border-collapse: collapse; margin: 0; }
.dagprop .equation td { border: 0; padding: 0.15em 0.25em; text-align: left; vertical-align: baseline;
  background: none; white-space: nowrap; }
.dagprop .equation td:first-child { text-align: right; }
.dagprop .equation td.note { padding-left: 1.5em; opacity: 0.75; }
.dagprop pre { overflow-x: auto; }
.dagprop .algorithm p { margin: 0.25em 0; }
.dagprop .table { overflow: auto hidden; }
.dagprop .table table { border-collapse: collapse; margin: 0.8em 0; }
.dagprop .table td, .dagprop .table th { border: 0; border-bottom: 1px solid #8886; padding: 0.35em 0.9em 0.35em 0;
  text-align: left; vertical-align: top; overflow-wrap: normal; }
"""
"""What blocks look like in an element of the class ``dagprop``."""

_PAGE_STYLE = """
:root { color-scheme: light dark; }
body { background: #fff; color: #1b1b1f; margin: 0 auto; max-width: 60rem; padding: 2rem 1.5rem 4rem; }
@media (prefers-color-scheme: dark) { body { background: #16171b; color: #e8e8ec; } }
@media print {
  body { background: #fff; color: #000; max-width: none; padding: 0; }
  .dagprop .equation { overflow: visible; }
}
"""


def html_document(document: Document, shown: Shown, nodes: Mapping[str, Node], standalone: bool = False) -> str:
    """Return a document as HTML.

    Parameters
    ----------
    document : Document
    shown : Shown
        With how many digits computed numbers are written.
    nodes : mapping from str to Node
        Of the expanded graph; they say how they are written in mathematics.
    standalone : bool
        Whether to return a complete page, and not an element to be put into one.
    """
    body = "\n".join(html_blocks(document, shown, nodes))
    if not standalone:
        return f'<div class="dagprop">\n<style>{STYLE}</style>\n{body}\n</div>'
    titles = [text_document((block,), shown).partition("\n")[0] for block in document if isinstance(block, Heading)]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(titles[0] if titles else 'dagprop')}</title>\n"
        f"<style>{STYLE}{_PAGE_STYLE}</style>\n</head>\n"
        f'<body>\n<main class="dagprop">\n{body}\n</main>\n</body>\n</html>'
    )


def html_blocks(document: Sequence[Block], shown: Shown, nodes: Mapping[str, Node]) -> list[str]:
    """Return each block of a document as an element, for a page that has :data:`STYLE`."""
    writer = _Writer(LatexPrinter(Names(nodes), shown), Printer(shown))
    return [writer.block(block) for block in document]


class _Writer:
    """Writes blocks as HTML, with the printer of formulas and one for those that have no MathML."""

    def __init__(self, printer: LatexPrinter, text_printer: Printer) -> None:
        self._printer, self._text_printer = printer, text_printer

    def block(self, block: Block) -> str:
        """Return the element of a block."""
        match block:
            case Heading(words, level):
                return f"<h{level}>{self._words(words)}</h{level}>"
            case Paragraph(words):
                return f"<p>{self._words(words)}</p>"
            case Equation():
                return self._equation(block)
            case Listing(lines):
                made = [
                    f'<p style="padding-left: {1.5 * depth:g}em">{self._words(words, display=True)}</p>'
                    for depth, words in lines
                ]
                return '<div class="algorithm">\n' + "\n".join(made) + "\n</div>"
            case Table(header, rows):
                return self._table(header, rows)

    def _words(self, words: Sequence[Words], display: bool = False) -> str:
        return "".join(escape(word) if isinstance(word, str) else self._formula(word, display) for word in words)

    def _formula(self, formula: Formula, display: bool) -> str:
        parts = [mathml(part, display) for part in broken(self._printer(formula), PAGE)]
        if None in parts:
            return f"<code>{escape(self._text_printer(formula))}</code>"
        return " ".join(part for part in parts if part is not None)

    def _equation(self, equation: Equation) -> str:
        found = list(equation_rows(equation, self._printer))
        room = PAGE - width(self._printer(equation.left)) - 4 - max(width(row.right) for row in found)
        rows: list[Row] = []
        for row in found:
            beside = not row.note or note_width(row.note, self._printer) <= room
            rows += [row] if beside else [replace(row, note=()), Row("", "", "", row.note)]
        made = [self._row(row) for row in rows]
        if None in made:
            return f"<pre>{escape(equation_text(equation, self._text_printer))}</pre>"
        inside = "\n".join(row for row in made if row is not None)
        return f'<div class="equation"><table>\n{inside}\n</table></div>'

    def _row(self, row: Row) -> str | None:
        """Return a row of an equation, or None if a part of it has no MathML."""
        cells = []
        for latex in (row.left, row.sign, row.right):
            made = mathml(latex, display=True) if latex else ""
            if made is None:
                return None
            cells.append(f"<td>{made}</td>")
        if row.note and not row.right:
            cells.pop()
        note = f'<td class="note">{self._words(row.note, display=True)}</td>' if row.note else ""
        return f"<tr>{''.join(cells)}{note}</tr>"

    def _table(self, header: Sequence[str], rows: Sequence[Sequence[Words]]) -> str:
        head = "".join(f"<th>{escape(title)}</th>" for title in header)
        lines = [f"<tr>{''.join(f'<td>{self._words((cell,))}</td>' for cell in row)}</tr>" for row in rows]
        return f'<div class="table"><table>\n<tr>{head}</tr>\n' + "\n".join(lines) + "\n</table></div>"
