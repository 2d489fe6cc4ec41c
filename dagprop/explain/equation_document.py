"""The equations of a network, set out with what is known in them and what is to be estimated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from dagprop.explain.document import (
    Block,
    Document,
    Equation,
    Heading,
    Listing,
    Paragraph,
    Table,
    Words,
    elided,
    without_middle,
)
from dagprop.explain.equation import Equations
from dagprop.explain.formula import Apply, Name, Value, names_in
from dagprop.explain.numbers import shape_text
from dagprop.explain.substitutions import Activation, Substitution
from dagprop.graph.records import DEFAULT_INITIALIZER, SAMPLE_AXIS, Node, Shape

MOST_LINES = 24
"""Of a longer list only the first and the last lines are shown."""

_KEPT = "A value that is used several times keeps its name, and so does one that would make an equation too long."


def equation_document(equations: Equations, most: int | None = MOST_LINES) -> Document:
    """Return the equations of a network: the long one, the substitutions, the known and the unknown.

    Parameters
    ----------
    equations : Equations
    most : int, optional
        Of a longer list only so many lines are shown, the first and the last; None shows all.
    """
    return tuple(_blocks(equations, most))


def _blocks(equations: Equations, most: int | None) -> Iterator[Block]:
    graph = equations.network.graph
    yield Heading((f"The equation of {graph.name or 'the network'}",), 1)
    yield from _nested(equations, most)
    if equations.substitutions:
        yield Heading(("Step by step",))
        width = len(str(len(equations.substitutions))) + 2
        yield _listing(
            [
                (f"({number})".ljust(width + 1), _equality(line, most))
                for number, line in enumerate(equations.substitutions, 1)
            ],
            most,
            depth=0,
        )
    known = tuple(_known_rows(equations, most))
    if known:
        yield Heading(("What is known",))
        yield Table(("known", "what it is", "value or form"), known)
    unknown = graph.parameters()
    if not unknown:
        yield Paragraph(("Nothing is unknown: the network has no parameters to estimate.",))
        return
    yield Heading(("What is unknown: the parameters to estimate",))
    yield Table(("parameter", "shape", "numbers", "starts at"), tuple(_unknown_rows(equations, most)))
    total = sum(count_numbers(equations.network.shapes[id]) for id in unknown)
    yield Paragraph((f"{_count(total, 'number')} in {_count(len(unknown), 'parameter')} to estimate.",))


def _nested(equations: Equations, most: int | None) -> Iterator[Block]:
    if not equations.nested:
        yield Paragraph(("Nothing is computed: the network has leaves only.",))
        return
    roots = [line for line in equations.nested if line.reference in equations.roots]
    rest = equations.nested[len(roots) :]
    first, last = elided(roots, most)
    for line in first:
        yield Equation(_name(line), (without_middle(line.formula, most),))
    if last:
        yield Paragraph((_left_out(len(roots) - len(first) - len(last)),))
    for line in last:
        yield Equation(_name(line), (without_middle(line.formula, most),))
    if rest:
        yield Paragraph(("where",))
        yield _listing([("", _equality(line, most)) for line in rest], most, depth=1)
        yield Paragraph((_KEPT,))
    yield from _remarks(equations)


def _remarks(equations: Equations) -> Iterator[Paragraph]:
    network = equations.network
    loss = network.graph.loss
    if loss and network.shapes[loss]:
        yield Paragraph((Name(loss), " is the loss of each sample; what is made small is its mean over the samples."))
    if any(shape[:1] == (SAMPLE_AXIS,) and len(shape) > 1 for shape in network.shapes.values()):
        yield Paragraph((f"{SAMPLE_AXIS} is the number of samples; a row of a matrix is a sample.",))
    elif any(SAMPLE_AXIS in names_in(line.formula) for line in equations.nested):
        yield Paragraph((f"{SAMPLE_AXIS} is the number of samples.",))


# What is known and what is not.


def _known_rows(equations: Equations, most: int | None) -> Iterator[tuple[Words, ...]]:
    network = equations.network
    unknown = set(network.graph.parameters())
    known = [id for id in network.order if network.node(id).is_leaf and id not in unknown]
    rows = [_known_row(network.node(id), network.shapes[id], network.graph.data) for id in known]
    yield from _elided_rows(rows, most, 3)
    for activation in equations.activations:
        yield _activation_row(activation)


def _known_row(node: Node, shape: Shape, data: Any) -> tuple[Words, ...]:
    what = {"input": "input", "parameter": "parameter, not trained"}.get(node.op, node.op)
    entry: Words = ""
    if "value" in node.attributes:
        entry = _value(node.attributes["value"])
    elif node.op == "input":
        fed = data is not None and node.id in data.columns
        entry = f"from {data.file}" if fed else "comes with the data"
    else:
        entry = _initializer(node)
    return Name(node.id), f"{what}, {shape_words(shape)}", entry


def _activation_row(activation: Activation) -> tuple[Words, ...]:
    fixed = ", ".join(f"{name} = {_plain(value)}" for name, value in activation.attributes.items())
    what = f"{activation.doc}, with {fixed}" if activation.doc and fixed else activation.doc or fixed
    return activation.left, what, activation.form or "an elementary function"


def _unknown_rows(equations: Equations, most: int | None) -> Iterator[tuple[Words, ...]]:
    network = equations.network
    rows: list[tuple[Words, ...]] = []
    for id in network.graph.parameters():
        node, shape = network.node(id), network.shapes[id]
        start = _value(node.attributes["value"]) if "value" in node.attributes else _initializer(node)
        rows.append((Name(id), shape_text(shape) or "scalar", str(count_numbers(shape)), start))
    yield from _elided_rows(rows, most, 4)


def _value(value: object) -> Value:
    array = np.asarray(value, dtype=np.float64)
    return Value(array, array.shape)


def _initializer(node: Node) -> str:
    given = node.attributes.get("init") or DEFAULT_INITIALIZER
    if not isinstance(given, Mapping):
        return str(given)
    settings = ", ".join(f"{name} = {_plain(value)}" for name, value in given.items() if name != "name")
    return f"{given['name']}({settings})"


def _plain(value: object) -> str:
    return str(value).removesuffix(".0")


def shape_words(shape: Shape) -> str:
    """Return a shape in words: ``one number per sample``, ``64 numbers per sample``, ``2 x 3 numbers``."""
    per_sample = " per sample" if shape[:1] == (SAMPLE_AXIS,) else ""
    rest = shape[1:] if per_sample else shape
    return f"one number{per_sample}" if rest in ((), (1,)) else f"{shape_text(rest)} numbers{per_sample}"


def count_numbers(shape: Shape) -> int:
    """Return how many numbers a parameter has; its sizes are numbers."""
    return prod(int(size) for size in shape)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


# Lists, without the middle of very long ones.


def _equality(line: Substitution, most: int | None) -> Apply:
    return Apply("equal", (_name(line), without_middle(line.formula, most)))


def _name(line: Substitution) -> Name:
    return Name(line.reference, line.formula.shape)


def _listing(lines: Sequence[tuple[Words, ...]], most: int | None, depth: int) -> Listing:
    first, last = elided(lines, most)
    hidden = len(lines) - len(first) - len(last)
    gap: list[tuple[Words, ...]] = [(_left_out(hidden),)] if hidden else []
    return Listing(tuple((depth, words) for words in (*first, *gap, *last)))


def _elided_rows(rows: Sequence[tuple[Words, ...]], most: int | None, columns: int) -> list[tuple[Words, ...]]:
    first, last = elided(rows, most)
    hidden = len(rows) - len(first) - len(last)
    gap: list[tuple[Words, ...]] = [("…", f"{hidden} more: --full", *[""] * (columns - 2))] if hidden else []
    return [*first, *gap, *last]


def _left_out(count: int) -> str:
    return f"… {count} more are left out here: --full shows them"
