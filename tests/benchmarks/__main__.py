"""``python -m tests.benchmarks [WORKLOAD ...] [--rounds N] [-o FILE]``: run, print, and write the page."""

from __future__ import annotations

import argparse
import compileall
from pathlib import Path

from tests.benchmarks import races, results, starts
from tests.benchmarks.processes import ROOT

WORKLOADS = {
    "chain": races.chain,
    "mlp": races.mlp,
    "digits": starts.digits,
    "large-chains": starts.large_chains,
    "first-step": starts.first_step,
}


def main() -> None:
    """Run the workloads that are asked for; all of them by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contestant (default 7)")
    parser.add_argument("-o", "--output", help="write the page to this file, too")
    arguments = parser.parse_args()
    if unknown := set(arguments.workloads) - set(WORKLOADS):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}; there are: {', '.join(WORKLOADS)}")
    # pip does this with what it installs, the peers; a checkout would be translated anew by every process that may not
    # write what it has translated.
    compileall.compile_dir(ROOT / "dagprop", quiet=1)
    tables = []
    for name in arguments.workloads or WORKLOADS:
        tables.append(WORKLOADS[name](arguments.rounds))
        print(tables[-1].markdown(), end="\n\n", flush=True)
        if arguments.output:  # after each, so that an interrupted run leaves what it has
            Path(arguments.output).write_text(results.page(tables, arguments.rounds), encoding="utf-8")


if __name__ == "__main__":
    main()
