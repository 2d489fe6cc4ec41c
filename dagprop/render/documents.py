"""Documents in each of the formats that they are printed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from dagprop.explain.document import Document
from dagprop.explain.numbers import Shown
from dagprop.graph.records import Node

Format = Literal["text", "latex", "markdown", "html"]


def render_document(
    document: Document, format: Format, shown: Shown, nodes: Mapping[str, Node], standalone: bool = False
) -> str:
    """Return a document in a format.

    Parameters
    ----------
    document : Document
    format : {"text", "latex", "markdown", "html"}
    shown : Shown
        With how many digits computed numbers are written.
    nodes : mapping from str to Node
        Of the expanded graph; they say how they are written in mathematics.
    standalone : bool
        Whether LaTeX and HTML are complete documents; text and Markdown always are.
    """
    match format:
        case "latex":
            from dagprop.render.latex import latex_document

            return latex_document(document, shown, nodes, standalone)
        case "markdown":
            from dagprop.render.markdown import markdown_document

            return markdown_document(document, shown, nodes)
        case "html":
            from dagprop.render.html import html_document

            return html_document(document, shown, nodes, standalone)
    from dagprop.render.text import text_document

    return text_document(document, shown)
