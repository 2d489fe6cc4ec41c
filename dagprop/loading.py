"""From a file to a graph: reading, checking and shape inference, every problem in one go."""

from __future__ import annotations

import os
from typing import BinaryIO

from dagprop.errors import GraphError, Problem
from dagprop.graph.read import locate_problems, read_graph
from dagprop.graph.records import Graph
from dagprop.ops import registry
from dagprop.plan.network import order_and_shapes, remember
from dagprop.train.initializers import initializer_problems


def check_file(path: str | os.PathLike[str], stdin: BinaryIO | None = None) -> tuple[Graph | None, list[Problem]]:
    """Read a graph file and return it with everything that is wrong with it, warnings included.

    Parameters
    ----------
    path : path-like
        ``"-"`` reads ``stdin``.
    stdin : binary file, optional

    Returns
    -------
    graph : Graph or None
        None if a problem is an error.
    problems : list of Problem
        In the order in which they stand in the file.
    """
    reading = read_graph(os.fspath(path), registry.vocabulary(), stdin)
    if reading.graph is None or reading.expanded is None or reading.source is None:
        return None, reading.problems
    order, shapes = order_and_shapes(reading.expanded)
    found = [*reading.problems, *shapes.problems, *initializer_problems(reading.expanded)]
    problems = locate_problems(reading.source, found)
    if any(not problem.warning for problem in problems):
        return None, problems
    remember(reading.graph, reading.expanded, order, shapes)
    return reading.graph, problems


def load(path: str | os.PathLike[str]) -> Graph:
    """Read a graph file.

    Raises
    ------
    GraphError
        With every problem of the file, each with line and column.
    """
    graph, problems = check_file(path)
    if graph is None:
        raise GraphError(*(problem for problem in problems if not problem.warning))
    return graph
