"""``dagprop plugins show``: all that is known of a plugin."""

from __future__ import annotations

import click

from dagprop.cli import options


@click.command("show")
@click.argument("name")
@options.json_option
@options.debug_option
def command(name: str, as_json: bool) -> None:
    """Show all that is known of a plugin.

    Where it comes from, what it declares, and, once it has been tried, whether it works.
    """
    from dagprop.cli.output import json_text
    from dagprop.cli.plugins_list import described
    from dagprop.explain.tables import table
    from dagprop.ops.declared import GRAPH_KINDS
    from dagprop.ops.providers.inspect import inspected
    from dagprop.ops.providers.register import find_plugin

    (known,) = inspected([find_plugin(name)])
    if as_json:
        click.echo(json_text(described(known)))
        return
    plugin = known.plugin
    click.echo(f"{plugin.name}: {plugin.place}")
    if plugin.sha256:
        click.echo(f"sha256 {plugin.sha256}")
    why = "" if known.status in ("ok", "removed") else f", {known.why}"
    click.echo(f"status: {known.status}{why}" + (f"\n  {known.remedy}" if known.remedy else ""))
    rows = [(kind, found, text) for kind, names in plugin.declares.items() for found, text in names.items()]
    if rows:
        click.echo("\n" + table(("kind", "name", "what it does"), rows))
    if known.status == "ok" and any(kind in GRAPH_KINDS for kind, _, _ in rows):
        click.echo(f"\nmore of an op: dagprop ops show {next(name for kind, name, _ in rows if kind in GRAPH_KINDS)}")
