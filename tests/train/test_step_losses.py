"""The loss of every step, however many there are."""

import numpy as np
import pytest

from dagprop.train import step_losses
from dagprop.train.step_losses import StepLosses


@pytest.mark.parametrize("room", [1, 4, step_losses.ROOM])
def test_losses_come_back_in_the_order_of_the_steps(monkeypatch, room):
    monkeypatch.setattr(step_losses, "ROOM", room)
    losses = StepLosses()
    assert losses.all().tolist() == []
    for part in ([0.5], np.array([1.0, np.nan]), [], np.arange(7.0)):
        losses.add(part)
    np.testing.assert_array_equal(losses.all(), [0.5, 1.0, np.nan, *range(7)])
