"""``dagprop check-gradients``: whether every derivative rule is right at the values that a network has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.check.records import Finding, GradientCheck, Part

MOST_LINES = 5
"""Findings of one kind that are listed; of more the number is said."""


@click.command("check-gradients")
@options.graph_argument
@options.feeding
@options.row_option
@click.option(
    "--tolerance",
    type=options.Finite(min=0, max=1, min_open=True, max_open=True),
    default=1e-6,
    show_default=True,
    help="The relative difference up to which two numbers are equal.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Check so many entries of a large array one by one, and all of them together along random directions.",
)
@click.option("--all", "every", is_flag=True, help="Check every entry one by one, however many.")
@options.digits_option
@options.output_path_option
@options.quiet_option
@options.json_option
@options.general
def command(
    graph: str,
    data: str | None,
    row: int | None,
    tolerance: float,
    samples: int,
    every: bool,
    digits: int,
    output: str | None,
    quiet: bool,
    as_json: bool,
    **session_options: Any,
) -> int:
    """Check every derivative rule, and every gradient.

    Each rule is compared with what its forward rule does when the input moves: by the complex step, or by central
    differences where the forward rule does not work on complex numbers; always in float64.  Kinks, jumps and rounding
    are told apart from errors.  Exit code 1 if a derivative is wrong; the first in forward order is named.
    """
    from dagprop.api import check_gradients
    from dagprop.cli.files import write_text
    from dagprop.cli.output import json_text
    from dagprop.cli.session import note_random_parameters, open_session, refuse_two_readers

    refuse_two_readers(graph, data)
    session = open_session(graph, **session_options)
    feeds = session.feeds(data, row)
    chosen = None if every else samples
    done = check_gradients(session.graph, feeds, session.parameters, tolerance=tolerance, samples=chosen)
    if not quiet:
        note_random_parameters(session)
    if as_json:
        write_text(json_text(_document(done, tolerance)), output)
    elif not (quiet and done.ok):
        write_text("\n".join(_report(done, session.graph.loss, digits)), output)
    return 0 if done.ok else 1


def _document(done: GradientCheck, tolerance: float) -> dict[str, Any]:
    from dataclasses import asdict

    return {"ok": done.ok, "tolerance": tolerance, **asdict(done)}


def _report(done: GradientCheck, loss: str | None, digits: int) -> list[str]:
    from dagprop.cli.output import count_text

    lines = _wrong(done, loss, digits)
    lines += _summary(done.rules, count_text(done.rules.subjects, "derivative rule"), loss)
    if done.network is None:
        lines.append(f"gradients of the whole graph: not checked, {done.network_missing}")
    else:
        lines += _summary(done.network, f"gradient of {loss} by {count_text(done.network.subjects, 'parameter')}", loss)
    for kind, text in _KINDS.items():
        findings = done.rules.of_kind(kind) + (done.network.of_kind(kind) if done.network else ())
        findings = tuple(finding for finding in findings if not finding.failed)
        most = 1 if kind == "rounding" else MOST_LINES
        lines += [f"{kind}: {text(finding, loss, digits)}" for finding in findings[:most]]
        if len(findings) > most:
            lines.append(f"{kind}: and {len(findings) - most} more like this")
    lines += [
        f"not checked: node {item.node}, op {item.op}, input {item.input}: {item.reason}"
        for item in done.unchecked[:MOST_LINES]
    ]
    if len(done.unchecked) > MOST_LINES:
        lines.append(f"not checked: and {len(done.unchecked) - MOST_LINES} inputs more")
    if done.rounding is not None:
        lines.append(f"in float32, the gradients differ by up to {done.rounding:.1e} of their largest entry: rounding")
    return lines


def _wrong(done: GradientCheck, loss: str | None, digits: int) -> list[str]:
    """Return what is wrong: the first in full, the others in a table, and what follows for the parameters."""
    from dagprop.explain.numbers import number_text
    from dagprop.explain.tables import table

    first = done.first
    if first is None:
        return []
    subject = f"node {first.node}, op {first.op}, input {first.input}" if first.input else f"parameter {first.node}"
    lines = [f"{first.kind}: {subject}, {_derivative(first, loss)}"]
    if first.rule == first.rule or first.numeric == first.numeric:
        rows = [
            ("  the rule gives", number_text(first.rule, digits), f"at {first.place}" if first.input else ""),
            ("  moving the input gives", number_text(first.numeric, digits), first.method),
            ("  relative difference", number_text(first.relative, 3), _entries(first)),
        ]
        lines += table(("", "", ""), rows).splitlines()[1:]
    else:
        lines.append(f"  the rule is at {first.place}")
    lines += [f"  {first.hint}"] if first.hint else []
    if not first.input:
        lines.append("  every rule is right by itself: this is a fault of dagprop, please report it")
    others = [finding for finding in done.rules.failed if finding is not first]
    if others:
        header = ("node", "op", "input", "derivative", "rule", "moving the input", "relative difference", "rule at", "")
        shown = [
            (
                *(finding.node, finding.op, finding.input, _derivative(finding, loss)),
                *(number_text(number, digits) for number in (finding.rule, finding.numeric)),
                *(number_text(finding.relative, 3), finding.place, finding.hint),
            )
            for finding in others[:MOST_LINES]
        ]
        more = f" (the first {MOST_LINES} of {len(others)})" if len(others) > MOST_LINES else ""
        lines += ["", f"also wrong{more}:", table(header, shown)]
    if done.rules.failed and done.network and done.network.failed:
        names = [finding.node for finding in done.network.failed]
        shown_names = ", ".join(names[:MOST_LINES]) + (", ..." if len(names) > MOST_LINES else "")
        lines += ["", f"as a consequence, the gradients of {loss} are wrong by: {shown_names}"]
    return [*lines, ""]


def _summary(part: Part, thing: str, loss: str | None) -> list[str]:
    """Return what was checked, how, and how well it agrees."""
    from dagprop.explain.numbers import number_text

    failed = len({(finding.node, finding.input) for finding in part.failed})
    entries = f"{part.total} {'entry' if part.total == 1 else 'entries'}"
    if part.entries < part.total:
        entries += f", {part.entries} of them one by one and all along random directions"
    methods = [method if len(part.methods) == 1 else f"{method} ({count})" for method, count in part.methods.items()]
    strange = len({(finding.node, finding.input) for finding in part.of_kind("not finite")})
    verdict = f"{failed} wrong" if failed else f"right where finite, {strange} are not" if strange else "right"
    lines = [f"{thing}: {verdict}; {entries}; {', '.join(methods) or 'nothing to compare'}"]
    largest = part.largest
    if largest is not None and not failed:
        lines.append(
            f"  largest relative difference {number_text(largest.relative, 2)}, at {_derivative(largest, loss)}"
        )
    return lines


def _derivative(finding: Finding, loss: str | None) -> str:
    """Return how a derivative is written: ∂h[0, 2]/∂x[1], or ∂h/∂x at [0, 2] where both are the same entry."""
    from dagprop.explain.notation import partial_text

    by = f"{finding.source}{_index(finding.entry)}"
    if not finding.input:
        return partial_text(str(loss), by)
    if finding.output is None or finding.output == finding.entry:
        return partial_text(finding.node, finding.source) + (f" at {_index(finding.entry)}" if finding.entry else "")
    return partial_text(f"{finding.node}{_index(finding.output)}", by)


def _index(entry: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, entry))}]" if entry else ""


def _entries(finding: Finding) -> str:
    return f"the largest of {finding.count} wrong entries" if finding.count > 1 else ""


def _place(finding: Finding, loss: str | None) -> str:
    subject = f"node {finding.node}, op {finding.op}, input {finding.input}: " if finding.input else ""
    more = f" (one of {finding.count} entries)" if finding.count > 1 else ""
    return f"{subject}{_derivative(finding, loss)}{more}"


def _kink(finding: Finding, loss: str | None, digits: int) -> str:
    from dagprop.explain.numbers import number_text

    if not finding.input and abs(finding.right - finding.left) <= 1e-6 * abs(finding.right):
        rule, numeric = (number_text(number, digits) for number in (finding.rule, finding.numeric))
        return f"{_place(finding, loss)}: kinks make back-propagation give {rule}, and moving the parameter {numeric}"
    left, right, rule = (number_text(number, digits) for number in (finding.left, finding.right, finding.rule))
    return f"{_place(finding, loss)} is {left} to the left and {right} to the right; the rule gives {rule}"


def _jump(finding: Finding, loss: str | None, digits: int) -> str:
    return f"{_place(finding, loss)}: the output jumps there, it has no derivative"


def _not_finite(finding: Finding, loss: str | None, digits: int) -> str:
    from dagprop.explain.numbers import number_text

    why = f"; {finding.hint}" if finding.hint else ""
    return f"{_place(finding, loss)}: the rule gives {number_text(finding.rule, digits)}{why}"


def _rounding(finding: Finding, loss: str | None, digits: int) -> str:
    from dagprop.explain.numbers import number_text

    rule, numeric = number_text(finding.rule, digits), number_text(finding.numeric, digits)
    return f"{_place(finding, loss)}: the rule gives {rule}, moving the input {numeric}; rounding makes as much"


_KINDS: dict[Any, Any] = {"not finite": _not_finite, "jump": _jump, "kink": _kink, "rounding": _rounding}
