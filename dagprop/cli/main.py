"""The command ``dagprop``: finds the command that is asked for, and turns errors into messages and exit codes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

import click

from dagprop import __version__
from dagprop.cli.plugin_commands import PluginGroup
from dagprop.cli.start import INTERRUPTED
from dagprop.errors import DagpropError, Problem

COMMANDS = (
    *("check", "show", "run", "backprop", "equation", "depends", "derive", "draw", "animate"),
    *("paths", "cost", "flow", "check-gradients"),
    *("train", "predict", "evaluate", "plot", "compile", "bench", "ops", "plugins", "schema"),
)
"""The commands, in the order in which a newcomer meets them; each is a module of this folder, with _ for -."""


@click.group(
    cls=PluginGroup,
    modules={name: f"dagprop.cli.{name.replace('-', '_')}" for name in COMMANDS},
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "DAGPROP", "max_content_width": 100},
)
@click.version_option(__version__, "--version", prog_name="dagprop")
def dagprop() -> None:
    """Back-propagation you can read: declare a network in JSON, run it, explain it, train it.

    GRAPH is the path of a graph file, or - for standard input.  Begin with:

    \b
      dagprop backprop graphs/four-layer-chain.json
      dagprop train graphs/digits.json
    """  # noqa: D301 - click reads the backspace as "keep these lines"


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Exit codes: 0 done; 1 a check that was asked for failed; 2 usage or unreadable input; 3 the computation failed;
    4 something optional is missing; 130 interrupted.
    """
    arguments = sys.argv[1:] if args is None else args
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal cannot show must not stop the program.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    exit_code = _run(arguments)
    for stream in (sys.stdout, sys.stderr):
        _flush_or_drop(stream)
    sys.exit(exit_code)


def _open_closed_streams() -> None:
    """Stand something in for the standard streams that the caller has closed: nothing to read, nowhere to write."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - it lives as long as the program


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        result = _invoke(arguments)
        sys.stdout.flush()
        return result
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        if as_json or not isinstance(error, click.UsageError):
            return _fail([Problem("DP000", error.format_message())], error.exit_code, as_json)
        with suppress(OSError):
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _fail_with("interrupted", INTERRUPTED)
    except BrokenPipeError:
        return 0  # the reader has left (| head): nothing is wrong
    except DagpropError as error:
        if "--debug" in arguments:
            raise
        return _fail(list(error.problems), error.exit_code, as_json)
    except OSError as error:
        if "--debug" in arguments:
            raise
        message = f"the output cannot be written: {error.strerror or error}"
        return _fail([Problem("DP603", message, file=error.filename)], 2, as_json)
    except MemoryError:
        return _fail([Problem("DP704", "there is not enough memory for this")], 3, as_json)
    except Exception as error:
        if "--debug" in arguments:
            raise
        message = f"dagprop has a fault of its own: {type(error).__name__}: {error}"
        hint = "run the same command with --debug and report what it prints"
        return _fail([Problem("DP000", message, hint)], 3, as_json)


def _invoke(arguments: list[str]) -> int:
    """Run the command that the arguments name and return its exit code.

    Not by click's own ``main``, which would end a broken pipe with an exit code of 1.
    """
    if "_DAGPROP_COMPLETE" in os.environ:
        dagprop.main(args=arguments, prog_name="dagprop")
    with dagprop.make_context("dagprop", list(arguments)) as context:
        result = dagprop.invoke(context)
    return result if isinstance(result, int) else 0


def _flush_or_drop(stream: TextIO) -> None:
    """Write what a stream still holds; where that fails, let it go nowhere, or Python would complain at its end."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail_with(text: str, exit_code: int) -> int:
    with suppress(OSError):
        click.echo(text, err=True)
    return exit_code


def _fail(problems: list[Problem], exit_code: int, as_json: bool) -> int:
    from dagprop.cli.output import problems_json

    return _fail_with(problems_json(problems) if as_json else "\n".join(map(str, problems)), exit_code)


if __name__ == "__main__":
    main()
