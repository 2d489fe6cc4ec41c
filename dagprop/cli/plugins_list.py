"""``dagprop plugins list``: the plugins that are registered or installed, and whether they work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.ops.providers.known import Known
    from dagprop.ops.providers.memory import Plugin


@click.command("list")
@options.json_option
@options.debug_option
def command(as_json: bool) -> None:
    """List the plugins that are registered or installed.

    Each is tried, in a process of its own; one that is broken says why.
    """
    from dagprop.cli.output import json_text, note
    from dagprop.explain.tables import table
    from dagprop.ops.providers.inspect import inspected
    from dagprop.ops.providers.known import choice_problems, known_plugins

    plugins = inspected(known_plugins())
    if as_json:
        click.echo(json_text({"plugins": [described(known) for known in plugins]}))
        return
    for problem in choice_problems(plugins):
        note(str(problem))
    if not plugins:
        click.echo("no plugins are registered or installed; to register one: dagprop plugins add FILE.py")
        return
    rows = [
        (plugin.name, plugin.version or "", plugin.argument, declares_text(plugin), known.status)
        for known in plugins
        for plugin in (known.plugin,)
    ]
    click.echo(table(("name", "version", "from", "declares", "status"), rows))
    for known in plugins:
        if known.status != "ok":
            click.echo(f"\n{known.plugin.name}: {known.why}\n  {known.remedy}")


def declares_text(plugin: Plugin) -> str:
    """Return what a plugin declares in a line: ``op swish; command count``."""
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in plugin.declares.items())


def described(known: Known) -> dict[str, Any]:
    """Return a plugin as JSON."""
    plugin = known.plugin
    return {
        "name": plugin.name,
        "version": plugin.version,
        "file": plugin.file,
        "distribution": plugin.distribution,
        "module": plugin.module,
        "sha256": plugin.sha256,
        "declares": {kind: dict(names) for kind, names in plugin.declares.items()},
        "status": known.status,
        "why": known.why or None,
        "remedy": known.remedy or None,
    }
