"""From a network to a picture in any format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dagprop.errors import GraphError, Problem, quote, suggest
from dagprop.graph.records import Graph
from dagprop.plan.network import prepare
from dagprop.render.diagrams.build import network_diagram
from dagprop.render.diagrams.dot import dot_source
from dagprop.render.diagrams.graphviz_layout import picture
from dagprop.render.diagrams.mermaid import mermaid_source
from dagprop.render.diagrams.records import FORMATS, THEMES, Diagram
from dagprop.render.diagrams.text import text_source
from dagprop.render.diagrams.theme import Theme, theme_of
from dagprop.render.diagrams.tikz import tikz_source
from dagprop.render.diagrams.view import View

SOURCES: Mapping[str, Callable[[Diagram, Theme], str]] = {
    "dot": dot_source,
    "mermaid": mermaid_source,
    "tikz": tikz_source,
    "text": text_source,
}
"""Formats that are text."""


def render(diagram: Diagram, format: str = "svg", theme: str = "light") -> bytes:
    """Return a diagram as the content of a file.

    Parameters
    ----------
    diagram : Diagram
    format : str
        One of :data:`~dagprop.render.diagrams.records.FORMATS`.
    theme : {"light", "dark"}

    Returns
    -------
    bytes
        Of a text format, UTF-8.

    Raises
    ------
    GraphError
        If there is no such format or theme (DP011).
    MissingDependencyError, ComputationError
        If Graphviz is needed and is not there, or fails.
    """
    for name, value, choices in (("format", format, FORMATS), ("theme", theme, THEMES)):
        if value not in choices:
            message = f"{name} is one of {', '.join(choices)}, not {quote(value)}"
            raise GraphError(Problem("DP011", message, suggest(str(value), choices)))
    colours = theme_of(theme)
    if format in SOURCES:
        text = SOURCES[format](diagram, colours)
        return text.encode() if text.endswith("\n") else f"{text}\n".encode()
    scale = 'dpi="160" ' if format == "png" else ""
    source = dot_source(diagram, colours)
    return picture(source.replace("graph [", f"graph [{scale}", 1), format)


def svg_of(graph: Graph, view: View | None = None, theme: str = "light") -> str:
    """Return a graph as SVG, as a notebook shows it.

    Raises
    ------
    GraphError
        If the graph is wrong.
    MissingDependencyError, ComputationError
        If there is no Graphviz, or it fails.
    """
    return render(network_diagram(graph, prepare(graph), view or View()), "svg", theme).decode()
