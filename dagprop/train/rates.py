"""The learning rate of each epoch, as a schedule says."""

from __future__ import annotations

import math
from numbers import Real

from dagprop.graph.records import TrainSettings
from dagprop.train.choices import chosen
from dagprop.train.running import run_rule, unfit

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
    rates = []
    for epoch in range(1, settings.epochs + 1):
        given = {"learning_rate": settings.learning_rate, "epoch": epoch, "epochs": settings.epochs}
        rate = run_rule(rule, chosen_settings, f"epoch {epoch}", **given)
        if not isinstance(rate, Real) or not 0 <= float(rate) < math.inf:
            gives = str(rate) if isinstance(rate, Real) else f"a {type(rate).__name__}"
            raise unfit(rule, f"{gives} for epoch {epoch}: not a finite number from 0")
        rates.append(float(rate))
    return rates
