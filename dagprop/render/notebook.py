"""Graphs, runs, trainings and derivations as notebooks show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch

from dagprop.backends.edges import Backprop
from dagprop.backends.reference import Array
from dagprop.errors import MissingDependencyError
from dagprop.explain.algorithm import algorithm
from dagprop.explain.derivation_document import derivation_document
from dagprop.explain.derivation_records import Derivation
from dagprop.explain.document import Document, Heading, Paragraph, Table, Words
from dagprop.explain.equation import Equations, equations
from dagprop.explain.equation_document import equation_document
from dagprop.explain.formula import Name, Partial, Value
from dagprop.explain.numbers import Shown
from dagprop.graph.records import Graph, Node
from dagprop.plan.network import prepare
from dagprop.render.documents import Format, render_document
from dagprop.train.records import TrainResult

SHOWN = Shown(6)

MOST_ROWS = 50
"""Of a longer table the first and the last rows are shown."""


def html(value: object) -> str | None:
    """Return a value as HTML, or None where it has a better form."""
    return None if isinstance(value, Graph) else _written(value, "html")


def latex(value: object) -> str | None:
    """Return a value as LaTeX, or None where it is no mathematics."""
    return _written(value, "latex") if isinstance(value, Graph | Derivation | Equations) else None


def text(value: object) -> str:
    """Return a value as text for a terminal."""
    return _written(value, "text")


def svg(value: object) -> str | None:
    """Return a value as a picture, or None where it has none, or there is nothing here that can draw."""
    if not isinstance(value, Graph):
        return None
    from dagprop.render.diagrams.drawing import svg_of

    try:
        return svg_of(value)
    except MissingDependencyError:
        return None


def _written(value: object, format: Format) -> str:
    document, nodes = explained(value)
    return render_document(document, format, SHOWN, nodes)


@singledispatch
def explained(value: object) -> tuple[Document, Mapping[str, Node]]:
    """Return the document that shows a value, and the nodes whose names are in it.

    Raises
    ------
    TypeError
        If there is none.
    """
    raise TypeError(f"there is no document for a {type(value).__name__}")


@explained.register
def _(value: Derivation) -> tuple[Document, Mapping[str, Node]]:
    graph = value.network.graph
    document = derivation_document(value, "substituted", graph.train.learning_rate)
    return (*document, *algorithm(value)), graph.nodes


@explained.register
def _(value: Equations) -> tuple[Document, Mapping[str, Node]]:
    return equation_document(value), value.network.graph.nodes


@explained.register
def _(value: Graph) -> tuple[Document, Mapping[str, Node]]:
    network = prepare(value)
    return equation_document(equations(network)), network.graph.nodes


@explained.register
def _(value: Backprop) -> tuple[Document, Mapping[str, Node]]:
    nodes = [(Name(name), _number(array), _number(value.gradients[name])) for name, array in value.values.items()]
    uses = [
        (
            Partial(edge.target, edge.source),
            "–" if edge.local is None else _number(edge.local),
            _number(edge.contribution),
            Name(edge.source),
        )
        for edge in value.edges
    ]
    document = (
        Heading(("Forward and backward",)),
        Paragraph((f"The loss is {value.loss:.6g}.",)),
        Table(("node", "value", "gradient"), tuple(_few(nodes))),
        Heading(("Local derivatives, from the loss to the leaves",), 3),
        Table(("edge", "local derivative", "× gradient of user", "adds to the gradient of"), tuple(_few(uses))),
    )
    return document, {}


@explained.register
def _(value: TrainResult) -> tuple[Document, Mapping[str, Node]]:
    measures = [record.measures() for record in value.history]
    used = list(dict.fromkeys(name for row in measures for name in row))
    rows = [(str(number), *(f"{row[name]:.6g}" for name in used)) for number, row in enumerate(measures, start=1)]
    words = f"{len(value.history)} epochs of {value.samples['train']} samples"
    table = Table(("epoch", *(name.replace("_", " ") for name in used)), tuple(_few(rows)))
    return (Heading(("Training",)), Paragraph((words,)), table), {}


def _number(array: Array) -> Value:
    return Value(array, array.shape)


def _few(rows: Sequence[tuple[Words, ...]]) -> Iterator[tuple[Words, ...]]:
    """Yield rows, of very many the first and the last."""
    hidden = len(rows) - MOST_ROWS
    for number, row in enumerate(rows):
        if hidden <= 0 or not MOST_ROWS // 2 <= number < MOST_ROWS // 2 + hidden:
            yield row
        elif number == MOST_ROWS // 2:
            yield (f"... {hidden} more", *[""] * (len(row) - 1))
