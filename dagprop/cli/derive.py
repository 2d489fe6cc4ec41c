"""``dagprop derive``: the chain rule of each parameter, written out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.cli.session import Session
    from dagprop.explain.derivation_records import Derivation


MOST_CHECKED = 24
"""So many lines of a check are printed."""


def parse_element(context: click.Context, option: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Return the index that ``0,2`` names."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"{text!r} is not of the form 0,2: one number for each axis, counted from 0") from None


@click.command("derive")
@options.graph_argument
@click.option(
    "--wrt",
    multiple=True,
    callback=options.split_names,
    metavar="NODE,...",
    help="Whose gradients.  [default: every trained parameter]",
)
@click.option(
    "--element",
    metavar="I,J",
    callback=parse_element,
    help="Write out this entry of each gradient that has it, in single numbers.",
)
@click.option(
    "--numeric",
    type=click.Choice(["symbolic", "substituted", "all"]),
    default="substituted",
    show_default=True,
    help="Formulas only; or with numbers put in; or the forward pass and each local derivative worked out too.",
)
@options.document_options
@click.option("--check", is_flag=True, help="Multiply out what is displayed; compare with the engine and differences.")
@options.learning_rate_option
@options.feeding
@options.row_option
@options.digits_option
@options.full_option
@options.json_option
@options.output_option
@options.general
def command(
    graph: str,
    wrt: tuple[str, ...],
    element: tuple[int, ...] | None,
    numeric: Any,
    format: Any,
    standalone: bool,
    check: bool,
    lr: float | None,
    data: str | None,
    row: int | None,
    digits: int,
    full: bool,
    as_json: bool,
    output: str | None,
    **session_options: Any,
) -> int:
    """Derive each gradient by the chain rule.

    Every factor is a local derivative as its rule writes it.  A product that stands in an earlier line is in square
    brackets: it is already computed, and re-used.  The step of gradient descent follows, and the whole algorithm.
    """
    from dagprop.api import derive
    from dagprop.cli.files import write_text
    from dagprop.cli.output import json_text, note
    from dagprop.cli.session import note_random_parameters, open_session, refuse_two_readers, warn_non_finite
    from dagprop.explain.algorithm import algorithm
    from dagprop.explain.derivation_document import derivation_document
    from dagprop.explain.derivation_json import derivation_data
    from dagprop.explain.numbers import Shown
    from dagprop.explain.update_formulas import PLAIN
    from dagprop.render.documents import render_document

    refuse_two_readers(graph, data)
    format, standalone = options.document_form(format, standalone, output)
    session = open_session(graph, **session_options)
    feeds, rows = session.feeds_and_rows(data, row)
    derivation = derive(session.graph, wrt or None, feeds, session.parameters)
    if wrt and not derivation.lines:
        raise click.UsageError(f"--wrt {wrt[0]}: the derivative of the loss by itself is 1; name what it depends on")
    note_random_parameters(session)
    warn_non_finite(derivation.network, derivation.values)
    refuse_element(derivation, element)
    if as_json:
        text = json_text(derivation_data(derivation, element))
    else:
        rate = session.graph.train.learning_rate if lr is None else lr
        if lr is not None and session.graph.train.optimizer != PLAIN:
            note("note: --lr changes nothing here: the graph is not trained by plain gradient descent")
        document = derivation_document(derivation, numeric, rate, element, full)
        document = (*document, *algorithm(derivation, _rows(session) if rows is None else rows))
        text = render_document(document, format, Shown(digits, full), session.network.graph.nodes, standalone)
    write_text(text, output)
    # Beside a page or an object, what the check says is no part of the data.
    aside = as_json or (format != "text" and output in (None, "-"))
    return 1 if check and not _check(session, derivation, feeds, digits, aside) else 0


def _rows(session: Session) -> int | None:
    """Return how many samples the data of the graph has; None where there is none, or it cannot be read."""
    from dagprop.errors import DataError

    try:
        return session.samples(None).rows if session.graph.data else None
    except DataError:  # nothing that is derived needs it
        return None


def refuse_element(derivation: Derivation, element: tuple[int, ...] | None) -> None:
    """Refuse an entry that none of the gradients has."""
    if element is None or any(derivation.has_entry(name, element) for name in derivation.wanted):
        return
    index = ",".join(map(str, element))
    shapes = {name: derivation.plain(name, derivation.values[name]).shape for name in derivation.wanted[:4]}
    have = ", ".join(f"{name} has {' x '.join(map(str, shape)) or 'no axes'}" for name, shape in shapes.items())
    raise click.UsageError(f"--element {index}: there is no such entry; {have}; one index an axis, counted from 0")


def _check(session: Session, derivation: Derivation, feeds: dict[str, Any], digits: int, aside: bool) -> bool:
    """Print how the formulas compare with the engine, and the engine with differences; return whether all agree."""
    from dagprop.api import check_gradients
    from dagprop.explain.derivation_check import check_derivation
    from dagprop.explain.notation import partial_text
    from dagprop.explain.numbers import Shown, array_text, number_text
    from dagprop.explain.tables import table

    wanted = set(derivation.wanted)
    lines = [line for line in check_derivation(derivation, digits) if line.reused or line.target in wanted]
    shown = Shown(digits)
    rows = [
        (
            partial_text(derivation.loss, line.target),
            *(array_text(derivation.plain(line.target, array), shown) for array in (line.by_formula, line.by_engine)),
            "–" if line.by_digits is None else number_text(line.by_digits, digits),
            "agree" if line.passed else f"differ by {number_text(line.relative, 2)} of the largest entry",
        )
        for place, line in enumerate(lines)
        if place < MOST_CHECKED or not line.passed
    ]
    header = ("gradient", "by the formula", "by the engine", "by the digits shown", "")
    click.echo(f"\nCheck\n{table(header, rows)}", err=aside)
    failed = [line.target for line in lines if not line.passed]
    if len(lines) > MOST_CHECKED:
        click.echo(f"... {len(lines):,} gradients in all; {len(failed):,} of them differ", err=aside)
    done = check_gradients(session.graph, feeds, session.parameters)
    rules = "agree" if done.ok else "differ: dagprop check-gradients says where"
    click.echo(f"every rule and the gradients of the engine against numerical derivatives: {rules}", err=aside)
    return done.ok and not failed
