"""What a diagram shows: against the network itself, worked out in another way."""

import re
from pathlib import Path

import hypothesis
import networkx
import pytest

import dagprop
from dagprop.errors import GraphError
from dagprop.plan.network import prepare
from dagprop.render.diagrams.build import network_diagram
from dagprop.render.diagrams.legend import legend
from dagprop.render.diagrams.rolling import Repetition, repetitions
from dagprop.render.diagrams.view import Numbers, View
from tests.random_graphs import random_graphs

FOLDER = Path(__file__).parents[2] / "graphs"


def diagram_of(name, numbers=False, **view):
    graph = dagprop.load(FOLDER / f"{name}.json") if isinstance(name, str) else name
    found = Numbers.of(dagprop.backprop(graph)) if numbers else None
    return network_diagram(graph, prepare(graph), View(**view), found)


def edges_of(diagram, **wanted):
    return {
        (edge.source, edge.target)
        for edge in diagram.edges
        if all(getattr(edge, key) == value for key, value in wanted.items())
    }


def test_weights_stand_on_arrows_as_in_the_lecture():
    diagram = diagram_of("two-weight-perceptron")
    assert [(e.source, e.target, e.label) for e in diagram.edges] == [
        ("x1", "y_hat", "w₁"),
        ("x2", "y_hat", "w₂"),
        ("y_hat", "L", ""),
        ("y", "L", ""),
    ]
    assert [(node.id, node.name, node.symbol) for node in diagram.nodes if node.kind == "sum"] == [("y_hat", "ŷ", "Σ")]
    assert diagram.loss == "L"


def test_a_bias_is_the_weight_of_a_one():
    diagram = diagram_of("four-layer-chain")
    assert [(e.label, e.target) for e in diagram.edges if e.source.startswith("1/")] == [("b₁", "a1")]


@pytest.mark.parametrize(
    ("end", "chain", "reused"),
    [
        ("w3", ["L", "f3", "a3", "w3"], 0),
        ("w2", ["L", "f3", "a3", "f2", "a2", "w2"], 2),
        ("w1", ["L", "f3", "a3", "f2", "a2", "f1", "a1", "w1"], 4),
        ("b1", ["L", "f3", "a3", "f2", "a2", "f1", "a1", "b1"], 6),
    ],
)
def test_the_chains_of_the_lecture(end, chain, reused):
    diagram = diagram_of("four-layer-chain", chain=(end,))
    links = list(zip(chain[1:], chain, strict=False))
    on_chain = {(edge.source, edge.target): edge for edge in diagram.edges if edge.mark}
    assert set(on_chain) == set(links)
    assert [on_chain[link].mark for link in links] == ["reused"] * reused + ["chain"] * (len(links) - reused)
    assert all("depends on" in edge.rows for edge in on_chain.values())
    assert {node.id for node in diagram.nodes if not node.dimmed} == set(chain)
    assert {node.id for node in diagram.nodes if node.cluster == "reused"} == set(chain[: reused + 1] if reused else ())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("view", "to_what_it_depends_on"),
    [
        ({}, False),
        ({"phase": "forward"}, False),
        ({"show": ("grad",)}, False),
        ({"around": "a2"}, False),
        ({"roll": True}, False),
        ({"chain": ("w1",)}, True),
        ({"chain": ("w1",), "weights": "edge"}, True),
        ({"chain": ("w2",), "phase": "forward"}, True),
        ({"chain": ("b1",), "roll": True}, True),
        ({"phase": "backward"}, True),
        ({"phase": "backward", "around": "a2"}, True),
        ({"phase": "backward", "chain": ("w1",)}, True),
        ({"phase": "backward", "roll": True, "weights": "edge"}, True),
    ],
    ids=str,
)
def test_every_arrow_points_as_the_legend_says(view, to_what_it_depends_on, theme):
    graph = dagprop.load(FOLDER / "four-layer-chain.json")
    source = dagprop.draw(graph, format="dot", theme=theme, **view).decode()
    assert ("to what it depends on" in source) is to_what_it_depends_on
    assert ("from a value to what is computed from it" in source) is not to_what_it_depends_on
    arrows = re.findall(r"^\t+(\S+) -> (\S+) \[(.*)\]$", source, re.MULTILINE)
    assert {"dir=back" in attributes for *_, attributes in arrows} == {to_what_it_depends_on}
    if not view.get("roll"):  # what is left of an arrow is used by what is right of it: "back" points at the used
        used = prepare(graph).graph.to_networkx()
        assert all(used.has_edge(*ends) for *ends, _ in arrows if set(ends) <= set(used))


