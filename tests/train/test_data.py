"""Data: which column feeds which input, and what is said where one does not."""

import io

import numpy as np
import pytest

from dagprop.errors import DataError
from dagprop.plan.network import prepare
from dagprop.train.data import data_from_arrays, data_from_values, load_data

NODES = {
    "x": {"op": "input", "shape": ["N", 2]},
    "y": {"op": "input"},
    "w": {"op": "parameter", "value": [1.0, 2.0]},
    "z": {"op": "matmul", "inputs": ["x", "w"]},
    "L": {"op": "half_squared_error", "inputs": ["z", "y"]},
}
COLUMNS = {"x": ["a", "b"], "y": ["y"]}


@pytest.fixture
def read(load_graph, tmp_path):
    """Read a data file, given by its content, for a graph; returns the feeds."""

    def read(content, name="d.csv", nodes=NODES, inputs=None, **keys):
        path = tmp_path / name
        if isinstance(content, dict):
            np.savez(path, **content)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        graph = load_graph(nodes, loss="L", **keys)
        return load_data(graph, prepare(graph), str(path), inputs=inputs)

    return read


def problems(function, *arguments, **keys):
    with pytest.raises(DataError) as error:
        function(*arguments, **keys)
    return [(problem.code, problem.message, problem.hint) for problem in error.value.problems]


def source(columns=None, **keys):
    return {"data": {"file": "not-this.csv", "columns": columns or COLUMNS, **keys}}


@pytest.mark.parametrize("content", ["y,a,b\n1,2,3\n4,5,6\n", b"\xef\xbb\xbfy,a,b\n1,2,3\n4,5,6\n"])
@pytest.mark.parametrize("columns", [["a", "b"], ["a..b"]])
def test_columns_feed_inputs_in_file_order(read, content, columns):
    data = read(content, **source({"x": columns}))
    assert data.rows == 2
    np.testing.assert_array_equal(data.feeds["x"], [[2, 3], [5, 6]])
    np.testing.assert_array_equal(data.feeds["y"], [1, 4])


def test_an_image_is_filled_row_by_row(read):
    nodes = {**NODES, "x": {"op": "input", "shape": ["N", 2, 2]}, "w": {"op": "parameter", "value": [1.0, 1.0]}}
    nodes["z"] = {"op": "sum", "inputs": ["x"], "axis": [1, 2]}
    data = read("p0,p1,p2,p3,y\n1,2,3,4,0\n", nodes=nodes, **source({"x": ["p0..p3"]}))
    np.testing.assert_array_equal(data.feeds["x"], [[[1, 2], [3, 4]]])


def test_a_column_with_dots_in_its_name_is_itself(read):
    data = read("a..b,c,y\n1,2,3\n", **source({"x": ["a..b", "c"]}))
    np.testing.assert_array_equal(data.feeds["x"], [[1, 2]])


def test_labels_become_classes(read):
    data = read("a,b,y\n1,2,red\n1,2, blue \n1,2,red\n", **source(classes={"y": ["blue", "red"]}))
    np.testing.assert_array_equal(data.feeds["y"], [1, 0, 1])
    assert data.feeds["y"].dtype == np.int64


def test_only_the_inputs_asked_for_need_columns(read):
    assert list(read("a,b\n1,2\n", inputs=["x"], **source()).feeds) == ["x"]


