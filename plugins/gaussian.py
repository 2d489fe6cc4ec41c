"""The op gaussian: a forward rule and one derivative rule per input.

Try it: put ``{"op": "gaussian", "inputs": ["x"]}`` into a graph and add ``--plugin plugins/gaussian.py``.
"""

from dagprop import op


@op("gaussian")
def gaussian(xp, x):
    """Gaussian, exp(-x²): 1 at 0, and 0 far away."""
    return xp.exp(-(x**2))


@gaussian.derivative("x")
def _(x, y):
    return -2 * x * y
