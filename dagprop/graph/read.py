"""From a path to a checked graph: all problems of the file in one go, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO

from dagprop.errors import GraphError, Problem
from dagprop.graph.check import check_and_expand
from dagprop.graph.document import parse_document
from dagprop.graph.records import Graph
from dagprop.graph.signature import Vocabulary
from dagprop.graph.source import Source, is_readable, parse_json, read_source
from dagprop.record import record


@record(eq=False)
class Reading:
    """What came of reading a graph file.

    Attributes
    ----------
    graph : Graph or None
        As declared; None where the file has no nodes that could be read.
    expanded : Graph or None
        The expanded graph.  Where there are errors it holds the healthy nodes only, those that are right and depend on
        nothing that is wrong, so that their shapes can be checked in the same go.
    problems : list of Problem
        Errors and warnings, located, in the order of the file.
    source : Source or None
        The text, to place further problems with; None where it could not be read.
    """

    graph: Graph | None
    expanded: Graph | None
    problems: list[Problem]
    source: Source | None


def read_graph(path: str, vocabulary: Vocabulary, stdin: BinaryIO | None = None) -> Reading:
    """Read and check a graph file.

    Parameters
    ----------
    path : str
        The file; ``-`` is the standard input.
    vocabulary : mapping
        What each op name stands for.
    stdin : binary file, optional
        What ``-`` stands for.

    Returns
    -------
    Reading
        Nothing is raised for what a file may hold.
    """
    try:
        source = read_source(path, stdin)
    except GraphError as error:
        return Reading(None, None, list(error.problems), None)
    return check_source(source, vocabulary)


def check_source(source: Source, vocabulary: Vocabulary) -> Reading:
    """Check the text of a graph file, which :func:`read_graph` has read."""
    data, problems = parse_json(source)
    if not is_readable(problems):
        return Reading(None, None, locate_problems(source, problems), source)
    graph, more = parse_document(data)
    problems += _without_repetition(more, problems)
    if graph is None:
        return Reading(None, None, locate_problems(source, problems), source)
    graph = replace(graph, file=source.file)
    more, expanded = check_and_expand(graph, vocabulary, problems)
    problems += _without_repetition(more, problems)
    return Reading(graph, expanded, locate_problems(source, problems), source)


def locate_problems(source: Source, problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems with file, line and column, in the order of the file."""
    placed = source.place(problems)
    return sorted(placed, key=lambda problem: (problem.line or 0, problem.column or 0))


def _without_repetition(problems: Iterable[Problem], earlier: Iterable[Problem]) -> list[Problem]:
    """Return the problems that are not about exactly the same part of the file as an earlier one."""
    told = {(problem.path, problem.at_key) for problem in earlier if problem.path}
    return [problem for problem in problems if (problem.path, problem.at_key) not in told]
