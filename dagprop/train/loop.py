"""Training: a step for each batch, all gradients taken at the old parameters, which an optimiser makes new ones of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dagprop.backends.reference import Array, Run, run
from dagprop.backends.select import Backend, choose_trainer, failed_error, say_fallback
from dagprop.backends.trainer import Batches, Trainer, TrainingTask
from dagprop.backends.updates import update
from dagprop.errors import GraphError, PluginError, Problem, quote
from dagprop.graph.records import TrainSettings
from dagprop.plan.abstract import format_shape
from dagprop.plan.network import Network
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
    loss_sum,
)
from dagprop.train.initializers import initial_values
from dagprop.train.metrics import Judge, Pair, Scores, judge_of
from dagprop.train.rates import CONSTANT, learning_rates
from dagprop.train.records import EpochRecord, TrainResult
from dagprop.train.samples import Split, batches, split_samples
from dagprop.train.settings import check_choices, check_settings
from dagprop.train.step_losses import StepLosses
from dagprop.train.update_rule import update_rule


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
    """Train by mini-batch gradient descent.

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
    check_choices(settings)
    _refuse_fed(network, parameters or {})
    updates, judge = state_updates(network), judge_of(network, settings.metrics)
    steps = evaluation_plan(network, judge, network.graph.parameters(), tuple(updates.values()))
    split = split_samples(data.rows, settings.validation, settings.test, settings.seed)
    start = {**initial_values(network, settings.seed), **(parameters or {})}
    leaves = gather_leaves(network, data, start, tuple(dict.fromkeys((*steps.leaves, *start))))
    size = min(settings.batch_size, len(split.train))
    count = settings.epochs * -(-len(split.train) // max(size, 1))
    task = make_task(network, settings, judge, size, steps, updates, leaves, count)
    rates = learning_rates(settings)
    trainer = choose_trainer(task, "reference" if each_step else backend)
    # For a single epoch it would not pay to compile what the validation needs.
    rows = len(split.validation) if settings.epochs > 1 else 0
    evaluator = compiled_evaluator(network, judge, trainer, task, rows)
    training = _Training(
        network, settings, task, judge, leaves, split, rates, dict(task.variables), trainer, evaluator, backend
    )
    say_variables = on_variables or (lambda variables: None)
    if each_step:
        training.on_step = say_variables
    history: list[EpochRecord] = []
    test = None
    interrupted = False
    try:
        say_variables(training.plain_variables())
        for epoch in range(1, settings.epochs + 1):
            history.append(training.run_epoch(epoch))
            if not each_step and on_variables is not None:  # a trainer writes to the same memory again
                on_variables({id: array.copy() for id, array in training.plain_variables().items()})
            if on_epoch is not None:
                on_epoch(history[-1])
        if len(split.test):
            test = evaluate_samples(network, judge, leaves, split.test, training.plain_variables())
    except KeyboardInterrupt:
        interrupted = True
    return TrainResult(
        parameters=training.plain_variables(),
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
    network: Network,
    settings: TrainSettings,
    judge: Judge,
    batch_size: int,
    steps: Plan,
    updates: Mapping[str, str],
    leaves: Leaves,
    count: int,
) -> TrainingTask:
    """Return what a back end needs to know for training of ``count`` steps."""
    rule = update_rule(settings.optimizer)
    memories = {memory: np.zeros_like(leaves.variables[id]) for id in steps.wrt for memory in rule.memory_ids(id)}
    return TrainingTask(
        plan=steps,
        shapes=network.shapes,
        updates=updates,
        compared=judge.compared,
        rule=rule,
        dtype=network.graph.dtype,
        sampled=leaves.sampled,
        fixed=leaves.fixed,
        variables={**leaves.variables, **memories},
        batch_size=batch_size,
        steps=count,
    )


@dataclass(slots=True, eq=False)
class _Training:
    """A training under way; only ``variables``, ``step_losses`` and ``trainer`` change."""

    network: Network
    settings: TrainSettings
    task: TrainingTask
    judge: Judge
    leaves: Leaves
    split: Split
    rates: Sequence[float]
    variables: dict[str, Array]
    trainer: Trainer | None
    evaluator: tuple[Trainer, int] | None
    backend: Backend
    step_losses: StepLosses = field(default_factory=StepLosses)
    on_step: Callable[[dict[str, Array]], object] | None = None

    def plain_variables(self) -> dict[str, Array]:
        """Return the parameters and states, without what the optimiser remembers."""
        if not self.task.rule.memories:
            return self.variables
        return {id: self.variables[id] for id in self.leaves.variables}

    def run_epoch(self, epoch: int) -> EpochRecord:
        settings, rows, rate = self.settings, len(self.split.train), self.rates[epoch - 1]
        order = batches(self.split.train, settings.batch_size, settings.shuffle, settings.seed, epoch)
        loss, scores = self.run_compiled(order, epoch, rate) or self.run_reference(order, epoch, rate)
        validation = None
        if len(self.split.validation):
            given = self.judge, self.leaves, self.split.validation, self.plain_variables()
            validation = evaluate_samples(self.network, *given, evaluator=self.evaluator)
        return EpochRecord(
            epoch=epoch,
            loss=loss / rows,
            accuracy=scores.accuracy,
            validation_loss=validation.loss if validation else None,
            validation_accuracy=validation.accuracy if validation else None,
            learning_rate=rate if settings.schedule != CONSTANT else None,
            metrics=scores.metrics,
            validation_metrics=validation.metrics if validation else {},
        )

    def run_compiled(self, order: Batches, epoch: int, rate: float) -> tuple[float, Scores] | None:
        """Return the sum over the samples of the loss, and the scores.

        None if there is no compiled back end, or a number is not finite: then the reference back end has to run the
        epoch, which says where it comes from.  Where compiled code was asked for and fails, that is an error (DP705).
        """
        if self.trainer is None:
            return None
        try:
            outcome = self.trainer.epoch(self.variables, order, rate, len(self.step_losses) + 1)
        except Exception as error:  # anybody's rule may fail in compiled code; the reference says where
            if self.backend == "compiled" and isinstance(error, PluginError):
                raise
            say_fallback(error)
            self.trainer = None
            if self.backend == "compiled":
                self.run_reference(order, epoch, rate)
                raise failed_error(error) from error
            return None
        if not outcome.is_finite():
            return None
        self.step_losses.add(outcome.losses)
        self.variables = outcome.variables
        if outcome.interrupted:
            raise KeyboardInterrupt
        return loss_sum(outcome, order), self.judge.scores(outcome.compared, order)

    def run_reference(self, order: Batches, epoch: int, rate: float) -> tuple[float, Scores]:
        """Return the same as :meth:`run_compiled`."""
        loss = 0.0
        pairs: list[Pair] = []
        for step, samples in enumerate(order, start=1):
            done = self.run_step(samples, epoch, step, rate)
            loss += float(self.step_losses.all()[-1]) * len(samples)
            if self.judge.compared is not None:
                pairs.append((done.values[self.judge.compared[0]], done.values[self.judge.compared[1]]))
        return loss, self.judge.scores(pairs, order)

    def run_step(self, samples: Array, epoch: int, step: int, rate: float) -> Run:
        task, number = self.task, len(self.step_losses) + 1
        leaves = self.leaves.batch(samples, self.plain_variables())
        done = run(task.plan, leaves)
        loss = float(done.values[task.plan.outputs[0]].mean())
        new = update(task.rule, self.variables, done.gradients, rate, number)
        new.update({state: done.values[reference] for state, reference in task.updates.items()})
        if not (math.isfinite(loss) and all(np.isfinite(value).all() for value in new.values())):
            raise non_finite_error(self.network, leaves, new, epoch, step, rate)
        # One assignment, so that Ctrl-C finds either all parameters from before the step or all from behind it.
        self.step_losses.add([loss])
        self.variables = {**self.variables, **new}
        if self.on_step is not None:
            self.on_step(self.plain_variables())
        return done
