"""``dagprop paths``: the gradient of one value as a sum over the paths to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.explain.numbers import Shown
    from dagprop.explain.paths import Path, Paths
    from dagprop.plan.network import Network

LONGEST_PATH = 12
"""Nodes of a path that are printed; the middle of a longer one is left out."""


def parse_element(context: click.Context, option: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Return the indices of ``0,2``."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.strip("()[] ").split(",") if part.strip())
    except ValueError:
        raise click.BadParameter("an element is its indices, as in --element 0,2") from None


@click.command("paths")
@options.graph_argument
@click.option("--wrt", required=True, metavar="NODE", help="The end: a parameter, an input or an inner node.")
@click.option("--to", metavar="NODE", help="Where the paths begin.  [default: the loss]")
@click.option(
    "--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many of the largest paths to print."
)
@click.option(
    "--element", metavar="I,J", callback=parse_element, help="Look at one entry of an array, as in --element 0,2."
)
@options.feeding
@options.row_option
@options.digits_option
@options.full_option
@options.json_option
@options.output_option
@options.general
def command(
    graph: str,
    wrt: str,
    to: str | None,
    top: int,
    element: tuple[int, ...] | None,
    data: str | None,
    row: int | None,
    digits: int,
    full: bool,
    as_json: bool,
    output: str | None,
    **session_options: Any,
) -> None:
    """Take a gradient apart: the paths that it is the sum of.

    They are counted exactly, without being walked.  Printed are the largest: each with the local derivatives along it,
    their product, and its share of the gradient.  Shares are negative or over 100 % where paths cancel.

    Between arrays, what one path contributes is the gradient that is sent down that path alone, and its share is how
    much of the gradient lies along it.  There the 1000 largest partial paths are followed from each node.
    """
    from dagprop.api import paths
    from dagprop.cli.files import write_text
    from dagprop.cli.long_texts import allow_long_integers
    from dagprop.cli.output import json_text
    from dagprop.cli.session import note_random_parameters, open_session, refuse_two_readers
    from dagprop.explain.numbers import Shown

    refuse_two_readers(graph, data)
    session = open_session(graph, **session_options)
    feeds = session.feeds(data, row)
    found = paths(session.graph, feeds, session.parameters, wrt=wrt, to=to, top=top, element=element)
    note_random_parameters(session)
    if as_json:
        allow_long_integers()
        write_text(json_text(_document(found, element)), output)
        return
    write_text(_text(session.network, found, element, Shown(digits, full)), output)


def _document(found: Paths, element: tuple[int, ...] | None) -> dict[str, Any]:
    return {
        "from": found.start,
        "wrt": found.wrt,
        "element": element,
        "count": found.count,
        "gradient": found.gradient,
        "total_size": found.total_size,
        "certain": found.certain,
        "shown_share": found.shown_share,
        "paths": [
            {
                "nodes": path.nodes,
                "inputs": path.inputs,
                "factors": path.factors or None,
                "contribution": path.contribution,
                "share": path.share,
            }
            for path in found.paths
        ],
    }


def _text(network: Network, found: Paths, element: tuple[int, ...] | None, shown: Shown) -> str:
    from dagprop.cli.long_texts import integer_text
    from dagprop.explain.notation import partial_text
    from dagprop.explain.numbers import array_text

    index = f"[{', '.join(map(str, element))}]" if element else ""
    name = partial_text(found.start, found.wrt) + index
    gradient = array_text(found.gradient, shown)
    if not found.count:
        return f"no path leads from {found.start} to {found.wrt}: {name} = {gradient}"
    paths = "1 path" if found.count == 1 else f"{integer_text(found.count)} paths"
    parts = [f"{name} = {gradient} comes along {paths}"]
    if found.count > len(found.paths):
        parts[0] += f"; the {len(found.paths)} largest:" if found.certain else f"; {len(found.paths)} large ones:"
    parts += [_path_text(network, number, path, shown) for number, path in enumerate(found.paths, 1)]
    return "\n\n".join([*parts, "\n".join(_remarks(found, shown))]).rstrip("\n")


def _path_text(network: Network, number: int, path: Path, shown: Shown) -> str:
    from dagprop.cli.long_texts import middle_shortened
    from dagprop.explain.numbers import array_text, number_text
    from dagprop.graph.records import split_reference

    # Where a node uses a value twice, the name of the input says which use it is.
    nodes = [path.nodes[0]]
    for user, node, input in zip(path.nodes, path.nodes[1:], path.inputs, strict=False):
        uses = network.node(split_reference(user)[0]).references.count(node)
        nodes.append(f"{node} (as {input})" if uses > 1 else node)
    share = "–" if math.isnan(path.share) else f"{100 * path.share:.{max(shown.digits - 2, 1)}g} %"
    lines = [f"{number}. {array_text(path.contribution, shown)}  ({share})"]
    lines.append("   " + " → ".join(middle_shortened(nodes, LONGEST_PATH)))
    if path.factors:
        factors = [number_text(factor, shown.digits) for factor in path.factors]
        factors = [f"({factor})" if factor.startswith("-") else factor for factor in factors]
        lines.append("   = " + " · ".join(middle_shortened(factors, LONGEST_PATH)))
    return "\n".join(lines)


def _remarks(found: Paths, shown: Shown) -> list[str]:
    from dagprop.explain.numbers import number_text

    lines = []
    if math.isnan(found.shown_share):
        finite = all(math.isfinite(number) for number in found.gradient.ravel().tolist())
        what = "0" if finite else "not finite"
        lines.append(f"The gradient is {what}, so its parts have no share of it.")
        if any(path.factors and all(path.factors) and not path.contribution.any() for path in found.paths):
            lines.append("A product of so many factors is smaller than any float64: dagprop flow says how small.")
    elif found.count > len(found.paths):
        lines.append(f"These {len(found.paths)} make up {100 * found.shown_share:.4g} % of the gradient.")
    size = float(abs(found.gradient).sum())
    if found.total_size is not None and found.total_size > size * (1 + 1e-9):
        total = number_text(found.total_size, shown.digits)
        times = f", {found.total_size / size:.4g} times the gradient" if size else ""
        lines.append(f"Paths cancel: without their signs all of them add up to {total}{times}.")
    if not found.certain:
        lines.append("Only the largest partial paths were followed: there may be larger paths among the others.")
        lines.append("A nearer --to has fewer paths, all of which are looked at.")
    return lines