@pytest.mark.parametrize(
    ("content", "columns", "code", "message", "hint"),
    [
        (
            "a,bb,y\n1,2,3\n", None, "DP403",
            'there is no column "b", which the input "x" needs', 'did you mean "bb"?',
        ),
        (
            "a;b;y\n1;2;3\n", {"x": ["a", "b"]}, "DP403",
            'there is no column "a", which the input "x" needs',
            "the header has no comma: the columns must be separated by commas",
        ),
        (
            "1,2,3\n", {"x": ["a", "b"]}, "DP403",
            'there is no column "a", which the input "x" needs',
            "the first row must name the columns, and here it holds numbers",
        ),
        (
            "q,y\n1,3\n", {"y": ["y"]}, "DP403",
            'there is no column "x", which the input "x" needs',
            'the columns are: "q", "y"; say which feeds the input: data, columns',
        ),
        (
            "a,b,c,y\n1,2,3,4\n", {"x": ["a..c"]}, "DP303",
            'the input "x" of shape (N, 2) needs 2 columns; 3 given',
            'the range "a..c" is all that stand from its first to its last in the header',
        ),
        (
            "a,y\n1,4\n", {"x": ["a"]}, "DP303",
            'the input "x" of shape (N, 2) needs 2 columns; 1 given',
            'columns may be given as a range, "first..last"',
        ),
        (
            "b,a,y\n1,2,3\n", {"x": ["a..b"]}, "DP403",
            'the input "x" is fed by "a..b", but "a" stands behind "b"', None,
        ),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit(read, content, columns, code, message, hint):
    assert (code, message, hint) in problems(read, content, **source(columns))


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        ("p0,p2", "p0..p2", 'there is no column "p1", which the input "x" needs'),
        ("p08,p10", "p08..p10", 'there is no column "p09", which the input "x" needs'),
        ("p0,q,p3", ["p0..p3"], 'there are no columns "p1", "p2", which the input "x" needs'),
        ("8,10", ["8..10"], 'there is no column "9", which the input "x" needs'),
        (
            "p0,p999999999", ["p0..p999999999"],
            'there are no columns ' + ", ".join(f'"p{i}"' for i in range(1, 11)) + ', ..., which the input "x" needs',
        ),
    ],
)  # fmt: skip
def test_columns_missing_within_a_range_are_named(read, header, columns, message):
    nodes = {**NODES, "x": {"op": "input", "shape": ["N", 4]}, "w": {"op": "parameter", "value": [1.0, 2.0, 3.0, 4.0]}}
    found = problems(
        read, f"{header},y\n" + "1," * len(header.split(",")) + "3\n", nodes=nodes, **source({"x": columns})
    )
    name = columns if isinstance(columns, str) else columns[0]
    assert found == [("DP403", message, f'it is fed by "{name}"')]


@pytest.mark.parametrize("header", ["a,q,z,c", "p0,q,z,p1", "p0,q,z,r3"])
def test_where_no_number_is_missing_in_a_range_the_count_is_told(read, header):
    first, *_, last = header.split(",")
    ((code, message, _),) = problems(read, f"{header},y\n1,2,3,4,5\n", **source({"x": [f"{first}..{last}"]}))
    assert (code, message) == ("DP303", 'the input "x" of shape (N, 2) needs 2 columns; 4 given')


def test_everything_wrong_with_the_columns_is_told_at_once(read):
    assert [code for code, _, _ in problems(read, "q\n1\n", **source())] == ["DP403"] * 3


def test_a_text_column_says_how_labels_are_fed(read):
    ((code, message, hint),) = problems(read, "a,b,y\n1,2,red\n1,2,blue\n", **source())
    assert (code, message) == ("DP402", 'the column "y" holds text, not numbers: "red", "blue"')
    assert "classes" in hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b,y\n1,2,\xff\n", "the data is not UTF-8 text: byte 0xff"),
        (b"PK\x03\x04 and then nothing of a ZIP", "the NPZ file cannot be read: it is damaged"),
        (b"PK\x05\x06", "the NPZ file cannot be read: it is damaged"),
    ],
)
def test_files_that_are_neither(read, content, message):
    assert [(code, text) for code, text, _ in problems(read, content, **source())] == [("DP401", message)]


def test_no_such_file(load_graph):
    graph = load_graph(NODES, loss="L")
    ((code, message, hint),) = problems(load_data, graph, prepare(graph), "nowhere.csv")
    assert (code, message, hint) == ("DP401", "the data cannot be read: No such file or directory", None)


def test_the_graphs_own_file_lies_beside_it(load_graph, tmp_path):
    (tmp_path / "points.csv").write_text("a,b,y\n1,2,3\n")
    graph = load_graph(NODES, loss="L", data={"file": "points.csv", "columns": COLUMNS})
    assert load_data(graph, prepare(graph)).rows == 1


@pytest.mark.parametrize("stream", [io.StringIO("x,y\n1,2\n"), io.BytesIO(b"x,y\n1,2\n")])
def test_standard_input(load_graph, stream):
    graph = load_graph({**NODES, "x": {"op": "input"}, "w": {"op": "parameter", "value": 1.0},
                        "z": {"op": "multiply", "inputs": ["x", "w"]}}, loss="L")  # fmt: skip
    data = load_data(graph, prepare(graph), "-", stdin=stream)
    assert (data.file, data.feeds["x"].tolist(), data.feeds["y"].tolist()) == ("<stdin>", [1], [2])


# ------------------------------------------------------------------------------------------------------- NPZ


