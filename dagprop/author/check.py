"""The check of a plugin: of every op that a file declares, or of one op by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from dagprop.author.derivative_checks import check_by_moving, check_symbolically
from dagprop.author.engine_checks import check_back_ends, check_formula, check_sample_axis, check_speed
from dagprop.author.promises import APART, check_declaration, check_far_out, check_shapes
from dagprop.author.report import Item, Report, wrong
from dagprop.author.trial import Trial, find_trial, input_count, line_of
from dagprop.errors import DagpropError, PluginError, Problem, error_text, quote, suggest
from dagprop.ops.contract import Op
from dagprop.ops.declared import KINDS, declared, isolated
from dagprop.ops.plugins import load_plugin
from dagprop.ops.registry import ops


def check_file(path: str, timed: bool = True) -> list[Report]:
    """Check a plugin file: that it can be loaded, and everything that it declares.

    Parameters
    ----------
    path : str
    timed : bool
        Whether to time the ops.
    """
    before = {kind: dict(declared(kind)) for kind in KINDS}
    ops()  # the built-in ones are there before, so that they are not taken for the file's
    with isolated():
        try:
            load_plugin(path)
        except DagpropError as error:
            return [
                Report("plugin", Path(path).stem, path, [Item("loading", "the file cannot be loaded", error.problems)])
            ]
        reports = []
        for kind in KINDS:
            for name, declaration in declared(kind).items():
                if declaration.shipped or before[kind].get(name) is declaration:
                    continue
                place = f"{declaration.provider}:{declaration.line}"
                if kind == "op":
                    reports.append(check_op(declaration.value, place, timed))
                else:
                    reports.append(Report(kind, name, place, [Item("declaration", f"{kind} {name} is declared")]))
        return reports


def check_named(name: str, timed: bool = True) -> list[Report]:
    """Check an op that is there by its name.

    Raises
    ------
    PluginError
        If there is none (DP101).
    """
    op = ops().get(name)
    if op is None:
        hint = (
            suggest(name, ops())
            or "give the path of a plugin file, as in plugins/snake.py, or a name of: dagprop ops list"
        )
        raise PluginError(Problem("DP101", f"there is no file and no op {quote(name)}", hint))
    code = op.forward.__code__
    return [check_op(op, f"{code.co_filename}:{code.co_firstlineno}", timed)]


def check_op(op: Op, place: str, timed: bool = True) -> Report:
    """Check one op."""
    report = Report("op", op.name, place)
    report.items.append(check_declaration(op))
    if not op.signature.inputs:
        return report
    trial = find_trial(op)
    if not isinstance(trial, Trial):
        line = line_of(trial, op.forward)
        changes = "read-only" in str(trial)
        message = "the forward rule " + ("changes its input" if changes else f"cannot be run: {error_text(trial)}")
        hint = APART if changes else None
        report.items.append(Item("shapes", "no inputs work", (wrong(op, op.forward, message, hint, line),)))
        return report
    for item in _items(op, trial, timed):
        report.items.append(item)
        if item.name == "samples" and not report.ok:
            break  # what follows would say the same in other words
    return report


def _items(op: Op, trial: Trial, timed: bool) -> Iterator[Item]:
    yield check_shapes(op, trial)
    yield check_sample_axis(op, trial)
    if op.rules and set(op.rules) == {signature.name for signature in op.signature.inputs}:
        yield check_by_moving(op, trial)
        yield check_symbolically(op, trial)
    yield check_far_out(op, trial)
    yield check_back_ends(op, trial)
    yield check_formula(op, trial)
    if timed and op.rules and input_count(op) <= 2:
        yield check_speed(op, trial)


def all_ok(reports: Sequence[Report]) -> bool:
    """Whether nothing is wrong."""
    return bool(reports) and all(report.ok for report in reports)


__all__ = ["PluginError", "all_ok", "check_file", "check_named", "check_op"]
