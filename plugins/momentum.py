"""Momentum: an optimiser that remembers one number for each number of a parameter.

Try it: ``dagprop train graphs/xor.json --plugin plugins/momentum.py --optimizer momentum:momentum=0.8``.
"""

from dagprop import optimizer


@optimizer("momentum")
def momentum(parameter, gradient, velocity, *, learning_rate, momentum=0.9):
    """Gradient descent with momentum: it rolls on in the direction that it had (Polyak, 1964)."""
    velocity = momentum * velocity + gradient
    return parameter - learning_rate * velocity, velocity