def test_a_chain_has_all_its_factors_where_blocks_are_rolled_up():
    whole, rolled = (diagram_of("residual", depth=2, chain=("first/w",), roll=roll) for roll in (False, True))
    assert rolled.nodes == whole.nodes and rolled.formula == whole.formula
    assert "--roll" in rolled.remarks[0] and not whole.remarks


def test_factors_and_the_formula_of_a_chain():
    diagram = diagram_of("four-layer-chain", numbers=True, chain=("w2",), show=("local",))
    rows = {(edge.source, edge.target): edge.rows for edge in diagram.edges if edge.mark}
    assert rows["a3", "f3"] == ("∂f₃/∂a₃", "= 0.236", "depends on")
    assert diagram.formula == "∂ℒ/∂w₂ = [ ∂ℒ/∂f₃ · ∂f₃/∂a₃ ] · ∂a₃/∂f₂ · ∂f₂/∂a₂ · ∂a₂/∂w₂ = −0.01835"


def test_what_is_not_computed_is_a_dash_and_never_a_zero():
    shown = {"value": 1, "grad": 1}
    rows = {
        node.id: node.rows for node in diagram_of("four-layer-chain", True, phase="forward", show=tuple(shown)).nodes
    }
    assert rows["f3"] == ("= 0.6183", "∂ℒ/∂f₃ = –")
    diagram = diagram_of("four-layer-chain", phase="backward")
    assert all("= –" in row or row.endswith("= –") for node in diagram.nodes for row in node.rows)
    assert all(edge.rows[-1] == "= –" for edge in diagram.edges)


def test_sign_and_size_of_gradients():
    graph = dagprop.load(FOLDER / "four-layer-chain.json")
    done = dagprop.backprop(graph)
    diagram = diagram_of(graph, True, phase="backward")
    contributions = {(edge.source, edge.target): float(edge.contribution) for edge in done.edges}
    strengths = {(edge.source, edge.target): edge.strength for edge in diagram.edges}
    assert {pair: number < 0 for pair, number in contributions.items()} == {
        (edge.source, edge.target): edge.sign == "negative" for edge in diagram.edges
    }
    by_size = sorted(contributions, key=lambda pair: abs(contributions[pair]))
    assert sorted(strengths.values()) == [strengths[pair] for pair in by_size]
    assert all(edge.backward for edge in diagram.edges)


@pytest.mark.parametrize(
    ("depth", "clusters", "calls"),
    [
        (0, [], ["first", "block", "logits"]),
        (1, ["first", "block", "logits"], ["block/0", "block/1", "block/2"]),
        (2, ["first", "block", "block/0", "block/1", "block/2", "logits"], None),
        (9, None, []),
    ],
)
def test_definitions_are_boxes_or_frames(depth, clusters, calls):
    diagram = diagram_of("residual", depth=depth)
    if clusters is not None:
        assert [cluster.id for cluster in diagram.clusters] == clusters
    found = [node.id for node in diagram.nodes if node.kind == "call"]
    assert found == calls or (calls is None and len(found) == 6)
    place = {cluster.id: number for number, cluster in enumerate(diagram.clusters)}
    assert all(c.parent is None or place[c.parent] < place[c.id] for c in diagram.clusters)


@pytest.mark.parametrize(
    ("name", "view", "remarks"),
    [
        ("digits", {"phase": "backward"}, ["2 definitions are closed boxes", "--depth 1 opens all"]),
        ("residual", {}, ["3 definitions are closed boxes", "--depth 3 opens all"]),
        ("residual", {"around": "block/1", "radius": 1}, ["closed boxes", "--depth 3"]),
        ("residual", {"depth": 0}, None),  # as it was asked for
        ("residual", {"depth": 3}, None),
        ("xor", {}, None),
        ("line", {}, None),
        ("line", {"depth": 2}, ["--depth changes nothing"]),
    ],
)
def test_what_is_folded_away_is_said_and_how_to_open_it(name, view, remarks):
    found = diagram_of(name, **view).remarks
    assert bool(found) == (remarks is not None)
    assert all(any(words in remark for remark in found) for words in remarks or ())


