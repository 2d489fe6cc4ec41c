"""``dagprop bench``: how long a training step of a network takes, and where the time goes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options
from dagprop.record import record

if TYPE_CHECKING:
    from dagprop.backends.trainer import TrainingTask
    from dagprop.cli.session import Session
    from dagprop.plan.network import Network
    from dagprop.train.timing import Share, Timing

SHOWN_NODES = 20
"""The nodes that take the longest are shown, so many."""


@record
class Measured:
    """What is printed.

    Attributes
    ----------
    network : Network
    task : TrainingTask
    title : str
        Of the back end.
    steps : int
        How many were measured.
    step : Timing
    nodes, ops : mapping from str to Share
    """

    network: Network
    task: TrainingTask
    title: str
    steps: int
    step: Timing
    nodes: Mapping[str, Share]
    ops: Mapping[str, Share]


@click.command("bench")
@options.graph_argument
@options.feeding
@options.backend_option
@click.option(
    "--batch-size", type=click.IntRange(min=1), help="Samples a step, at most all there are.  [default: the graph's]"
)
@click.option("--steps", type=click.IntRange(min=1), help="Measure so many.  [default: as many as take a second]")
@options.json_option
@options.general
def command(
    graph: str,
    data: str | None,
    backend: Any,
    batch_size: int | None,
    steps: int | None,
    as_json: bool,
    **session_options: Any,
) -> None:
    """Time training steps: in all, per node and per op.

    The totals are those of the back end that a training with the graph's settings would have, or of the one that is
    asked for.  What each node takes is measured where nodes are computed one by one, with the reference back end.
    Nothing is saved.
    """
    from dagprop.cli.output import json_text
    from dagprop.cli.session import open_session, refuse_two_readers
    from dagprop.train.timing import by_op, time_nodes, time_steps

    refuse_two_readers(graph, data)
    session = open_session(graph, **session_options)
    task, learning_rate = _task(session, data, batch_size)
    title, step, count = time_steps(task, learning_rate, backend, steps)
    nodes = time_nodes(session.network, task)
    measured = Measured(session.network, task, title, count, step, nodes, by_op(session.network, nodes))
    click.echo(json_text(_document(measured)) if as_json else _text(measured))


def _task(session: Session, file: str | None, batch_size: int | None) -> tuple[TrainingTask, float]:
    """Return what is trained, on the data or on the values in the file, and the learning rate."""
    from dagprop.plan.outputs import loss_reference
    from dagprop.train.evaluation import evaluation_plan, gather_leaves
    from dagprop.train.initializers import initial_values
    from dagprop.train.loop import make_task, state_updates
    from dagprop.train.metrics import judge_of

    network, settings = session.network, session.graph.train
    loss_reference(network)  # a graph without a loss cannot be trained, and the message says so
    updates = state_updates(network)
    judge = judge_of(network, settings.metrics)
    plan = evaluation_plan(network, judge, network.graph.parameters(), tuple(updates.values()))
    start = {**initial_values(network, settings.seed), **session.leaves}
    samples = session.samples(file)
    leaves = gather_leaves(network, samples, start, tuple(dict.fromkeys((*plan.leaves, *start))))
    size = min(batch_size or settings.batch_size, max(samples.rows, 1))
    # About as many steps as `train` takes, which keeps some samples out: the choice of back end depends on it.
    count = settings.epochs * math.ceil(samples.rows * (1 - settings.validation - settings.test) / size)
    return make_task(network, settings, judge, size, plan, updates, leaves, count), settings.learning_rate


def _text(measured: Measured) -> str:
    from dagprop.explain.tables import table

    network, task, step, nodes = measured.network, measured.task, measured.step, measured.nodes
    whole = sum(share.total for share in nodes.values()) or 1.0

    def numbers(share: Share) -> Sequence[str]:
        return _time(share.forward), _time(share.backward), f"{100 * share.total / whole:.1f} %"

    slowest = sorted(nodes, key=lambda id: -nodes[id].total)[:SHOWN_NODES]
    header = ("forward", "backward", "share")
    op_rows = [(name, str(share.nodes), *numbers(share)) for name, share in measured.ops.items()]
    node_rows = [(id, network.node(id).op, *numbers(nodes[id])) for id in slowest]
    rest = len(nodes) - len(slowest)
    return "\n\n".join([
        f"{measured.title}, batch size {task.batch_size}, {task.dtype}, {measured.steps} steps\n"
        f"a step: {_time(step.median)} (median; {_time(step.least)} to {_time(step.most)})\n"
        f"a step by node: {_time(step.median / max(len(nodes), 1))} ({len(nodes)} nodes)",
        f"Rules by op, with the reference back end: {_time(whole)} a step\n"
        + table(("op", "nodes", *header), op_rows, right=(1, 2, 3, 4)),
        "Rules by node, the slowest first\n"
        + table(("node", "op", *header), node_rows, right=(2, 3, 4))
        + (f"\nand {rest} more" if rest else ""),
    ])  # fmt: skip


def _time(seconds: float) -> str:
    """Return a time with three digits in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _document(measured: Measured) -> dict[str, Any]:
    """Return everything as ``--json`` prints it, times in seconds."""
    network, task, step, nodes = measured.network, measured.task, measured.step, measured.nodes
    return {
        "backend": measured.title,
        "batch_size": task.batch_size,
        "dtype": task.dtype,
        "steps": measured.steps,
        "step": {"median": step.median, "min": step.least, "max": step.most},
        "step_per_node": step.median / max(len(nodes), 1),
        "ops": [
            {"op": name, "nodes": share.nodes, "forward": share.forward, "backward": share.backward}
            for name, share in measured.ops.items()
        ],
        "nodes": [
            {"node": id, "op": network.node(id).op, "forward": share.forward, "backward": share.backward}
            for id, share in nodes.items()
        ],
    }
