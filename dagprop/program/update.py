"""The update of training: how a parameter, its gradient and what is remembered from step to step give new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dagprop.record import record

LEARNING_RATE = "learning rate"
"""The input of a training program that is the learning rate."""

STEP = "step"
"""The input of a training program that is the number of the step, counted from 1."""

MEAN_LOSS = "mean loss"
"""The output of a training program that is the mean of the loss over the samples; no id of a node has a space."""


def gradient_name(reference: str) -> str:
    """Return what a program calls the gradient of a value."""
    return f"gradient of {reference}"


@record(eq=False)
class UpdateRule:
    """The rule of an optimiser with its settings.

    Attributes
    ----------
    name : str
        Of the optimiser.
    function : callable
        Is given by name what it asks for, and returns the new value of the parameter, and behind it the new memories.
    arguments : tuple of str
        What it asks for, of ``xp``, ``parameter``, ``gradient``, ``learning_rate``, ``step``; and the memories.
    memories : tuple of str
        The names of what it remembers from step to step for each parameter: arrays of its shape, at first zeros.
    settings : mapping from str to object
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    memories: tuple[str, ...]
    settings: Mapping[str, Any]

    def memory_ids(self, parameter: str) -> tuple[str, ...]:
        """Return what the memories of a parameter are called in a training; no id of a node has a space."""
        return tuple(f"{memory} of {parameter}" for memory in self.memories)

    def __call__(
        self, xp: Any, parameter: Any, gradient: Any, memories: Sequence[Any], learning_rate: Any, step: Any
    ) -> tuple[Any, ...]:
        """Return the new value of a parameter, and the new memories.

        Raises
        ------
        TypeError
            If the rule does not return so many values.
        """
        given = {"xp": xp, "parameter": parameter, "gradient": gradient, "learning_rate": learning_rate, "step": step}
        given |= zip(self.memories, memories, strict=True)
        result = self.function(**{name: given[name] for name in self.arguments}, **self.settings)
        results = result if isinstance(result, tuple) else (result,)
        if len(results) != 1 + len(self.memories):
            expected = " and ".join(["the new parameter", *(f"the new {memory}" for memory in self.memories)])
            raise TypeError(f"it returns {len(results)} value{'s'[: len(results) > 1]} instead of {expected}")
        return results
