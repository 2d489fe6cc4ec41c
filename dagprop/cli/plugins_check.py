"""``dagprop plugins check``: everything that can go wrong with a plugin, in one report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.author.report import Report
    from dagprop.errors import Problem


@click.command("check")
@click.argument("plugins", nargs=-1, required=True, metavar="FILE|NAME...")
@click.option("--no-speed", is_flag=True, help="Do not time the ops: the same report every time.")
@options.json_option
@options.debug_option
def command(plugins: tuple[str, ...], no_speed: bool, as_json: bool) -> int:
    """Check plugin files, or ops by their names.

    Every op is run on numbers, arrays, no samples, what broadcasts, what is large and NaN; its derivative is compared
    with what the forward rule does when the input moves, and with the symbolic derivative; it must leave its inputs
    alone, keep shapes and dtypes, be recorded, agree on all back ends, and print as a formula.  Exit code 1 if
    something is wrong; it is named with file and line.
    """
    return check_and_report(plugins, as_json, timed=not no_speed)


def check_and_report(plugins: Sequence[str], as_json: bool, timed: bool) -> int:
    """Check plugins, print what was found, and return the exit code."""
    from dagprop.author.check import all_ok, check_file, check_named
    from dagprop.cli.output import json_text
    from dagprop.errors import PluginError, Problem
    from dagprop.ops.providers.known import is_file_name

    reports: list[Report] = []
    for plugin in plugins:
        is_file = is_file_name(plugin) or Path(plugin).is_file()
        if is_file and not Path(plugin).is_file():
            raise PluginError(Problem("DP001", "there is no such file", file=plugin))
        reports += check_file(plugin, timed) if is_file else check_named(plugin, timed)
    if as_json:
        click.echo(json_text({"ok": all_ok(reports), "reports": [report.to_json() for report in reports]}))
    else:
        click.echo("\n\n".join(map(_text, reports)))
    return 0 if all_ok(reports) else 1


def _text(report: Report) -> str:
    lines = [f"{report.kind} {report.name}, {report.place}"]
    for item in report.items:
        lines.append(f"  {item.status:<8}{item.name:<21}{item.text}")
        for problem in item.problems:
            lines += [f"          {line}" for line in _problem_lines(problem)]
    count = sum(not problem.warning for item in report.items for problem in item.problems)
    verdict = "nothing is wrong" if report.ok else f"{count} thing{'s are' if count > 1 else ' is'} wrong"
    return "\n".join([*lines, f"{report.kind} {report.name}: {verdict}"])


def _problem_lines(problem: Problem) -> list[str]:
    place = ":".join(str(part) for part in (problem.file, problem.line) if part is not None)
    text = f"{place}: {problem.message}" if problem.warning else str(problem).partition("\n")[0]
    return [text, *([f"  {problem.hint}"] if problem.hint else [])]
