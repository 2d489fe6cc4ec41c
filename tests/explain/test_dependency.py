"""Dependencies: ways and reach against NetworkX, and trees that show each node once."""

import re

import networkx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import dagprop
from dagprop.errors import GraphError
from dagprop.explain.dependency import FEW
from dagprop.explain.dependency_text import Branches, dependency_text
from tests.conformance.neutral import write_file
from tests.random_graphs import random_graphs


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """Load a graph from a document; one folder serves all examples of a property."""
    folder = tmp_path_factory.mktemp("graphs")
    return lambda document: dagprop.load(write_file(folder, document))


def above(document):
    """Return a NetworkX graph of the nodes of a document, with an edge from each node to what it depends on."""
    view = networkx.DiGraph()
    for id, node in document["nodes"].items():
        view.add_node(id)
        view.add_edges_from((id, source) for source in node.get("inputs", ()))
    return view


def sums(count):
    """Stacked diamonds: 2^count ways lead from the last sum to x."""
    nodes = {"x": {"op": "parameter", "value": 0.5}}
    for number in range(count):
        last = f"d{number - 1}" if number else "x"
        nodes[f"l{number}"] = {"op": "tanh", "inputs": [last]}
        nodes[f"r{number}"] = {"op": "sin", "inputs": [last]}
        nodes[f"d{number}"] = {"op": "add", "inputs": [f"l{number}", f"r{number}"]}
    return {"dagprop": 1, "nodes": nodes, "loss": f"d{count - 1}"}


def chain(count):
    nodes = {"f0": {"op": "parameter", "value": 0.5}}
    nodes |= {f"f{number}": {"op": "tanh", "inputs": [f"f{number - 1}"]} for number in range(1, count)}
    return {"dagprop": 1, "nodes": nodes, "loss": f"f{count - 1}"}


@given(example=random_graphs(), data=st.data())
def test_ways_and_reach_are_those_of_networkx(load, example, data):
    document = example.document()
    graph, view = load(document), above(document)
    node = data.draw(st.sampled_from(sorted(example.nodes)))
    down, up = dagprop.depends(graph, node), dagprop.depends(graph, node, reverse=True)
    assert set(down.below) == networkx.descendants(view, node) | {node}
    assert set(up.below) == networkx.ancestors(view, node) | {node}
    assert {(a, b) for a, found in down.below.items() for b in found} == set(view.subgraph(down.below).edges)
    assert {(b, a) for a, found in up.below.items() for b in found} == set(view.subgraph(up.below).edges)
    expected = (
        {(node,)} if node == example.loss else set(map(tuple, networkx.all_simple_paths(view, example.loss, node)))
    )
    (ways,) = down.ways
    assert ways.count == len(expected)
    if ways.count <= FEW:
        assert set(ways.shown) == expected
    else:
        assert set(ways.shown) <= expected
        assert min(map(len, expected)) == len(ways.shown[0])
    between = down.between(example.loss)
    assert set(between) == {id for way in expected for id in way}


@given(example=random_graphs(), reverse=st.booleans())
def test_a_tree_shows_each_node_once_and_every_edge(load, example, reverse):
    node = next(iter(example.nodes)) if reverse else example.loss
    found = dagprop.depends(load(example.document()), node, reverse=reverse)
    assume(len(found.below) > 1)
    tree = dependency_text(found, 1000, None).rpartition("\n\n")[2].splitlines()
    ids = [re.sub(r"^[|` -]*", "", line).split()[0] for line in tree]
    full = [id for id, line in zip(ids, tree, strict=True) if not line.endswith("(shown above)")]
    assert sorted(full) == sorted(found.below)
    assert len(ids) == 1 + sum(map(len, found.below.values()))
    again = [place for place, line in enumerate(tree) if line.endswith("(shown above)")]
    assert all(ids[place] in ids[:place] for place in again)


def test_the_lecture_in_words(root):
    graph = dagprop.load(root / "graphs/four-layer-chain.json")
    words = "L depends on f3 depends on a3 depends on f2 depends on a2 depends on f1 depends on a1 depends on w1"
    assert str(dagprop.depends(graph, "w1")) == words
    text = dependency_text(dagprop.depends(graph, "a1"), 12, branches=Branches())
    expected = "a1 depends on 3 nodes\n\na1 (affine)\n├─ w1 (parameter)\n├─ x (input)\n└─ b1 (parameter)"
    assert text == f"{words.removesuffix(' depends on w1')}\n\n{expected}"
    assert "w3 (parameter)\n`- a3 (affine)\n   `- f3 (sigmoid)\n      `- L" in dependency_text(
        dagprop.depends(graph, "w3", reverse=True), 12
    )


