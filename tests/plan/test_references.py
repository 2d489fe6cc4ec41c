"""Names that users give: each means what it means as an input in the file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dagprop
from dagprop.errors import GraphError
from dagprop.graph.document import parse_document
from dagprop.plan.network import prepare
from dagprop.plan.references import find_reference, find_references

LAYERS = {
    "two": {  # two outputs, the second from further up
        "inputs": ["x", "y"],
        "nodes": {"a": {"op": "subtract", "inputs": ["x", "y"]}, "f": {"op": "sin", "inputs": ["a"]}},
        "outputs": ["f", "a"],
    },
    "nest": {  # calls of calls, one of them repeated
        "inputs": ["x", "y"],
        "nodes": {
            "inner": {"op": "two", "inputs": ["x", "y"], "repeat": 2},
            "last": {"op": "two", "inputs": ["inner:1", "inner"]},
        },
        "outputs": ["last:1", "inner"],
    },
    "weight": {"inputs": [], "nodes": {"w": {"op": "parameter", "value": 0.3}}, "outputs": ["w"]},
}


def names_of(id, count):
    return [id, *(f"{id}:{number}" for number in range(1, count))]


@st.composite
def documents(draw):
    """Graph files whose nodes take any value of any earlier one, calls among them."""
    nodes = {"p": {"op": "parameter", "value": 0.5}, "k": {"op": "weight"}}
    outputs = {"p": 1, "k": 1}
    for number in range(draw(st.integers(1, 6))):
        named = st.sampled_from([name for id, count in outputs.items() for name in names_of(id, count)])
        op, count = draw(st.sampled_from([("two", 2), ("nest", 2), ("subtract", 1)]))
        repeat = {"repeat": draw(st.integers(1, 3))} if count > 1 and draw(st.booleans()) else {}
        nodes[f"n{number}"] = {"op": op, "inputs": [draw(named), draw(named)], **repeat}
        outputs[f"n{number}"] = count
    last = next(reversed(nodes))
    return {"dagprop": 1, "definitions": LAYERS, "nodes": nodes, "loss": last}, outputs


def network_of(document):
    graph, problems = parse_document(json.loads(json.dumps(document)))
    assert graph is not None and not problems
    return prepare(graph)


@given(documents())
def test_a_name_means_what_it_means_in_the_file(example):
    document, outputs = example
    names = [name for id, count in outputs.items() for name in names_of(id, count)]
    probes = {f"probe{place}": {"op": "identity", "inputs": [name]} for place, name in enumerate(names)}
    probed = network_of({**document, "nodes": {**document["nodes"], **probes}})
    expected = {name: probed.node(probe).references[0] for name, probe in zip(names, probes, strict=True)}
    network = network_of(document)
    assert find_references(network, names) == expected
    # ... and every value of the expanded graph is named by its own reference.
    assert find_references(network, network.shapes) == {name: name for name in network.shapes}


@given(documents())
def test_a_gradient_by_the_name_of_a_call_is_that_of_its_output(example):
    document, _ = example
    graph, _ = parse_document(document)
    calls = prepare(graph).graph.calls
    names = [name for call, given in calls.items() for name in names_of(call, len(given))]
    references = [reference for given in calls.values() for reference in given]
    by_name = dagprop.value_and_grad(graph, wrt=names)[1]
    by_reference = dagprop.value_and_grad(graph, wrt=references)[1]
    assert list(by_name) == names
    assert [by_name[name] for name in names] == [by_reference[reference] for reference in references]


NESTED = {
    "dagprop": 1,
    "definitions": LAYERS,
    "nodes": {
        "p": {"op": "parameter", "value": 0.5},
        "k": {"op": "weight"},
        "one": {"op": "cos", "inputs": ["p"]},
        "h": {"op": "nest", "inputs": ["one", "p"], "repeat": 2},
        "L": {"op": "multiply", "inputs": ["h", "k"]},
    },
    "loss": "L",
}


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("one", "one"),
        ("one:0", "one"),
        ("h", "h/1/last/a"),
        ("h:0", "h/1/last/a"),
        ("h:1", "h/1/inner/1/f"),
        ("h/0", "h/0/last/a"),
        ("h/0:1", "h/0/inner/1/f"),
        ("h/0/inner", "h/0/inner/1/f"),
        ("h/0/inner/0:1", "h/0/inner/0/a"),
        ("h/0/inner/0/a", "h/0/inner/0/a"),
        ("k", "k/w"),
    ],
)
def test_calls_at_every_level(name, reference):
    assert find_reference(network_of(NESTED), name) == reference


@pytest.mark.parametrize(
    ("names", "code", "message"),
    [
        (["one:1"], "DP113", '"one" has no output 1 [DP113]\n  it has "one"'),
        (["h:2"], "DP113", '"h" has no output 2 [DP113]\n  it has "h" and "h:1"'),
        (["h/0:2"], "DP113", '"h/0" has no output 2 [DP113]\n  it has "h/0" and "h/0:1"'),
        (["H"], "DP104", 'there is no node "H" [DP104]\n  did you mean "h"?'),
        (["h/2"], "DP104", 'there is no node "h/2" [DP104]\n  did you mean "h/'),
        (["somewhere"], "DP104", "the nodes are: p, k, one, h, L"),
        (["h:first"], "DP104", 'there is no node "h:first"'),
        (["h:"], "DP104", 'there is no node "h:"'),
        (["h:01"], "DP104", 'there is no node "h:01"'),
        ([""], "DP104", 'there is no node ""'),
        (["H", "p", "h:2"], "DP113", '"h" has no output 2'),
        (3, "DP008", "expected the id of a node, got a int"),
        (["p", None], "DP008", "expected the id of a node, got a NoneType"),
    ],
)
def test_what_names_nothing_is_refused(names, code, message):
    with pytest.raises(GraphError) as error:
        find_references(network_of(NESTED), names)
    assert code in {problem.code for problem in error.value.problems}
    assert message in str(error.value)


def test_all_names_that_are_wrong_are_told_at_once():
    with pytest.raises(GraphError) as error:
        find_references(network_of(NESTED), ["q", "p", "h:2"])
    assert [problem.code for problem in error.value.problems] == ["DP104", "DP113"]


def test_a_single_text_is_a_single_name():
    assert find_references(network_of(NESTED), "one") == {"one": "one"}
