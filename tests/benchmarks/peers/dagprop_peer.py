"""dagprop, by its Python function ``train``."""

from __future__ import annotations

import itertools
import time
from typing import Any

import dagprop
from tests.benchmarks import problems


class _Training:
    """Epochs of one training; it is called for one, and measures the whole epochs of a longer one itself."""

    def __init__(self, path: Any, data: dict[str, Any], start: dict[str, Any], batch: int, rate: float) -> None:
        self.graph = dagprop.load(path)
        # As the others do, it compiles whatever can be compiled: that is no part of the time of a step.
        self.settings = {"batch_size": batch, "learning_rate": rate, "shuffle": False, "backend": "compiled"}
        self.data, self.parameters = data, start

    def __call__(self) -> float:
        result = dagprop.train(self.graph, self.data, parameters=self.parameters, epochs=1, **self.settings)
        self.parameters = result.parameters
        return result.history[0].loss

    def seconds(self, count: int) -> list[float]:
        """Return the seconds of each epoch but the first, which checks the data and compiles."""
        ends: list[float] = []
        result = dagprop.train(
            self.graph,
            self.data,
            parameters=self.parameters,
            epochs=count + 1,
            on_epoch=lambda record: ends.append(time.perf_counter()),
            **self.settings,
        )
        self.parameters = result.parameters
        return [end - start for start, end in itertools.pairwise(ends)]


class Chain(_Training):
    """The four-parameter chain."""

    def __init__(self, problem: problems.Chain) -> None:
        x, y = problem.data()
        start = dict(zip(("w1", "b1", "w2", "w3"), problem.start, strict=True))
        super().__init__(problems.GRAPHS / "four-layer-chain.json", {"x": x, "y": y}, start, 1, problem.rate)


class Mlp(_Training):
    """The multilayer perceptron."""

    def __init__(self, problem: problems.Mlp) -> None:
        x, y = problem.data()
        start = {}
        for number, (weight, bias) in enumerate(problem.start(), start=1):
            start |= {f"layer{number}/w": weight, f"layer{number}/b": bias}
        super().__init__(problems.HERE / "mlp.json", {"x": x, "y": y}, start, problem.batch, problem.rate)
