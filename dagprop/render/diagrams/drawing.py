"""From a network to a picture in any format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace

from dagprop.errors import GraphError, Problem, quote, suggest
from dagprop.graph.records import Graph
from dagprop.plan.network import Network, prepare
from dagprop.render.diagrams.build import network_diagram
from dagprop.render.diagrams.dot import dot_source
from dagprop.render.diagrams.graphviz_layout import LayoutTimeoutError, picture
from dagprop.render.diagrams.items import items_of
from dagprop.render.diagrams.mermaid import mermaid_source
from dagprop.render.diagrams.names import clean
from dagprop.render.diagrams.records import FORMATS, THEMES, Diagram
from dagprop.render.diagrams.summary import summary_diagram
from dagprop.render.diagrams.text import text_source
from dagprop.render.diagrams.theme import Theme, theme_of
from dagprop.render.diagrams.tikz import tikz_source
from dagprop.render.diagrams.view import Numbers, View

SOURCES: Mapping[str, Callable[[Diagram, Theme], str]] = {
    "dot": dot_source,
    "mermaid": mermaid_source,
    "tikz": tikz_source,
    "text": text_source,
}
"""Formats that are text."""


ENDINGS = {"gv": "dot", "mmd": "mermaid", "tex": "tikz", "txt": "text"}
"""Endings of file names, beside the names of the formats."""


def format_of(path: str) -> str:
    """Return the format that the name of a file asks for.

    Raises
    ------
    GraphError
        If it asks for none (DP011).
    """
    ending = os.path.splitext(path)[1].lower().removeprefix(".")
    format = ENDINGS.get(ending, ending)
    if format not in FORMATS:
        message = f"the name {quote(path)} does not say what to draw" if not ending else f"no format ends in .{ending}"
        page = "dagprop animate makes pages; or " if ending in ("html", "htm", "gif") else ""
        hint = f"{page}end it in .svg, .png or .pdf, or choose of {', '.join(FORMATS)}"
        raise GraphError(Problem("DP011", message, hint))
    return format


def draw_network(
    graph: Graph, network: Network, view: View, numbers: Numbers | None, format: str, theme: str = "light"
) -> tuple[bytes, Diagram]:
    """Return the picture of a network, and its diagram; where the layout takes too long, those of a summary.

    Raises
    ------
    GraphError
        If the view names what is not there, or there is no such format.
    MissingDependencyError, ComputationError
        If Graphviz is needed and is not there, or fails.
    """
    if format == "text" and view.weights is None:
        view = replace(view, weights="node")  # text has no room on arrows
    diagram = network_diagram(graph, network, view, numbers, frames=format != "text")
    try:
        return render(diagram, format, theme), diagram
    except LayoutTimeoutError as error:
        short = summary_diagram(network, items_of(network, view.depth, 1), diagram.title)
        late = f"{error.problems[0].message}: this is a summary"
        short = replace(short, remarks=(late, *short.remarks))
        return render(short, format, theme), short


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
    colours, diagram = theme_of(theme), _cleaned(diagram)
    if format in SOURCES:
        text = SOURCES[format](diagram, colours)
        return text.encode() if text.endswith("\n") else f"{text}\n".encode()
    scale = 'dpi="160" ' if format == "png" else ""
    source = dot_source(diagram, colours)
    return picture(source.replace("graph [", f"graph [{scale}", 1), format)


def _cleaned(diagram: Diagram) -> Diagram:
    """Return a diagram in which every text is one line of characters that can be shown, whatever a file says."""
    return replace(
        diagram,
        nodes=tuple(
            replace(
                node,
                name=clean(node.name),
                symbol=clean(node.symbol),
                rows=tuple(map(clean, node.rows)),
                note=clean(node.note),
            )
            for node in diagram.nodes
        ),
        edges=tuple(
            replace(edge, label=clean(edge.label), rows=tuple(map(clean, edge.rows))) for edge in diagram.edges
        ),
        clusters=tuple(replace(cluster, title=clean(cluster.title)) for cluster in diagram.clusters),
        title=clean(diagram.title),
        formula=clean(diagram.formula),
    )


def svg_of(graph: Graph, view: View | None = None, theme: str = "light") -> str:
    """Return a graph as SVG, as a notebook shows it.

    Raises
    ------
    GraphError
        If the graph is wrong.
    MissingDependencyError, ComputationError
        If there is no Graphviz, or it fails.
    """
    return draw_network(graph, prepare(graph), view or View(), None, "svg", theme)[0].decode()
