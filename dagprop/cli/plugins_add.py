"""``dagprop plugins add``: registers a plugin for later runs."""

from __future__ import annotations

import click

from dagprop.cli import options


@click.command("add")
@click.argument("source", metavar="FILE|PACKAGE")
@options.json_option
@options.debug_option
def command(source: str, as_json: bool) -> None:
    """Register a plugin file or an installed package.

    The plugin is tried first, in a process of its own, and refused if it cannot be loaded.  From then on every command
    finds what it declares.  A file is registered with its hash: once it has changed it is not run until it is added
    again.
    """
    from dagprop.cli.output import json_text
    from dagprop.cli.plugins_list import declares_text, described
    from dagprop.ops.providers.known import judge
    from dagprop.ops.providers.register import add_plugin

    added = add_plugin(source)
    if as_json:
        click.echo(json_text({"plugins": [described(judge(plugin)) for plugin in added]}))
        return
    for plugin in added:
        click.echo(f"added {plugin}: {declares_text(plugin)}")
