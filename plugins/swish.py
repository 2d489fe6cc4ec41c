"""The op my_swish: a forward rule and one derivative rule per input.

Try it: put ``{"op": "my_swish", "inputs": ["x"], "beta": 1.0}`` into a graph and add ``--plugin plugins/swish.py``.
"""

from dagprop import op


@op("my_swish")
def my_swish(xp, x, *, beta=1.0):
    """Swish, x·σ(βx) (Ramachandran et al., 2017)."""
    return x / (1 + xp.exp(-beta * x))


@my_swish.derivative("x")
def _(xp, x, y, beta):
    s = 1 / (1 + xp.exp(-beta * x))
    return s + beta * y * (1 - s)
