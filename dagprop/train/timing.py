"""How long a step of training takes: in all, and rule by rule."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dagprop.backends.reference import Array, run
from dagprop.backends.select import REFERENCE, Backend, choose_trainer
from dagprop.backends.trainer import Batches, TrainingTask
from dagprop.backends.updates import update
from dagprop.plan.network import Network
from dagprop.plan.records import Plan
from dagprop.record import record

ROUNDS = 20
"""The steps are measured in so many parts, whose differences are the spread."""

SECONDS = 1.0
"""Without ``--steps``, about so long is measured."""


@record
class Timing:
    """Seconds of one step: the median over the parts of a measurement, the least and the most."""

    median: float
    least: float
    most: float


@dataclass(slots=True)
class Share:
    """Seconds of a step that rules take: those of a node, or of all nodes of an op."""

    forward: float = 0.0
    backward: float = 0.0
    nodes: int = 1

    @property
    def total(self) -> float:
        """Both passes together."""
        return self.forward + self.backward


def time_steps(
    task: TrainingTask, learning_rate: float, backend: Backend, steps: int | None = None
) -> tuple[str, Timing, int]:
    """Return the name of the back end that computes, what a step takes, and how many were measured.

    Parameters
    ----------
    task : TrainingTask
    learning_rate : float
    backend : {"auto", "reference", "compiled"}
    steps : int, optional
        By default as many as take about a second.

    Raises
    ------
    ComputationError
        If a rule fails, or the network cannot be compiled and shall be (DP705).
    """
    trainer = choose_trainer(task, backend)

    def train(count: int) -> float:
        batches = _batches(task, count)
        begin = time.perf_counter()
        if trainer is None:
            for samples in batches:
                _reference_step(task, samples, learning_rate)
        # Every part starts from the same parameters, so that a rate that is too large does no harm.
        elif trainer.epoch(task.variables, batches, learning_rate, 1).interrupted:
            raise KeyboardInterrupt
        return time.perf_counter() - begin

    train(1)  # what is done once, such as compiling, is no part of a step
    if steps is None:
        steps = 1
        while (seconds := train(steps)) < SECONDS / ROUNDS / 10:
            steps *= 4
        steps = max(ROUNDS, math.ceil(steps * SECONDS / seconds))
    parts = [size for size in _parts(steps, ROUNDS) if size]
    return trainer.title if trainer else REFERENCE, _timing(train(size) / size for size in parts), steps


def _batches(task: TrainingTask, count: int) -> Batches:
    """Return so many batches of the samples, which begin again where they end."""
    rows = max((len(array) for array in task.sampled.values()), default=1)
    return Batches(np.resize(np.arange(rows), count * task.batch_size), task.batch_size)


def _reference_step(task: TrainingTask, samples: Array, learning_rate: float) -> Mapping[str, Array]:
    """Take one step as the training loop does it with the reference back end; return the new parameters."""
    done = run(task.plan, {**task.fixed, **task.variables, **_rows(task, samples)})
    return update(task.rule, task.variables, done.gradients, learning_rate, 1)


def _rows(task: TrainingTask, samples: Array) -> dict[str, Array]:
    return {id: array[samples] for id, array in task.sampled.items()}


def time_nodes(network: Network, task: TrainingTask) -> dict[str, Share]:
    """Return the seconds that the rules of each node take in a step of the reference back end.

    Parameters
    ----------
    network : Network
    task : TrainingTask

    Notes
    -----
    A plan is a value: the one that is run here has, in place of each rule, one that looks at the clock.
    """
    spent: dict[tuple[str, str], list[float]] = {}
    leaves = {**task.fixed, **task.variables, **_rows(task, _batches(task, 1)[0])}
    run(task.plan, leaves)  # so that a rule that fails is reported as itself
    plan = _timed_plan(task.plan, spent)
    begin, passes = time.perf_counter(), 0
    while passes < 3 or (passes < 1000 and time.perf_counter() - begin < SECONDS):
        run(plan, leaves)
        passes += 1
    shares = {id: Share() for id in network.order if not network.node(id).is_leaf}
    for (id, direction), seconds in spent.items():
        # A node has as many backward steps as inputs that vary: their times of a pass are added up.
        calls = len(seconds) // passes
        median = statistics.median(sum(seconds[start : start + calls]) for start in range(0, len(seconds), calls))
        setattr(shares[id], direction, median)
    return shares


def _timed_plan(plan: Plan, spent: dict[tuple[str, str], list[float]]) -> Plan:
    def timed(rule: Callable[..., Any], *key: str) -> Callable[..., Any]:
        seconds = spent.setdefault((key[0], key[1]), [])

        def timed_rule(*arguments: Any, **attributes: Any) -> Any:
            begin = time.perf_counter()
            result = rule(*arguments, **attributes)
            seconds.append(time.perf_counter() - begin)
            return result

        return timed_rule

    return replace(
        plan,
        forward=tuple(step._replace(rule=timed(step.rule, step.node, "forward")) for step in plan.forward),
        backward=tuple(step._replace(rule=timed(step.rule, step.node, "backward")) for step in plan.backward),
    )


def by_op(network: Network, nodes: Mapping[str, Share]) -> dict[str, Share]:
    """Return the times of all nodes of an op together, the op that takes the longest first."""
    ops: dict[str, Share] = {}
    for id, share in nodes.items():
        total = ops.setdefault(network.node(id).op, Share(nodes=0))
        total.forward += share.forward
        total.backward += share.backward
        total.nodes += share.nodes
    return dict(sorted(ops.items(), key=lambda item: -item[1].total))


def _timing(seconds: Iterable[float]) -> Timing:
    values = list(seconds)
    return Timing(statistics.median(values), min(values), max(values))


def _parts(total: int, count: int) -> list[int]:
    """Return a number as a sum of so many that differ by one at most."""
    return [total // count + (index < total % count) for index in range(count)]
