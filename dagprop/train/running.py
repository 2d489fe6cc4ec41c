"""Running a rule of training: what it raises is an error that names the rule, on what it failed, and where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagprop.backends.updates import failure_hint
from dagprop.errors import ComputationError, DagpropError, Problem, error_text, quote
from dagprop.train.contract import TrainingRule


def run_rule(rule: TrainingRule, settings: Mapping[str, Any], on: str, **given: Any) -> Any:
    """Return what a rule gives.

    Parameters
    ----------
    rule : TrainingRule
    settings : mapping from str to object
        All of them.
    on : str
        What it is run on, for the error: ``epoch 3``.
    **given
        What it could ask for.

    Raises
    ------
    ComputationError
        If it fails (DP701).
    """
    try:
        return rule(settings, **given)
    except (DagpropError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # a rule is anybody's code
        message = f"the {rule.kind} {quote(rule.name)} failed for {on}: {error_text(error)}"
        raise ComputationError(Problem("DP701", message, failure_hint(rule.function, error))) from error


def unfit(rule: TrainingRule, message: str) -> ComputationError:
    """Return the error of a rule that gives what it should not (DP703)."""
    text = f"the {rule.kind} {quote(rule.name)} gives {message}"
    return ComputationError(Problem("DP703", text, f"the rule is at {rule.place[0]}:{rule.place[1]}"))
