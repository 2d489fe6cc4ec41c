"""Stochastic gradient descent: θ ← θ − η ∂L/∂θ, batch by batch, all gradients taken at the old θ."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dagprop.backends.reference import Array, Run, run
from dagprop.backends.select import Backend, choose_trainer, say_fallback
from dagprop.backends.trainer import Batches, Trainer, TrainingTask
from dagprop.errors import GraphError, PluginError, Problem, quote
from dagprop.graph.records import TrainSettings
from dagprop.plan.abstract import format_shape
from dagprop.plan.network import Network
from dagprop.plan.outputs import Objective
from dagprop.plan.records import Plan
from dagprop.plan.shapes import problem_at
from dagprop.train.data import Data, fed_inputs
from dagprop.train.diagnosis import non_finite_error
from dagprop.train.evaluation import (
    Leaves,
    compiled_evaluator,
    evaluate_samples,
    evaluation_plan,
    gather_leaves,
    sums,
)
from dagprop.train.initializers import initial_values
from dagprop.train.metrics import accuracy, class_objective
from dagprop.train.records import EpochRecord, TrainResult
from dagprop.train.samples import Split, batches, split_samples
from dagprop.train.settings import check_settings
from dagprop.train.step_losses import StepLosses


def train_network(
    network: Network,
    data: Data,
    settings: TrainSettings,
    parameters: Mapping[str, Any] | None = None,
    on_epoch: Callable[[EpochRecord], object] | None = None,
    backend: Backend = "auto",
    on_variables: Callable[[dict[str, Array]], object] | None = None,
    each_step: bool = False,
) -> TrainResult:
    """Train by mini-batch stochastic gradient descent.

    Parameters
    ----------
    network : Network
        With a loss.
    data : Data
    settings : TrainSettings
    parameters : mapping from str to array_like, optional
        What parameters and states start with; the others are initialised.
    on_epoch : callable, optional
        Is given the record of each epoch when it ends.
    backend : {"auto", "reference", "compiled"}
        Who computes; ``auto`` compiles what can be compiled.
    on_variables : callable, optional
        Is given the parameters and states before the first step, and again at the end of each epoch, before
        ``on_epoch`` is called.
    each_step : bool
        Whether ``on_variables`` is called after each step instead; the reference back end then takes the steps.

    Raises
    ------
    GraphError
        If the graph has no loss (DP206), a setting is wrong (DP011), or values do not fit.
    DataError
        If no samples are left to train on (DP405).
    ComputationError
        If the loss or a parameter is no longer finite (DP702), or a rule fails; or if the network cannot be compiled
        and shall be (DP705).

    Notes
    -----
    Ctrl-C is no error: the result then has ``interrupted`` and everything up to the last whole step.
    """
    check_settings(settings)
    _refuse_fed(network, parameters or {})
    updates = state_updates(network)
    steps = evaluation_plan(network, network.graph.parameters(), tuple(updates.values()))
    split = split_samples(data.rows, settings.validation, settings.test, settings.seed)
    start = {**initial_values(network, settings.seed), **(parameters or {})}
    leaves = gather_leaves(network, data, start, tuple(dict.fromkeys((*steps.leaves, *start))))
    size = min(settings.batch_size, len(split.train))
    count = settings.epochs * -(-len(split.train) // max(size, 1))
    task = make_task(network, size, steps, updates, leaves, count)
    trainer = choose_trainer(task, "reference" if each_step else backend)
    # For a single epoch it would not pay to compile what the validation needs.
    evaluator = compiled_evaluator(network, trainer, task, len(split.validation)) if settings.epochs > 1 else None
    objective = class_objective(network)
    training = _Training(
        network, settings, steps, updates, leaves, split, leaves.variables, trainer, evaluator, backend, objective
    )
    say_variables = on_variables or (lambda variables: None)
    if each_step:
        training.on_step = say_variables
    history: list[EpochRecord] = []
    test = None
    interrupted = False
    try:
        say_variables(training.variables)
        for epoch in range(1, settings.epochs + 1):
            history.append(training.run_epoch(epoch))
            if not each_step:
                say_variables(training.variables)
            if on_epoch is not None:
                on_epoch(history[-1])
        if len(split.test):
            test = evaluate_samples(network, leaves, split.test, training.variables)
    except KeyboardInterrupt:
        interrupted = True
    return TrainResult(
        parameters=training.variables,
        history=tuple(history),
        step_losses=training.step_losses.all(),
        test=test,
        settings=settings,
        samples={"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
        interrupted=interrupted,
    )


def _refuse_fed(network: Network, parameters: Mapping[str, Any]) -> None:
    """Refuse start values for what the samples feed: they would mean nothing."""
    fed = fed_inputs(network)
    problems = [
        Problem("DP305", f"{quote(id)} is fed by the samples and can have no start value", "give it in the data", id)
        for id in parameters
        if id in fed
    ]
    if problems:
        raise GraphError(*problems)


def state_updates(network: Network) -> dict[str, str]:
    """Return, for each state that training changes, the reference of the value that replaces it."""
    updates, problems = {}, []
    for node in network.graph.nodes.values():
        reference = node.attributes.get("update") if node.op == "state" else None
        if reference is None:
            continue
        updates[node.id] = reference
        if network.shapes[reference] != network.shapes[node.id]:
            shapes = [format_shape(network.shapes[name]) for name in (reference, node.id)]
            message = f"the update {quote(reference)} has shape {shapes[0]}, the state has {shapes[1]}"
            problems.append(problem_at(node, "DP301", message))
    if problems:
        raise GraphError(*problems)
    return updates


def make_task(
    network: Network, batch_size: int, steps: Plan, updates: Mapping[str, str], leaves: Leaves, count: int
) -> TrainingTask:
    """Return what a back end needs to know for training of ``count`` steps."""
    objective = class_objective(network)
    return TrainingTask(
        plan=steps,
        shapes=network.shapes,
        updates=updates,
        compared=None if objective is None else (objective.prediction, objective.target),
        dtype=network.graph.dtype,
        sampled=leaves.sampled,
        fixed=leaves.fixed,
        variables=leaves.variables,
        batch_size=batch_size,
        steps=count,
    )


@dataclass(slots=True, eq=False)
class _Training:
    """A training under way; only ``variables`` and ``step_losses`` change."""

    network: Network
    settings: TrainSettings
    steps: Plan
    updates: Mapping[str, str]
    leaves: Leaves
    split: Split
    variables: dict[str, Array]
    trainer: Trainer | None
    evaluator: tuple[Trainer, int] | None
    backend: Backend
    objective: Objective | None
    step_losses: StepLosses = field(default_factory=StepLosses)
    on_step: Callable[[dict[str, Array]], object] | None = None

    def run_epoch(self, epoch: int) -> EpochRecord:
        settings, rows = self.settings, len(self.split.train)
        order = batches(self.split.train, settings.batch_size, settings.shuffle, settings.seed, epoch)
        loss, hits = self.run_compiled(order) or self.run_reference(order, epoch)
        validation = None
        if len(self.split.validation):
            given = self.network, self.leaves, self.split.validation, self.variables
            validation = evaluate_samples(*given, evaluator=self.evaluator)
        return EpochRecord(
            epoch=epoch,
            loss=loss / rows,
            accuracy=None if hits is None else hits / rows,
            validation_loss=validation.loss if validation else None,
            validation_accuracy=validation.accuracy if validation else None,
        )

    def run_compiled(self, order: Batches) -> tuple[float, float | None] | None:
        """Return the sums over the samples of the loss and of the hits.

        None if there is no compiled back end, or a number is not finite: then the reference back end has to run the
        epoch, which says where it comes from.
        """
        if self.trainer is None:
            return None
        try:
            outcome = self.trainer.epoch(self.variables, order, self.settings.learning_rate)
        except Exception as error:  # anybody's rule may fail in compiled code; the reference says where
            if self.backend == "compiled" and isinstance(error, PluginError):
                raise
            say_fallback(error)
            self.trainer = None
            return None
        if not outcome.is_finite():
            return None
        self.step_losses.add(outcome.losses)
        self.variables = outcome.variables
        if outcome.interrupted:
            raise KeyboardInterrupt
        return sums(outcome, order, self.objective)

    def run_reference(self, order: Batches, epoch: int) -> tuple[float, float | None]:
        """Return the sums over the samples of the loss and of the hits."""
        objective = self.objective
        loss = hits = 0.0
        for step, samples in enumerate(order, start=1):
            done = self.run_step(samples, epoch, step)
            loss += float(self.step_losses.all()[-1]) * len(samples)
            if objective is not None:
                prediction, target = done.values[objective.prediction], done.values[objective.target]
                hits += accuracy(objective.op, prediction, target) * len(samples)
        return loss, None if objective is None else hits

    def run_step(self, samples: Array, epoch: int, step: int) -> Run:
        leaves = self.leaves.batch(samples, self.variables)
        done = run(self.steps, leaves)
        loss = float(done.values[self.steps.outputs[0]].mean())
        with np.errstate(all="ignore"):
            new = {
                id: np.asarray(self.variables[id] - self.settings.learning_rate * gradient)
                for id, gradient in done.gradients.items()
            }
        new.update({state: done.values[reference] for state, reference in self.updates.items()})
        if not (math.isfinite(loss) and all(np.isfinite(value).all() for value in new.values())):
            raise non_finite_error(self.network, leaves, epoch, step, self.settings.learning_rate)
        # One assignment, so that Ctrl-C finds either all parameters from before the step or all from behind it.
        self.step_losses.add([loss])
        self.variables = {**self.variables, **new}
        if self.on_step is not None:
            self.on_step(self.variables)
        return done
