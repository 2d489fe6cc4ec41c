"""Which plugins the ops of a trained network came from, and whether they are still the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagprop.errors import Problem, quote
from dagprop.graph.records import Definition, Graph
from dagprop.ops.declared import GRAPH_KINDS, declared
from dagprop.ops.plugins import origin_of
from dagprop.ops.registry import vocabulary
from dagprop.plan.network import prepare


def op_origins(graph: Graph) -> dict[str, dict[str, str]]:
    """Return, for each op and layer of a graph that is not dagprop's own, its plugin with version and hash."""
    found = {}
    for name in _names_used(graph):
        declaration = next((declared(kind)[name] for kind in GRAPH_KINDS if name in declared(kind)), None)
        origin = origin_of(declaration) if declaration is not None and name not in graph.definitions else None
        if origin is not None:
            parts = {
                "plugin": origin.plugin,
                "package": origin.distribution,
                "version": origin.version,
                "sha256": origin.sha256,
            }
            found[name] = {key: text for key, text in parts.items() if text is not None}
    return found


def origin_problems(graph: Graph, metadata: Mapping[str, Any], file: str | None = None) -> list[Problem]:
    """Return a warning for each op that is not the one that weights were trained with.

    Parameters
    ----------
    graph : Graph
    metadata : mapping
        What the weights file says of itself; one that says nothing of an op is taken at that.
    file : str, optional
        The weights file.
    """
    recorded = metadata.get("ops")
    if not isinstance(recorded, Mapping):
        return []
    now, used = op_origins(graph), _names_used(graph)
    problems = []
    for name, then in recorded.items():
        if name in used and isinstance(then, Mapping) and dict(then) != now.get(name):
            these, those = _text(then), _text(now.get(name))
            message = f"the weights were trained with {quote(name)} of {these}, and this is that of {those}"
            hint = "look at what it predicts, or train again"
            problems.append(Problem("DP604", message, hint, file=file, warning=True))
    return problems


def _names_used(graph: Graph) -> set[str]:
    """Return what the nodes of a graph are, down to the ops inside its definitions."""
    known = vocabulary()
    used = {node.op for node in prepare(graph).graph.nodes.values()}
    waiting = [*graph.nodes.values()]
    for own in graph.definitions.values():
        waiting += own.nodes.values()
    while waiting:
        node = waiting.pop()
        named = {node.op, *(value for value in node.attributes.values() if isinstance(value, str))}
        for name in named - used:
            meaning = known.get(name)
            if isinstance(meaning, Definition):
                used.add(name)
                waiting.extend(meaning.nodes.values())
    return used


def _text(origin: Mapping[str, Any] | None) -> str:
    if origin is None:
        return "dagprop itself"
    version = f" {origin['version']}" if origin.get("version") else ""
    digest = f" (sha256 {str(origin['sha256'])[:12]}...)" if origin.get("sha256") else ""
    return f"the plugin {origin.get('plugin')}{version}{digest}"
