"""The loss of every step of a training, put down as it goes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dagprop.backends.reference import Array

ROOM = 1 << 19
"""For so many losses there is room at first.  Memory that nothing was written to costs nothing yet, and the pages of an
array of this size are large, so that a step does not wait for new ones."""


class StepLosses:
    """Losses in the order of the steps."""

    def __init__(self) -> None:
        self._room = np.empty(ROOM)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, losses: Array | Sequence[float]) -> None:
        """Put down the losses of the next steps."""
        end = self._count + len(losses)
        if end > len(self._room):
            larger = np.empty(2 * end)
            larger[: self._count] = self.all()
            self._room = larger
        self._room[self._count : end] = losses
        self._count = end  # last, so that Ctrl-C finds either all of these losses or none

    def all(self) -> Array:
        """Return the loss of every step so far."""
        return self._room[: self._count]
