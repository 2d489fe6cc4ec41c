"""Adam: an optimiser is one function, from a parameter and its gradient to the new parameter.

Try it: ``dagprop train graphs/two-spirals.json --plugin plugins/adam.py --optimizer adam --lr 0.01``, or write into a
graph file ``"train": {"optimizer": {"name": "adam", "beta1": 0.8}}``.
"""

from dagprop import optimizer


@optimizer("adam")
def adam(xp, parameter, gradient, mean, square, *, learning_rate, step, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Adam: steps of the size of the learning rate, whatever the size of the gradient (Kingma and Ba, 2015).

    ``mean`` and ``square`` are what it remembers: running means of the gradient and of its square, which are zeros at
    first and so too small; the two roots and powers of ``step``, the number of the step, make up for that.
    """
    if not (0 <= beta1 < 1 and 0 <= beta2 < 1):
        raise ValueError("beta1 and beta2 must be from 0 to 1, without 1")
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    root = xp.sqrt(square / (1 - beta2**step)) + epsilon
    return parameter - learning_rate / (1 - beta1**step) * mean / root, mean, square
