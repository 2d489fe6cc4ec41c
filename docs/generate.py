"""Write what of the documentation follows from the code: ``python docs/generate.py``.

These are four pages of this folder, and in README.md and lecture.md the output of the commands and the files shown.
``tests/test_docs.py`` fails where they differ from the code.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from dagprop.errors import CODES
from dagprop.graph.records import Definition
from dagprop.graph.signature import AttributeSignature, Signature
from dagprop.ops import namespace, registry

FAMILIES = {
    "DP0": "The command and the file",
    "DP1": "Names",
    "DP2": "The graph",
    "DP3": "Shapes and values",
    "DP4": "Data",
    "DP5": "Plugins and op declarations",
    "DP6": "Weights and other files that are written",
    "DP7": "Computation",
    "DP8": "What is optional, and pictures",
}

ROOT = Path(__file__).parent.parent

NOTE = "<!-- Written by docs/generate.py; do not edit. -->"


def errors_page() -> str:
    """Return the page of error codes."""
    lines = [
        "# Error codes",
        NOTE,
        "",
        "A message about a file, a network or a computation ends with its code:",
        '`graphs/xor.json:14:13: node "h1": unknown op "swihs" [DP101]`.',
        "The code stays the same when the wording changes.",
        "",
        "What is wrong with the command line itself (`no such command`, options that do not go together) is answered",
        "with how the command is used, without a code; with `--json` the code is DP000.",
    ]
    for prefix, title in FAMILIES.items():
        lines += ["", f"## {prefix}xx: {title}", "", "| code | meaning |", "| --- | --- |"]
        lines += [f"| {code} | {_cell(text)} |" for code, text in CODES.items() if code.startswith(prefix)]
    return "\n".join(lines) + "\n"


def ops_page() -> str:
    """Return the page of ops: leaves, the families of built-in ops, shipped definitions."""
    vocabulary = registry.vocabulary()
    ops = registry.ops()
    sections: dict[str, list[str]] = {"Leaves": [], "Definitions": []}
    for name, entry in vocabulary.items():
        if isinstance(entry, Definition):
            title = "Definitions"
        elif name in ops:
            title = ops[name].forward.__module__.rpartition(".")[2].replace("_", " ").capitalize()
        else:
            title = "Leaves"
        sections.setdefault(title, []).append(name)
    order = ["Leaves", *(title for title in sections if title not in ("Leaves", "Definitions")), "Definitions"]
    lines = [
        "# Ops",
        NOTE,
        "",
        "`dagprop ops list` lists these and those of plugins; `dagprop ops show NAME` shows the rules of one as they",
        "are written. Inputs with `?` may be left out, `...` stands for two or more. Definitions are small graphs that",
        "are used as ops by their name.",
    ]
    for title in order:
        lines += ["", f"## {title}"]
        for name in sections[title]:
            lines += _entry(name, vocabulary[name])
    return "\n".join(lines) + "\n"


def functions_page() -> str:
    """Return the page of what rules may use of ``xp``."""
    tables: tuple[tuple[str, str, Mapping[str, tuple[str, str]]], ...] = (
        ("Element by element", "", {name: ("x", text) for name, text in namespace.OF_ONE.items()}),
        (
            "Element by element, of two",
            "The shapes of both are broadcast.",
            {name: ("x1, x2", text) for name, text in namespace.OF_TWO.items()},
        ),
        (
            "Over axes",
            "`axis` is a whole number, several in a tuple, or None for all.",
            {name: ("x, axis=None, keepdims=False", text) for name, text in namespace.OVER_AXES.items()},
        ),
        ("With other arguments", "", namespace.WITH_ARGUMENTS),
    )
    lines = [
        "# Array functions",
        NOTE,
        "",
        "A rule is handed `xp`, and has these functions of it, and no others: `xp.exp(x)`. They mean what the",
        "[Python Array API standard](https://data-apis.org/array-api/latest/) says, and run on every back end.",
        "Arrays also have `shape`, `ndim`, `+ - * / **`, comparisons, `@`, and indexing with whole numbers, slices,",
        "`None` and `...`.",
        "[plugins/](../plugins/README.md) shows them at work.",
    ]
    for title, text, functions in tables:
        lines += ["", f"## {title}", "", *([text, ""] if text else []), "| function | gives |", "| --- | --- |"]
        lines += [f"| `xp.{name}({arguments})` | {_cell(gives)} |" for name, (arguments, gives) in functions.items()]
    lines += ["", "## Numbers", "", "| number | is |", "| --- | --- |"]
    lines += [f"| `xp.{name}` | {text} |" for name, text in namespace.CONSTANT.items()]
    lines += ["", "## What is written with these", "", "| for | write |", "| --- | --- |"]
    lines += [f"| {name} | `{text}` |" for name, text in namespace.WRITTEN.items()]
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """Return the page of commands: what each takes."""
    from dagprop.cli.main import dagprop

    lines = [
        "# Command line",
        NOTE,
        "",
        "Every command answers `-h`. Exit codes: 0 done; 1 a check that was asked for failed;",
    ]
    lines += [
        "2 usage or unreadable input; 3 the computation failed; 4 something optional is missing; 130 interrupted."
    ]
    for words, command in _commands(("dagprop",), dagprop):
        # As the command line makes it: click keeps the help option that it is first asked for.
        context = click.Context(command, info_name=" ".join(words), help_option_names=["-h", "--help"])
        usage = " ".join([*words, *command.collect_usage_pieces(context)])
        lines += ["", f"## {' '.join(words)}", "", f"`{usage}`", "", *_help_lines(command)]
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        if options:
            lines += ["", "| option | meaning |", "| --- | --- |", *map(_option_row, options)]
    return "\n".join(lines) + "\n"


def _commands(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands((*words, name), inner)


def _help_lines(command: click.Command) -> list[str]:
    """Return the help of a command as Markdown: what click prints line by line is a code block."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    lines: list[str] = []
    for paragraph in paragraphs:
        text = paragraph.splitlines()
        as_it_stands = text[:1] == ["\b"]
        block = ["```text", *(line.strip() for line in text[1:]), "```"] if as_it_stands else text
        lines += [*([""] if lines else []), *block]
    return lines


