"""Targets that are no class are refused before anything is computed from them."""

import numpy as np
import pytest

from dagprop import api
from dagprop.errors import DataError


def classifier(load_graph, op, logits, target, **keys):
    nodes = {
        "x": {"op": "input", "shape": logits},
        "y": {"op": "input", "shape": target},
        "b": {"op": "parameter", "value": 0.0},
        "z": {"op": "add", "inputs": ["x", "b"]},
        "e": {"op": op, "inputs": ["z", "y"]},
        "L": {"op": "mean", "inputs": ["e"]},
    }
    return load_graph(nodes, loss="L", train={"epochs": 1}, **keys)


CLASSES = 'the classes of "z" are 0 to 2'
WRONG = {
    "the last": ("cross_entropy", ["N", 3], ["N"], [1, 2, 3], [f"3 at sample 3, index 2; {CLASSES}"]),
    "two": (
        "cross_entropy", ["N", 3], ["N"], [3, 0, -1],
        [f"3 at sample 1, index 0; {CLASSES}", f"-1 at sample 3, index 2; {CLASSES}"],
    ),
    "a fraction": ("cross_entropy", ["N", 3], ["N"], [0.5, 1, 2], [f"0.5 at sample 1, index 0; {CLASSES}"]),
    "of several": (
        "cross_entropy", ["N", 2, 3], ["N", 2], [[0, 1], [2, 9], [0, 0]], [f"9 at sample 2, index [1, 1]; {CLASSES}"],
    ),
    "the same everywhere": ("cross_entropy", ["N", 3], ["N"], [7, 7, 7], [f"7; {CLASSES}"]),
    "no probability": (
        "binary_cross_entropy_with_logits", ["N"], ["N"], [1, -1, 1],
        ["-1 at sample 2, index 1; it must be 0, 1 or a probability"],
    ),
}  # fmt: skip
"""Op, shapes of logits and target, targets of three samples, and what is said of them."""


@pytest.mark.parametrize("case", WRONG)
def test_targets_that_are_no_classes(load_graph, case):
    op, logits, shape, target, expected = WRONG[case]
    graph = classifier(load_graph, op, logits, shape)
    with pytest.raises(DataError) as error:
        api.train(graph, {"x": np.ones([3, *logits[1:]]), "y": target})
    found = [(problem.code, problem.message) for problem in error.value.problems]
    assert found == [("DP407", f'the target "y" is {message}') for message in expected]


HEADER = "a,b,c,y"
FILES = {
    "rows": ("1,2,3,0\n1,2,3,77\n1,2,3,1\n1,2,3,-1\n", ["3: row 3", "5: row 5"]),
    "an editor counts a cell in quotes as two lines": (
        '1,2,3,0\n1,2,3,"\n2"\n1,2,3,77\n', ["5: row 4"],
    ),
    "blank lines at the end": ("1,2,3,77\n\n\n", ["2: row 2"]),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("op", ["cross_entropy", "binary_cross_entropy_with_logits"])
def test_wrong_targets_of_a_file_are_told_with_line_and_row(load_graph, tmp_path, case, op):
    rows, expected = FILES[case]
    binary = op != "cross_entropy"
    if binary:
        rows = rows.replace("\n2", "\n1")
    path = tmp_path / "d.csv"
    path.write_text(f"{HEADER}\n{rows}")
    columns = {"x": "a" if binary else "a..c", "y": "y"}
    graph = classifier(load_graph, op, ["N"] if binary else ["N", 3], ["N"], data={"file": "d.csv", "columns": columns})
    with pytest.raises(DataError) as error:
        api.train(graph)
    found = [str(problem).partition("\n")[0] for problem in error.value.problems]
    assert [message.partition(", column")[0] for message in found] == [f"{path}:{place}" for place in expected]
    means = "it must be 0, 1 or a probability" if binary else CLASSES
    assert all(f'column "y": {{}} is no target; {means} [DP407]'.format(value) in message
               for message, value in zip(found, ["77", "-1"], strict=False))  # fmt: skip


def test_of_a_target_of_several_columns_the_column_is_told(load_graph, tmp_path):
    (tmp_path / "d.csv").write_text("a,b,t0,t1\n1,2,0,1\n1,2,1,5\n")
    data = {"file": "d.csv", "columns": {"x": "a..b", "y": "t0..t1"}}
    graph = classifier(load_graph, "binary_cross_entropy_with_logits", ["N", 2], ["N", 2], data=data)
    with pytest.raises(DataError, match=r'd.csv:3: row 3, column "t1": 5 is no target'):
        api.train(graph)


def test_the_first_twenty_are_named_and_the_rest_counted(load_graph, tmp_path):
    (tmp_path / "d.csv").write_text("a,b,c,y\n1,2,3,0\n" + "1,2,3,8\n" * 30)
    data = {"file": "d.csv", "columns": {"x": "a..c"}}
    graph = classifier(load_graph, "cross_entropy", ["N", 3], ["N"], data=data)
    with pytest.raises(DataError) as error:
        api.train(graph)
    found = [problem.message for problem in error.value.problems]
    assert found[19].startswith("row 22,") and found[20:] == ["and 10 more like these"]


def test_targets_of_npz_files_are_told_with_the_file(load_graph, tmp_path):
    np.savez(tmp_path / "d.npz", x=np.ones((3, 3)), y=[0, 4, 5])
    graph = classifier(load_graph, "cross_entropy", ["N", 3], ["N"], data={"file": "d.npz"})
    with pytest.raises(DataError) as error:
        api.train(graph)
    assert [(problem.file, problem.message) for problem in error.value.problems] == [
        (str(tmp_path / "d.npz"), f'the target "y" is {value} at sample {value - 2}, index {value - 3}; {CLASSES}')
        for value in (4, 5)
    ]


@pytest.mark.parametrize(
    ("op", "logits", "target", "values"),
    [
        ("cross_entropy", ["N", 3], ["N"], [0, 2]),
        ("cross_entropy", ["N", 3], ["N", 3], [[0, 0, 1], [0.5, 0.25, 0.25]]),
        ("binary_cross_entropy_with_logits", ["N"], ["N"], [0.0, 0.5]),
        ("half_squared_error", ["N"], ["N"], [-7.5, 9.0]),
    ],
)
def test_targets_that_are_right(load_graph, op, logits, target, values):
    graph = classifier(load_graph, op, logits, target)
    assert len(api.train(graph, {"x": np.ones([2, *logits[1:]]), "y": values}).history) == 1
