"""``dagprop flow``: how large the gradient is on the way to each parameter, and what makes it vanish or explode."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options
from dagprop.explain.numbers import log_text, number_of_log

if TYPE_CHECKING:
    from dagprop.explain.flow import Flow, ParameterFlow

MOST_ROWS = 24
"""Rows of a table; the middle of a longer one is left out."""

MOST_NAMED = 3
"""Factors that are named where a gradient vanishes or explodes."""

LEAST_LOG = -307.65
"""The decimal logarithm of the smallest normal float64."""

REMARKS = {
    "no error": "no error: the loss has the derivative 0 here, so there is nothing to propagate",
    "unreached": "unreached: no path leads to it from the loss",
}

BAR = 20
"""Columns of the longest bar."""


@click.command("flow")
@options.graph_argument
@click.option("--wrt", metavar="NODE", help="Judge this node only, and show its chain.  [default: every parameter]")
@click.option(
    "--vanishing",
    type=options.Finite(min=0, min_open=True),
    default=1e-3,
    show_default=True,
    help="A gradient has vanished below this part of the one at the start of its chain.",
)
@click.option(
    "--exploding",
    type=options.Finite(min=0, min_open=True),
    default=1e3,
    show_default=True,
    help="A gradient has exploded above this many times the one at the start of its chain.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["vanishing", "exploding"]),
    multiple=True,
    help="Leave with exit code 1 if a gradient does this.  Repeatable.",
)
@options.feeding
@options.row_option
@options.digits_option
@options.json_option
@options.output_option
@options.general
def command(
    graph: str,
    wrt: str | None,
    vanishing: float,
    exploding: float,
    fail_on: tuple[str, ...],
    data: str | None,
    row: int | None,
    digits: int,
    as_json: bool,
    output: str | None,
    **session_options: Any,
) -> int:
    """Show where gradients vanish or explode, and why.

    The size of a gradient is its root mean square.  On the way from the loss to a parameter each link multiplies it:
    by the slope of an activation, by a weight, by the value of a node (the input of a layer, on the way to its weight),
    or by fixed numbers and sums over samples and uses.  Followed is at each value the use that contributes most.  The
    chain begins behind the loss, whose own derivative is left out.

    Exit code 1 if --fail-on finds what it names.
    """
    from dagprop.api import flow
    from dagprop.cli.files import write_text
    from dagprop.cli.output import json_text
    from dagprop.cli.session import note_random_parameters, open_session, refuse_two_readers

    refuse_two_readers(graph, data)
    session = open_session(graph, **session_options)
    found = flow(
        session.graph,
        session.feeds(data, row),
        session.parameters,
        None if wrt is None else [wrt],
        vanishing=vanishing,
        exploding=exploding,
    )
    note_random_parameters(session)
    shown = _most_extreme(found.parameters)
    write_text(json_text(_document(found, shown)) if as_json else _text(found, shown, digits), output)
    return 1 if any(parameter.verdict in fail_on for parameter in found.parameters) else 0


def _most_extreme(parameters: Iterable[ParameterFlow]) -> ParameterFlow | None:
    """Return the parameter whose chain is shown: one that has not gone well, the ratio farthest from 1, the deepest."""
    judged = [parameter for parameter in parameters if parameter.start is not None]

    def extremity(parameter: ParameterFlow) -> tuple[bool, float]:
        ratio = parameter.log_ratio
        return parameter.verdict in ("vanishing", "exploding"), math.inf if math.isnan(ratio) else round(abs(ratio), 9)

    return max(reversed(judged), key=extremity, default=None)


def _document(found: Flow, shown: ParameterFlow | None) -> dict[str, Any]:
    return {
        "parameters": {
            parameter.id: {
                "verdict": parameter.verdict,
                "blame": parameter.blame,
                "start": parameter.start,
                "size": number_of_log(parameter.log_size),
                "ratio": number_of_log(parameter.log_ratio),
                "log10_size": parameter.log_size,
                "log10_ratio": parameter.log_ratio,
                "factors": {kind: number_of_log(log) for kind, log in parameter.log_factors.items()},
                "log10_factors": parameter.log_factors,
            }
            for parameter in found.parameters
        },
        "chain": None
        if shown is None
        else {
            "to": shown.id,
            "links": [
                {
                    "value": step.value,
                    "from": step.user,
                    "op": step.op or None,
                    "kind": step.kind,
                    "of": step.of,
                    "factor": number_of_log(step.log_factor),
                    "uses": step.uses,
                    "uses_factor": number_of_log(step.log_uses),
                    "size": number_of_log(step.log_size),
                    "log10_size": step.log_size,
                }
                for step in found.chain(shown.id)
            ],
        },
    }


def _text(found: Flow, shown: ParameterFlow | None, digits: int) -> str:
    from dagprop.cli.long_texts import middle_shortened
    from dagprop.cli.output import count_text
    from dagprop.explain.tables import table

    if not found.parameters:
        return "the graph has no trainable parameter"
    counts = {
        verdict: sum(parameter.verdict == verdict for parameter in found.parameters)
        for verdict in ("fine", "vanishing", "exploding", "no error", "unreached")
    }
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    parts = [f"{count_text(len(found.parameters), 'gradient')}: {summary}"]
    for verdict in ("vanishing", "exploding"):
        worst = _most_extreme([parameter for parameter in found.parameters if parameter.verdict == verdict])
        if worst is not None:
            parts.append(_blame_text(found, worst, digits))
    header = ("parameter", "size", "of the start", "slopes", "weights", "values", "sums", "verdict")
    rows = [
        (
            parameter.id,
            *(log_text(log, min(digits, 4)) for log in (parameter.log_size, parameter.log_ratio)),
            *(log_text(log, min(digits, 4)) for log in parameter.log_factors.values()),
            parameter.verdict,
        )
        for parameter in found.parameters
    ]
    lines = table(header, rows).splitlines()
    remarks = [remark for verdict, remark in REMARKS.items() if counts[verdict]]
    parts.append("\n".join([lines[0], *middle_shortened(lines[1:], MOST_ROWS), *remarks]))
    if shown is not None:
        parts.append(_chain_text(found, shown, digits))
    return "\n\n".join(parts)


def _blame_text(found: Flow, parameter: ParameterFlow, digits: int) -> str:
    from dagprop.explain.notation import partial_text

    assert parameter.blame is not None
    gradient = partial_text(found.loss, parameter.id)
    if math.isnan(parameter.log_size):
        return f"{gradient} is not finite: exploding"
    factors = found.factors(parameter, parameter.blame)
    product = log_text(parameter.log_factors[parameter.blame], 3)
    head = (
        f"{gradient} = {log_text(parameter.log_size, digits)} is {log_text(parameter.log_ratio, 3)} of "
        f"{partial_text(found.loss, str(parameter.start))}: {parameter.verdict}, by its "
    )
    if -math.inf < parameter.log_size < LEAST_LOG:
        head = head.replace(f"{parameter.verdict}, ", f"{parameter.verdict} (no float64 is so small), ")
    if parameter.blame == "sums":
        return f"{head}sums and fixed factors, together {product}"
    if len(factors) == 1:
        return f"{head}{parameter.blame} factor {'·'.join(factors[0].of)}, {product}"
    sign = 1 if parameter.verdict == "vanishing" else -1
    known = [step for step in factors if not math.isnan(step.log_factor)]  # there is none behind a gradient of 0
    # Rounded, so that equal factors stay in the order of the chain.
    worst = sorted(known, key=lambda step: sign * round(max(step.log_factor, -1e6), 9))[:MOST_NAMED]
    named = ", ".join(f"{'·'.join(step.of)} {log_text(step.log_factor, 3)}" for step in worst)
    mean = ""
    if math.isfinite(parameter.log_factors[parameter.blame]):
        each = log_text(parameter.log_factors[parameter.blame] / len(factors), 3)
        mean = f", {each} each in the geometric mean"
    extreme = "smallest" if sign > 0 else "largest"
    return f"{head}{len(factors)} {parameter.blame} factors, together {product}{mean}; {extreme}: {named}"


def _chain_text(found: Flow, shown: ParameterFlow, digits: int) -> str:
    from dagprop.cli.long_texts import middle_shortened
    from dagprop.explain.notation import partial_text
    from dagprop.explain.tables import table

    chain = found.chain(shown.id)
    bars = _bars([step.log_size for step in chain])
    rows = [
        (
            partial_text(found.loss, step.value),
            log_text(step.log_size, digits),
            "" if step.user is None else f"× {log_text(step.log_factor, digits)}",
            "" if step.user is None else " ".join([step.kind, "·".join(step.of)]).rstrip(),
            step.op,
            f"× {log_text(step.log_uses, 4)} by {step.uses} uses" if step.uses > 1 else "",
            bar,
        )
        for step, bar in zip(chain, bars, strict=True)
    ]
    lines = table(("gradient", "size", "factor", "kind", "op", "sum of uses", "size, logarithmic"), rows).splitlines()
    head = f"The chain to {shown.id}"
    return "\n".join([head, lines[0], *middle_shortened(lines[1:], MOST_ROWS)])


def _bars(logs: Sequence[float]) -> list[str]:
    """Return a bar for each logarithm, the largest of full length, the smallest of one column, none for 0."""
    finite = [log for log in logs if math.isfinite(log)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    span = max(high - low, 1.0)
    return ["▪" * (1 + round((BAR - 1) * (1 - (high - log) / span))) if math.isfinite(log) else "" for log in logs]
