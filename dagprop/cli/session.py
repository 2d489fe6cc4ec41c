"""From the options of a command to what it works on: plugins, graph, values."""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from dagprop.backends.leaf_values import as_numbers
from dagprop.backends.reference import Array, Values
from dagprop.cli.output import note
from dagprop.errors import CheckpointError, DagpropError, GraphError, PluginError, Problem
from dagprop.graph.records import Graph
from dagprop.loading import check_file, graph_error
from dagprop.ops.plugins import load_plugin
from dagprop.plan.network import Network, prepare
from dagprop.plan.outputs import prediction_outputs
from dagprop.plan.steps import plan
from dagprop.record import record
from dagprop.train.checkpoint import fit_weights, read_weights
from dagprop.train.data import Data, fed_inputs, load_data
from dagprop.train.op_origins import origin_problems


@record
class Session:
    """What a command works on.

    Attributes
    ----------
    graph : Graph
    network : Network
        The same, prepared.
    settings : dict from id to number or list
        From ``--set``.
    parameters : dict from id to array
        From ``--weights``.
    metadata : mapping
        What the weights file says of itself.
    """

    graph: Graph
    network: Network
    settings: dict[str, Any]
    parameters: Values
    metadata: Mapping[str, Any]

    def feeds(self, file: str | None, row: int | None) -> dict[str, Any]:
        """Return what a single run is fed: ``--set`` first, then data where it is asked for or inputs lack a value."""
        return self.feeds_and_rows(file, row)[0]

    def feeds_and_rows(self, file: str | None, row: int | None) -> tuple[dict[str, Any], int | None]:
        """Return what a single run is fed, and how many samples there are in the data; None where none is needed."""
        inputs = [id for id in fed_inputs(self.network) if id not in self.settings]
        lacking = any("value" not in self.network.node(id).attributes for id in inputs)
        if file is None and row is None and not (lacking and self.graph.data):
            return self.settings, None
        data = load_data(self.graph, self.network, file=file, stdin=sys.stdin.buffer, inputs=inputs)
        return {**_rows(data, row), **self.settings}, data.rows

    def prediction_feeds(self, file: str | None, row: int | None) -> dict[str, Any]:
        """Return what the outputs are computed from: data where there is any, without the targets."""
        needed = plan(self.network, prediction_outputs(self.network)).leaves
        inputs = [id for id in fed_inputs(self.network) if id in needed and id not in self.settings]
        if not inputs or (file is None and row is None and self.graph.data is None):
            return self.settings
        data = load_data(self.graph, self.network, file=file, stdin=sys.stdin.buffer, inputs=inputs)
        return {**_rows(data, row), **self.settings}

    def samples(self, file: str | None, inputs: Collection[str] | None = None) -> Data:
        """Return the samples that a network is trained or judged on; an input that ``--set`` names is equal in all."""
        import numpy as np

        wanted = set(fed_inputs(self.network) if inputs is None else inputs)
        rank = {id: len(shape) for id, shape in self.network.shapes.items()}
        fixed = {id: _numbers(id, value, rank[id]) for id, value in self.settings.items() if id in wanted}
        data = load_data(self.graph, self.network, file=file, stdin=sys.stdin.buffer, inputs=wanted - fixed.keys())
        repeated = {id: np.broadcast_to(value, (data.rows, *value.shape)) for id, value in fixed.items()}
        return replace(data, feeds={**data.feeds, **repeated})

    @property
    def leaves(self) -> dict[str, Any]:
        """Values for the leaves that are not fed by samples: the weights, and what ``--set`` says instead."""
        sampled = fed_inputs(self.network)
        return {**self.parameters, **{id: value for id, value in self.settings.items() if id not in sampled}}


class _Say(logging.Handler):
    """Shows what the package reports on standard error, and nothing twice."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Show one message."""
        message = record.getMessage()
        if message not in self._said:
            self._said.add(message)
            click.echo(message, err=True)


def say_back_end(verbose: bool) -> None:
    """Let the package say which back end it has picked, once for each that it picks."""
    logger = logging.getLogger("dagprop")
    for handler in [handler for handler in logger.handlers if isinstance(handler, _Say)]:
        logger.removeHandler(handler)
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
    if verbose:
        logger.addHandler(_Say())


def load_plugins(plugins: Sequence[str]) -> None:
    """Load plugin files; all that fail are reported together."""
    problems: list[Problem] = []
    for path in plugins:
        try:
            load_plugin(path)
        except DagpropError as error:
            problems += error.problems
    if problems:
        raise PluginError(*problems)


def load_every_plugin() -> None:
    """Load all plugins that are registered or installed; those that cannot be are named, and left out."""
    from dagprop.ops.providers.known import known_plugins
    from dagprop.ops.providers.provide import load_known

    try:
        problems = load_known(known_plugins())
    except PluginError as error:
        problems = list(error.problems)
    for problem in problems:
        note(str(replace(problem, warning=True)))


