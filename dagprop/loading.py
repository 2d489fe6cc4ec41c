"""From a file to a graph: reading, checking and shape inference, every problem in one go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import BinaryIO

from dagprop.errors import DagpropError, GraphError, MissingDependencyError, Problem, quote
from dagprop.graph.collector import paused_collector
from dagprop.graph.read import check_source, locate_problems, read_graph
from dagprop.graph.records import Graph
from dagprop.ops import registry
from dagprop.ops.providers.lacking import with_plugins
from dagprop.plan.network import order_and_shapes, remember
from dagprop.train.choices import choice_problems
from dagprop.train.initializers import initializer_problems
from dagprop.train.metrics import metric_problems
from dagprop.train.targets import class_problems


@paused_collector()
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
    file = os.fspath(path)
    reading = read_graph(file, registry.vocabulary(), stdin)

    def check_again() -> list[Problem]:
        nonlocal reading
        assert reading.source is not None  # an op was unknown, so there was a text
        reading = check_source(reading.source, registry.vocabulary())
        return reading.problems

    found, others = with_plugins(reading.problems, check_again, near=file)
    if reading.graph is None or reading.expanded is None or reading.source is None:
        return None, [*found, *others]
    order, shapes = order_and_shapes(reading.expanded)
    found += [
        *shapes.problems,
        *initializer_problems(reading.expanded),
        *choice_problems(reading.graph),
        *_requirement_problems(reading.graph),
    ]
    if all(problem.warning for problem in found):
        network = remember(reading.graph, reading.expanded, order, shapes)
        found += [*class_problems(network), *metric_problems(network)]
    problems = [*locate_problems(reading.source, found), *others]
    return (reading.graph if all(problem.warning for problem in problems) else None), problems


def load(path: str | os.PathLike[str]) -> Graph:
    """Read a graph file.

    Raises
    ------
    GraphError
        With every problem of the file, each with line and column.
    MissingDependencyError
        If all that is wrong is that plugins are not loaded.
    """
    graph, problems = check_file(path)
    if graph is None:
        raise graph_error(problems)
    return graph


def graph_error(problems: Iterable[Problem]) -> DagpropError:
    """Return the error for what is wrong with a graph file, without the warnings."""
    errors = [problem for problem in problems if not problem.warning]
    missing = all(problem.code == "DP505" for problem in errors)
    return MissingDependencyError(*errors) if missing else GraphError(*errors)


def _requirement_problems(graph: Graph) -> list[Problem]:
    """Return the plugins that a graph requires and that are neither loaded nor registered nor installed."""
    if not graph.requires:
        return []
    from dagprop.ops.providers.requirements import lacking_plugin

    problems = []
    for position, name in enumerate(graph.requires):
        lacking = lacking_plugin(name, graph.file)
        if lacking is not None:
            what, remedy = lacking
            message = f"the graph requires the plugin {quote(name)}, {what}"
            problems.append(Problem("DP505", message, remedy, path=("requires", position)))
    return problems
