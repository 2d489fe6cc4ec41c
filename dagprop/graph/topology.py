"""The graph as a graph: order, circles, and its NetworkX view.  The only place that imports networkx."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dagprop.errors import GraphError, Problem, quote
from dagprop.graph.records import AxisSize, Graph, Node, split_reference

if TYPE_CHECKING:
    import networkx


def sources(node: Node) -> tuple[str, ...]:
    """Return the ids of the nodes that a node takes its inputs from, in order."""
    return tuple([reference.partition(":")[0] for reference in node.references])


def edges_of(nodes: Mapping[str, Node]) -> dict[str, tuple[str, ...]]:
    """Return for each node the ids of the nodes that it takes its inputs from."""
    return {name: sources(node) for name, node in nodes.items()}


def reach(edges: Mapping[str, Iterable[str]], names: Iterable[str]) -> set[str]:
    """Return the names with all those that one comes to from them along the edges."""
    found = set(names)
    waiting = list(found)
    while waiting:
        for following in edges.get(waiting.pop(), ()):
            if following not in found:
                found.add(following)
                waiting.append(following)
    return found


def topological_order(graph: Graph) -> tuple[str, ...]:
    """Return the ids so that each node comes after those it takes its inputs from.

    The order is that of the file wherever the file allows it, and so the same at every run.

    Raises
    ------
    GraphError
        DP201 if nodes depend on each other in a circle, DP104 if an input is no node.
    """
    names = list(graph.nodes)
    index = {name: position for position, name in enumerate(names)}
    waiting = [0] * len(names)
    users: list[list[int]] = [[] for _ in names]
    for position, node in enumerate(graph.nodes.values()):
        for source in (*sources(node), *_sizes_of(node)):
            if source not in index:
                raise GraphError(Problem("DP104", f"there is no node {quote(source)}", node=node.id, file=graph.file))
            users[index[source]].append(position)
            waiting[position] += 1
    ready = [position for position, count in enumerate(waiting) if count == 0]
    order = []
    while ready:
        position = heapq.heappop(ready)
        order.append(names[position])
        for user in users[position]:
            waiting[user] -= 1
            if waiting[user] == 0:
                heapq.heappush(ready, user)
    if len(order) < len(names):
        cycle = next(find_cycles(edges_of(graph.nodes)), ())
        raise GraphError(Problem("DP201", describe_cycle(cycle), node=cycle[0] if cycle else None, file=graph.file))
    return tuple(order)


def _sizes_of(node: Node) -> list[str]:
    """Return the ids of the nodes whose shape must be known before that of a leaf is."""
    shape = node.attributes.get("shape", ()) if node.is_leaf else ()
    return [split_reference(size.value)[0] for size in shape if isinstance(size, AxisSize)]


def describe_cycle(cycle: tuple[str, ...]) -> str:
    """Return the message for nodes that depend on each other in a circle."""
    shown = [*cycle, cycle[0]] if cycle else []
    if len(shown) > 12:
        shown = [*shown[:6], f"({len(shown) - 11} more)", *shown[-5:]]
    return f"the nodes depend on each other in a circle: {' -> '.join(shown)}"


def find_cycles(edges: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield one circle of each part of a graph whose nodes all depend on each other.

    Parameters
    ----------
    edges : mapping from str to tuple of str
        For each name the names that it depends on; names that are not among the keys are passed over.

    Yields
    ------
    tuple of str
        The names in the order in which values flow, from the one that stands first in ``edges``.
    """
    done: set[str] = set()
    for name, sources_of_name in edges.items():
        # A name after all that it depends on is in no circle: a file in a valid order is passed in this loop.
        if done.issuperset(sources_of_name) or edges.keys().isdisjoint(set(sources_of_name) - done):
            done.add(name)
    if len(done) == len(edges):
        return
    rank = {name: position for position, name in enumerate(edges)}
    for start in edges:
        if start in done:
            continue
        # Depth first, on a stack of its own.  `told` holds the stretches of the stack that were yielded: a circle that
        # touches one belongs to a part that was told already.
        stack, place, told = [start], {start: 0}, list[tuple[int, int]]()
        pending = [iter(edges[start])]
        while stack:
            following = next(pending[-1], None)
            if following is None:
                pending.pop()
                name = stack.pop()
                done.add(name)
                del place[name]
                if told and told[-1][0] >= len(stack):
                    told.pop()
                elif told:
                    told[-1] = (told[-1][0], min(told[-1][1], len(stack) - 1))
            elif following in place:
                if not told or place[following] > told[-1][1]:
                    circle = stack[place[following] :]
                    told.append((place[following], len(stack) - 1))
                    first = min(range(len(circle)), key=lambda position: rank[circle[position]])
                    yield tuple(reversed(circle[first + 1 :] + circle[: first + 1]))
            elif following in edges and following not in done:
                place[following] = len(stack)
                stack.append(following)
                pending.append(iter(edges[following]))


