"""The check of a plugin: of every op that a file declares, or of one op by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dagprop.author.derivative_checks import check_by_moving, check_symbolically
from dagprop.author.engine_checks import check_back_ends, check_formula, check_sample_axis, check_speed
from dagprop.author.other_checks import check_other
from dagprop.author.promises import APART, check_declaration, check_far_out, check_shapes
from dagprop.author.report import Item, Report, wrong
from dagprop.author.trial import Trial, find_trial, input_count, line_of
from dagprop.errors import DagpropError, PluginError, Problem, error_text, quote, suggest
from dagprop.ops.contract import Op
from dagprop.ops.declared import KINDS, declared, isolated
from dagprop.ops.plugins import load_plugin
from dagprop.ops.providers.memory import Plugin
from dagprop.ops.providers.probe import probe
from dagprop.ops.providers.provide import load_known, provide
from dagprop.ops.providers.register import find_plugin
from dagprop.ops.registry import ops


def tried_apart(path: str) -> list[Report]:
    """Return what is wrong with a plugin file that ends the process it is loaded in, from another process.

    Parameters
    ----------
    path : str

    Returns
    -------
    list of Report
        Empty, unless there is something wrong.
    """
    name = Path(path).stem
    problems = probe(Plugin(name, path)).problems
    return [Report("plugin", name, path, [Item("loading", "it cannot be loaded", problems)])] if problems else []


def check_file(path: str, timed: bool = True) -> list[Report]:
    """Check a plugin file: that it can be loaded, and everything that it declares.

    Parameters
    ----------
    path : str
    timed : bool
        Whether to time the ops.
    """
    return _check_loaded(Path(path).stem, path, lambda: load_plugin(path), timed)


def check_named(name: str, timed: bool = True) -> list[Report]:
    """Check an op by its name, built-in or of a registered plugin, or all of a registered plugin.

    Raises
    ------
    PluginError
        If there is none (DP101, DP507).
    """
    provided = provide([name] if name not in ops() else [], ("op",))
    op = ops().get(name)
    if op is not None:
        code = op.forward.__code__
        return [check_op(op, f"{code.co_filename}:{code.co_firstlineno}", timed)]
    try:
        known = find_plugin(name)
    except PluginError as error:
        near = suggest(name, ops())
        if near is None and not provided.problems and provided.hint(name) is None:
            raise
        problem = Problem("DP101", f"there is no plugin and no op {quote(name)}", near, unknown=name)
        raise PluginError(provided.explain(problem), *provided.problems) from error

    def load() -> None:
        problems = load_known([known])
        if problems:
            raise PluginError(*problems)

    return _check_loaded(known.plugin.name, known.plugin.place, load, timed)


def _check_loaded(name: str, place: str, load: Callable[[], object], timed: bool) -> list[Report]:
    """Check everything that is declared when something is loaded."""
    ops()  # the built-in ones are there before, so that they are not taken for the plugin's
    before = {kind: dict(declared(kind)) for kind in KINDS}
    with isolated():
        try:
            load()
        except DagpropError as error:
            return [Report("plugin", name, place, [Item("loading", "it cannot be loaded", error.problems)])]
        reports = []
        for kind in KINDS:
            for own, declaration in list(declared(kind).items()):
                if declaration.shipped or before[kind].get(own) is declaration:
                    continue
                if kind == "op":
                    place = f"{declaration.provider}:{declaration.line}"
                    reports.append(check_op(declaration.value, place, timed))
                else:
                    reports.append(check_other(kind, own, declaration))
        return reports


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
