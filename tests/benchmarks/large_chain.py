"""One process of the workload of large chains: ``python -m tests.benchmarks.large_chain FILE NODES``.

Loading Python modules, ours and LLVM's, is the start of a process and not work on a graph: it is timed by itself.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from importlib import import_module

import numpy as np

import dagprop

NODE_STEPS = 500_000
"""Each measured epoch computes so many nodes."""

MODULES = (
    "dagprop.api",
    "dagprop.loading",
    "dagprop.train.loop",
    "dagprop.backends.scalar.program",
    "llvmlite.binding",
)
"""What imports all that a training of single numbers needs."""


def main(path: str, nodes: str) -> None:
    """Print the seconds that the imports take, those from there to the first step, and those of a step."""
    samples = max(1, NODE_STEPS // int(nodes))
    start = time.perf_counter()
    for name in MODULES:
        import_module(name)
    begin = time.perf_counter()
    graph = dagprop.load(path)
    dagprop.train(graph, {"x": np.ones(1), "y": np.ones(1)}, epochs=1, batch_size=1)
    first = time.perf_counter() - begin
    ends: list[float] = []
    dagprop.train(
        graph,
        {"x": np.linspace(-1, 1, samples), "y": np.ones(samples)},
        epochs=10,
        batch_size=1,
        learning_rate=0.01,
        on_epoch=lambda record: ends.append(time.perf_counter()),
    )
    epochs = [end - start for start, end in itertools.pairwise(ends)]
    print(json.dumps({"imports": begin - start, "first": first, "step": statistics.median(epochs) / samples}))


if __name__ == "__main__":
    main(*sys.argv[1:])
