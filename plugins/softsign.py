"""Softsign: like tanh, but it comes near its limits slowly.

Try it: put ``{"op": "softsign", "inputs": ["x"]}`` into a graph and add ``--plugin plugins/softsign.py``.
"""

from dagprop import op


@op("softsign")
def softsign(xp, x):
    """Softsign, x / (1 + abs(x)) (Turian et al., 2009)."""
    return x / (1 + xp.abs(x))


@softsign.derivative("x")
def _(xp, x):
    return 1 / (1 + xp.abs(x)) ** 2
