"""From the choice of an optimiser to what a back end traces or runs."""

from __future__ import annotations

from dagprop.graph.records import Choice
from dagprop.program.update import UpdateRule
from dagprop.train.choices import chosen


def update_rule(choice: Choice) -> UpdateRule:
    """Return the update rule of an optimiser with its settings.

    Raises
    ------
    GraphError
        If there is no such optimiser, or it has no such setting (DP011).
    """
    rule, settings = chosen("optimizer", choice)
    return UpdateRule(rule.name, rule.function, rule.arguments, rule.memories, settings)
