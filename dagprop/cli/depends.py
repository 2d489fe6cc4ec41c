"""``dagprop depends``: who depends on whom, in words and as a tree."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.explain.dependency import Dependency
    from dagprop.explain.dependency_text import Branches


@click.command("depends")
@options.graph_argument
@click.argument("node", metavar="[NODE]", required=False)
@click.option("--reverse", is_flag=True, help="Show who depends on NODE, not what it depends on.")
@click.option(
    "--depth",
    type=click.IntRange(1, 1000),
    default=12,
    show_default=True,
    help="Levels of a tree; of what goes deeper the middle is left out.",
)
@click.option("--full", is_flag=True, help="Print every line of a tree, however many.")
@options.output_option
@options.json_option
@options.general
def command(
    graph: str,
    node: str | None,
    reverse: bool,
    depth: int,
    full: bool,
    output: str | None,
    as_json: bool,
    plugins: tuple[str, ...],
    verbose: bool,
) -> None:
    """Show how the loss depends on NODE, and NODE on others.

    Without NODE, show what the loss depends on.  A node that several others depend on is shown once; afterwards it is
    marked as shown above.
    """
    from dagprop.cli.files import write_text
    from dagprop.cli.output import json_text
    from dagprop.cli.session import open_graph
    from dagprop.explain.dependency import dependency
    from dagprop.explain.dependency_text import MOST_LINES, dependency_text

    found = dependency(open_graph(graph, plugins=plugins, verbose=verbose), node, reverse)
    if as_json:
        write_text(json_text(_document(found)), output)
        return
    write_text(dependency_text(found, depth, None if full else MOST_LINES, _branches(output)), output)


def _branches(output: str | None) -> Branches:
    """Return lines for the branches, or plain characters where the terminal has no lines."""
    from dagprop.explain.dependency_text import ASCII, Branches

    lines = Branches()
    try:
        str(lines).encode("utf-8" if output not in (None, "-") else sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return lines


def _document(found: Dependency) -> dict[str, Any]:
    nodes = found.network.graph.nodes
    return {
        "node": found.node,
        "ways": [{"from": ways.root, "count": ways.count, "shown": ways.shown} for ways in found.ways],
        "needed_by" if found.reverse else "depends_on": {
            id: {"op": nodes[id].op, "nodes": names} for id, names in found.below.items()
        },
    }
