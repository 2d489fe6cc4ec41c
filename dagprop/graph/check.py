"""What is wrong with a graph as a whole: names, circles, loss, outputs, data, definitions; and what is of no use."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from dagprop.errors import Problem, quote
from dagprop.graph.definitions import expand_healthy
from dagprop.graph.fields import Path
from dagprop.graph.nodes import check_node
from dagprop.graph.records import Definition, Graph, Node, split_reference
from dagprop.graph.references import Scope, Suggest, check_reference, make_suggest
from dagprop.graph.settings import read_dtype
from dagprop.graph.signature import Vocabulary
from dagprop.graph.topology import describe_cycle, edges_of, find_cycles, reach


def check_graph(graph: Graph, vocabulary: Vocabulary) -> list[Problem]:
    """Return what is wrong with a graph beyond shapes, errors and warnings.

    Parameters
    ----------
    graph : Graph
        As declared, calls of definitions and all.
    vocabulary : mapping
        What each op name stands for.

    Returns
    -------
    list of Problem
        With ``path`` set.  Warnings are given only where there are no errors: a misspelt reference would make the node
        that it meant look unused.
    """
    return check_and_expand(graph, vocabulary)[0]


def check_and_expand(
    graph: Graph, vocabulary: Vocabulary, earlier: Collection[Problem] = ()
) -> tuple[list[Problem], Graph]:
    """Return the problems of a graph and the expansion of what is right in it.

    ``earlier`` are problems of the same file that are told already; what follows from them is not told again.
    """
    suggest = make_suggest()
    reported = {problem.path[:length] for problem in earlier for length in range(1, len(problem.path) + 1)}
    clashing = {name for name in graph.definitions if name in vocabulary}
    ops = MappingProxyType({**graph.definitions, **vocabulary})
    problems = [
        Problem(
            "DP112",
            f"{quote(name)} is the name of an op or of a definition that dagprop has",
            "give the definition another name",
            path=("definitions", name),
            at_key=True,
        )
        for name in clashing
    ]
    read_dtype(graph.dtype, ("dtype",), problems)  # that of a file was read; here it may come from Python
    for name, definition in graph.definitions.items():
        path: Path = ("definitions", name)
        scope = Scope((*path, "nodes"), definition.nodes, ops, suggest, reported, definition)
        problems += _check_definition(definition, path, scope)
    own = {name: definition for name, definition in graph.definitions.items() if name not in clashing}
    problems += _check_definition_cycles(own)
    scope = Scope(("nodes",), graph.nodes, ops, suggest, reported)
    for node in graph.nodes.values():
        problems += check_node(node, scope)
    edges = edges_of(graph.nodes)
    circles = list(find_cycles(edges))
    problems += _describe_cycles(circles, ("nodes",))
    problems += _check_targets(graph, scope)
    problems += _check_data(graph, suggest)
    wrong = {problem.path[:2] for problem in [*earlier, *problems]}
    broken = {str(path[1]) for path in wrong if path[:1] == ("nodes",) and len(path) == 2}
    broken.update(name for circle in circles for name in circle)
    broken_definitions = {str(path[1]) for path in wrong if path[:1] == ("definitions",) and len(path) == 2}
    expanded, more = expand_healthy(graph, ops, broken, broken_definitions, suggest)
    problems += more
    if not earlier and not problems:
        problems += _find_useless(graph, edges)
    return problems, expanded


def _describe_cycles(circles: Iterable[tuple[str, ...]], path: Path) -> Iterator[Problem]:
    for circle in circles:
        hint = "a value cannot depend on itself: remove one of these inputs"
        place = (*path, circle[0])
        yield Problem("DP201", describe_cycle(circle), hint, circle[0], place, at_key=True)


def _check_targets(graph: Graph, scope: Scope) -> Iterator[Problem]:
    """Yield the problems of ``loss`` and ``outputs``."""
    targets: list[tuple[Path, str]] = [(("outputs", position), name) for position, name in enumerate(graph.outputs)]
    if graph.loss is not None:
        targets.append((("loss",), graph.loss))
    for path, reference in targets:
        found = check_reference(reference, scope)
        if found is not None:
            code, message, hint = found
            code = "DP202" if code == "DP104" else code
            what = "the loss" if path == ("loss",) else "the output"
            yield Problem(code, message.replace("there is no node", f"{what} names no node:", 1), hint, None, path)


def _check_data(graph: Graph, suggest: Suggest) -> Iterator[Problem]:
    """Yield the names under ``data`` that are not those of inputs."""
    if graph.data is None:
        return
    inputs = [name for name, node in graph.nodes.items() if node.op in ("input", "")]
    for key, table in (("columns", graph.data.columns), ("classes", graph.data.classes)):
        for name in table:
            if name not in inputs:
                path = ("data", key, name)
                hint = suggest(name, inputs) or f"the inputs are: {', '.join(inputs[:10]) or 'none'}"
                message = f"there is no input {quote(name)}"
                if name in graph.nodes:
                    message = f"{quote(name)} is no input, its op is {quote(graph.nodes[name].op)}"
                yield Problem("DP104", message, hint, None, path, at_key=True)


def check_definition(definition: Definition, vocabulary: Vocabulary) -> list[Problem]:
    """Return what is wrong inside a definition that is a file of its own."""
    scope = Scope(("nodes",), definition.nodes, vocabulary, make_suggest(), (), definition)
    return list(_check_definition(definition, (), scope))


def _check_definition(definition: Definition, path: Path, scope: Scope) -> Iterator[Problem]:
    """Yield what is wrong inside a definition."""
    for position, reference in enumerate(definition.outputs):
        place = (*path, "outputs", position)
        found = check_reference(reference, scope)
        if found is not None:
            yield Problem("DP110", found[1], found[2], None, place)
        elif reference in definition.inputs and reference not in definition.nodes:
            hint = f'add a node {{"op": "identity", "inputs": [{quote(reference)}]}} and name that'
            yield Problem("DP110", f"the output {quote(reference)} is an input, not a node", hint, None, place)
    for node in definition.nodes.values():
        if node.op == "input":
            hint = f'name it in the "inputs" of the definition: "inputs": [{quote(node.id)}]'
            yield Problem(
                "DP110", "a definition cannot have an input node", hint, node.id, (*scope.path, node.id, "op")
            )
        else:
            yield from check_node(node, scope)
    yield from _describe_cycles(find_cycles(edges_of(definition.nodes)), scope.path)


def _check_definition_cycles(definitions: Mapping[str, Definition]) -> Iterator[Problem]:
    uses = {name: tuple(node.op for node in found.nodes.values()) for name, found in definitions.items()}
    for circle in find_cycles(uses):
        # Values flow from the definition that is used to the one that uses it; "uses" reads the other way round.
        names = [circle[0], *reversed(circle[1:])]
        shown = names if len(names) <= 12 else [*names[:6], f"({len(names) - 11} more)", *names[-5:]]
        message = f"definitions use each other in a circle: {' -> '.join([*shown, names[0]])}"
        following = names[1 % len(names)]
        node = next(node.id for node in definitions[names[0]].nodes.values() if node.op == following)
        path = ("definitions", names[0], "nodes", node, "op")
        yield Problem("DP109", message, 'use "repeat" to stack a definition', node, path)


def _find_useless(graph: Graph, edges: Mapping[str, Iterable[str]]) -> Iterator[Problem]:
    """Yield warnings for nodes that nothing uses and parameters that cannot reach the loss."""
    targets = {split_reference(reference)[0] for reference in (*graph.outputs, graph.loss) if reference is not None}
    updates = {split_reference(update)[0] for node in graph.nodes.values() if (update := _update(node)) is not None}
    used = {source for found in edges.values() for source in found} | targets | updates
    reached = reach(edges, [split_reference(graph.loss)[0]]) if graph.loss is not None else set(graph.nodes)
    for node in graph.nodes.values():
        path = ("nodes", node.id)
        if node.op == "parameter" and node.attributes.get("trainable", True) and node.id not in reached:
            hint = 'use it on the way to the loss, or write "trainable": false'
            message = "this parameter cannot reach the loss, so it would never change"
            yield Problem("DP205", message, hint, node.id, path, at_key=True, warning=True)
        elif node.id not in used and (targets or node.is_leaf) and len(graph.nodes) > 1 and _update(node) is None:
            hint = 'remove it, use it, or name it in "outputs"'
            yield Problem("DP204", "nothing uses this node", hint, node.id, path, at_key=True, warning=True)


def _update(node: Node) -> str | None:
    update = node.attributes.get("update") if node.op == "state" else None
    return update if isinstance(update, str) else None
