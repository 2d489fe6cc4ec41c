"""The learning-rate schedule that dagprop brings; plugins/cosine.py shows how to write one."""

from __future__ import annotations

from dagprop.train.contract import schedule


@schedule("constant")
def constant(learning_rate: float) -> float:
    """Keep the learning rate of the training in every epoch."""
    return learning_rate
