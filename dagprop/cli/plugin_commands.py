"""Commands of plugins: ``@command("widths")`` makes ``dagprop widths`` of a function.

The help of ``dagprop`` lists them from what is remembered of plugins; a plugin is loaded when its command is called.
"""

from __future__ import annotations

import functools
import inspect
import re
import traceback
from collections.abc import Callable
from typing import Any

import click

from dagprop.cli import options
from dagprop.cli.lazy import LazyGroup
from dagprop.errors import ComputationError, DagpropError, PluginError, Problem, error_text, quote
from dagprop.ops.declared import Declaration, declare, declared, identity_of, refuse_second_provider


def command(name: str) -> Callable[[Callable[..., Any] | click.Command], click.Command]:
    """Declare a command; decorates a function that is written with click.

    Parameters
    ----------
    name : str
        What users type after ``dagprop``.

    Returns
    -------
    callable
        A decorator that gives the :class:`click.Command`; the first line of its docstring is its line in
        ``dagprop --help``.  It has ``--debug`` beside the options that it declares.

    Raises
    ------
    PluginError
        If the name is not made of lower-case letters, digits and ``-`` (DP503), or is taken (DP502).

    Examples
    --------
    >>> import click
    >>> from dagprop import command
    >>> @command("count")
    ... @click.argument("graph")
    ... def count(graph):
    ...     '''Count the nodes of a graph.'''
    ...     import dagprop
    ...     click.echo(len(dagprop.load(graph).nodes))
    """

    def declare_command(function: Callable[..., Any] | click.Command) -> click.Command:
        from dagprop.cli.main import COMMANDS

        made = function if isinstance(function, click.Command) else click.command(name)(function)
        own = inspect.unwrap(made.callback) if made.callback is not None else None
        if own is None or not inspect.isfunction(own):
            raise PluginError(Problem("DP503", f"command {quote(name)}: it must be made of a function"))
        provider, line = own.__code__.co_filename, own.__code__.co_firstlineno
        if not (isinstance(name, str) and re.fullmatch("[a-z][a-z0-9-]*", name)):
            message = f"command {quote(name)}: the name must have lower-case letters, digits and - only"
            raise PluginError(Problem("DP503", message, file=provider, line=line))
        made.name = name
        made.callback = _blaming(name, made.callback, provider)
        if not any(parameter.name == "debug" for parameter in made.params):
            options.debug_option(made)
        declaration = Declaration(made, provider, line, identity_of(own))
        if name in COMMANDS:
            refuse_second_provider("command", name, declaration, None)
        declare("command", name, declaration)
        return made

    return declare_command


def _blaming(name: str, callback: Callable[..., Any] | None, file: str) -> Callable[..., Any]:
    """Return a function whose failures are those of the plugin, with their line in it, and not of dagprop."""
    assert callback is not None

    @functools.wraps(callback)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return callback(*arguments, **options)
        except (DagpropError, click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError, MemoryError):
            raise
        except Exception as error:  # a command is anybody's code
            frames = traceback.walk_tb(error.__traceback__)
            lines = [line for frame, line in frames if frame.f_code.co_filename == file]
            message = f"the command {quote(name)} of a plugin failed: {error_text(error)}"
            hint = "run the same command with --debug to see where"
            raise ComputationError(
                Problem("DP508", message, hint, file=file, line=lines[-1] if lines else None)
            ) from error

    return run


class PluginGroup(LazyGroup):
    """The commands of dagprop, and those of plugins as far as they are remembered."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, those of plugins last."""
        return [*self.modules, *sorted(_remembered().keys() - self.modules.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name; for one of a plugin what is remembered of it, enough for a list."""
        help_line = _remembered().get(cmd_name) if cmd_name not in self.modules else None
        return super().get_command(ctx, cmd_name) if help_line is None else click.Command(cmd_name, help=help_line)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, those of plugins apart."""
        own = {name: super(PluginGroup, self).get_command(ctx, name) for name in self.modules}
        theirs = {
            name: click.Command(name, help=text) for name, text in sorted(_remembered().items()) if name not in own
        }
        limit = formatter.width - 6 - max(map(len, {**own, **theirs}))
        for title, commands in (("Commands", own), ("Commands of plugins", theirs)):
            rows = [(name, found.get_short_help_str(limit)) for name, found in commands.items() if found is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name; that of a plugin is loaded."""
        name = args[0]
        if name in self.modules or name.startswith("-"):
            return super().resolve_command(ctx, args)
        from dagprop.ops.providers.provide import provide

        provided = provide([name], ("command",))
        if name in declared("command"):
            return name, declared("command")[name].value, args[1:]
        if name in provided.conflicts:
            raise PluginError(provided.conflicts[name])
        failed = [problem for problem in provided.problems if not problem.warning]
        if failed and name in provided.hints:
            raise PluginError(*failed)
        for problem in provided.problems:
            click.echo(str(problem), err=True)
        if name in provided.hints:
            ctx.fail(f"no such command {quote(name)}; {provided.hints[name]}")
        return super().resolve_command(ctx, args)


def _remembered() -> dict[str, str]:
    """Return the commands of the plugins that may be used, with their lines of help, without loading any."""
    from dagprop.ops.providers.known import is_in_use
    from dagprop.ops.providers.memory import remembered

    try:
        plugins = [plugin for plugin in remembered() if is_in_use(plugin)]
    except PluginError:
        return {}  # told by what needs a plugin, and by dagprop plugins list
    return {name: line for plugin in plugins for name, line in plugin.declares.get("command", {}).items()}
