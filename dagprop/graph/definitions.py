"""Expansion: calls of definitions become the nodes inside them.

``hidden`` with the op ``dense`` becomes ``hidden/w``, ``hidden/b``, ``hidden/a``; with ``repeat: 2`` it becomes
``hidden/0/w``, ... and ``hidden/1/w``, ..., each copy fed by the one before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from dagprop.errors import GraphError, Problem
from dagprop.graph.expansion import Expansion, Place
from dagprop.graph.records import EMPTY, Definition, Graph, Node, split_reference
from dagprop.graph.references import Suggest, make_suggest
from dagprop.graph.signature import Signature, Vocabulary
from dagprop.graph.topology import reach, sources


def expand(graph: Graph, vocabulary: Vocabulary) -> Graph:
    """Return the graph with every call of a definition replaced by the nodes that it stands for.

    Parameters
    ----------
    graph : Graph
        One that :func:`dagprop.graph.check.check_graph` accepts.
    vocabulary : mapping
        What each op name stands for.

    Returns
    -------
    Graph
        Of ops and leaves only.  ``inputs`` are tuples in the order of the op's inputs, ``loss`` and ``outputs`` name
        expanded nodes, ``origin`` of each node tells the calls it comes from, ``calls`` what each of them gives.

    Raises
    ------
    GraphError
        DP109 or DP111 if the definitions have no end or too many nodes, DP1xx if an attribute does not fit where it is
        used inside.
    """
    expanded, problems = expand_healthy(graph, vocabulary, frozenset(), frozenset(), make_suggest())
    if problems:
        error = GraphError(*problems)
        raise error.in_file(graph.file) if graph.file else error
    return expanded


def expand_healthy(
    graph: Graph, vocabulary: Vocabulary, broken: Collection[str], broken_definitions: Collection[str], suggest: Suggest
) -> tuple[Graph, list[Problem]]:
    """Return the expansion of the nodes that are right and whose inputs, however far up, are right too.

    ``broken`` and ``broken_definitions`` name the nodes and definitions that are known to be wrong.
    """
    ops = {**graph.definitions, **vocabulary}
    work = Expansion(ops, broken_definitions, suggest)
    top = Place("", (), graph.nodes, None, {}, {}, {}, ())
    calls = any(isinstance(ops.get(op), Definition) for op in {node.op for node in graph.nodes.values()})
    left_out = set(broken)
    nodes: list[Node] = []
    for node in graph.nodes.values():
        if node.id in left_out:
            continue
        meaning = ops.get(node.op)
        if type(meaning) is Signature:
            as_it_is = not calls and node.op != "state" and type(node.inputs) is tuple
            as_it_is = as_it_is and len(node.inputs) == len(meaning.inputs)
            nodes.append(node if as_it_is else work.expand_op(node, node.op, meaning, top))
            continue
        work.healthy = True
        before = len(nodes)
        nodes.extend(work.expand_node(node, top))
        if not work.healthy:
            del nodes[before:]
            left_out.add(node.id)
    left_out = _with_users(graph, left_out) if left_out else left_out
    kept = {node.id: node for node in nodes if not left_out or (node.origin or (node.id,))[0] not in left_out}
    if left_out:
        kept = {name: _without_update(node, kept) for name, node in kept.items()}

    def follow(reference: str) -> str | None:
        name = split_reference(reference)[0]
        return work.follow(reference, top) if name in graph.nodes and name not in left_out else None

    loss = follow(graph.loss) if graph.loss is not None else None
    outputs = tuple(found for reference in graph.outputs if (found := follow(reference)) is not None)
    expanded = replace(
        graph,
        nodes=MappingProxyType(kept),
        loss=loss,
        outputs=outputs,
        definitions=EMPTY,
        calls=MappingProxyType(work.calls),
    )
    return expanded, list(dict.fromkeys(work.problems))


def _with_users(graph: Graph, names: set[str]) -> set[str]:
    """Return the names with those of all nodes that depend on them."""
    users: dict[str, list[str]] = {}
    for node in graph.nodes.values():
        for source in sources(node):
            users.setdefault(source, []).append(node.id)
    return reach(users, names)


def _without_update(node: Node, kept: Mapping[str, Node]) -> Node:
    """Return a state without an ``update`` that names a node that was left out."""
    update = node.attributes.get("update") if node.op == "state" else None
    if update is None or split_reference(update)[0] in kept:
        return node
    return replace(node, attributes={key: value for key, value in node.attributes.items() if key != "update"})
