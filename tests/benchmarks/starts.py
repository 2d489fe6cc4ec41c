"""Whole processes, start and compilation included: the digits, the first step, and chains of many nodes."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.processes import CORES, Finished, MissingError, check_losses, pin, run_to_end
from tests.benchmarks.results import Row, Table, compare, missing, number

HERE = Path(__file__).parent
GRAPHS = HERE.parents[1] / "graphs"
DAGPROP = [sys.executable, "-m", "dagprop.cli.main"]
SIZES = (1_000, 10_000, 100_000)

FIRST_STEP_GOAL = 0.5  # seconds
FIRST_STEP_PER_NODE_GOAL = 100.0  # µs
STEP_PER_NODE_GOAL = 30.0  # ns


def digits(rounds: int) -> Table:
    """Compare ``dagprop train`` with scripts of other libraries: time and memory."""
    goals = {"PyTorch": (0.2, 1.0), "scikit-learn": (0.5, 1.0)}
    rows: list[Row] = []
    for threads in sorted({1, len(CORES)}):
        pin(threads)
        with tempfile.TemporaryDirectory() as folder:
            start, result = f"{folder}/start.npz", f"{folder}/result.npz"
            train = [*DAGPROP, "train", str(HERE / "digits.json"), "--json"]
            run_to_end([*train, "--epochs", "0", "-o", start])
            found = _alternate(
                {
                    "dagprop": [*train, "--weights", start, "-o", result],
                    "PyTorch": [sys.executable, str(HERE / "scripts/digits_pytorch.py"), start],
                    "scikit-learn": [sys.executable, str(HERE / "scripts/digits_sklearn.py"), start],
                },
                rounds,
            )
        own = _present(found["dagprop"])
        loss = json.loads(own[0].output)["history"][-1]["loss"]
        for name, (time_goal, memory_goal) in goals.items():
            runs = found[name]
            if isinstance(runs, str):
                rows.append(missing((str(threads), name, "", ""), runs))
                continue
            check_losses(name, [float(runs[0].output)], [loss], 1e-3)
            for what, unit, goal in (("seconds", "s", time_goal), ("memory", "MiB", memory_goal)):
                ours, theirs = ([getattr(run, what) for run in runs] for runs in (own, runs))
                measured = [f"{number(statistics.median(values))} {unit}" for values in (ours, theirs)]
                label = {"seconds": "time", "memory": "peak memory"}[what]
                rows.append(compare((str(threads), name, label, " / ".join(measured)), ours, theirs, goal))
    text = (
        "tests/benchmarks/digits.json, 64-32-10, batch 32, 50 epochs, from the start of the process to its end:\n"
        "`dagprop train` against the scripts in tests/benchmarks/scripts. All start from the same weights and read\n"
        "the same CSV file; PyTorch computes in float32, as it does by default, the others in float64.\n"
        "Most of what PyTorch takes is its start: see the first step at the end."
    )
    header = ("threads", "against", "what", "dagprop / peer", "ratio", "spread")
    return Table("Digits, the whole process", text, header, tuple(rows))


def first_step(rounds: int) -> Table:
    """Measure the first step of a small network from the start of the process."""
    pin(len(CORES))
    with tempfile.TemporaryDirectory() as folder:
        options = ["--epochs", "1", "-q", "-o", f"{folder}/w.npz"]
        found = _alternate(
            {
                "dagprop": [*DAGPROP, "train", str(GRAPHS / "four-layer-chain.json"), *options],
                "`import numpy` alone": [sys.executable, "-c", "import numpy"],
                "PyTorch": [sys.executable, str(HERE / "scripts/first_step_pytorch.py")],
            },
            rounds,
        )
    own = [run.seconds for run in _present(found["dagprop"])]
    median = statistics.median(own)
    rows = [
        Row(
            ("the clock", f"{number(median)} s", "", f"{number(min(own))} to {number(max(own))} s"),
            f"≤ {FIRST_STEP_GOAL} s",
            median <= FIRST_STEP_GOAL,
        )
    ]
    for name, runs in list(found.items())[1:]:
        if isinstance(runs, str):
            rows.append(missing((name, ""), runs))
            continue
        theirs = [run.seconds for run in runs]
        rows.append(compare((name, f"{number(median)} / {number(statistics.median(theirs))} s"), own, theirs, None))
    text = "`dagprop train graphs/four-layer-chain.json --epochs 1` from the start of the process to its end."
    return Table("First step", text, ("against", "dagprop / peer", "ratio", "spread"), tuple(rows))


def large_chains(rounds: int) -> Table:
    """Measure scalar chains of many nodes: time to the first step, and of a step, by node."""
    pin(1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        commands = {}
        for size in SIZES:
            path = Path(folder) / f"{size}.json"
            path.write_text(json.dumps(_chain(size)), encoding="utf-8")
            commands[str(size)] = [sys.executable, "-m", "tests.benchmarks.large_chain", str(path), str(size)]
        done = _alternate(commands, rounds)
    found = {size: [json.loads(run.output) for run in _present(runs)] for size, runs in done.items()}
    for what, label, scale, unit, goal in (
        ("first", "load, check, plan, compile, first step", 1e6, "µs", FIRST_STEP_PER_NODE_GOAL),
        ("step", "a step", 1e9, "ns", STEP_PER_NODE_GOAL),
    ):
        per_node = {size: [run[what] * scale / int(size) for run in runs] for size, runs in found.items()}
        smallest = per_node[str(SIZES[0])]
        for size, values in per_node.items():
            median = statistics.median(values)
            ratios = [a / b for a, b in zip(values, smallest, strict=True)]
            spread = f"{number(min(values))} to {number(max(values))}"
            cells = (f"{int(size):,}", label, f"{number(median)} {unit}", spread, number(statistics.median(ratios)))
            rows.append(Row(cells, f"≤ {number(goal)} {unit}", median <= goal))
    imports = statistics.median(run["imports"] for runs in found.values() for run in runs)
    text = (
        "A parameter times an input, then tanh and sin in turn; float64, batch 1, one thread; time by node.\n"
        f"Linear is what has a ratio of about 1 to the chain of {SIZES[0]:,} nodes; "
        "below 1, what is done once weighs less.\n"
        f"Before it a process imports the modules of dagprop and LLVM, which takes it {number(imports * 1e3)} ms "
        "whatever the graph, and is in none of these times."
    )
    return Table("Chains of many nodes", text, ("nodes", "what", "by node", "spread", "to the smallest"), tuple(rows))


def _chain(size: int) -> dict:
    """Return a chain of so many computed nodes as a graph file."""
    nodes: dict[str, dict] = {
        "x": {"op": "input"},
        "y": {"op": "input"},
        "w": {"op": "parameter", "value": 0.5},
        "n1": {"op": "multiply", "inputs": ["w", "x"]},
    }
    for number_ in range(2, size):
        nodes[f"n{number_}"] = {"op": "sin" if number_ % 2 else "tanh", "inputs": [f"n{number_ - 1}"]}
    nodes["L"] = {"op": "half_squared_error", "inputs": {"prediction": f"n{size - 1}", "target": "y"}}
    return {"dagprop": 1, "nodes": nodes, "loss": "L"}


def _alternate(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[Finished] | str]:
    """Run the commands in turn; one whose modules are missing has the reason in place of its runs."""
    found: dict[str, list[Finished] | str] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs = found[name]
            if isinstance(runs, str):
                continue
            try:
                runs.append(run_to_end(command))
            except MissingError as error:
                found[name] = str(error)
    return found


def _present(runs: list[Finished] | str) -> list[Finished]:
    assert not isinstance(runs, str), runs
    return runs
