"""The figure of one or several histories: loss, accuracy and other measures; the norms and values of parameters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from dagprop.errors import DataError, Problem, quote, suggest
from dagprop.render.figure import Figure, Panel, Series
from dagprop.train.history import GRADIENT_NORM, NORM, VALUE, History

MOST_LINES = 8
"""In one panel; as many as there are colours."""

VALIDATION = "validation_"

_OF_PARAMETERS = {GRADIENT_NORM: "gradient norms", NORM: "parameter norms", VALUE: "parameters"}
"""By what their columns begin with, the titles of panels with a line for each parameter."""


def history_figure(
    histories: Sequence[History], shown: Collection[str] = (), wrt: Collection[str] = (), log: bool = False
) -> Figure:
    """Return the figure of histories, laid over each other.

    Parameters
    ----------
    histories : sequence of History
        At least one.
    shown : collection of str
        Titles of the panels that are wanted (``gradient_norms`` is ``gradient norms``); empty for all.
    wrt : collection of str
        The parameters that are wanted; empty for all.
    log : bool
        Whether the losses and norms are on a logarithmic scale.

    Raises
    ------
    DataError
        If no history has what is wanted (DP409).
    """
    histories = _short_names(histories)
    by_title: dict[str, list[tuple[History, str]]] = {}
    for history in histories:
        for column in history.columns:
            by_title.setdefault(_title(column), []).append((history, column))
    shown = [next((title for title in by_title if _key(title) == _key(name)), name) for name in shown]
    _refuse_unknown("curve", shown, by_title)
    _refuse_unknown("parameter", wrt, {_parameter(column): None for found in by_title.values() for _, column in found})
    several = len(histories) > 1
    panels, left_out = [], 0
    for title in _in_order(by_title):
        found = [(h, column) for h, column in by_title[title] if not wrt or _parameter(column) in ("", *wrt)]
        if (shown and title not in shown) or not found:
            continue
        panel, dropped = _panel(title, found, histories, several, log)
        panels.append(panel)
        left_out += dropped
    if not panels:
        raise DataError(Problem("DP409", "the history has nothing to draw", "it needs columns besides the epoch"))
    note = f"{left_out} more lines are not drawn; --wrt chooses parameters" if left_out else ""
    return Figure("" if several else histories[0].name, tuple(panels), note)


def _panel(
    title: str, found: Sequence[tuple[History, str]], histories: Sequence[History], several: bool, log: bool
) -> tuple[Panel, int]:
    """Return a panel, and how many lines are left out of it."""
    of_parameters = title in _OF_PARAMETERS.values()
    lines = []
    for number, (history, column) in enumerate(found):
        validation = column.startswith(VALIDATION)
        what = _parameter(column) or ("validation" if validation else "training")
        name = f"{history.name}: {what}" if several else what
        colour = number if of_parameters else histories.index(history) if several else int(validation)
        y = history.columns[column]
        lines.append(Series(name, history.epochs, y, "dashed" if validation else "line", colour))
    scaled = log and title not in ("accuracy", _OF_PARAMETERS[VALUE])
    kept = tuple(lines[:MOST_LINES])
    return Panel("", "epoch", title, kept, log=scaled, whole_x=True), len(lines) - len(kept)


def _short_names(histories: Sequence[History]) -> list[History]:
    """Return histories under the names of their files alone, where these tell them apart."""
    short = [Path(history.name).stem for history in histories]
    unique = len(set(short)) == len(short)
    return [replace(h, name=name) for h, name in zip(histories, short, strict=True)] if unique else list(histories)


def _key(title: str) -> str:
    return title.replace("_", " ").replace("-", " ")


def _title(column: str) -> str:
    start, colon, _ = column.partition(":")
    return _OF_PARAMETERS.get(start + colon, column.removeprefix(VALIDATION))


def _parameter(column: str) -> str:
    """Return the parameter that a column is about, or an empty text."""
    start, colon, id = column.partition(":")
    return id if start + colon in _OF_PARAMETERS else ""


def _in_order(titles: Collection[str]) -> list[str]:
    """Return titles as they come, those of parameters last."""
    last = [title for title in _OF_PARAMETERS.values() if title in titles]
    return [title for title in titles if title not in last] + last


def _refuse_unknown(what: str, wanted: Collection[str], known: Collection[str]) -> None:
    names = [name for name in known if name]
    problems = []
    for name in wanted:
        if name not in names:
            hint = "train with --history FILE --norms to record parameters" if not names else None
            hint = hint or suggest(name, names) or f"there are: {', '.join(names)}"
            problems.append(Problem("DP409", f"the history has no {what} {quote(name)}", hint))
    if problems:
        raise DataError(*problems)
