"""What is wrong with nodes and graphs: one row a mistake, with its code, its place and a word of what is said."""

import json
from typing import Any

import pytest

from dagprop.graph.check import check_graph
from dagprop.graph.document import parse_document
from dagprop.graph.records import Graph, Node
from tests.graph.small import VOCABULARY, codes, has_errors, read_nodes, read_text

X = {"op": "input"}
DEEP = json.loads("[" * 33 + "1" + "]" * 33)
W = {"op": "parameter", "value": 1}


def node(op: str, *inputs: Any, **attributes: Any) -> dict[str, Any]:
    return {"op": op, "inputs": list(inputs), **attributes}


def problem_of(nodes: Any, **keys: Any) -> tuple[str, str, str]:
    """Return the code of the only problem, the text of the file from its place on, and all that is said."""
    text = json.dumps({"dagprop": 1, "nodes": nodes, **keys})
    reading = read_text(text)
    assert len(reading.problems) == 1, [str(problem) for problem in reading.problems]
    [problem] = reading.problems
    assert problem.line == 1
    assert problem.column is not None
    return problem.code, text[problem.column - 1 :], f"{problem.message} | {problem.hint}"


@pytest.mark.parametrize(
    ("nodes", "code", "place", "words"),
    [
        ({"x": X, "y": node("rleu", "x")}, "DP101", '"rleu"', 'did you mean "relu"'),
        ({"x": X, "y": node("minus", "x", "x")}, "DP101", '"minus"', 'here it is called "subtract"'),
        ({"x": X, "y": node("Linear", "x")}, "DP101", '"Linear"', "--plugin"),  # "dense" is not in this vocabulary
        ({"x": X, "y": node("qqqqqq", "x")}, "DP101", '"qqqqqq"', "--plugin"),
        ({"x": X, "y": node("$f", "x")}, "DP101", '"$f"', "only inside a definition"),
        ({"x": X, "y": node("relu", "x", axis=1)}, "DP102", '"axis"', "it has no attributes"),
        ({"x": X, "y": node("sum", "x", axes=1)}, "DP102", '"axes"', 'did you mean "axis"'),
        ({"x": X, "y": node("sum", "x", dosc="a")}, "DP102", '"dosc"', 'did you mean "doc"'),
        ({"x": X, "y": node("relu", "x", repeat=2)}, "DP102", '"repeat"', "for definitions"),
        ({"x y": X}, "DP103", '"x y"', '"x_y"'),
        ({"1x": X}, "DP103", '"1x"', '"_1x"'),
        ({"": X}, "DP103", '""', "digit cannot come first"),
        ({"ä": X}, "DP103", '"\\u00e4"', "a to z"),
        ({"a/b": X}, "DP103", '"a/b"', "a_b"),
        ({"x": X, "y": node("relu", "xx")}, "DP104", '"xx"', 'did you mean "x"'),
        ({"x": X, "y": node("relu", "q")}, "DP104", '"q"', "declare it"),
        ({"x": X, "y": node("relu", "relu")}, "DP104", '"relu"', "name of an op"),
        ({"x": X, "y": {"op": "affine", "inputs": {"w": "x", "x": "X"}}}, "DP104", '"X"', 'did you mean "x"'),
        ({"x": X, "y": node("layer", "x", units=2), "z": node("relu", "y/f")}, "DP104", '"y/f"', "from outside"),
        ({"x": X, "y": {"op": "relu"}}, "DP105", '{"op": "relu"', 'needs the input "x"'),
        ({"x": X, "y": node("relu")}, "DP105", "[]", "its input is: x"),
        ({"x": X, "y": node("subtract", "x")}, "DP105", '["x"]', 'needs the input "right"'),
        ({"x": X, "y": node("subtract", None, "x")}, "DP105", "null", 'needs the input "left"'),
        ({"x": X, "y": {"op": "subtract", "inputs": {"left": "x"}}}, "DP105", '{"left"', 'needs the input "right"'),
        ({"x": X, "y": node("add", "x")}, "DP105", '["x"]', "two or more inputs, one is given"),
        ({"x": X, "y": {"op": "add", "inputs": {"xs": "x"}}}, "DP105", '{"xs"', "as a list"),
        ({"x": X, "y": node("add", "x", "x", None)}, "DP105", "null", "needs a node here"),
        ({"x": X, "y": node("layer", units=2)}, "DP105", "[]", 'needs the input "x"'),
        ({"x": X, "y": node("relu", "x", "x")}, "DP106", '"x"]', "takes 1 input, 2 are given"),
        ({"x": X, "y": node("input", "x")}, "DP106", '"x"]', "takes no inputs, 1 is given"),
        ({"x": X, "y": node("affine", "x", "x", "x", "x")}, "DP106", '"x"]', "b (may be left out)"),
        ({"x": X, "y": {"op": "relu", "inputs": {"x": "x", "z": "x"}}}, "DP106", '"z"', 'no input "z"'),
        ({"x": X, "y": node("layer", "x", "x", "x", units=2)}, "DP106", '"x"]', "takes 2 inputs, 3"),
        ({"x": X, "y": node("pad", "x")}, "DP107", '{"op": "pad"', 'needs the attribute "width"'),
        ({"x": X, "y": node("layer", "x")}, "DP107", '{"op": "layer"', 'needs the attribute "units"'),
        ({"c": {"op": "constant"}, "d": node("relu", "c")}, "DP107", '{"op": "constant"', '"value"'),
        ({"x": X, "y": node("sum", "x", axis="a")}, "DP108", '"a"', "or a list of them or null"),
        ({"x": X, "y": node("sum", "x", axis=[1, True])}, "DP108", "[1", "a list"),
        ({"x": X, "y": node("pad", "x", width=1)}, "DP108", "1}", "list of whole numbers"),
        ({"x": X, "y": node("pad", "x", width=[1], mode="egde")}, "DP108", '"egde"', '"zero" or "edge"'),
        ({"x": X, "y": node("pad", "x", width=[1], slope="1")}, "DP108", '"1"', "must be a number"),
        ({"x": X, "y": node("pad", "x", width=[1], keep=1)}, "DP108", "1}", "true or false"),
        ({"x": X, "y": node("pad", "x", width=[1], times=1.5)}, "DP108", "1.5", "whole number"),
        ({"x": X, "y": node("layer", "x", units=None)}, "DP108", "null", "must have a value"),
        ({"x": X, "y": node("layer", "x", units="$n")}, "DP108", '"$n"', "only inside a definition"),
        ({"x": {"op": "input", "shape": "N"}}, "DP108", '"N"', "list of sizes"),
        ({"x": {"op": "input", "shape": ["N", -2]}}, "DP108", '["N"', "list of sizes"),
        ({"x": {"op": "input", "shape": ["N", -1]}}, "DP108", "-1", "0 or more"),
        ({"x": {"op": "parameter", "shape": ["x[-1]"]}}, "DP108", '["x[-1]"', "list of sizes"),
        ({"x": {"op": "parameter", "shape": [2], "init": 3}}, "DP108", "3", "name of an initializer"),
        ({"x": {"op": "parameter", "shape": [2], "init": {"std": 3}}}, "DP108", "{", '"name"'),
        ({"x": {"op": "parameter", "value": None}}, "DP108", "null", "must be a number"),
        ({"x": {"op": "parameter", "value": 1, "trainable": "no"}}, "DP108", '"no"', "true or false"),
        ({"x": X, "y": node("layer", "x", units=2), "z": node("relu", "y:2")}, "DP113", '"y:2"', '"y" and "y:1"'),
        ({"x": X, "z": node("relu", "x:1")}, "DP113", '"x:1"', "no output 1"),
        ({"x": node("relu", "x")}, "DP201", '"x": {', "x -> x"),
        ({"a": node("relu", "b"), "b": node("relu", "c"), "c": node("relu", "a")}, "DP201", '"a": {', "a -> c -> b"),
        ({"c": {"op": "constant", "value": [[1, 2], [3]]}}, "DP302", "[3]", "1 element, the first row has 2"),
        ({"c": {"op": "constant", "value": [[1, 2], 3]}}, "DP302", "3]", "ragged"),
        ({"c": {"op": "constant", "value": [1, [2]]}}, "DP302", "[2]", "ragged"),
        ({"c": {"op": "constant", "value": [1, "2"]}}, "DP302", '"2"', "a number is expected"),
        ({"c": {"op": "constant", "value": [1, None]}}, "DP302", "null", "a number is expected"),
        ({"c": {"op": "constant", "value": [[True]]}}, "DP302", "true", "a number is expected"),
        ({"c": {"op": "constant", "value": []}}, "DP302", "[]", "without elements"),
        ({"c": {"op": "constant", "value": [[], []]}}, "DP302", "[], []]", "without elements"),
        ({"c": {"op": "constant", "value": DEEP}}, "DP302", "[[", "32 axes"),
        ({"w": {"op": "parameter", "value": [1, 2], "shape": [3]}}, "DP302", "[1, 2]", "declared shape is [3]"),
        ({"x": {"op": "input", "value": [[1, 2]]}}, "DP302", "[[1", 'add "shape": ["N", 2]'),
        ({"x": {"op": "input", "shape": ["N", 2], "value": [1, 2, 3]}}, "DP302", "[1, 2, 3]", 'is ["N", 2]'),
        ({"w": {"op": "parameter"}, "z": node("relu", "w")}, "DP304", '{"op": "parameter"', '"value" or a "shape"'),
        ({"s": {"op": "state", "value": 1, "update": "q"}}, "DP104", '"q"', "no node"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_node(nodes: dict[str, Any], code: str, place: str, words: str) -> None:
    found, text, said = problem_of(nodes)
    assert found == code
    assert text.startswith(place)
    assert words in said


@pytest.mark.parametrize(
    ("keys", "code", "place", "words"),
    [
        ({"loss": "yy"}, "DP202", '"yy"', 'did you mean "y"'),
        ({"loss": "y:1", "outputs": ["x:1"]}, "DP113", '"x:1"', "no output 1"),
        ({"outputs": ["y", "zz"]}, "DP202", '"zz"', "the output names no node"),
        ({"data": {"file": "a.csv", "columns": {"X": "a"}}}, "DP104", '"X"', 'did you mean "x"'),
        ({"data": {"file": "a.csv", "classes": {"w": ["a"]}}}, "DP104", '"w"', 'its op is "parameter"'),
    ],
)
def test_a_mistake_in_what_names_nodes(keys: dict[str, Any], code: str, place: str, words: str) -> None:
    found, text, said = problem_of({"x": X, "w": W, "y": node("subtract", "w", "x")}, **keys)
    assert found == code
    assert text.startswith(place)
    assert words in said


ONE = {"inputs": ["a"], "outputs": ["r"], "nodes": {"r": node("relu", "a")}}


@pytest.mark.parametrize(
    ("definition", "code", "place", "words"),
    [
        ({**ONE, "nodes": {"r": node("relu", "b")}}, "DP104", '"b"', "no node"),
        ({**ONE, "nodes": {"r": node("rleu", "a")}}, "DP101", '"rleu"', 'did you mean "relu"'),
        ({**ONE, "nodes": {"r": node("relu", "a:1")}}, "DP113", '"a:1"', "one value only"),
        ({**ONE, "outputs": ["q"]}, "DP110", '"q"', "no node"),
        ({**ONE, "outputs": ["a"]}, "DP110", '"a"]', "is an input"),
        ({**ONE, "nodes": {"r": node("sum", "a", axis="$n")}}, "DP110", '"$n"', "no attribute"),
        ({**ONE, "nodes": {"r": node("$n", "a")}}, "DP110", '"$n"', "no attribute"),
        ({**ONE, "nodes": {"r": node("layer", "a", units="b[0]")}}, "DP110", '"b[0]"', "no input"),
        ({**ONE, "nodes": {"r": node("layer", "a", units=1, repeat="$n")}}, "DP110", '"$n"', "no attribute"),
        ({**ONE, "nodes": {"r": {"op": "input"}}}, "DP110", '"input"', "cannot have an input"),
        ({**ONE, "nodes": {"r": node("relu", "r")}}, "DP201", '"r": {', "r -> r"),
        ({**ONE, "nodes": {"r": node("mine", "a")}}, "DP109", '"mine"', "mine -> mine"),
        ({**ONE, "inputs": ["a", "a?"]}, "DP112", '"a?"', "twice"),
        ({**ONE, "inputs": ["a", "r"]}, "DP112", '"r"]', "a node in it"),
        ({**ONE, "inputs": ["a", "b c"]}, "DP103", '"b c"', "not a valid name"),
        ({**ONE, "attributes": {"doc": 1}}, "DP112", '"doc"', "key of every node"),
        ({**ONE, "attributes": {"x-a": 1}}, "DP103", '"x-a"', "not a valid name"),
        ({**ONE, "attributes": [1]}, "DP008", "[1]", "an object"),
        ({**ONE, "output": ["r"]}, "DP102", '"output"', 'did you mean "outputs"'),
        ({**ONE, "outputs": []}, "DP009", '{"inputs"', '"outputs"'),
        ({**ONE, "nodes": {}}, "DP009", "{}", "empty"),
        (3, "DP008", "3", "must be an object"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_definition(definition: Any, code: str, place: str, words: str) -> None:
    if definition == {**ONE, "nodes": {}}:
        reading = read_nodes({"x": X}, definitions={"mine": definition})
        assert "DP009" in codes(reading)
        return
    found, text, said = problem_of({"x": X}, definitions={"mine": definition})
    assert found == code
    assert text.startswith(place)
    assert words in said


@pytest.mark.parametrize(
    ("call", "code", "place", "words"),
    [
        (node("layer", "x", units=2, activation="tahn"), "DP101", '"tahn"', 'did you mean "tanh"? | "y/f"'),
        (node("layer", "x", units=2, activation="subtract"), "DP105", '"subtract"', '"right"'),
        (node("layer", "x", units="3"), "DP108", '"3"', "list of sizes"),
        (node("layer", "x", units=2.5), "DP108", "2.5", "list of sizes"),
        (node("layer", "x", units=2, repeat=0), "DP008", "0", "1 or more"),
        (node("layer", "x", units=2, repeat=True), "DP008", "true", "1 or more"),
        (node("layer", "x", units=2, repeat=10**12), "DP111", '"y"', "1,000,000"),
    ],
)
def test_a_mistake_in_a_call(call: dict[str, Any], code: str, place: str, words: str) -> None:
    found, text, said = problem_of({"x": {"op": "input", "shape": ["N", 2]}, "y": call})
    assert found == code
    assert text.startswith(place)
    assert all(word in said for word in words.split(" | "))


def test_name_of_a_definition_is_taken() -> None:
    for name in ("relu", "layer", "input"):
        found, text, _ = problem_of({"x": X}, definitions={name: ONE})
        assert (found, text.startswith(f'"{name}"')) == ("DP112", True)


def test_each_circle_is_told_once() -> None:
    nodes = {"a": node("relu", "b"), "b": node("relu", "a"), "c": node("add", "d", "a"), "d": node("add", "c", "d")}
    assert codes(read_nodes(nodes)) == ["DP201", "DP201"]


def test_circle_of_definitions() -> None:
    ring = {f"d{k}": {**ONE, "nodes": {"r": node(f"d{(k + 1) % 3}", "a")}} for k in range(3)}
    reading = read_nodes({"x": X, "y": node("d1", "x"), "z": node("relu", "y")}, definitions=ring)
    assert [(problem.code, problem.message) for problem in reading.problems] == [
        ("DP109", "definitions use each other in a circle: d0 -> d1 -> d2 -> d0")
    ]


def test_calls_without_end_through_an_attribute() -> None:
    definition = {**ONE, "attributes": {"f": None}, "nodes": {"r": {"op": "$f", "inputs": ["a"], "f": "$f"}}}
    reading = read_nodes(
        {"x": X, "y": node("mine", "x", f="mine"), "z": node("relu", "y")}, definitions={"mine": definition}
    )
    assert codes(reading) == ["DP111"]


def test_twenty_definitions_that_ask_for_billions() -> None:
    definitions = {"d0": ONE}
    for k in range(40):
        twice = {"l": node(f"d{k}", "a"), "r": node(f"d{k}", "l")}
        definitions[f"d{k + 1}"] = {**ONE, "nodes": twice}
    assert codes(read_nodes({"x": X, "y": node("d40", "x")}, definitions=definitions)) == ["DP111"]


def test_all_problems_in_one_go_and_in_order() -> None:
    reading = read_text(
        """{
  "dagprop": 1,
  "nam": "x",
  "nodes": {
    "x": {"op": "input", "value": NaN},
    "y": {"op": "rleu", "inputs": ["q"]},
    "y z": {"op": "relu", "inputs": "x"},
    "w": {"op": "parameter", "shap": [1]},
    "w": {"op": "pad", "inputs": ["x"], "width": "a"}
  },
  "loss": "z",
  "train": {"epochs": -1}
}"""
    )
    found = [(problem.code, problem.line, problem.column) for problem in reading.problems]
    assert found == [
        ("DP102", 3, 3),
        ("DP005", 5, 35),
        ("DP101", 6, 17),
        ("DP104", 6, 36),
        ("DP103", 7, 5),
        ("DP008", 7, 37),
        ("DP004", 9, 5),
        ("DP108", 9, 50),
        ("DP202", 11, 11),
        ("DP011", 12, 23),
    ]


@pytest.mark.parametrize(
    ("nodes", "keys", "expected"),
    [
        ({"x": X, "y": node("relu", "x")}, {}, []),
        ({"x": X, "c": X, "y": node("relu", "x")}, {}, [("DP204", "c")]),
        ({"x": X, "y": node("relu", "x"), "z": node("relu", "x")}, {"outputs": ["y"]}, [("DP204", "z")]),
        ({"x": X, "y": node("relu", "x"), "z": node("relu", "y")}, {"loss": "x"}, [("DP204", "z")]),
        ({"x": X, "w": W}, {"loss": "x"}, [("DP205", "w")]),
        ({"x": X, "w": W}, {"loss": "x", "outputs": ["w"]}, [("DP205", "w")]),
        ({"x": X, "w": {**W, "trainable": False}}, {"loss": "x"}, [("DP204", "w")]),
        ({"x": X, "w": W, "y": node("relu", "w")}, {"loss": "x"}, [("DP205", "w"), ("DP204", "y")]),
        ({"x": X, "w": W, "y": node("add", "w", "x")}, {"loss": "y"}, []),
        (
            {"x": X, "s": {"op": "state", "value": 0, "update": "t"}, "t": node("add", "s", "x")},
            {"loss": "x"},
            [],
        ),
    ],
)
def test_warnings(nodes: dict[str, Any], keys: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    reading = read_nodes(nodes, **keys)
    assert [(problem.code, problem.node) for problem in reading.problems] == expected
    assert not has_errors(reading)
    assert all(problem.warning for problem in reading.problems)


def test_no_warnings_beside_errors() -> None:
    assert codes(read_nodes({"x": X, "c": X, "y": node("relu", "q")})) == ["DP104"]


def test_check_graph_takes_a_graph_without_a_file() -> None:
    graph, problems = parse_document({"dagprop": 1, "nodes": {"x": X, "y": node("relu", "q")}})
    assert problems == []
    assert graph is not None
    assert [problem.path for problem in check_graph(graph, VOCABULARY)] == [("nodes", "y", "inputs", 0)]


@pytest.mark.parametrize(
    ("dtype", "said"),
    [("int8", 'is the text "int8"'), ("float46", "did you mean"), (float, "is a type"), (None, "null")],
)
def test_check_graph_judges_a_dtype_made_in_python(dtype: Any, said: str) -> None:
    [problem] = check_graph(Graph({"x": Node("x", "input")}, dtype=dtype), VOCABULARY)
    assert (problem.code, problem.path) == ("DP011", ("dtype",))
    assert said in str(problem)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_check_graph_accepts_the_dtypes(dtype: str) -> None:
    assert check_graph(Graph({"x": Node("x", "input")}, dtype=dtype), VOCABULARY) == []


def test_healthy_nodes_of_a_file_with_errors() -> None:
    nodes = {
        "x": X,
        "good": node("relu", "x"),
        "bad": node("relu", "q"),
        "worse": node("relu", "bad"),
        "worst": node("layer", "worse", units=2),
        "a": node("relu", "b"),
        "b": node("relu", "a"),
        "call": node("layer", "x", units=2),
        "typo": node("layer", "x", units=2, activation="tahn"),
    }
    reading = read_nodes(nodes, outputs=["call", "worst", "good"])
    assert reading.expanded is not None
    assert list(reading.expanded.nodes) == ["x", "good", "call/w", "call/a", "call/f"]
    assert reading.expanded.outputs == ("call/f", "good")


def test_suggestions_do_not_take_minutes() -> None:
    # 5,000 misspelt references among 5,000 nodes: each is told, the first ones with a hint.
    nodes = {f"node{k}": node("relu", f"nodE{k}") for k in range(5_000)}
    reading = read_nodes(nodes)
    assert len(reading.problems) == 5_000
    assert "did you mean" in str(reading.problems[0].hint)
