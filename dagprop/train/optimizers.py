"""The optimiser that dagprop brings; plugins/adam.py shows how to write one."""

from __future__ import annotations

from typing import Any

from dagprop.train.contract import optimizer


@optimizer("sgd")
def sgd(parameter: Any, gradient: Any, *, learning_rate: Any) -> Any:
    """Stochastic gradient descent, θ ← θ - η ∂L/∂θ (Robbins and Monro, 1951)."""
    return parameter - learning_rate * gradient
