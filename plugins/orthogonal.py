"""Orthogonal: an initialiser is a function of a shape and a source of random numbers.

Try it: write ``"init": "orthogonal"`` or ``"init": {"name": "orthogonal", "gain": 1.4}`` at a parameter of a graph
file, and add ``--plugin plugins/orthogonal.py``.
"""

import numpy as np

from dagprop import initializer


@initializer("orthogonal")
def orthogonal(shape, random, *, gain=1.0):
    """Rows or columns, whichever are fewer, at right angles to each other, of length ``gain`` (Saxe et al., 2014)."""
    if len(shape) < 2:
        return gain * np.sign(random.standard_normal(shape))  # there is nothing to be at right angles to
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    numbers = random.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(numbers)
    q = q * np.sign(np.diagonal(r))  # so that every such matrix is equally likely
    return gain * (q if rows >= columns else q.T).reshape(shape)
