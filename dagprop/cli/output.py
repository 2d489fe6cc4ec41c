"""How results are printed: tables for people, one JSON object for programs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from dagprop.cli.options import QUIET
from dagprop.errors import Problem
from dagprop.explain.numbers import number_text
from dagprop.explain.plain_json import json_text as json_text
from dagprop.explain.plain_json import to_json as to_json

if TYPE_CHECKING:
    from dagprop.plan.network import Network

MOST_NAMES = 8
"""Names of inputs that a cell of a table holds."""


def note(text: str) -> None:
    """Say something on standard error; where that cannot be written, the work goes on."""
    with suppress(OSError):
        click.echo(text, err=True)


def note_saved(what: str) -> None:
    """Say where something was saved, unless the command was asked to be quiet."""
    context = click.get_current_context(silent=True)
    if context is None or not context.meta.get(QUIET):
        note(f"saved to {what}")


def names_text(names: Sequence[str]) -> str:
    """Return names for a cell of a table; of very many the first, and how many there are."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown}, ... ({len(names)})"


def problems_json(problems: Iterable[Problem]) -> str:
    """Return problems as the object that ``--json`` prints for errors."""
    return json_text({"errors": [problem.to_json() for problem in problems]})


def score_text(name: str, loss: float, accuracy: float | None, metrics: Mapping[str, float], digits: int) -> str:
    """Return a loss, the accuracy where there is one, and metrics: ``test loss 0.0921  test accuracy 97.2 %``."""
    parts = [f"{name} {number_text(loss, digits)}"]
    if accuracy is not None:
        parts.append(f"{name.replace('loss', 'accuracy')} {100 * accuracy:.2f} %")
    for metric, value in metrics.items():
        parts.append(f"{name.replace('loss', metric.replace('_', ' '))} {number_text(value, digits)}")
    return "  ".join(parts)


def count_text(number: int, thing: str) -> str:
    """Return a count with its noun: ``1 node``, ``2 nodes``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def parameter_sizes(network: Network, *, by_call: bool = False) -> Counter[str]:
    """Return how many numbers training changes, by node; or by node of the file, with what a call expands to."""
    sizes = Counter[str]()
    for id in network.graph.parameters():
        origin = network.node(id).origin
        sizes[origin[0] if by_call and origin else id] += math.prod(int(size) for size in network.shapes[id])
    return sizes