def _option_row(option: click.Option) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    metavar = "" if option.is_flag else f" {option.metavar or _type_name(option.type)}"
    # Python's default says more than click's sentence does only where there is one.
    default = option.default if option.show_default is True else None
    shown = f" Default: {default}." if default is not None else ""
    return f"| `{names}{metavar}` | {_cell(option.help or '')}{shown} |".replace("  ", " ")


def _type_name(kind: Any) -> str:
    if isinstance(kind, click.Choice):
        return "{" + ",".join(map(str, kind.choices)) + "}"
    names = {click.types.IntParamType: "INTEGER", click.types.FloatParamType: "NUMBER"}
    return next((name for type_, name in names.items() if isinstance(kind, type_)), str(kind.name).upper())


def _entry(name: str, entry: Signature | Definition) -> list[str]:
    lines = ["", f"### {name}", "", *(entry.doc or "").strip().splitlines()]
    if isinstance(entry, Definition):
        inputs = [f"`{input}{'?' if input in entry.optional else ''}`" for input in entry.inputs]
        attributes = [
            (key, "", "required" if default is None else f"`{json.dumps(default)}`")
            for key, default in entry.attributes.items()
        ]
    else:
        inputs = [f"`{i.name}{'...' if i.variadic else '?' if i.optional else ''}`" for i in entry.inputs]
        attributes = [(attribute.name, _kind(attribute), _default(attribute)) for attribute in entry.attributes]
    if inputs:
        lines += ["", f"Inputs: {', '.join(inputs)}"]
    if attributes:
        lines += ["", "| attribute | type | default |", "| --- | --- | --- |"]
        lines += [f"| `{key}` | {kind} | {default} |" for key, kind, default in attributes]
    return lines


def _kind(attribute: AttributeSignature) -> str:
    if attribute.choices:
        return " or ".join(f"`{json.dumps(choice)}`" for choice in attribute.choices)
    return attribute.kind + (" or null" if attribute.nullable else "")


def _default(attribute: AttributeSignature) -> str:
    if attribute.required:
        return "required"
    if attribute.default is None and not attribute.nullable:
        return "none"
    return f"`{json.dumps(attribute.default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def refreshed(text: str) -> str:
    """Return a page with what its commands print now, and with the files it shows as they are now.

    A block ``console`` is a line ``$ command`` and its output.  A block that is to be a file is told by its text: the
    paragraph before it says ``This is `path`, whole``.
    """
    text = re.sub(
        r"(this is `([^`]+)`, whole:\n\n```\w+\n)(.*?)(```)", _file_block, text, flags=re.DOTALL | re.IGNORECASE
    )
    return re.sub(r"(```console\n\$ ([^\n]+)\n)(.*?)(```)", _console_block, text, flags=re.DOTALL)


def _file_block(match: re.Match[str]) -> str:
    return match[1] + (ROOT / match[2]).read_text(encoding="utf-8") + match[4]


def _console_block(match: re.Match[str]) -> str:
    printed = run_command(match[2])
    assert printed.strip(), f"prints nothing: {match[2]}"
    assert "[DP000]" not in printed, f"fails: {match[2]}\n{printed}"
    return match[1] + printed + match[4]


def run_command(command: str) -> str:
    """Return what a command prints in a folder that has the graphs and plugins of the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("graphs", "plugins"):
            (Path(folder) / name).symlink_to(ROOT / name)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {name: value for name, value in os.environ.items() if name != "DAGPROP_PLUGINS"}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env={**environment, "PATH": path, "PYTHONUTF8": "1", "DAGPROP_CONFIG_DIR": f"{folder}/configuration"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
    return done.stdout


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/errors.md": errors_page,
    "docs/ops.md": ops_page,
    "docs/functions.md": functions_page,
    "docs/cli.md": cli_page,
    **{
        name: lambda name=name: refreshed((ROOT / name).read_text(encoding="utf-8"))  # type: ignore[misc]
        for name in ("README.md", "docs/lecture.md", "plugins/README.md")
    },
}
"""Each page with what makes it."""


def main() -> None:
    """Write every page."""
    os.environ["DAGPROP_PLUGINS"] = ""  # whoever runs this may have plugins of their own
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
