"""Which samples are learnt from, which are kept out, and in which order they come."""

from __future__ import annotations

import numpy as np

from dagprop.backends.trainer import Batches
from dagprop.errors import DataError, Problem
from dagprop.record import record
from dagprop.train.seeds import generator

Indices = np.ndarray[tuple[int], np.dtype[np.intp]]
"""Numbers of samples, counted from 0 in the order of the data."""


@record(eq=False)
class Split:
    """The samples of each part; every sample is in exactly one, each part is in the order of the data."""

    train: Indices
    validation: Indices
    test: Indices


def part_sizes(rows: int, validation: float, test: float) -> tuple[int, int, int]:
    """Return how many samples are trained on, validated on and tested on; a share above 0 is at least one sample.

    The first is 0 or less where the shares leave nothing to train on.
    """
    validation_rows, test_rows = (max(1, round(share * rows)) if share > 0 else 0 for share in (validation, test))
    return rows - validation_rows - test_rows, validation_rows, test_rows


def split_samples(rows: int, validation: float, test: float, seed: int) -> Split:
    """Deal the samples out at random.

    Parameters
    ----------
    rows : int
        How many samples there are.
    validation, test : float
        The shares that are kept out of the training, in [0, 1).
    seed : int

    Raises
    ------
    DataError
        If no sample is left to train on (DP405).
    """
    train_rows, validation_rows, test_rows = part_sizes(rows, validation, test)
    if train_rows <= 0:
        kept_out = f"{validation_rows} for validation and {test_rows} for the test"
        message = f"of {rows} samples {kept_out} are kept out, which leaves none to train on"
        raise DataError(Problem("DP405", message, "make the shares of validation and test smaller"))
    if validation_rows == test_rows == 0:
        return Split(train=np.arange(rows), validation=np.arange(0), test=np.arange(0))
    order = generator(seed, "split").permutation(rows)
    parts = np.split(order, [test_rows, test_rows + validation_rows])
    return Split(train=np.sort(parts[2]), validation=np.sort(parts[1]), test=np.sort(parts[0]))


def batches(samples: Indices, batch_size: int, shuffle: bool, seed: int, epoch: int) -> Batches:
    """Return the samples of one epoch, ``batch_size`` at a time; the last batch may be short.

    Without ``shuffle`` they come in the order given.  The order of an epoch depends on the seed and the number of the
    epoch alone.
    """
    if shuffle and len(samples) > 1:
        samples = generator(seed, "shuffle", epoch).permutation(samples)
    return Batches(samples, batch_size)
