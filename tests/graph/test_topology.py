"""Order, circles, and the NetworkX view."""

import random

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.errors import GraphError
from dagprop.graph.document import parse_document
from dagprop.graph.records import EMPTY, DataSource, Graph, Node, TrainSettings
from dagprop.graph.topology import edges_of, find_cycles, topological_order
from tests.graph.small import read_nodes

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


def graph_of(inputs: dict[str, tuple[str, ...]]) -> Graph:
    return Graph({name: Node(name, "add", given) for name, given in inputs.items()})


@given(EDGES, st.randoms(use_true_random=False))
def test_order_is_valid_and_keeps_the_file_where_it_can(edges: list[tuple[int, int]], shuffle: random.Random) -> None:
    names = [f"n{k}" for k in range(10)]
    inputs = {name: tuple(f"n{a}" for a, b in edges if a < b and f"n{b}" == name) for name in names}
    assert topological_order(graph_of(inputs)) == tuple(names)
    shuffled = shuffle.sample(names, len(names))
    order = topological_order(graph_of({name: inputs[name] for name in shuffled}))
    assert sorted(order) == sorted(names)
    assert all(order.index(source) < order.index(name) for name in names for source in inputs[name])


@given(EDGES)
def test_every_knot_has_one_circle(edges: list[tuple[int, int]]) -> None:
    inputs = {str(k): tuple(str(a) for a, b in edges if b == k) for k in range(10)}
    circles = list(find_cycles(inputs))
    for circle in circles:
        assert all(circle[k - 1] in inputs[circle[k]] for k in range(len(circle)))
        assert circle[0] == min(circle)
        assert len(set(circle)) == len(circle)
    view = networkx.DiGraph((str(a), str(b)) for a, b in edges)
    knots = [knot for knot in networkx.strongly_connected_components(view) if len(knot) > 1]
    knots += [{name} for name in view if view.has_edge(name, name) and not any(name in knot for knot in knots)]
    assert sorted(min(knot) for knot in knots) == sorted(
        next(min(knot) for knot in knots if set(circle) <= knot) for circle in circles
    )


def test_a_circle_beside_one_that_is_told() -> None:
    inputs = {"a": ("b",), "b": ("c",), "c": ("d", "e"), "d": ("a",), "e": ("f",), "f": ("e",)}
    assert sorted(find_cycles(inputs)) == [("a", "d", "c", "b"), ("e", "f")]


def test_the_error_of_the_order() -> None:
    graph = graph_of({"a": ("c",), "b": ("a",), "c": ("b",), "d": ("a:1",)})
    assert list(find_cycles(edges_of(graph.nodes))) == [("a", "b", "c")]
    with pytest.raises(GraphError, match="a -> b -> c -> a"):
        topological_order(graph)
    assert list(find_cycles({"a": (), "b": ("a", "a")})) == []
    with pytest.raises(GraphError, match="DP104"):
        topological_order(graph_of({"a": ("q",)}))


def test_a_leaf_comes_after_the_value_whose_size_it_has() -> None:
    nodes: dict[str, object] = {"h": {"op": "layer", "inputs": ["r"], "units": 2}}
    nodes |= {"r": {"op": "relu", "inputs": ["x"]}, "x": {"op": "input"}}
    graph = read_nodes(nodes).expanded
    assert graph is not None
    assert topological_order(graph) == ("x", "r", "h/w", "h/a", "h/f")


def test_long_circles_are_shortened() -> None:
    graph = graph_of({f"n{k}": (f"n{(k - 1) % 1000}",) for k in range(1000)})
    with pytest.raises(GraphError) as caught:
        topological_order(graph)
    assert "n0 -> n1" in str(caught.value)
    assert len(str(caught.value)) < 300


FULL = {
    "dagprop": 1,
    "name": "n",
    "nodes": {
        "x": {"op": "input", "tex": "x", "x-note": 1},
        "y": {"op": "subtract", "inputs": ["x", "x"]},
        "z": {"op": "affine", "inputs": {"x": "y", "w": "x"}, "doc": "named"},
        "h": {"op": "layer", "inputs": ["z"], "units": 2, "repeat": 2},
        "v": {"op": "affine", "inputs": ["h", "h:1", None]},
    },
    "loss": "v",
    "outputs": ["h:1"],
    "train": {"epochs": 3},
    "data": {"file": "a.csv", "columns": {"x": "a"}},
}


def same(first: Graph, second: Graph) -> bool:
    return all(getattr(first, name) == getattr(second, name) for name in Graph.__dataclass_fields__)


def test_networkx_and_back() -> None:
    graph, problems = parse_document(FULL)
    assert graph is not None
    assert problems == []
    view = graph.to_networkx()
    assert isinstance(view, networkx.MultiDiGraph)
    assert sorted(view.in_edges("z", keys=True)) == [("x", "z", 1), ("y", "z", 0)]
    assert view.number_of_edges("x", "y") == 2
    assert view.edges["y", "z", 0] == {"reference": "y", "input": "x"}
    assert view.edges["h", "v", 1] == {"reference": "h:1"}
    assert view.nodes["h"]["attributes"] == {"units": 2}
    assert view.graph["loss"] == "v"
    back = Graph.from_networkx(view)
    assert same(back, graph)
    assert (back.train, back.data) == (TrainSettings(epochs=3), DataSource("a.csv", {"x": ("a",)}))


def test_networkx_of_an_expanded_graph_and_back() -> None:
    expanded = read_nodes(FULL["nodes"]).expanded
    assert expanded is not None
    back = Graph.from_networkx(expanded.to_networkx())
    assert same(back, expanded)
    assert back.nodes["h/0/a"].inputs == ("h/0/w", "z", None)


def test_a_graph_made_with_networkx() -> None:
    view = networkx.MultiDiGraph(loss="y")
    view.add_node("x", op="input")
    view.add_node("y", op="multiply", attributes={})
    view.add_edge("x", "y", key=0)
    view.add_edge("x", "y", key=1)
    graph = Graph.from_networkx(view)
    assert graph.nodes == {"x": Node("x", "input"), "y": Node("y", "multiply", ("x", "x"), EMPTY)}
    assert graph.loss == "y"


def broken_views() -> list[tuple[networkx.Graph, str]]:
    found: list[tuple[networkx.Graph, str]] = [(networkx.DiGraph(), "DP008")]
    for code, nodes, edges in [
        ("DP008", [(1, {"op": "input"})], []),
        ("DP009", [("x", {})], []),
        ("DP102", [("x", {"op": "input", "value": 1})], []),
        ("DP008", [("x", {"op": "input"}), ("y", {"op": "relu"})], [("x", "y", "a")]),
        ("DP105", [("x", {"op": "input"}), ("y", {"op": "relu"})], [("x", "y", 1)]),
        ("DP112", [(name, {"op": "add"}) for name in "xyz"], [("x", "y", 0), ("z", "y", 0)]),
    ]:  # fmt: skip
        view = networkx.MultiDiGraph()
        view.add_nodes_from(nodes)
        view.add_edges_from(edges)
        found.append((view, code))
    return found


@pytest.mark.parametrize(("view", "code"), broken_views())
def test_a_view_that_lacks_something(view: networkx.MultiDiGraph, code: str) -> None:
    with pytest.raises(GraphError, match=code):
        Graph.from_networkx(view)
