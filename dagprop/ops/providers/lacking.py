"""Graphs and layers that lack ops: plugins are asked for them, and imported only then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dagprop.errors import Problem


def with_plugins(
    problems: Sequence[Problem], check_again: Callable[[], Sequence[Problem]], near: str | None = None
) -> tuple[list[Problem], list[Problem]]:
    """Let plugins provide the ops that something lacks, and check it again, until that brings nothing more.

    Parameters
    ----------
    problems : sequence of Problem
        What is wrong so far.
    check_again : callable
        Returns what is wrong now.
    near : str, optional
        As for :func:`provide`.

    Returns
    -------
    problems : list of Problem
        What was found last; of a name that is still unknown it is said who has it.
    others : list of Problem
        What is wrong with plugins.
    """
    if not any(problem.unknown for problem in problems):
        return list(problems), []
    from dagprop.ops.providers.provide import Provided, provide

    provided = Provided()
    asked: set[str] = set()
    while unknown := {problem.unknown for problem in problems if problem.unknown} - asked:
        asked |= unknown
        more = provide(sorted(unknown), near=near)
        provided.add(more)
        if more.loaded:  # what was loaded may be a layer that uses further ops
            problems = check_again()
    return [provided.explain(problem) for problem in problems], provided.problems
