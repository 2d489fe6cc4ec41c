"""The checks of what plugins declare beside ops: layers, optimisers, schedules, metrics, initialisers, commands."""

from __future__ import annotations

from typing import Any

from dagprop.author.report import Item, Report
from dagprop.errors import DagpropError, Problem, error_text
from dagprop.graph.records import SAMPLE_AXIS, Definition, Graph, Node
from dagprop.ops.declared import Declaration, Kind
from dagprop.plan.network import prepare
from dagprop.train.checks import check_declaration
from dagprop.train.contract import rules

SIZE = 2
"""What the attributes of a layer are that have no default: numbers of units, most often."""


def check_other(kind: Kind, name: str, declaration: Declaration) -> Report:
    """Check a declaration that is no op."""
    report = Report(kind, name, f"{declaration.provider}:{declaration.line}")
    if kind == "definition":
        report.items.append(_check_layer(name, declaration.value, declaration))
    elif kind == "command":
        report.items.append(_check_command(declaration.value, declaration))
    else:
        problems = check_declaration(kind, name)  # type: ignore[arg-type]
        report.items.append(Item("declaration", _arguments(kind, name)))
        report.items.append(Item("trials", _TRIALS[kind], tuple(problems)))
    return report


_TRIALS = {
    "optimizer": "numbers and arrays in both dtypes, with all back ends; a loss becomes smaller",
    "schedule": "a finite learning rate for each epoch, always the same",
    "metric": "predictions and targets of several shapes; nothing is changed",
    "initializer": "several shapes; the same numbers for the same seed",
}


def _arguments(kind: Any, name: str) -> str:
    settings = rules(kind)[name].defaults
    return f"settings {', '.join(f'{key}={value}' for key, value in settings.items())}" if settings else "no settings"


def _check_layer(name: str, definition: Definition, declaration: Declaration) -> Item:
    """Use a layer in a graph, on any number of samples of three numbers."""
    given = {key: SIZE for key, default in definition.attributes.items() if default is None}
    inputs = [input for input in definition.inputs if input not in definition.optional]
    nodes = {f"x{i}": Node(f"x{i}", "input", (), {"shape": [SAMPLE_AXIS, 3]}) for i in range(len(inputs))}
    nodes["y"] = Node("y", name, tuple(nodes), given)
    try:
        network = prepare(Graph(nodes, outputs=("y",)))
    except DagpropError as error:
        hint = "this may be as it should: not every layer takes such inputs"
        problem = _problem(declaration, f"layer {name}: {error.problems[0].message}", hint, warning=True)
        return Item("layer", f"used on inputs of shape (N, 3), with {given}", (problem,))
    output = ", ".join(map(str, network.shapes[network.graph.outputs[0]]))
    count = len(network.graph.parameters())
    parameters = f"{count} parameter{'' if count == 1 else 's'}"
    return Item("layer", f"from inputs of shape (N, 3) to ({output}), with {parameters}")


def _check_command(command: Any, declaration: Declaration) -> Item:
    """Print the help of a command."""
    import click

    try:
        text = command.get_help(click.Context(command))
    except (Exception, SystemExit) as error:  # it is anybody's code
        problem = _problem(declaration, f"its help cannot be printed: {error_text(error)}")
        return Item("command", "dagprop COMMAND -h", (problem,))
    return Item("command", f"its help has {len(text.splitlines())} lines")


def _problem(declaration: Declaration, message: str, hint: str | None = None, *, warning: bool = False) -> Problem:
    return Problem("DP512", message, hint, file=declaration.provider, line=declaration.line, warning=warning)
