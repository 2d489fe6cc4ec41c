"""A network that can be planned: a graph that was checked, expanded, put in order, and whose shapes are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any
from weakref import WeakKeyDictionary

from dagprop.errors import GraphError, Problem
from dagprop.graph.arrays import array_shape
from dagprop.graph.check import check_graph
from dagprop.graph.definitions import expand
from dagprop.graph.record_types import check_records
from dagprop.graph.records import SAMPLE_AXIS, Graph, Node, Shape
from dagprop.graph.topology import topological_order
from dagprop.ops import registry
from dagprop.ops.contract import Op
from dagprop.ops.providers.lacking import with_plugins
from dagprop.plan.shapes import Shapes, infer_shapes
from dagprop.record import record


@record(eq=False)
class Network:
    """A graph with everything known of it before numbers come.

    Attributes
    ----------
    graph : Graph
        Expanded: ops and leaves only; all else is as the file says it.
    order : tuple of str
        The node ids, each behind what it depends on.
    shapes : mapping from reference to shape
    outputs : mapping from node id to tuple of references
        The values that each node gives.
    ops : mapping from str to Op
        By op name.
    plans : dict
        What :func:`dagprop.plan.steps.plan` has made of the network so far.
    """

    graph: Graph
    order: tuple[str, ...]
    shapes: Mapping[str, Shape]
    outputs: Mapping[str, tuple[str, ...]]
    ops: Mapping[str, Op]
    plans: dict[Any, Any] = field(default_factory=dict)

    def node(self, id: str) -> Node:
        """Return the expanded node of that id."""
        return self.graph.nodes[id]


_networks: WeakKeyDictionary[Graph, tuple[int, Network]] = WeakKeyDictionary()
"""The networks of the graphs that are in use, each with the generation of ops that it was made of."""


def prepare(graph: Graph) -> Network:
    """Return the network that a graph declares; the same graph is worked through once.

    Raises
    ------
    GraphError
        With every problem of names, structure and shapes.
    """
    if not isinstance(graph, Graph):
        message = f"expected a Graph, got {type(graph).__name__}"
        raise GraphError(Problem("DP008", message, "dagprop.load(path) gives the graph of a file"))
    generation, network = _networks.get(graph, (None, None))
    if network is not None and generation == registry.generation():
        return network
    problems = check_records(graph)
    if problems:
        raise _in_file(graph, problems)

    def check() -> list[Problem]:
        return [problem for problem in check_graph(graph, registry.vocabulary()) if not problem.warning]

    problems, others = with_plugins(check(), check, near=graph.file)
    if problems:
        raise _in_file(graph, [*problems, *others])
    expanded = expand(graph, registry.vocabulary())
    order, shapes = order_and_shapes(expanded)
    if shapes.problems:
        raise _in_file(graph, list(shapes.problems))
    return remember(graph, expanded, order, shapes)


def remember(graph: Graph, expanded: Graph, order: tuple[str, ...], shapes: Shapes) -> Network:
    """Return the network of a graph in which nothing is wrong, and keep it for :func:`prepare`."""
    network = Network(expanded, order, shapes.of, shapes.outputs, dict(registry.ops()))
    _networks[graph] = registry.generation(), network
    return network


def leaf_sizes(network: Network, batch_size: int) -> dict[str, int]:
    """Return a size for each name in the shapes of leaves: of the value in the file, or 1; and that of the samples."""
    sizes: dict[str, int] = {}
    for id in network.order:
        node = network.node(id)
        if node.is_leaf:
            shape, given = network.shapes[id], array_shape(node.attributes.get("value"))
            for axis, size in enumerate(reversed(shape)):
                if isinstance(size, str):
                    sizes.setdefault(size, given[-1 - axis] if axis < len(given) else 1)
    return {**sizes, SAMPLE_AXIS: batch_size}


def order_and_shapes(expanded: Graph) -> tuple[tuple[str, ...], Shapes]:
    """Return the topological order of an expanded graph and what shape inference finds."""
    order = topological_order(expanded)
    return order, infer_shapes(expanded, order, registry.ops())


def _in_file(graph: Graph, problems: list[Problem]) -> GraphError:
    error = GraphError(*problems)
    return GraphError(*error.in_file(graph.file).problems) if graph.file else error
