"""What is trained: samples and starting parameters, the same numbers for every contestant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
GRAPHS = HERE.parents[1] / "graphs"

Epoch = Callable[[], float]
"""Trains on all samples once, going on from where the last call ended, and returns the mean loss of its steps."""


@dataclass(frozen=True)
class Chain:
    """The network graphs/four-layer-chain.json and samples for it, learnt one by one."""

    samples: int = 10_000
    rate: float = 0.1
    start: tuple[float, float, float, float] = (0.8, 0.1, -1.2, 1.5)  # w1, b1, w2, w3

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.samples

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y in float64."""
        generator = np.random.default_rng(0)
        return generator.normal(size=self.samples), generator.uniform(0.2, 0.8, self.samples)


@dataclass(frozen=True)
class Mlp:
    """The network tests/benchmarks/mlp.json and samples for it, learnt in batches."""

    batch: int
    samples: int = 2048
    rate: float = 0.01
    sizes: tuple[int, ...] = (784, 256, 128, 10)

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.samples // self.batch

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x in float32 and the classes."""
        generator = np.random.default_rng(0)
        x = generator.normal(size=(self.samples, self.sizes[0])).astype(np.float32)
        return x, generator.integers(0, self.sizes[-1], self.samples)

    def start(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return weight (inputs by units) and bias of each layer."""
        generator = np.random.default_rng(1)
        return [
            ((generator.normal(size=(m, n)) * np.sqrt(2 / m)).astype(np.float32), np.zeros(n, np.float32))
            for m, n in zip(self.sizes, self.sizes[1:], strict=False)
        ]
