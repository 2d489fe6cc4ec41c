"""The op prelu: a forward rule and one derivative rule per input.

Try it: put ``{"op": "prelu", "inputs": ["x", "slope"]}`` into a graph and add ``--plugin plugins/prelu.py``.
"""

from dagprop import op


@op("prelu")
def prelu(xp, x, slope):
    """Parametric ReLU, x for x > 0, else slope·x, where the slope is learnt (He et al., 2015)."""
    return xp.where(x > 0, x, slope * x)


@prelu.derivative("x")
def _(xp, x, slope):
    return xp.where(x > 0, 1.0, slope)


@prelu.derivative("slope")
def _(xp, x):
    return xp.where(x > 0, 0.0, x)
