"""Which back end computes: picked by graph, or as the user says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from math import inf
from typing import Any, Literal

from dagprop.backends.reference import Array, Run, run
from dagprop.backends.trainer import NotCompiledError, Trainer, TrainingTask
from dagprop.errors import ComputationError, GraphError, PluginError, Problem, error_text, quote
from dagprop.graph.collector import paused_collector
from dagprop.plan.records import Plan
from dagprop.program.records import Program
from dagprop.program.trace import plan_program
from dagprop.program.update import gradient_name

Backend = Literal["auto", "reference", "compiled"]

BACKENDS: tuple[Backend, ...] = ("auto", "reference", "compiled")

REFERENCE = "reference (NumPy, step by step)"

_TRAINERS = (("scalar.program", "ScalarTrainer"), ("arrays.trainer", "ArrayTrainer"))
"""What is tried, the fastest first; each says by NotCompiledError what it cannot do."""


def check_backend(backend: str) -> None:
    """Refuse a name that no back end has.

    Raises
    ------
    GraphError
        DP011.
    """
    if backend not in BACKENDS:
        names = ", ".join(map(quote, BACKENDS))
        raise GraphError(Problem("DP011", f"there is no back end {quote(str(backend))}", f"one of {names}"))


def choose_trainer(task: TrainingTask, backend: Backend = "auto") -> Trainer | None:
    """Return what trains a network, or None for the reference back end.

    Parameters
    ----------
    task : TrainingTask
    backend : {"auto", "reference", "compiled"}
        ``auto`` compiles what can be compiled, as far as that pays; ``compiled`` compiles at any price.

    Raises
    ------
    GraphError
        If there is no such back end (DP011).
    ComputationError
        If ``compiled`` is asked for and the network cannot be compiled (DP705).
    PluginError
        If ``compiled`` is asked for and a rule cannot be recorded (DP503).
    """
    check_backend(backend)
    if backend == "compiled":
        task = replace(task, steps=inf)
    reasons: list[str] = []
    unrecordable = ""
    for module, name in () if backend == "reference" else _TRAINERS:
        try:
            with paused_collector():
                trainer: Trainer = getattr(import_module(f"dagprop.backends.{module}"), name)(task)
        except NotCompiledError as error:
            reasons.append(str(error))
        except PluginError as error:
            if backend == "compiled":
                raise
            unrecordable = f", because {error.problems[0].message}"
        except Exception as error:  # whatever a rule makes of compiled code, the reference can say better
            reasons.append(error_text(error))
        else:
            say(trainer.title)
            return trainer
    if backend == "compiled":
        raise ComputationError(Problem("DP705", f"the network cannot be compiled: {'; '.join(reasons)}"))
    say(f"{REFERENCE}{unrecordable}")
    return None


def choose_evaluator(
    trainer: Trainer | None, task: TrainingTask, plan: Plan, batch_size: int
) -> tuple[Trainer, int] | None:
    """Return what computes the losses of samples with the same back end as a training, or None for the reference.

    It is a trainer of a plan that changes nothing, so that one of its epochs only computes.

    Parameters
    ----------
    trainer : Trainer, optional
        Of the training.
    task : TrainingTask
        Of the training.
    plan : Plan
        Its first output is the loss; it has no gradients.
    batch_size : int
        How many samples go through at a time where they are not taken one by one.

    Returns
    -------
    trainer : Trainer
    size : int
        Of its batches.
    """
    if trainer is None:
        return None
    from dagprop.backends.scalar.program import ScalarTrainer, is_samplewise

    if isinstance(trainer, ScalarTrainer):
        if not is_samplewise(task):
            return None
        batch_size = 1
    kind: Any = type(trainer)
    try:
        with paused_collector():
            variables = {id: array for id, array in task.variables.items() if id in plan.leaves}
            return kind(replace(task, plan=plan, updates={}, variables=variables, batch_size=batch_size)), batch_size
    except Exception:  # whatever it is, the reference can compute it
        return None


def execute(
    plan: Plan, leaves: Mapping[str, Array], cotangents: Mapping[str, Array] | None = None, backend: Backend = "auto"
) -> Run:
    """Execute a plan once, as :func:`dagprop.backends.reference.run` does.

    ``auto`` is the reference back end here: compiling does not pay for one run.

    Raises
    ------
    GraphError
        If there is no such back end (DP011).
    PluginError
        If ``compiled`` is asked for and a rule cannot be recorded (DP503).
    ComputationError
        If a rule fails (DP701), or ``compiled`` is asked for and fails where the reference does not (DP705).
    """
    check_backend(backend)
    if backend != "compiled":
        say(REFERENCE)
        return run(plan, leaves, cotangents)
    dtype = next(iter(leaves.values())).dtype.name if leaves else "float64"
    program = plan_program(plan, {id: leaves[id].shape for id in plan.leaves}, dtype, cotangents is not None)
    inputs = {**leaves, **{gradient_name(name): value for name, value in (cotangents or {}).items()}}
    try:
        found, title = _evaluated(program, inputs)
    except Exception as error:  # a class index out of range, or anybody's rule: the reference says where
        say_fallback(error)
        run(plan, leaves, cotangents)
        raise failed_error(error) from error
    say(title)
    return Run({name: found[name] for name in plan.outputs}, {name: found[gradient_name(name)] for name in plan.wrt})


def _evaluated(program: Program, inputs: Mapping[str, Array]) -> tuple[dict[str, Array], str]:
    """Return what a program gives, computed by compiled code, and what that is."""
    from dagprop.backends.arrays.program import ARRAYS, ArrayProgram
    from dagprop.backends.scalar.program import SCALAR, evaluate

    try:
        return evaluate(program, inputs), SCALAR
    except NotCompiledError:
        return ArrayProgram(program).run(inputs), ARRAYS


def say_fallback(error: Exception) -> None:
    """Report that compiled code failed and the reference computes instead."""
    say(f"{REFERENCE}, because compiled code failed: {error_text(error)}")


def failed_error(error: Exception) -> ComputationError:
    """Return the error for whoever asked for compiled code, where the reference has nothing to complain of (DP705)."""
    message = f"the compiled code failed: {error_text(error)}"
    return ComputationError(Problem("DP705", message, "by default the reference back end would take over"))


def say(title: str) -> None:
    """Report which back end computes, to those who listen to the logger "dagprop"."""
    if "logging" in sys.modules:  # without it nobody listens, and to import it takes longer than to say it
        from logging import getLogger

        getLogger("dagprop").info("backend: %s", title)
