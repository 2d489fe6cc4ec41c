"""Training alone, start and compilation left out: the chain sample by sample, and the perceptron in batches."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from tests.benchmarks.contestant import CONTESTANTS
from tests.benchmarks.processes import CORES, Contestant, MissingError, check_losses, pin
from tests.benchmarks.results import Row, Table, compare, missing, number

CHAIN_GOALS = {"C": 1.1, "JAX scan": 0.6, "micrograd": 1 / 500, "PyTorch eager": 1 / 2000}
MLP_GOALS = {"its gemms alone": 1.15}
FRAMEWORKS = ("PyTorch eager", "PyTorch compile", "JAX jit", "JAX scan")


def chain(rounds: int) -> Table:
    """Compare on the four-parameter chain."""
    rows = [row for threads in sorted({1, len(CORES)}) for row in _race("chain", 1, 1e-9, threads, rounds, CHAIN_GOALS)]
    text = (
        "graphs/four-layer-chain.json on 10,000 samples, batch 1, float64, whole epochs: time per sample.\n"
        "C is compiled with `cc -O2` and calls exp of its library; dagprop has one of its own inside the loop, "
        "and multiplies what is known early first."
    )
    return Table("Four-parameter chain", text, ("threads", "against", "dagprop takes", "ratio", "spread"), tuple(rows))


def mlp(rounds: int) -> Table:
    """Compare on the multilayer perceptron."""
    rows: list[Row] = []
    for batch in (32, 256):
        for threads in sorted({1, len(CORES)}):
            found = _race("mlp", batch, 1e-5, threads, rounds, MLP_GOALS)
            rows += [Row((str(batch), *row.cells), row.goal, row.met) for row in found]
    text = (
        "tests/benchmarks/mlp.json, 784-256-128-10, float32, 2,048 seeded samples: time per step.\n"
        "dagprop's includes the accuracy of each step. "
        '"Its gemms alone" are the eight matrix products of a step by NumPy, and nothing else: dagprop can be below 1, '
        "because products of its own pack little."
    )
    header = ("batch", "threads", "against", "dagprop takes", "ratio", "spread")
    return Table("Multilayer perceptron", text, header, tuple(rows))


def _race(
    problem: str, batch: int, tolerance: float, threads: int, rounds: int, goals: dict[str, float]
) -> Iterator[Row]:
    """Let all contestants take turns on the last cores; give a row for each peer, then one for the best framework."""
    pin(threads)
    own = Contestant(problem, "dagprop", batch)
    peers: dict[str, Contestant | str] = {}
    for name in list(CONTESTANTS[problem])[1:]:
        try:
            peers[name] = peer = Contestant(problem, name, batch)
            check_losses(name, peer.losses, own.losses, tolerance)
        except MissingError as error:
            peers[name] = str(error)
    running = {name: peer for name, peer in peers.items() if isinstance(peer, Contestant)}
    pairs = [{name: (own.turn(), peer.turn()) for name, peer in running.items()} for _ in range(rounds)]
    for process in (own, *running.values()):
        process.close()
    for name, peer in peers.items():
        cells = (str(threads), name)
        if isinstance(peer, str):
            yield missing((*cells, ""), peer)
            continue
        ours, theirs = zip(*_of(pairs, name), strict=True)
        yield compare((*cells, _time(statistics.median(ours))), ours, theirs, goals.get(name))
    present = [name for name in FRAMEWORKS if name in running]
    if problem == "mlp" and present:
        # By the ratios of pairs, not by the clock: the machine may have been slower in other turns.
        best = max(present, key=lambda name: statistics.median(ours / theirs for ours, theirs in _of(pairs, name)))
        ours, theirs = zip(*_of(pairs, best), strict=True)
        cells = (str(threads), f"the best framework ({best})", _time(statistics.median(ours)))
        yield compare(cells, ours, theirs, 1.0)


def _of(pairs: list[dict[str, tuple[float, float]]], name: str) -> list[tuple[float, float]]:
    return [pair[name] for pair in pairs]


def _time(seconds: float) -> str:
    return f"{number(seconds * 1e9)} ns" if seconds < 1e-6 else f"{number(seconds * 1e6)} µs"
