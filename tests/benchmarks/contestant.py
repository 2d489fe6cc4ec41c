"""A process of its own for each contestant: prepares, says so, then trains for a while each time that it is asked.

``python -m tests.benchmarks.contestant PROBLEM NAME [BATCH]`` writes one line of JSON when it is ready, and one with
the seconds of a step for each line that it reads.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from importlib import import_module

from tests.benchmarks.problems import Chain, Epoch, Mlp

SLOT = 0.25
"""Seconds of each turn, about."""

CHECKED_EPOCHS = 1
"""The losses of so many epochs, of many steps each, are compared; they are the warm-up, too."""

CONTESTANTS = {
    "chain": {
        "dagprop": "dagprop_peer:Chain",
        "C": "by_hand:c_chain",
        "NumPy": "by_hand:numpy_chain",
        "PyTorch eager": "pytorch:chain",
        "PyTorch compile": "pytorch:compiled_chain",
        "JAX jit": "jax_peer:chain_by_step",
        "JAX scan": "jax_peer:chain_by_epoch",
        "autograd": "tapes:autograd_chain",
        "micrograd": "tapes:micrograd_chain",
        "PyTensor": "tapes:pytensor_chain",
    },
    "mlp": {
        "dagprop": "dagprop_peer:Mlp",
        "its gemms alone": "by_hand:gemms",
        "NumPy": "by_hand:numpy_mlp",
        "PyTorch eager": "pytorch:mlp",
        "PyTorch compile": "pytorch:compiled_mlp",
        "JAX jit": "jax_peer:mlp_by_step",
        "JAX scan": "jax_peer:mlp_by_epoch",
        "scikit-learn": "sklearn_peer:mlp",
    },
}
"""Module and function of tests/benchmarks/peers, by problem and name."""


def timed(epoch: Epoch) -> float:
    """Return the seconds of one epoch."""
    start = time.perf_counter()
    epoch()
    return time.perf_counter() - start


def main(problem_name: str, name: str, batch: str = "1") -> None:
    """Prepare, then answer line by line until the input ends."""
    problem = Chain() if problem_name == "chain" else Mlp(int(batch))
    module, _, function = CONTESTANTS[problem_name][name].partition(":")
    try:
        epoch = getattr(import_module(f"tests.benchmarks.peers.{module}"), function)(problem)
        losses = [epoch() for _ in range(CHECKED_EPOCHS)]
    except ImportError as error:
        return say({"missing": str(error)})
    # Some contestants time themselves: what they do once a call belongs to no epoch.
    seconds = getattr(epoch, "seconds", None) or (lambda count: [timed(epoch) for _ in range(count)])
    count = max(1, math.ceil(SLOT / statistics.median(seconds(1))))
    say({"losses": losses})
    for _ in sys.stdin:
        say({"seconds": statistics.median(seconds(count)) / problem.steps})


def say(answer: dict[str, object]) -> None:
    """Write one line."""
    print("ANSWER", json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
