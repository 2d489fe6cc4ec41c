"""Readable libraries: autograd and micrograd record a tape in Python, PyTensor compiles a graph."""

from __future__ import annotations

import math

from tests.benchmarks.problems import Chain, Epoch


def autograd_chain(problem: Chain) -> Epoch:
    """value_and_grad of the loss, sample by sample."""
    import autograd.numpy as np
    from autograd import value_and_grad

    x, y = problem.data()
    parameters = np.array(problem.start)

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def loss_of(parameters, sample, target):
        f1 = sigmoid(parameters[0] * sample + parameters[1])
        f3 = sigmoid(parameters[3] * sigmoid(parameters[2] * f1))
        return 0.5 * (f3 - target) ** 2

    step = value_and_grad(loss_of)

    def epoch() -> float:
        nonlocal parameters
        total = 0.0
        for sample, target in zip(x, y, strict=True):
            loss, gradient = step(parameters, sample, target)
            parameters = parameters - problem.rate * gradient
            total += loss
        return total / len(x)

    return epoch


def micrograd_chain(problem: Chain) -> Epoch:
    """Values with a sigmoid, which micrograd lets its users add as one node."""
    from micrograd.engine import Value

    x, y = (array.tolist() for array in problem.data())
    w1, b1, w2, w3 = parameters = [Value(number) for number in problem.start]

    def sigmoid(a):
        out = Value(1 / (1 + math.exp(-a.data)), (a,), "sigmoid")

        def backward():
            a.grad += out.data * (1 - out.data) * out.grad

        out._backward = backward
        return out

    def epoch() -> float:
        total = 0.0
        for sample, target in zip(x, y, strict=True):
            f1 = sigmoid(w1 * sample + b1)
            f3 = sigmoid(w3 * sigmoid(w2 * f1))
            loss = (f3 - target) ** 2 * 0.5
            for parameter in parameters:
                parameter.grad = 0
            loss.backward()
            for parameter in parameters:
                parameter.data -= problem.rate * parameter.grad
            total += loss.data
        return total / len(x)

    return epoch


def pytensor_chain(problem: Chain) -> Epoch:
    """A compiled function with updates of shared variables, called sample by sample."""
    import pytensor
    import pytensor.tensor as pt

    x, y = problem.data()
    w1, b1, w2, w3 = parameters = [pytensor.shared(number) for number in problem.start]
    sample, target = pt.dscalar(), pt.dscalar()
    f1 = pt.sigmoid(w1 * sample + b1)
    loss = 0.5 * (pt.sigmoid(w3 * pt.sigmoid(w2 * f1)) - target) ** 2
    gradients = pytensor.grad(loss, parameters)
    updates = [(p, p - problem.rate * gradient) for p, gradient in zip(parameters, gradients, strict=True)]
    step = pytensor.function([sample, target], loss, updates=updates)

    def epoch() -> float:
        return float(sum(step(a, b) for a, b in zip(x, y, strict=True))) / len(x)

    return epoch
