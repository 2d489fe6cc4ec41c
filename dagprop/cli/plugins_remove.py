"""``dagprop plugins remove``: takes a plugin out of use."""

from __future__ import annotations

import click

from dagprop.cli import options


@click.command("remove")
@click.argument("name")
@options.debug_option
def command(name: str) -> None:
    """Take a plugin out of use.

    A file stays where it is, a package stays installed.  What is not there any more is forgotten.
    """
    from dagprop.ops.providers.register import remove_plugin

    removed = remove_plugin(name)
    plugin = removed.plugin
    if removed.status == "missing":
        click.echo(f"forgot {plugin.name}: {removed.why}")
        return
    if plugin.file:
        click.echo(f"removed {plugin.name}; its file is left alone: {plugin.file}")
    else:
        click.echo(f"switched off {plugin.name}; to take it away: pip uninstall {plugin.distribution}")
    click.echo(f"to use it again: {plugin.add_command}")
