"""Expansion of calls: ids, inputs, attributes, sizes of axes, copies, origins."""

from typing import Any

import pytest

from dagprop.errors import GraphError
from dagprop.graph.definitions import expand
from dagprop.graph.document import parse_document
from dagprop.graph.records import AxisSize, Graph
from tests.graph.small import VOCABULARY, codes, has_errors, read_nodes
from tests.graph.test_check import node

X = {"op": "input", "shape": ["N", 2]}


def expanded(nodes: dict[str, Any], **keys: Any) -> Graph:
    reading = read_nodes(nodes, **keys)
    assert not has_errors(reading), [str(problem) for problem in reading.problems]
    assert reading.expanded is not None
    return reading.expanded


def table(graph: Graph) -> list[tuple[str, str, tuple[str | None, ...]]]:
    return [(node.id, node.op, tuple(node.inputs)) for node in graph.nodes.values()]


def test_a_call_becomes_the_nodes_inside() -> None:
    graph = expanded({"x": X, "h": node("layer", "x", units=3, tex="h"), "y": node("relu", "h")}, loss="y")
    assert table(graph) == [
        ("x", "input", ()),
        ("h/w", "parameter", ()),
        ("h/a", "affine", ("h/w", "x", None)),
        ("h/f", "relu", ("h/a",)),
        ("y", "relu", ("h/f",)),
    ]
    assert graph.nodes["h/w"].attributes == {"shape": (AxisSize("x", -1), 3)}
    assert [graph.nodes[name].origin for name in ("x", "h/w")] == [(), ("h",)]
    assert graph.definitions == {}


def test_inputs_by_name_stand_in_the_order_of_the_op() -> None:
    nodes = {"x": X, "w": X, "s": {"op": "subtract", "inputs": {"right": "x", "left": "w"}}}
    nodes["b"] = {"op": "affine", "inputs": {"x": "x", "w": "w"}}
    nodes["h"] = {"op": "layer", "inputs": {"bias": "w", "x": "s"}, "units": 1}
    graph = expanded(nodes)
    assert graph.nodes["s"].inputs == ("w", "x")
    assert graph.nodes["b"].inputs == ("w", "x", None)
    assert graph.nodes["h/a"].inputs == ("h/w", "s", "w")


def test_calls_may_be_named_before_they_are_declared_and_by_output() -> None:
    nodes = {"y": node("add", "h:1", "h"), "h": node("layer", "x", units=3, activation="tanh"), "x": X}
    graph = expanded(nodes, loss="h:1", outputs=["h", "y"])
    assert graph.nodes["y"].inputs == ("h/a", "h/f")
    assert graph.nodes["h/f"].op == "tanh"
    assert (graph.loss, graph.outputs) == ("h/a", ("h/f", "y"))
    assert graph.calls == {"h": ("h/f", "h/a")}


def test_copies_are_chained() -> None:
    graph = expanded({"x": X, "b": X, "h": node("layer", "x", "b", units=2, repeat=3), "y": node("relu", "h:1")})
    # Both outputs feed the two inputs of the next copy.
    assert graph.nodes["h/0/a"].inputs == ("h/0/w", "x", "b")
    assert graph.nodes["h/1/a"].inputs == ("h/1/w", "h/0/f", "h/0/a")
    assert graph.nodes["h/2/a"].inputs == ("h/2/w", "h/1/f", "h/1/a")
    assert graph.nodes["h/2/w"].attributes["shape"] == (AxisSize("h/1/f", -1), 2)
    assert graph.nodes["y"].inputs == ("h/2/a",)
    assert graph.nodes["h/2/w"].origin == ("h", "h/2")
    assert graph.calls["h/1"] == ("h/1/f", "h/1/a")
    assert graph.calls["h"] == graph.calls["h/2"] == ("h/2/f", "h/2/a")


def test_inputs_beyond_the_outputs_are_the_same_for_all_copies() -> None:
    one = {"inputs": ["x", "c"], "outputs": ["s"], "nodes": {"s": node("add", "x", "c")}}
    graph = expanded({"x": X, "c": X, "h": node("one", "x", "c", repeat=2)}, definitions={"one": one})
    assert [tuple(node.inputs) for node in graph.nodes.values()][2:] == [("x", "c"), ("h/0/s", "c")]


def test_two_of_three_inputs_are_fed_by_the_copy_before() -> None:
    inside = {"p": node("subtract", "a", "b"), "q": node("subtract", "b", "c")}
    pair = {"inputs": ["a", "b", "c"], "outputs": ["p", "q"], "nodes": inside}
    nodes = {"x": X, "y": X, "z": X, "h": node("pair", "x", "y", "z", repeat=2)}
    graph = expanded(nodes, definitions={"pair": pair})
    assert graph.nodes["h/1/p"].inputs == ("h/0/p", "h/0/q")
    assert graph.nodes["h/1/q"].inputs == ("h/0/q", "z")


