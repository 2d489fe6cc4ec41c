"""``dagprop plugins``: ops, layers, optimisers and commands that others have written."""

from __future__ import annotations

import click

from dagprop.cli.lazy import LazyGroup

SUBCOMMANDS = ("new", "check", "list", "add", "remove", "show")
"""The commands, in the order in which an author meets them; each is a module ``plugins_NAME`` of this folder."""


@click.group("plugins", cls=LazyGroup, modules={name: f"dagprop.cli.plugins_{name}" for name in SUBCOMMANDS})
def command() -> None:
    """Write, check and register plugins."""
