"""``dagprop plugins new``: from a formula to a plugin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.author.choose import Rules
    from dagprop.author.new_op import NewOp


def parse_defaults(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> dict[str, float]:
    """Return name and default of each ``NAME=NUMBER``."""
    found: dict[str, float] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        try:
            number = float(value) if equals and name else float("nan")
        except ValueError:
            number = float("nan")
        if not abs(number) <= 1e300:
            raise click.BadParameter(f"{text!r} is not of the form NAME=NUMBER, as in --attribute beta=1.0")
        if name in found:
            raise click.BadParameter(f"{name!r} is given two defaults")
        found[name] = number
    return found


@click.command("new")
@click.argument("name")
@click.option(
    "--formula", metavar="TEXT", help='What it computes, as in "x / (1 + exp(-beta*x))".  Without: a template.'
)
@click.option("--input", "inputs", multiple=True, metavar="NAME", help="An input, in order.  Repeatable.  [default: x]")
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME=NUMBER",
    callback=parse_defaults,
    help="A number that graph files may set, with its default.  Repeatable.",
)
@click.option(
    "--kind",
    type=click.Choice(["derivative", "pullback"]),
    default="derivative",
    show_default=True,
    help="pullback: a template for an op that does not work element by element.",
)
@click.option("--op", metavar="NAME", help="The name of the op, where it is not that of the plugin.")
@click.option("--doc", metavar="TEXT", help="The sentence that says what it is, and who found it.")
@click.option("--graph", metavar="FILE", help="Write a small network that uses it as well.")
@click.option("--package", metavar="NAME", help="Write a package for pip install, in a folder of that name, instead.")
@click.option("-o", "--output", metavar="PATH", help="Where to write.  [default: plugins/NAME.py]")
@click.option("--force", is_flag=True, help="Write over files that exist.")
@options.debug_option
def command(
    name: str,
    formula: str | None,
    inputs: tuple[str, ...],
    attributes: dict[str, float],
    kind: str,
    op: str | None,
    doc: str | None,
    graph: str | None,
    package: str | None,
    output: str | None,
    force: bool,
) -> int:
    """Write a plugin, and check it.

    The derivative of the formula is worked out and simplified.  Of all ways to write both, one is taken that loses no
    digits; how many are kept is measured against 400.  A formula has numbers, the names of inputs and attributes, pi,
    e, + - * / **, comparisons, functions such as exp, log, tanh, erf, sqrt, abs, max, min, sigmoid, softplus, relu,
    clip, and choices: "x if x > 0 else alpha*x", piecewise(x < -1, -1, x > 1, 1, x).

    \b
      dagprop plugins new mish --formula "x*tanh(log(1 + exp(x)))" --graph mish.json
      dagprop plugins new huber --input prediction --input target --attribute delta=1 --formula "..."
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from dagprop.author.choose import choose_rules
    from dagprop.author.example_graph import example_graph
    from dagprop.author.new_op import new_op
    from dagprop.author.package import package_files
    from dagprop.author.parse import parse_formula
    from dagprop.author.plugin_file import plugin_text
    from dagprop.cli.example_rate import example_rate, learning_text
    from dagprop.cli.plugins_check import check_and_report

    if package and output:
        raise click.UsageError("--package names a folder, and -o a file: give one of them")
    new = new_op(
        name, op=op, inputs=inputs, attributes=attributes, formula=formula, pullback=kind == "pullback", doc=doc
    )
    rules = None
    if formula is not None:
        rules = choose_rules(parse_formula(formula, new.inputs, new.attributes), new.inputs, new.attributes)
    if output == "-":
        click.echo(plugin_text(new, rules, f"plugins/{name}.py"), nl=False)
        return 0
    if package:
        files = package_files(package, new, rules)
        path = next(file for file in files if file.endswith(".py"))
    else:
        path = output or f"plugins/{name}.py"
        files = {path: plugin_text(new, rules, path)}
    learning = []
    if graph:
        rate, loss = example_rate(new, files[path])
        files[graph] = example_graph(new, rate)
        learning = [learning_text(new, graph, loss)]
    _write(files, force)
    for line in (*_said(new, rules, files), *learning, ""):
        click.echo(line)
    done = check_and_report([path], as_json=False, timed=False)
    if done == 0:
        click.echo("\n".join(["", *_next(new, path, graph, package)]))
    return done


def _write(files: dict[str, str], force: bool) -> None:
    """Write files, all or none; one that is there already with the same text is no obstacle.

    Raises
    ------
    PluginError
        If one exists (DP603).
    """
    from dagprop.cli.files import write_file
    from dagprop.errors import PluginError, Problem, quote

    there = [path for path, text in files.items() if Path(path).exists() and not _holds(path, text)]
    if there and not force:
        hint = "add --force to write over it, or -o FILE to write another"
        raise PluginError(*(Problem("DP603", f"{quote(path)} exists already", hint, file=path) for path in there))
    for path, text in files.items():
        if not _holds(path, text):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_file(text.encode(), path)


def _holds(path: str, text: str) -> bool:
    try:
        return Path(path).read_bytes() == text.encode()
    except OSError:
        return False


def _said(new: NewOp, rules: Rules | None, files: dict[str, str]) -> list[str]:
    """Return what was written, and why it is not what the author wrote."""
    from dagprop.author.stable import REASONS

    lines = [f"wrote {path}" for path in files]
    if new.op != new.name:
        lines.append(
            f"the op is called {new.op}"
            + ("" if new.op != f"my_{new.name}" else f": dagprop has an op {new.name} of its own")
        )
    if rules is None:
        return [*lines, "a template that works as it is: put your formulas in place of its own"]
    for rule in rules.forward.rules:
        lines.append(f"the forward rule is not as it was given, so that no digits are lost: {REASONS[rule]}")
    written = {"the forward rule": rules.forward, **{f"the derivative by {k}": v for k, v in rules.derivatives.items()}}
    for what, rule_written in written.items():
        found = rule_written.quality
        if not found.good:
            place = ", ".join(f"{key}={number:.6g}" for key, number in found.where)
            lines.append(f"{what} loses digits: a relative error of {found.error:.1e} at {place}")
    if all(rule_written.quality.good for rule_written in written.values()):
        lines.append("every rule agrees with 400 digits, from 1e-300 to 1e4 on both sides of 0")
    return lines


def _next(new: NewOp, path: str, graph: str | None, package: str | None) -> list[str]:
    """Return the commands that come next."""
    show = f"dagprop ops show {new.op} --plot --plugin {path}"
    lines = ["Next:"] if new.pullback else ["Next:", f"  {show}"]
    if graph:
        lines += [f"  dagprop {verb} {graph} --plugin {path}" for verb in ("train", "draw", "derive")]
    else:
        from dagprop.author.plugin_file import example_node

        lines.append(f"  put {example_node(new)} into a graph and train it: dagprop train GRAPH --plugin {path}")
    if package:
        return [*lines, f"  pip install -e {package} && dagprop plugins list"]
    return [*lines, f"  dagprop plugins add {path}      to have it without --plugin"]
