"""``dagprop ops``: what nodes can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options
from dagprop.cli.figures import Ends, figure_format, figure_options, write_figure

if TYPE_CHECKING:
    from dagprop.graph.records import Definition
    from dagprop.graph.signature import AttributeSignature, Signature


def parse_attributes(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> dict[str, Any]:
    """Return name and value of each ``NAME=VALUE``, where VALUE is JSON, or a text as it stands."""
    import json

    found = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or name in found:
            raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE, or a second value for a name")
        try:
            found[name] = json.loads(value)
        except (ValueError, RecursionError):
            found[name] = value
    return found


@click.group("ops")
def command() -> None:
    """List and show ops and definitions."""


@command.command("list")
@options.json_option
@options.plugin_option
@options.debug_option
def list_ops(as_json: bool, plugins: tuple[str, ...]) -> None:
    """List ops and definitions: inputs, origin, and what each does."""
    from dagprop.cli.output import json_text
    from dagprop.cli.session import load_every_plugin, load_plugins
    from dagprop.explain.tables import table
    from dagprop.ops.registry import vocabulary

    load_plugins(plugins)
    load_every_plugin()
    described = [_describe(name, entry) for name, entry in vocabulary().items()]
    if as_json:
        click.echo(json_text({"ops": described}))
        return
    rows = [
        (
            item["name"],
            ", ".join(_input_text(entry) for entry in item["inputs"]),
            item["plugin"] or "dagprop",
            _first_line(item["doc"]),
        )
        for item in described
    ]
    click.echo(table(("op", "inputs", "from", "what it does"), rows))


@command.command("show")
@click.argument("name")
@click.option("--plot", is_flag=True, help="Draw its value and derivative as curves instead.")
@click.option("--over", metavar="INPUT", help="With --plot: the input that changes.  [default: the first]")
@click.option("--range", "ends", type=Ends(), help="With --plot: the range of the input.  [default: -6:6]")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    callback=parse_attributes,
    help="With --plot: an attribute, or the number at which another input is held (1).  Repeatable.",
)
@figure_options
@options.json_option
@options.plugin_option
@options.debug_option
def show_op(
    name: str,
    plot: bool,
    over: str | None,
    ends: tuple[float, float] | None,
    settings: dict[str, Any],
    theme: str,
    format: str | None,
    output: str | None,
    as_json: bool,
    plugins: tuple[str, ...],
) -> None:
    """Show an op: inputs, attributes, rules; or its curves.

    The rules are those of the source, as they are written.
    """
    from dagprop.cli.output import json_text
    from dagprop.cli.session import load_plugins
    from dagprop.errors import GraphError, Problem, quote, suggest
    from dagprop.explain.op_curve import op_curve
    from dagprop.graph.other_names import OTHER_NAMES
    from dagprop.ops.providers.provide import provide
    from dagprop.ops.registry import ops, vocabulary
    from dagprop.render.explained_figures import op_figure

    if not plot and (over or ends or settings or format or output):
        raise click.UsageError("--over, --range, --set, -f and -o say how curves are drawn: add --plot")
    load_plugins(plugins)
    known = vocabulary()
    if name not in known:
        provided = provide([name])
        known = vocabulary()
        if name not in known:
            ours = OTHER_NAMES.get(name.lower())
            hint = f"here it is called {quote(ours)}" if ours else suggest(name, known) or "see: dagprop ops list"
            problem = Problem("DP101", f"unknown op {quote(name)}", hint, unknown=name)
            raise GraphError(provided.explain(problem), *provided.problems)
    if plot:
        chosen = figure_format(format, output, as_json)
        write_figure(op_figure(op_curve(name, settings, ends or (-6.0, 6.0), over)), chosen, output, theme)
        return
    described = _describe(name, known[name])
    if as_json:
        click.echo(json_text(described))
        return
    click.echo(f"{name}: {described['doc']}\n")
    if described["plugin"]:
        click.echo(f"  plugin     {described['plugin']}, {described['file']}")
    for entry in described["inputs"]:
        click.echo(f"  input      {_input_text(entry)}")
    for attribute in described["attributes"]:
        click.echo(f"  attribute  {_attribute_text(attribute)}")
    if name in ops():
        click.echo("\n" + "\n\n".join(_sources(name)))


def _describe(name: str, entry: Signature | Definition) -> dict[str, Any]:
    """Return what an op or a definition takes, and where it is from, as JSON."""
    from dagprop.graph.records import Definition
    from dagprop.ops.declared import declared
    from dagprop.ops.plugins import origin_of

    if isinstance(entry, Definition):
        inputs = [{"name": input, "optional": input in entry.optional, "variadic": False} for input in entry.inputs]
        attributes = [
            {"name": attribute, "kind": None, "required": default is None, "default": default}
            for attribute, default in entry.attributes.items()
        ]
    else:
        inputs = [{"name": i.name, "optional": i.optional, "variadic": i.variadic} for i in entry.inputs]
        attributes = [_attribute(attribute) for attribute in entry.attributes]
    found = declared("definition" if isinstance(entry, Definition) else "op").get(name)
    origin = origin_of(found) if found else None
    return {
        "name": name,
        "doc": entry.doc,
        "inputs": inputs,
        "attributes": attributes,
        "kind": "definition" if isinstance(entry, Definition) else "op" if found else "leaf",
        "plugin": str(origin) if origin else None,
        "file": found.provider if found and origin else None,
    }


def _attribute(attribute: AttributeSignature) -> dict[str, Any]:
    described = {"name": attribute.name, "kind": attribute.kind, "required": attribute.required}
    choices = {"choices": list(attribute.choices)} if attribute.choices else {}
    return {**described, **choices, "default": attribute.default}


def _input_text(entry: dict[str, Any]) -> str:
    return f"{entry['name']}{'...' if entry['variadic'] else ''}{'?' if entry['optional'] else ''}"


def _attribute_text(attribute: dict[str, Any]) -> str:
    import json

    kind = attribute["kind"] or ""
    default = "required" if attribute["required"] else f"default {json.dumps(attribute['default'])}"
    choices = f", one of {', '.join(attribute['choices'])}" if attribute.get("choices") else ""
    return f"{attribute['name']}  {kind + ', ' if kind else ''}{default}{choices}"


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _sources(name: str) -> list[str]:
    """Return the source of the rules of an op, the forward rule first, each rule once."""
    import inspect

    from dagprop.ops.registry import ops

    op = ops()[name]
    functions = dict.fromkeys([op.forward, *(rule.function for rule in op.rules.values())])
    return [inspect.getsource(function).strip() for function in functions]