NESTED = {
    "inputs": ["x"],
    "attributes": {"units": None, "depth": 2, "f": "tanh", "init": {"name": "normal", "std": 1}},
    "nodes": {
        "out": node("layer", "hidden", units=1, activation="$f"),
        "hidden": node("layer", "x", units="$units", activation="$f", repeat="$depth"),
        "same": node("layer", "x", units="x[0]"),
        "p": {"op": "parameter", "shape": ["$units", 3, "x[0]"], "init": "$init"},
        "s": {"op": "state", "value": 0, "update": "out"},
    },
    "outputs": ["out", "hidden:1"],
}


def test_definitions_inside_definitions() -> None:
    graph = expanded({"x": X, "m": node("mlp", "x", units=4, f="relu")}, definitions={"mlp": NESTED}, loss="m:1")
    assert graph.nodes["m/out/a"].inputs == ("m/out/w", "m/hidden/1/f", None)
    assert {node.op for name, node in graph.nodes.items() if name.endswith("/f")} == {"relu"}
    assert graph.nodes["m/hidden/1/w"].attributes["shape"] == (AxisSize("m/hidden/0/f", -1), 4)
    assert graph.nodes["m/hidden/1/w"].origin == ("m", "m/hidden", "m/hidden/1")
    assert graph.nodes["m/same/w"].attributes["shape"] == (AxisSize("x", -1), AxisSize("x", 0))
    assert graph.nodes["m/p"].attributes == {"shape": (4, 3, AxisSize("x", 0)), "init": {"name": "normal", "std": 1}}
    assert graph.nodes["m/s"].attributes["update"] == "m/out/f"
    assert graph.loss == "m/hidden/1/a"


def test_update_of_a_state_may_name_a_call() -> None:
    nodes = {"x": X, "h": node("layer", "x", units=1), "s": {"op": "state", "value": 0, "update": "h:1"}}
    assert expanded(nodes).nodes["s"].attributes["update"] == "h/a"


@pytest.mark.parametrize(
    ("inner", "attributes", "given", "code"),
    [
        (node("relu", "b"), {}, {}, "DP105"),
        (node("layer", "b", units=1), {}, {}, "DP105"),
        (node("layer", "a", units="b[0]"), {}, {}, "DP105"),
        (node("$f", "a", "a"), {"f": None}, {"f": "relu"}, "DP106"),
        (node("$f", "a"), {"f": None}, {"f": "rleu"}, "DP101"),
        (node("$f", "a"), {"f": "rleu"}, {}, "DP101"),
        (node("$f", "a"), {"f": None}, {"f": "pad"}, "DP107"),
        (node("$f", "a"), {"f": None}, {"f": "layer"}, "DP107"),
        (node("$f", "a", axis=1), {"f": None}, {"f": "relu"}, "DP102"),
        (node("$f", "a", axis=1), {"f": None}, {"f": "layer"}, "DP102"),
        (node("sum", "a", axis="$n"), {"n": None}, {"n": "q"}, "DP108"),
        (node("layer", "a", units=1, repeat="$n"), {"n": None}, {"n": 0}, "DP108"),
    ],
)
def test_what_shows_only_inside(
    inner: dict[str, Any], attributes: dict[str, Any], given: dict[str, Any], code: str
) -> None:
    definition = {"inputs": ["a", "b?"], "attributes": attributes, "outputs": ["r"], "nodes": {"r": inner}}
    nodes = {"x": X, "y": node("mine", "x", **given), "z": node("relu", "y")}
    reading = read_nodes(nodes, definitions={"mine": definition})
    assert code in codes(reading)
    assert {problem.node for problem in reading.problems} == {"y"}
    assert all(problem.line == 1 and problem.column for problem in reading.problems)
    assert reading.expanded is not None
    assert list(reading.expanded.nodes) == ["x"]


def test_an_optional_input_is_passed_on() -> None:
    definition = {"inputs": ["a", "b?"], "outputs": ["r"], "nodes": {"r": node("layer", "a", "b", units=1)}}
    graph = expanded({"x": X, "y": node("mine", "x"), "z": node("mine", "x", "x")}, definitions={"mine": definition})
    assert graph.nodes["y/r/a"].inputs == ("y/r/w", "x", None)
    assert graph.nodes["z/r/a"].inputs == ("z/r/w", "x", "x")


def test_expand_raises_what_shows_only_inside() -> None:
    declared, _ = parse_document({"dagprop": 1, "nodes": {"x": X, "y": node("layer", "x", units=1, activation="q")}})
    assert declared is not None
    with pytest.raises(GraphError, match="DP101"):
        expand(declared, VOCABULARY)


def test_a_graph_without_calls_keeps_its_nodes() -> None:
    declared, _ = parse_document({"dagprop": 1, "nodes": {"x": X, "y": node("relu", "x")}})
    assert declared is not None
    graph = expand(declared, VOCABULARY)
    assert all(graph.nodes[name] is declared.nodes[name] for name in ("x", "y"))
