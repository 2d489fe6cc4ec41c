"""Layers of plugins: definitions in JSON files beside the plugin, checked like those of graph files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dagprop.errors import DagpropError, PluginError, Problem
from dagprop.graph.check import check_definition
from dagprop.graph.document import read_definition
from dagprop.graph.records import Definition
from dagprop.graph.source import is_readable, parse_json, read_source
from dagprop.ops.declared import Declaration, declare, refuse_second_provider
from dagprop.ops.leaves import LEAF_SIGNATURES
from dagprop.ops.providers.lacking import with_plugins
from dagprop.ops.registry import vocabulary


def definition(file: str | os.PathLike[str]) -> Definition:
    """Declare the layer that a JSON file defines; graphs use it as an op by the name of the file.

    The file holds ``inputs``, ``outputs``, ``attributes`` and ``nodes``, as a definition in a graph file does and as
    those in ``dagprop/ops/definitions`` do.

    Parameters
    ----------
    file : path-like
        ``"gated_dense.json"`` declares ``gated_dense``; the path starts at the folder of the plugin that says it.

    Returns
    -------
    Definition

    Raises
    ------
    PluginError
        With everything that is wrong in the file, each with line and column; or if the name is taken (DP502).

    Examples
    --------
    >>> from dagprop import definition
    >>> definition("gated_dense.json")  # doctest: +SKIP
    """
    caller = sys._getframe(1)
    path = os.path.join(os.path.dirname(caller.f_code.co_filename), os.fspath(file))
    name = Path(path).stem
    try:
        source = read_source(path)
    except DagpropError as error:
        raise PluginError(*error.problems) from error
    data, problems = parse_json(source)
    found: Definition | None = None
    others: list[Problem] = []

    def check() -> list[Problem]:
        return check_definition(found, vocabulary()) if found is not None else []

    if is_readable(problems):
        found = read_definition(name, data, (), problems)
    if found is not None and not problems:
        problems, others = with_plugins(check(), check, near=path)
    if problems or found is None:
        raise PluginError(*source.place(problems), *others)
    declaration = Declaration(found, path, 1, ("definition", os.path.realpath(path)))
    if name in LEAF_SIGNATURES:
        refuse_second_provider("definition", name, declaration, None)
    declare("definition", name, declaration)
    return found
