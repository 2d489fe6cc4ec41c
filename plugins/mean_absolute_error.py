"""Mean absolute error: a metric is a function of predictions and targets; what is reported is its mean.

Try it: ``dagprop train graphs/line.json --plugin plugins/mean_absolute_error.py --metric mean_absolute_error``.
"""

from dagprop import metric


@metric("mean_absolute_error")
def mean_absolute_error(xp, prediction, target):
    """How far a prediction is from its target, on average."""
    return xp.abs(prediction - target)
