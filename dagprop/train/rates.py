"""The learning rate of each epoch, as a schedule says."""

from __future__ import annotations

import math
from numbers import Real

from dagprop.errors import ComputationError, DagpropError, Problem, error_text, quote
from dagprop.graph.records import TrainSettings
from dagprop.train.choices import chosen

CONSTANT = TrainSettings().schedule
"""The schedule of a training that has none."""


def learning_rates(settings: TrainSettings) -> list[float]:
    """Return the learning rate of every epoch.

    Raises
    ------
    GraphError
        If there is no such schedule, or it has no such setting (DP011).
    ComputationError
        If the schedule fails (DP701), or gives something else than a number from 0 (DP703).
    """
    if settings.schedule == CONSTANT:
        return [settings.learning_rate] * settings.epochs
    rule, chosen_settings = chosen("schedule", settings.schedule)
    where = f"the rule is at {rule.place[0]}:{rule.place[1]}"
    rates = []
    for epoch in range(1, settings.epochs + 1):
        given = {"learning_rate": settings.learning_rate, "epoch": epoch, "epochs": settings.epochs}
        try:
            rate = rule(chosen_settings, **given)
        except DagpropError:
            raise
        except (Exception, SystemExit) as error:
            message = f"the schedule {quote(rule.name)} failed for epoch {epoch}: {error_text(error)}"
            raise ComputationError(Problem("DP701", message, where)) from error
        try:
            number = float(rate) if isinstance(rate, Real) else math.nan
        except OverflowError:
            number = math.inf
        if not 0 <= number < math.inf:
            gives = str(rate) if isinstance(rate, Real) else f"a {type(rate).__name__}"
            message = f"the schedule {quote(rule.name)} gives {gives} for epoch {epoch}: not a finite number from 0"
            raise ComputationError(Problem("DP703", message, where))
        rates.append(number)
    return rates
