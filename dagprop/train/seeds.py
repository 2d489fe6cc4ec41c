"""Random numbers from one seed: a generator of its own for each purpose.

Each parameter, the split and each epoch's order draw from their own generator.  So a node that is added to a graph
changes the start of no other, and epoch 7 is shuffled the same whether or not epochs 1 to 6 ran in this process.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the generator for one purpose, such as ``generator(0, "shuffle", 3)``.

    Parameters
    ----------
    seed : int
        Not negative.
    *purpose : str or int
        What the numbers are for.
    """
    return np.random.default_rng([seed, *(crc32(part.encode()) if isinstance(part, str) else part for part in purpose)])