def test_the_legend_says_which_boxes_are_closed():
    entries = {entry.name: entry.text for entry in legend(diagram_of("digits", phase="backward"))}
    assert entries["call"] == "definition, closed"


def test_titles_of_definitions():
    titles = {cluster.id: cluster.title for cluster in diagram_of("residual", depth=3).clusters}
    assert titles["block"] == "block: residual block 8 × 3"
    assert titles["block/1/inner"] == "inner: dense 8, relu"


def test_repeated_blocks_are_drawn_once():
    whole, rolled = diagram_of("residual", depth=2), diagram_of("residual", depth=2, roll=True)
    titles = [cluster.title for cluster in rolled.clusters if cluster.kind == "repeated"]
    assert titles == ["× 3, up to block/2/y"]
    assert len(whole.nodes) - len(rolled.nodes) == 2 * 4
    assert ("block/0/y", "logits/a") in edges_of(rolled)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("", []),
        ("abc", []),
        ("aa", []),
        ("aaa", [(0, 1, 3)]),
        ("xababy", [(1, 2, 2)]),
        ("xbabay", [(1, 2, 2)]),
        ("abcabcabcd", [(0, 3, 3)]),
        ("aaaabcbc", [(0, 1, 4), (4, 2, 2)]),
    ],
)
def test_repetitions_in_a_row(row, found):
    assert repetitions(list(row)) == [Repetition(*numbers) for numbers in found]


def chain_graph(load_graph, length):
    nodes = {"x": {"op": "input", "value": 0.5}}
    for number in range(length):
        nodes[f"w{number}"] = {"op": "parameter", "value": 0.5}
        nodes[f"a{number}"] = {"op": "multiply", "inputs": [f"w{number}", f"f{number - 1}" if number else "x"]}
        nodes[f"f{number}"] = {"op": "sigmoid", "inputs": [f"a{number}"]}
    return load_graph(nodes, loss=f"f{length - 1}")


def test_large_graphs_become_a_summary_that_counts_every_node(load_graph):
    graph = chain_graph(load_graph, 3000)
    diagram = diagram_of(graph)
    assert len(diagram.nodes) < 10 and "9,001 nodes" in diagram.formula and diagram.remarks
    assert [edge.target for edge in diagram.edges][-1] == "f2999"
    rolled = diagram_of(graph, roll=True)
    assert len(rolled.nodes) < 10 and not rolled.remarks
    near = diagram_of(graph, around="a1500", radius=2)
    assert {node.id for node in near.nodes} >= {"a1499", "f1499", "a1500", "f1500", "a1501"} and len(near.nodes) < 10


@pytest.mark.parametrize("view", [{"phase": "backward"}, {"show": ("grad", "local", "value", "shape")}])
@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.json"))])
def test_weights_stand_on_arrows_with_their_gradients(name, view):
    graph = dagprop.load(FOLDER / f"{name}.json")
    diagram = diagram_of(graph, True, weights="edge", depth=9, limit=1000, **view)
    drawn = {node.id for node in diagram.nodes}
    on_arrows = [edge for edge in diagram.edges if edge.label]
    assert len(on_arrows) == len(set(prepare(graph).graph.parameters()) - drawn) > 0
    assert all(any(row.startswith("∂") and " = " in row for row in edge.rows) for edge in on_arrows)


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.json"))])
def test_a_chain_with_weights_on_arrows_has_all_its_factors(name):
    graph = dagprop.load(FOLDER / f"{name}.json")
    end = prepare(graph).graph.parameters()[0]
    edge, node = (diagram_of(graph, weights=weights, chain=(end,), depth=9, limit=1000) for weights in ("edge", "node"))
    assert edge.formula == node.formula != ""
    assert edges_of(edge, mark="chain") == edges_of(node, mark="chain") != set()


def test_derivatives_are_written_with_the_names_that_the_nodes_have():
    edges = {(edge.source, edge.target): edge for edge in diagram_of("residual", True, phase="backward", depth=1).edges}
    assert edges["first/xw", "first/a"].rows[0] == "∂a/∂xw"  # in a frame that says "first"
    assert edges["first/w", "first/xw"].rows[0] == "∂xw/∂(first/w)"  # before it
    assert edges["block/0", "block/1"].rows == ("∂(block/1)/∂(block/0)",)  # no fraction of numbers