def test_arrays_feed_inputs(read):
    points, targets = np.arange(6.0).reshape(3, 2), np.array(["b", "a", "b"])
    keys = source({"x": ["points"]}, classes={"y": ["a", "b"]})
    data = read({"points": points, "y": targets}, "d.npz", **keys)
    np.testing.assert_array_equal(data.feeds["x"], points)
    np.testing.assert_array_equal(data.feeds["y"], [1, 0, 1])


@pytest.mark.parametrize(
    ("arrays", "code", "message"),
    [
        ({"x": np.ones((3, 2))}, "DP403", 'there is no array "y", which the input "y" needs'),
        ({"x": np.ones((3, 2)), "y": np.ones(2)}, "DP404",
         'the inputs do not have the same number of samples: "x" has 3, "y" has 2'),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, "DP405", "there are no samples"),
        ({"x": np.ones((3, 4)), "y": np.ones(3)}, "DP303",
         'the array "x" for the input "x" has shape (3, 4), it must be (N, 2)'),
        ({"x": np.ones((3, 2)), "y": np.array([1, np.nan, np.inf])}, "DP402",
         'the array "y" for the input "y" is not finite at [1], and at 1 other places'),
        ({"x": np.ones((3, 2)), "y": np.array(["a", "b", "c"])}, "DP402", 'the array "y" for the input "y" holds text'),
        ({"x": np.ones((3, 2)), "y": np.ones(3, dtype=complex)}, "DP402",
         'the array "y" for the input "y" holds values of type complex128'),
        ({"x": np.ones((3, 2)), "y": np.array([{}, 1, "a"], dtype=object)}, "DP401",
         "the NPZ file cannot be read: it holds pickled Python objects, which are never loaded"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit(read, arrays, code, message):
    assert [(code, message)] == [(code, text) for code, text, _ in problems(read, arrays, "d.npz")]


def test_a_label_that_is_no_class(read):
    arrays = {"x": np.ones((3, 2)), "y": np.array(["p", "a", "q"])}
    found = problems(read, arrays, "d.npz", data={"file": "d", "classes": {"y": ["a"]}})
    assert [(code, message) for code, message, _ in found] == [
        ("DP407", 'the array "y" holds "p" at sample 1, index 0, which is not one of its classes'),
        ("DP407", 'the array "y" holds "q" at sample 3, index 2, which is not one of its classes'),
    ]
    arrays = {"x": np.ones((30, 2)), "y": np.array(["q"] * 30)}
    found = problems(read, arrays, "d.npz", data={"file": "d", "classes": {"y": ["a"]}})
    assert [message for _, message, _ in found][20:] == ["and 10 more like these"]


# --------------------------------------------------------------------------------------- arrays and values


def test_arrays_by_id(load_graph):
    network = prepare(load_graph(NODES, loss="L"))
    data = data_from_arrays(network, {"x": [[1, 2], [3, 4]], "y": [5, 6]})
    assert (data.rows, data.feeds["y"].tolist()) == (2, [5, 6])
    ((code, message, _),) = problems(data_from_arrays, network, {"x": [[1, 2]], "Y": [1]})
    assert (code, message) == ("DP305", 'data is given for "Y", which is no input with samples')
    ((code, message, _),) = problems(data_from_arrays, network, {"x": [[1, 2], [3]], "y": [1, 2]})
    assert (code, message) == ("DP302", 'the data for the input "x" is not a regular table of numbers')
    ((code, message, _),) = problems(data_from_arrays, network, {"x": [[1, 2]]})
    assert (code, message) == ("DP406", 'the input "y" has neither data nor a value')


@pytest.mark.parametrize(
    ("x", "y", "rows"),
    [([1, 2], 3, 1), ([[1, 2], [3, 4]], [5, 6], 2), ([1, 2], [5, 6, 7], 3), ([[1, 2], [3, 4]], 5, 2)],
)
def test_values_are_samples(load_graph, x, y, rows):
    nodes = {**NODES, "x": {**NODES["x"], "value": x}, "y": {**NODES["y"], "value": y}}
    data = data_from_values(prepare(load_graph(nodes, loss="L")))
    assert data.rows == rows
    np.testing.assert_array_equal(data.feeds["x"], np.broadcast_to(x, (rows, 2)))
    np.testing.assert_array_equal(data.feeds["y"], np.broadcast_to(y, rows))


def test_a_graph_without_inputs_is_one_sample(load_graph):
    nodes = {"w": {"op": "parameter", "value": 2.0}, "L": {"op": "multiply", "inputs": ["w", "w"]}}
    assert data_from_values(prepare(load_graph(nodes, loss="L"))).rows == 1
