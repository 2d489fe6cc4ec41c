"""The derivatives written out by hand: in C, which is the limit, and in NumPy; and matrix products alone."""

from __future__ import annotations

import ctypes
import math
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.problems import HERE, Chain, Epoch, Mlp


def c_chain(problem: Chain) -> Epoch:
    """Compile chain.c with ``cc -O2``."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "chain.so"
        try:
            subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "chain.c", "-lm"], check=True)
        except FileNotFoundError as error:
            raise ImportError("there is no C compiler") from error
        function = ctypes.CDLL(str(library)).epoch
    x, y = problem.data()
    parameters, losses = np.array(problem.start), np.empty(problem.samples)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (x, y, parameters, losses)]
    rate, samples = ctypes.c_double(problem.rate), ctypes.c_long(problem.samples)
    function.restype = None

    def epoch(_kept_alive: tuple[np.ndarray, ...] = (x, y, parameters)) -> float:
        function(*pointers[:2], samples, rate, *pointers[2:])
        return float(losses.mean())

    return epoch


def numpy_chain(problem: Chain) -> Epoch:
    """One sample after the other, each number a NumPy scalar."""
    x, y = problem.data()
    parameters = [np.float64(number) for number in problem.start]

    def sigmoid(a: np.float64) -> np.float64:
        return 1 / (1 + np.exp(-a))

    def epoch() -> float:
        w1, b1, w2, w3 = parameters
        total = 0.0
        for sample, target in zip(x, y, strict=True):
            f1 = sigmoid(w1 * sample + b1)
            f2 = sigmoid(w2 * f1)
            f3 = sigmoid(w3 * f2)
            difference = f3 - target
            total += 0.5 * difference * difference
            d_a3 = difference * f3 * (1 - f3)
            d_a2 = d_a3 * w3 * f2 * (1 - f2)
            d_a1 = d_a2 * w2 * f1 * (1 - f1)
            w1 = w1 - problem.rate * d_a1 * sample
            b1 = b1 - problem.rate * d_a1
            w2 = w2 - problem.rate * d_a2 * f1
            w3 = w3 - problem.rate * d_a3 * f2
        parameters[:] = w1, b1, w2, w3
        return total / len(x)

    return epoch


def numpy_mlp(problem: Mlp) -> Epoch:
    """Forward, backward, update, as one would write it."""
    x, y = problem.data()
    layers = [list(layer) for layer in problem.start()]

    def step(batch: np.ndarray, classes: np.ndarray) -> float:
        values = [batch]
        for number, (weight, bias) in enumerate(layers, start=1):
            a = values[-1] @ weight + bias
            values.append(np.maximum(a, 0) if number < len(layers) else a)
        rows = np.arange(len(batch))
        shifted = values[-1] - values[-1].max(axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        sums = exponentials.sum(axis=1, keepdims=True)
        loss = float((np.log(sums[:, 0]) - shifted[rows, classes]).mean())
        gradient = exponentials / sums
        gradient[rows, classes] -= 1
        gradient /= len(batch)
        for number in reversed(range(len(layers))):
            weight, bias = layers[number]
            below = (gradient @ weight.T) * (values[number] > 0) if number else None
            weight -= problem.rate * (values[number].T @ gradient)
            bias -= problem.rate * gradient.sum(axis=0)
            gradient = below
        return loss

    def epoch() -> float:
        starts = range(0, len(x), problem.batch)
        return sum(step(x[i : i + problem.batch], y[i : i + problem.batch]) for i in starts) / problem.steps

    return epoch


def gemms(problem: Mlp) -> Epoch:
    """Only the matrix products of a step, in NumPy's library, as dagprop calls it where its own products do not pay."""
    from dagprop.backends.arrays.blas import subtract_product, threads
    from dagprop.backends.arrays.products import ONE_THREAD

    batch, sizes = problem.batch, problem.sizes
    weights = [weight for weight, _ in problem.start()]
    values = [np.ones((batch, size), np.float32) for size in sizes]
    gradients = [np.ones((batch, size), np.float32) for size in sizes]
    rate = np.array(1e-30, np.float32)  # changes no weight; with 0 the library would compute nothing
    updates = [subtract_product(weight, rate, values[i].T, gradients[i + 1]) for i, weight in enumerate(weights)]
    one_thread = 1 if 2 * batch * sizes[0] * sizes[1] <= ONE_THREAD else None

    def epoch() -> float:
        with threads(one_thread):
            for _ in range(problem.steps):
                for i, weight in enumerate(weights):
                    np.matmul(values[i], weight, gradients[i + 1])
                for i in reversed(range(len(weights))):
                    if i:
                        np.matmul(gradients[i + 1], weights[i].T, gradients[i])
                    updates[i]()
        return math.nan

    return epoch
