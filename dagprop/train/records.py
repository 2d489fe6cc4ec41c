"""What a training gives: a record of each epoch, and the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from dagprop.backends.reference import Array
from dagprop.graph.notebook import ShownInNotebooks
from dagprop.graph.records import TrainSettings
from dagprop.record import record
from dagprop.train.evaluation import Evaluation


@record
class EpochRecord:
    """One pass over the training samples.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    loss : float
        The mean over the samples of the loss, each batch's taken before its update.
    accuracy : float, optional
        The same for the accuracy; None where the target is not a class.
    validation_loss, validation_accuracy : float, optional
        On the validation samples, at the end of the epoch.
    learning_rate : float, optional
        Of the epoch, where a schedule changes it.
    metrics, validation_metrics : mapping from str to float
        What else was asked for, by name: over the training samples, each batch predicted before its update; and on the
        validation samples.
    """

    epoch: int
    loss: float
    accuracy: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    learning_rate: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    validation_metrics: Mapping[str, float] = field(default_factory=dict)

    def measures(self) -> dict[str, float]:
        """Return everything that was measured, by the names of the columns of a history."""
        named = {
            "loss": self.loss,
            "accuracy": self.accuracy,
            **self.metrics,
            "validation_loss": self.validation_loss,
            "validation_accuracy": self.validation_accuracy,
            **{f"validation_{name}": value for name, value in self.validation_metrics.items()},
            "learning_rate": self.learning_rate,
        }
        return {name: value for name, value in named.items() if value is not None}


@record(eq=False)
class TrainResult(ShownInNotebooks):
    """What a training gives.

    Attributes
    ----------
    parameters : dict from str to array
        The parameters and states behind the last whole step.
    history : tuple of EpochRecord
        The whole epochs.
    step_losses : array of float64
        The loss of every step, taken before its update.
    test : Evaluation, optional
        On the test samples, at the end; None without any, or if the training was interrupted.
    settings : TrainSettings
    samples : dict from str to int
        How many samples were in ``train``, ``validation`` and ``test``.
    interrupted : bool
        Whether Ctrl-C ended the training.
    """

    parameters: dict[str, Array]
    history: tuple[EpochRecord, ...]
    step_losses: Array = field(repr=False)
    test: Evaluation | None
    settings: TrainSettings
    samples: dict[str, int]
    interrupted: bool = False
