"""``dagprop plugins``: ops, layers, optimisers and commands that others have written."""

from __future__ import annotations

from importlib.util import find_spec

import click

from dagprop.cli.lazy import LazyGroup

SUBCOMMANDS = ("new", "check", "list", "add", "remove", "show")
"""The commands, in the order in which an author meets them; each is a module ``plugins_NAME`` of this folder."""

_MODULES = {name: f"dagprop.cli.plugins_{name}" for name in SUBCOMMANDS}


@click.group("plugins", cls=LazyGroup, modules={name: module for name, module in _MODULES.items() if find_spec(module)})
def command() -> None:
    """Write, check and register plugins."""
