"""``dagprop plugins add``: registers plugins for later runs."""

from __future__ import annotations

import click

from dagprop.cli import options


@click.command("add")
@click.argument("sources", metavar="FILE|PACKAGE...", nargs=-1, required=True)
@options.json_option
@options.debug_option
def command(sources: tuple[str, ...], as_json: bool) -> None:
    """Register plugin files or installed packages.

    Each is tried first, in a process of its own, and refused if it cannot be loaded.  From then on every command finds
    what it declares.  A file is registered with its hash: once it has changed it is not run until it is added again.
    """
    import shlex

    from dagprop.cli.output import json_text, note
    from dagprop.cli.plugins_list import declares_text, described
    from dagprop.errors import DagpropError
    from dagprop.ops.providers.known import judge
    from dagprop.ops.providers.memory import Plugin
    from dagprop.ops.providers.register import add_plugin

    added: list[Plugin] = []
    refused: list[DagpropError] = []
    for source in sources:
        try:
            added += add_plugin(source)
        except DagpropError as error:
            refused.append(error)
    if as_json and added:
        click.echo(json_text({"plugins": [described(judge(plugin)) for plugin in added]}))
    elif added:
        click.echo("\n".join(f"added {plugin}: {declares_text(plugin)}" for plugin in added))
        names = " ".join(shlex.quote(plugin.name) for plugin in added)
        note(f"to see whether its rules are right: dagprop plugins check {names}")
    if refused:
        raise type(refused[0])(*(problem for error in refused for problem in error.problems))
