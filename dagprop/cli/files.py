"""Where the output of a command goes: to a file, and it is said where, or to standard output."""

from __future__ import annotations

import sys

import click

from dagprop.cli.output import note_saved
from dagprop.errors import DagpropError, Problem


def write_text(text: str, output: str | None) -> None:
    """Write text to a file, or to standard output for None and ``-``.

    Raises
    ------
    DagpropError
        If the file cannot be written (DP603).
    """
    if output in (None, "-"):
        click.echo(text)
        return
    write_bytes((text + "\n").encode(), output)


def write_bytes(content: bytes, output: str | None) -> None:
    """Write the content of a file to it and say so, or to standard output for None and ``-``.

    Raises
    ------
    DagpropError
        If the file cannot be written (DP603).
    """
    if output in (None, "-"):
        sys.stdout.buffer.write(content)
        return
    write_file(content, str(output))
    note_saved(str(output))


def write_file(content: bytes, path: str) -> None:
    """Write the content of a file.

    Raises
    ------
    DagpropError
        If it cannot be written (DP603).
    """
    try:
        with open(path, "wb") as stream:
            stream.write(content)
    except OSError as error:
        message = f"the file cannot be written: {error.strerror or error}"
        raise DagpropError(Problem("DP603", message, "name another file", file=path)) from error