def test_a_part_that_is_too_large_is_a_summary_of_the_part(load_graph):
    diagram = diagram_of(chain_graph(load_graph, 3000), around="a1500", radius=20, limit=10)
    # 20 ops on both sides, and the weights of those that are not the last; the loss is not among them.
    assert diagram.formula.startswith("60 of 9,001 nodes in 41 layers")
    assert "smaller --radius" in diagram.remarks[0]
    assert {node.symbol for node in diagram.nodes} <= {"6 ops", "7 ops"}
    one = diagram_of(chain_graph(load_graph, 3000), around="a1500", radius=1, limit=2)
    assert {node.symbol for node in one.nodes} == {"1 op"}


@hypothesis.given(random_graphs())
@hypothesis.settings(max_examples=40)
def test_the_nodes_and_arrows_are_those_of_the_graph(tmp_path_factory, random):
    graph = load(tmp_path_factory, random)
    view = prepare(graph).graph.to_networkx()
    diagram = diagram_of(graph, weights="node")
    assert {node.id for node in diagram.nodes} == set(view.nodes)
    assert sorted((e.source, e.target) for e in diagram.edges) == sorted((u, v) for u, v, _ in view.edges)


@hypothesis.given(random_graphs(), hypothesis.strategies.integers(0, 3))
@hypothesis.settings(max_examples=40)
def test_a_neighbourhood_is_what_is_that_near(tmp_path_factory, random, radius):
    graph = load(tmp_path_factory, random)
    near = networkx.single_source_shortest_path_length(
        networkx.Graph(list(networkx.DiGraph(prepare(graph).graph.to_networkx()).edges)), "leaf0", cutoff=radius
    )
    diagram = diagram_of(graph, around="leaf0", radius=radius, weights="node")
    assert {node.id for node in diagram.nodes} == set(near)


@hypothesis.given(random_graphs())
@hypothesis.settings(max_examples=40)
def test_a_chain_is_every_way_from_the_loss(tmp_path_factory, random):
    graph = load(tmp_path_factory, random)
    view = networkx.DiGraph(prepare(graph).graph.to_networkx())
    for leaf in graph.parameters():
        if not networkx.has_path(view, leaf, random.loss):
            with pytest.raises(GraphError, match="DP205"):
                diagram_of(graph, chain=(leaf,))
            continue
        between = {
            id for id in view.nodes if networkx.has_path(view, leaf, id) and networkx.has_path(view, id, random.loss)
        }
        diagram = diagram_of(graph, chain=(leaf,))
        assert {node.id for node in diagram.nodes if not node.dimmed} == between


def load(tmp_path_factory, random):
    import json

    path = tmp_path_factory.mktemp("random") / "graph.json"
    path.write_text(json.dumps(random.document()), encoding="utf-8")
    return dagprop.load(path)


@pytest.mark.parametrize(
    ("view", "code"),
    [
        ({"chain": ("w9",)}, "DP104"),
        ({"around": "nowhere"}, "DP104"),
        ({"around": "f1:1"}, "DP113"),
        ({"chain": ("f1", "f1:1")}, "DP113"),
        ({"show": ("values",)}, "DP011"),
        ({"phase": "sideways"}, "DP011"),
        ({"weights": "nodes"}, "DP011"),
        ({"radius": -1}, "DP011"),
        ({"limit": 0}, "DP011"),
    ],
)
def test_views_that_cannot_be(view, code):
    with pytest.raises(GraphError, match=code):
        diagram_of("four-layer-chain", **view)


def test_a_choice_that_is_unknown_is_named():
    with pytest.raises(GraphError, match=r"radios.*\n.*radius"):
        dagprop.draw(dagprop.load(FOLDER / "line.json"), radios=2)


def test_a_plugin_of_one_input_is_drawn_as_an_activation(load_graph, own_ops):
    from dagprop import op
    from dagprop.render.diagrams.symbols import kind_of

    @op("own_activation")
    def forward(xp, x):
        return xp.tanh(x)

    @forward.derivative("x")
    def _(y):
        return 1 - y * y

    @op("own_pair")
    def pair(xp, a, b):
        return a + b

    nodes = {"x": {"op": "input"}, "f": {"op": "own_activation", "inputs": ["x"]}}
    graph = load_graph({**nodes, "g": {"op": "own_pair", "inputs": ["x", "f"]}})
    assert [kind_of(graph.nodes[id]) for id in ("f", "g")] == ["activation", "op"]
