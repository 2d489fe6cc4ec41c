"""Groups whose commands are imported when they are asked for, so that starting costs little."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that knows its commands by the modules that hold them.

    Parameters
    ----------
    modules : mapping from str to str
        For each name, in the order of the help, the module whose ``command`` it is.
    **settings
        As for :class:`click.Group`.
    """

    def __init__(self, *arguments: Any, modules: Mapping[str, str], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None."""
        if cmd_name not in self.modules:
            return None
        command: click.Command = importlib.import_module(self.modules[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name; a near miss is suggested."""
        names = self.list_commands(ctx)
        if args and args[0] not in names and not args[0].startswith("-"):
            from dagprop.errors import quote, suggest

            hint = suggest(args[0], names) or f"the commands are: {', '.join(names)}"
            ctx.fail(f"no such command {quote(args[0])}; {hint}")
        return super().resolve_command(ctx, args)