def open_graph(path: str, *, plugins: Sequence[str] = (), dtype: str | None = None, verbose: bool = False) -> Graph:
    """Return the graph of a file; warnings go to standard error.

    Raises
    ------
    DagpropError
        With everything that is wrong with the plugins or the graph.
    """
    say_back_end(verbose)
    load_plugins(plugins)
    graph, problems = check_file(path, sys.stdin.buffer)
    if not click.get_current_context().params.get("as_json"):  # there, only errors have a form
        for problem in problems:
            if problem.warning:
                note(str(problem))
    if graph is None:
        raise graph_error(problems)
    graph = replace(graph, dtype=dtype) if dtype else graph
    if verbose:
        network = prepare(graph)
        loss = graph.loss
        steps = plan(network, (loss,), (loss,), network.graph.parameters()) if loss else None
        counts = f"{len(network.order)} nodes, {graph.dtype}"
        if steps:
            counts += f", {len(steps.forward)} forward steps, {len(steps.backward)} backward steps"
        note(f"{path}: {counts}")
    return graph


def open_session(
    path: str,
    *,
    plugins: Sequence[str] = (),
    verbose: bool = False,
    settings: Sequence[tuple[str, Any]] = (),
    weights: str | None = None,
    seed: int | None = None,
    dtype: str | None = None,
) -> Session:
    """Return what a command works on.

    Raises
    ------
    DagpropError
        With everything that is wrong with the first thing that is: plugins, graph, weights.
    """
    graph = open_graph(path, plugins=plugins, dtype=dtype, verbose=verbose)
    if seed is not None:
        graph = replace(graph, train=replace(graph.train, seed=seed))
    network = prepare(graph)
    parameters, metadata = read_weights(weights) if weights else ({}, {})
    if weights:
        parameters = fit_weights(network, parameters, weights)
        for problem in origin_problems(graph, metadata, weights):
            note(str(problem))
    return Session(graph, network, dict(settings), parameters, metadata)


def refuse_two_readers(graph: str, data: str | None) -> None:
    """Refuse a graph and data that both come from standard input."""
    if graph == "-" and data == "-":
        raise click.UsageError("the graph and the data cannot both come from standard input")


def random_parameters(session: Session) -> list[str]:
    """Return the ids of the parameters and states that have neither a value nor weights."""
    variables = [node for node in session.network.graph.nodes.values() if node.op in ("parameter", "state")]
    return [n.id for n in variables if n.attributes.get("value") is None and n.id not in session.leaves]


def note_random_parameters(session: Session) -> None:
    """Say on standard error that parameters are random, if some are."""
    random = random_parameters(session)
    if random:
        shown = ", ".join(random[:4]) + (", ..." if len(random) > 4 else "")
        seed = session.graph.train.seed
        note(f"note: not trained; random values (seed {seed}) for {shown}; --weights takes trained ones")


def need_weights(session: Session, path: str) -> None:
    """Refuse to judge a network whose parameters would be random.

    Raises
    ------
    CheckpointError
        If a parameter has neither a value nor weights (DP602).
    """
    random = random_parameters(session)
    if random:
        hint = f"train first: dagprop train {path}; then add --weights with the file that it names"
        raise CheckpointError(Problem("DP602", "the parameter has no value yet", hint, node=random[0]))


def _numbers(id: str, value: Any, rank: int) -> Array:
    """Return what ``--set`` gives an input in each sample; no table of numbers is a DP302, several samples a DP303."""
    import numpy as np

    try:
        numbers = as_numbers(value, np.dtype(np.float64))
    except (TypeError, ValueError, OverflowError) as error:
        raise GraphError(Problem("DP302", "the value is not a regular table of numbers", node=id)) from error
    if numbers.ndim == rank:
        hint = "samples come from --data FILE, or are the value in the graph file"
        raise GraphError(Problem("DP303", "--set gives one sample here, the same in every row", hint, node=id))
    return numbers


def _rows(data: Data, row: int | None) -> dict[str, Any]:
    """Return all samples, or the one of a row, counted from 1."""
    if row is None:
        return dict(data.feeds)
    if row > data.rows:
        raise click.UsageError(f"--row {row}: the data has {data.rows} rows")
    return {id: array[row - 1] for id, array in data.feeds.items()}


def warn_non_finite(network: Network, values: Values) -> None:
    """Say on standard error which node is the first whose value is not finite, if one is."""
    import numpy as np

    for id in network.order:
        for name in network.outputs[id]:
            if name in values and not np.isfinite(values[name]).all():
                problem = Problem("DP702", "the value is not finite, the first in the order of the graph", node=name)
                note(str(replace(problem, warning=True)))
                return
