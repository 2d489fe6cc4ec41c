"""Snake: a plugin is a forward rule and one derivative rule per input.

Try it: put ``{"op": "snake", "inputs": ["x"], "a": 2}`` into a graph and add ``--plugin plugins/snake.py``.
"""

from dagprop import op


@op("snake")
def snake(xp, x, *, a=1.0):
    """Snake, x + sin²(ax)/a: an activation that can learn what is periodic (Ziyin et al., 2020)."""
    return x + xp.sin(a * x) ** 2 / a


@snake.derivative("x")
def _(xp, x, a):
    return 1 + xp.sin(2 * a * x)