def test_the_tree_of_a_leaf_begins_at_the_loss(root):
    text = dependency_text(dagprop.depends(dagprop.load(root / "graphs/four-layer-chain.json"), "w3"), 12)
    assert text == (
        "L depends on f3 depends on a3 depends on w3\n\n"
        "L (half_squared_error)\n`- f3 (sigmoid)\n   `- a3 (affine)\n      `- w3 (parameter)\n\n"
        "w3 (parameter) depends on nothing"
    )


def test_shared_nodes_are_marked(load):
    nodes = {
        "x": {"op": "parameter", "value": 0.5},
        "h": {"op": "tanh", "inputs": ["x"]},
        "s": {"op": "multiply", "inputs": ["h", "h"]},
        "L": {"op": "add", "inputs": ["s", "h"]},
    }
    found = dagprop.depends(load({"dagprop": 1, "nodes": nodes, "loss": "L"}), "x")
    assert dependency_text(found, 12) == (
        "L depends on x in 2 ways:\n"
        "  L depends on s depends on h depends on x\n"
        "  L depends on h depends on x\n\n"
        "L (add)\n|- s (multiply)\n|  `- h (tanh)\n|     `- x (parameter)\n`- h (shown above)\n\n"
        "x (parameter) depends on nothing"
    )


def test_sixty_diamonds_are_counted_and_shown_in_a_few_lines(load):
    found = dagprop.depends(load(sums(60)), "x")
    assert found.ways[0].count == 2**60
    text = dependency_text(found, 12)
    assert f"d59 depends on x in {2**60} ways; one of the shortest:" in text
    assert len(text.splitlines()) < 60


def test_a_long_chain_is_shortened_in_the_middle(load):
    count = 20_000
    text = dependency_text(dagprop.depends(load(chain(count))), 12)
    assert text.splitlines()[:2] == [f"f{count - 1} depends on {count - 1} nodes", ""]
    levels = [line.strip(" `-") for line in text.splitlines()[2:]]
    shown = [int(line[1:].split()[0]) for line in levels if line.startswith("f")]
    assert shown == [*range(count - 1, count - 14, -1), *range(4, -1, -1)]
    assert f"... {count - len(shown)} levels left out: --depth N" in levels
    words = dependency_text(dagprop.depends(load(chain(count)), "f0"), 12).splitlines()[0]
    assert f" depends on ... ({count - 12} more) depends on f5 depends on " in words


def test_depth_is_the_level_at_which_the_middle_is_left_out(load):
    found = dagprop.depends(load(chain(9)))
    assert "left out" not in dependency_text(found, 3)
    assert "... 1 level left out" in dependency_text(found, 2)
    assert "... 2 levels left out" in dependency_text(found, 1)


def test_without_a_loss_the_outputs_are_asked(load):
    nodes = {
        "x": {"op": "parameter", "value": 0.5},
        "z": {"op": "parameter", "value": 0.5},
        "u": {"op": "sin", "inputs": ["x"]},
        "v": {"op": "add", "inputs": ["x", "z"]},
    }
    graph = load({"dagprop": 1, "nodes": nodes})
    assert str(dagprop.depends(graph, "x")) == "u depends on x\nv depends on x"
    assert dependency_text(dagprop.depends(graph, "z"), 12).splitlines()[0] == "v depends on z"
    assert dagprop.depends(graph).node == "u"


def test_what_the_loss_does_not_depend_on_is_said(load):
    nodes = {
        "x": {"op": "parameter", "value": 0.5},
        "z": {"op": "sin", "inputs": ["x"]},
        "L": {"op": "cos", "inputs": ["x"]},
    }
    text = dependency_text(dagprop.depends(load({"dagprop": 1, "nodes": nodes, "loss": "L"}), "z"), 12)
    assert text.startswith("L does not depend on z\n\nz depends on 1 node\n\n")


@pytest.mark.parametrize(
    ("graph", "name", "code", "hint"),
    [
        ("four-layer-chain", "w4", "DP104", "the nodes are: x, w1"),
        ("four-layer-chain", "F3", "DP104", 'did you mean "f3"?'),
        ("four-layer-chain", "f3:1", "DP113", 'it has "f3"'),
        ("xor", "hiden", "DP104", 'did you mean "hidden"?'),
        ("xor", "hidden:1", "DP113", 'it has "hidden"'),
    ],
)
def test_a_misspelt_node_is_an_error_with_a_hint(root, graph, name, code, hint):
    with pytest.raises(GraphError) as error:
        dagprop.depends(dagprop.load(root / f"graphs/{graph}.json"), name)
    (problem,) = error.value.problems
    assert problem.code == code
    assert problem.hint.startswith(hint)


def test_the_call_of_a_definition_stands_for_its_output(root):
    graph = dagprop.load(root / "graphs/xor.json")
    assert dagprop.depends(graph, "hidden").node == "hidden/f"


def test_something_else_than_an_id_is_refused(root):
    with pytest.raises(GraphError, match="expected the id of a node, got a int"):
        dagprop.depends(dagprop.load(root / "graphs/line.json"), 3)
