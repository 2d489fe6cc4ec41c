"""Settings of a training, checked: those of a graph file are, those given in Python may be anything."""

from __future__ import annotations

from dagprop.errors import GraphError, Problem, quote
from dagprop.graph.records import TrainSettings
from dagprop.graph.settings import TRAIN_RANGES
from dagprop.graph.signature import describe
from dagprop.train.choices import wrong_choices


def check_choices(settings: TrainSettings) -> None:
    """Refuse an optimiser, a schedule or metrics that there are not, or that do not have these settings.

    Raises
    ------
    GraphError
        With everything that is wrong (DP011).
    """
    wrong = [Problem("DP011", message) for _, _, message in wrong_choices(settings)]
    if wrong:
        raise GraphError(*wrong)


def check_settings(settings: TrainSettings) -> None:
    """Refuse settings that no training can have.

    Raises
    ------
    GraphError
        With every setting that is wrong (DP011).
    """
    wrong = [
        Problem("DP011", f"{quote(name)} must be {expected}, is {describe(getattr(settings, name))}")
        for name, (expected, fits) in TRAIN_RANGES.items()
        if not fits(getattr(settings, name))
    ]
    if wrong:
        raise GraphError(*wrong)
