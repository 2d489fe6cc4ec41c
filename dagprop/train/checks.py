"""Is a declaration right?  An optimiser, a schedule, a metric or an initialiser, tried with its default settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np

from dagprop.backends.trainer import Batches
from dagprop.errors import DagpropError, Problem, quote
from dagprop.graph.read import read_graph
from dagprop.graph.records import TrainSettings
from dagprop.ops.registry import vocabulary
from dagprop.plan.network import Network, prepare
from dagprop.plan.outputs import Objective
from dagprop.train.contract import RuleKind, TrainingRule, rules
from dagprop.train.data import data_from_arrays
from dagprop.train.initializers import initialize
from dagprop.train.loop import train_network
from dagprop.train.metrics import Judge
from dagprop.train.rates import learning_rates

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
"""How far apart two back ends may be, by dtype."""

RATES = (0.1, 0.01, 0.001, 0.0001)
"""With one of these learning rates an optimiser has to find its way down a bowl."""


def check_declaration(kind: RuleKind, name: str) -> list[Problem]:
    """Return what is wrong with what is declared under a name; nothing where all is right.

    Parameters
    ----------
    kind : {"optimizer", "schedule", "metric", "initializer"}
    name : str

    Raises
    ------
    KeyError
        If nothing is declared under this name.
    """
    return _CHECKS[kind](rules(kind)[name])


def check_optimizer(rule: TrainingRule) -> list[Problem]:
    """Return what is wrong with an optimiser.

    It has to keep shape and dtype, leave its arguments as they are, be recordable, give the same with all back ends, on
    single numbers and on arrays, and make the loss of a bowl smaller.
    """
    for shape in ((), (1, 1), (2, 3)):
        for dtype in TOLERANCE:
            try:
                problem = _train_alike(rule, _bowl(shape, dtype))
            except DagpropError as error:
                return _found(rule, error)
            if problem is not None:
                return [_of(rule, problem)]
    network = _bowl((2, 3), "float64")
    for rate in RATES:
        try:
            losses = _train(rule, network, rate, 300, "reference")[1]
        except DagpropError:
            continue
        if losses[-2:].sum() < 0.99 * losses[:2].sum():  # an epoch has two steps
            return []
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    return [_of(rule, f"the loss (w - t)²/2 is not smaller after 300 steps, with none of the learning rates {rates}")]


def check_schedule(rule: TrainingRule) -> list[Problem]:
    """Return what is wrong with a schedule: it has to give a finite number from 0 for each epoch, always the same."""
    for epochs in (1, 2, 10, 1000):
        for rate in (1.0, 1e-3):
            settings = TrainSettings(epochs=epochs, learning_rate=rate, schedule={"name": rule.name})
            try:
                first, again = learning_rates(settings), learning_rates(settings)
            except DagpropError as error:
                return _found(rule, error)
            if first != again:
                return [_of(rule, f"called twice for {epochs} epochs, it gives other learning rates")]
    return []


def check_metric(rule: TrainingRule) -> list[Problem]:
    """Return what is wrong with a metric.

    It has to give finite numbers for a prediction and a target of shape (N,), or of (N, k), or for rows of logits and
    their classes, and leave both as they are.
    """
    random = np.random.default_rng(0)
    refused: list[Problem] = []
    pairs = (
        (random.uniform(0.1, 0.9, 6), random.uniform(0.1, 0.9, 6)),
        (random.uniform(0.1, 0.9, (6, 3)), random.uniform(0.1, 0.9, (6, 3))),
        (random.uniform(0.1, 0.9, (6, 3)), np.arange(6.0) % 3),
    )
    objective = Objective("", "", "")
    judge = Judge(objective, False, True, ((rule, rule.defaults),))
    for pair in pairs:
        for dtype in TOLERANCE:
            try:
                given = [(pair[0].astype(dtype), pair[1].astype(dtype))]
                value = judge.scores(given, Batches(np.arange(6), 6)).metrics[rule.name]
            except DagpropError as error:
                refused += _found(rule, error)
                continue
            if not np.isfinite(value):
                shapes = f"a prediction of shape {pair[0].shape} and a target of shape {pair[1].shape}"
                return [_of(rule, f"it gives {value} for {shapes}")]
    return refused[:1] if len(refused) >= len(pairs) * len(TOLERANCE) or _writes(refused) else []


def check_initializer_rule(rule: TrainingRule) -> list[Problem]:
    """Return what is wrong with an initialiser: it has to give finite numbers of each shape, the same for a seed."""
    for shape in ((), (3,), (2, 3), (3, 2), (2, 2, 3, 4), (0, 2)):
        try:
            first, again = (initialize(rule.name, shape, np.random.default_rng(7)) for _ in range(2))
        except DagpropError as error:
            return _found(rule, error)
        if not np.isfinite(first).all():
            return [_of(rule, f"it gives numbers that are not finite for the shape {shape}")]
        if not np.array_equal(first, again):
            hint = "take random numbers from the argument random only"
            return [_of(rule, f"with the same seed it gives other numbers for the shape {shape}", hint)]
    return []


_CHECKS: dict[RuleKind, Callable[[TrainingRule], list[Problem]]] = {
    "optimizer": check_optimizer,
    "schedule": check_schedule,
    "metric": check_metric,
    "initializer": check_initializer_rule,
}


def _of(rule: TrainingRule, message: str, hint: str | None = None) -> Problem:
    text = f"{rule.kind} {quote(rule.name)}: {message}"
    return Problem("DP503", text, hint, file=rule.place[0], line=rule.place[1])


def _found(rule: TrainingRule, error: DagpropError) -> list[Problem]:
    """Return the problems of a run as those of the declaration."""
    return [replace(problem, node=None, file=rule.place[0], line=rule.place[1]) for problem in error.problems]


def _writes(problems: Iterable[Problem]) -> bool:
    """Whether a rule has tried to write into what it is given."""
    return any("read-only" in problem.message for problem in problems)


def _bowl(shape: tuple[int, ...], dtype: str) -> Network:
    """Return a network whose loss is smallest where a parameter is equal to the samples."""
    start = np.linspace(-1.0, 2.0, int(np.prod(shape))).reshape(shape).tolist()
    nodes: dict[str, Any] = {
        "t": {"op": "input", "shape": ["N", *shape]},
        "w": {"op": "parameter", "value": start},
        "L": {"op": "half_squared_error", "inputs": ["w", "t"]},
    }
    loss = "L"
    if shape:
        nodes["total"] = {"op": "mean", "inputs": ["L"]}
        loss = "total"
    text = json.dumps({"dagprop": 1, "nodes": nodes, "loss": loss, "dtype": dtype})
    graph = read_graph("-", vocabulary(), BytesIO(text.encode())).graph
    assert graph is not None
    return prepare(graph)


def _train(
    rule: TrainingRule, network: Network, rate: float, epochs: int, backend: Any
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the parameter behind a training, and the losses of its steps."""
    shape = network.shapes["w"]
    targets = 0.25 + np.linspace(-0.5, 0.5, 3)
    samples = {"t": np.broadcast_to(targets.reshape(3, *(1 for _ in shape)), (3, *map(int, shape)))}
    settings = replace(
        TrainSettings(), epochs=epochs, batch_size=2, learning_rate=rate, optimizer=rule.name, shuffle=False
    )
    result = train_network(network, data_from_arrays(network, samples), settings, backend=backend)
    return result.parameters["w"], result.step_losses


def _train_alike(rule: TrainingRule, network: Network) -> str | None:
    """Return where two back ends disagree."""
    dtype = network.graph.dtype
    (expected, _), (found, _) = (_train(rule, network, 0.01, 4, backend) for backend in ("reference", "compiled"))
    if np.allclose(found, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]):
        return None
    return f"compiled, it gives {found.reshape(-1)[0]:.9g} instead of {expected.reshape(-1)[0]:.9g} in {dtype}"
