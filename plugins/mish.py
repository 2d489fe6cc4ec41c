"""The op mish: a forward rule and one derivative rule per input.

Try it: put ``{"op": "mish", "inputs": ["x"]}`` into a graph and add ``--plugin plugins/mish.py``.
"""

from dagprop import op


@op("mish")
def mish(xp, x):
    """Mish, x·tanh(log(1 + eˣ)) (Misra, 2019)."""
    # Not as it was given, so that no digits are lost: log(1 + exp(u)) overflows.
    return x * xp.tanh(xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x))))


@mish.derivative("x")
def _(xp, x):
    t = xp.tanh(xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x))))
    return t + x / (1 + xp.exp(-x)) * (1 - t**2)