def to_networkx(graph: Graph) -> networkx.MultiDiGraph:
    """Return the graph as a NetworkX ``MultiDiGraph``; see :meth:`dagprop.graph.records.Graph.to_networkx`."""
    import networkx

    view = networkx.MultiDiGraph(**{key: getattr(graph, key) for key in _GRAPH_KEYS})
    for node in graph.nodes.values():
        view.add_node(node.id, **{key: getattr(node, key) for key in _NODE_KEYS})
    for node in graph.nodes.values():
        by_name = isinstance(node.inputs, Mapping)
        inputs: Iterable[tuple[Any, Any]] = (
            node.inputs.items() if isinstance(node.inputs, Mapping) else (enumerate(node.inputs))
        )
        left_out = []
        for position, (name, reference) in enumerate(inputs):
            if reference is None:
                left_out.append(position)
                continue
            more = {"input": name} if by_name else {}
            view.add_edge(split_reference(reference)[0], node.id, key=position, reference=reference, **more)
        if left_out:
            view.nodes[node.id]["left_out"] = tuple(left_out)
    return view


def from_networkx(view: networkx.MultiDiGraph) -> Graph:
    """Return the graph of a NetworkX ``MultiDiGraph``; see :meth:`dagprop.graph.records.Graph.from_networkx`."""
    import networkx

    if not isinstance(view, networkx.MultiDiGraph):
        hint = "a plain DiGraph cannot say x * x, nor the order of operands"
        raise _wrong(f"a networkx.MultiDiGraph is needed, not a {type(view).__name__}", hint)
    nodes = {}
    for name, given in view.nodes(data=True):
        if not isinstance(name, str):
            raise _wrong(f"the ids of nodes must be text, one is {quote(name)}")
        if not isinstance(given.get("op"), str):
            raise GraphError(Problem("DP009", 'the node has no "op"', 'add_node("a", op="add")', name))
        unknown = sorted(set(given) - {*_NODE_KEYS, "left_out"}, key=str)
        if unknown:
            hint = f"attributes of the op go into attributes={{{quote(unknown[0])}: ...}}"
            raise GraphError(Problem("DP102", f"a node has no {quote(unknown[0])}", hint, name))
        record = {key: given[key] for key in _NODE_KEYS if key in given}
        nodes[name] = Node(id=name, inputs=_inputs(view, name, given.get("left_out", ())), **record)
    return Graph(nodes, **{key: view.graph[key] for key in _GRAPH_KEYS if key in view.graph})


_NODE_KEYS = ("op", "attributes", "tex", "doc", "repeat", "extensions", "origin")
_GRAPH_KEYS = (
    "loss", "outputs", "definitions", "name", "doc", "dtype", "data", "train", "requires", "view", "extensions", "file",
    "calls",
)  # fmt: skip


def _inputs(
    view: networkx.MultiDiGraph, name: str, left_out: Iterable[int]
) -> tuple[str | None, ...] | Mapping[str, str]:
    """Return the inputs of a node from the edges that end in it."""
    found: dict[int, tuple[str | None, str | None]] = dict.fromkeys(left_out, (None, None))
    for source, _, position, edge in view.in_edges(name, keys=True, data=True):
        if not isinstance(position, int) or position < 0:
            hint = 'add_edge("x", "y", key=0): the key is the position of the input'
            raise _wrong(f"the key of an edge must be a position, one is {quote(position)}", hint, name)
        if position in found:
            raise GraphError(Problem("DP112", f"two edges feed the input at position {position}", None, name))
        found[position] = (edge.get("reference", source), edge.get("input"))
    if sorted(found) != list(range(len(found))):
        missing = min(set(range(len(found))) - set(found))
        raise GraphError(Problem("DP105", f"no edge feeds the input at position {missing}", None, name))
    ordered = [found[position] for position in range(len(found))]
    if ordered and all(input_name is not None for _, input_name in ordered):
        return {input_name: reference for reference, input_name in ordered if reference and input_name}
    return tuple(reference for reference, _ in ordered)


def _wrong(message: str, hint: str | None = None, node: str | None = None) -> GraphError:
    return GraphError(Problem("DP008", message, hint, node))
