"""The op huber: a forward rule and one derivative rule per input.

Try it: put ``{"op": "huber", "inputs": ["prediction", "target"], "delta": 1.35}`` into a graph and add ``--plugin
plugins/huber.py``.
"""

from dagprop import op


@op("huber")
def huber(xp, prediction, target, *, delta=1.35):
    """Huber loss, element by element: ½e² for abs(e) ≤ δ, else δ(abs(e) - ½δ), with e = ŷ - y (Huber, 1964)."""
    m = xp.abs(prediction - target)
    return xp.where(m <= delta, 0.5 * (prediction - target) ** 2, delta * (m - delta / 2))


@huber.derivative("prediction")
def _(xp, prediction, target, delta):
    u = xp.abs(prediction - target) <= delta
    return xp.where(u, prediction - target, delta * xp.sign(prediction - target))


@huber.derivative("target")
def _(xp, prediction, target, delta):
    u = -delta * xp.sign(prediction - target)
    return xp.where(xp.abs(prediction - target) <= delta, target - prediction, u)
