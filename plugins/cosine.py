"""Cosine: a learning-rate schedule is a function of plain numbers, from the epoch to its learning rate.

Try it: ``dagprop train graphs/xor.json --plugin plugins/cosine.py --schedule cosine:floor=0.01``.
"""

import math

from dagprop import schedule


@schedule("cosine")
def cosine(learning_rate, epoch, epochs, *, floor=0.0):
    """Half a cosine, from the learning rate of the training in the first epoch towards ``floor`` behind the last.

    Loshchilov and Hutter (2017), without restarts.
    """
    if floor < 0:
        raise ValueError("floor must not be negative")
    return floor + (learning_rate - floor) * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2
