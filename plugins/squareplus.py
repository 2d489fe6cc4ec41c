"""The op squareplus: a forward rule and one derivative rule per input.

Try it: put ``{"op": "squareplus", "inputs": ["x"], "b": 4.0}`` into a graph and add ``--plugin plugins/squareplus.py``.
"""

from dagprop import op


@op("squareplus")
def squareplus(xp, x, *, b=4.0):
    """Squareplus, ½(x + √(x² + b)): softplus without exp and log (Barron, 2021)."""
    # Not as it was given, so that no digits are lost: a root and what is added to it cancel.
    r = xp.sqrt(x**2 + b)
    return xp.where(x > 0, x + r, b / (r + xp.abs(x))) / 2


@squareplus.derivative("x")
def _(xp, x, y, b):
    return y / xp.sqrt(b + x**2)
