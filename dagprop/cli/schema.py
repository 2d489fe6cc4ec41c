"""``dagprop schema``: the JSON Schema of graph files."""

from __future__ import annotations

import click

from dagprop.cli import options


@click.command("schema")
@options.plugin_option
@options.debug_option
def command(plugins: tuple[str, ...]) -> None:
    """Print the JSON Schema of graph files.

    Editors that know it complete and check graph files while they are written.  It has the ops of the plugins that are
    registered or installed as well.
    """
    import json

    from dagprop.cli.session import load_every_plugin, load_plugins
    from dagprop.graph.schema import json_schema
    from dagprop.ops.registry import vocabulary

    load_plugins(plugins)
    load_every_plugin()
    click.echo(json.dumps(json_schema(vocabulary()), indent=2, ensure_ascii=False))
