"""The id of a call stands for its output, in every command that takes a node."""

import pytest

NEURONS = "graphs/four-layer-chain-neurons.json"


@pytest.mark.parametrize(
    "arguments",
    [
        ["paths", NEURONS, "--wrt", "unit1"],
        ["paths", NEURONS, "--wrt", "unit1", "--json"],
        ["paths", NEURONS, "--wrt", "w1", "--to", "unit2"],
        ["derive", NEURONS, "--wrt", "unit1"],
        ["derive", NEURONS, "--wrt", "w1,unit2", "--wrt", "unit1", "--check"],
        ["derive", NEURONS, "--wrt", "unit1", "--json"],
        ["flow", NEURONS, "--wrt", "unit1"],
        ["depends", NEURONS, "unit1"],
        ["depends", NEURONS, "unit1", "--reverse"],
        ["draw", NEURONS, "--chain", "unit1"],
        ["draw", NEURONS, "--chain", "unit1", "--depth", "0", "-f", "dot"],
        ["animate", NEURONS, "--wrt", "unit1,w3", "-o", "-"],
    ],
)
def test_a_command_takes_a_call_for_its_output(dagprop, arguments):
    of_the_call = dagprop(*arguments)
    of_its_output = dagprop(*(text.replace("unit1", "unit1/f").replace("unit2", "unit2/f") for text in arguments))
    assert (of_the_call.exit_code, of_the_call.err) == (0, "")
    assert of_the_call.out == of_its_output.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["paths", NEURONS, "--wrt", "NAME"],
        ["paths", NEURONS, "--wrt", "w1", "--to", "NAME"],
        ["derive", NEURONS, "--wrt", "NAME"],
        ["flow", NEURONS, "--wrt", "NAME"],
        ["depends", NEURONS, "NAME"],
        ["draw", NEURONS, "--chain", "NAME"],
        ["draw", NEURONS, "--around", "NAME"],
        ["animate", NEURONS, "--wrt", "NAME", "-o", "-"],
        ["animate", NEURONS, "--around", "NAME", "-o", "-"],
    ],
)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unit9", 'there is no node "unit9" [DP104]\n  did you mean "unit'),
        ("unit1:1", '"unit1" has no output 1 [DP113]\n  it has "unit1"'),
        ("unit1/f:1", '"unit1/f" has no output 1 [DP113]\n  it has "unit1/f"'),
    ],
)
def test_every_command_refuses_what_is_not_there_in_the_same_words(dagprop, arguments, name, message):
    done = dagprop(*(name if text == "NAME" else text for text in arguments))
    assert (done.exit_code, done.out) == (2, "")
    assert f"{NEURONS}: {message}" in done.err


def test_around_a_call_is_what_is_inside_it(dagprop):
    inside = dagprop("draw", NEURONS, "--around", "unit3", "--radius", "0").out
    assert "unit3/f" in inside and "unit3/a" in inside and "unit2" not in inside


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unit1", '"unit1" is computed by "sigmoid"; only leaves can be given a value [DP305]'),
        ("unit9", 'there is no node "unit9" to give a value to [DP305]'),
    ],
)
def test_only_leaves_can_be_set(dagprop, name, message):
    done = dagprop("run", NEURONS, "--set", f"{name}=1")
    assert done.exit_code == 2 and message in done.err


def test_a_call_that_stands_for_a_parameter_is_set_by_the_id_of_that(dagprop, write_graph):
    definitions = {"bias": {"inputs": [], "nodes": {"b": {"op": "parameter", "value": 3}}, "outputs": ["b"]}}
    path = str(write_graph({"k": {"op": "bias"}, "L": {"op": "negative", "inputs": ["k"]}}, definitions=definitions))
    refused = dagprop("run", path, "--set", "k=1")
    assert refused.exit_code == 2
    assert '"k" is a call, and stands for "k/b" [DP305]\n  name "k/b"' in refused.err
    assert dagprop("run", path, "--set", "k/b=1").exit_code == 0
