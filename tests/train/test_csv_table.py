"""CSV: what is accepted, and the exact message of everything that is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.errors import DataError
from dagprop.train.csv_table import parse_csv, read_columns


def messages(text: str, numbers=(0, 1), labels=None) -> list[str]:
    with pytest.raises(DataError) as error:
        read_columns(parse_csv("d.csv", text), numbers, labels or {})
    return [str(problem).partition("\n")[0] for problem in error.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["d.csv: the file is empty [DP405]"]),
        ("x,y\n", ["d.csv: the file has a header and no rows [DP405]"]),
        ("x,y\n\n\n", ["d.csv: the file has a header and no rows [DP405]"]),
        ("x,x\n1,2\n", ['d.csv:1: two columns have the same name: "x" names columns 1, 2 [DP408]']),
        ("x,y\n1,2\n3\n", ["d.csv:3: row 3 has 1 cell, the header has 2 [DP408]"]),
        ("x,y\n1,2,3\n3,4\n", ["d.csv:2: row 2 has 3 cells, the header has 2 [DP408]"]),
        ("x,y\n1,2\n\n3,4\n", ["d.csv:3: row 3 is blank [DP408]"]),
        ("x,y\n1,2\n3,\n", ['d.csv:3: row 3, column "y": the cell is empty [DP402]']),
        ("x,y\n1,2\n3, \n", ['d.csv:3: row 3, column "y": the cell is empty [DP402]']),
        ("x,y\n1,2\n3,4a\n", ['d.csv:3: row 3, column "y": "4a" is not a number [DP402]']),
        ("x,y\n1,2\n3,1_000\n", ['d.csv:3: row 3, column "y": "1_000" is not a number [DP402]']),
        ("x,y\n1,2\n3,nan\n", ['d.csv:3: row 3, column "y": "nan" is not a finite number [DP402]']),
        ("x,y\n1,2\n3,1e999\n", ['d.csv:3: row 3, column "y": "1e999" is not a finite number [DP402]']),
        ('x,y\n1,2\n3,"4\n', ["d.csv:3: the text is not CSV: unexpected end of data [DP401]"]),
        ('x,"y\n1,2\n', ["d.csv:2: the text is not CSV: unexpected end of data [DP401]"]),
        (
            "x,y\n1,a\n2,b\n3,a\n",
            ['d.csv: the column "y" holds text, not numbers: "a", "b" [DP402]'],
        ),
        (
            # A spreadsheet counts the quoted cell as one row, an editor as two lines: both are told.
            'x,y,z\n1,2,"two\nlines"\n3,?,-\n',
            ['d.csv:4: row 3, column "y": "?" is not a number [DP402]'],
        ),
        (
            "x,y\n1,?\n2\n!,4\n",
            [
                'd.csv:2: row 2, column "y": "?" is not a number [DP402]',
                "d.csv:3: row 3 has 1 cell, the header has 2 [DP408]",
                'd.csv:4: row 4, column "x": "!" is not a number [DP402]',
            ],
        ),
    ],
)
def test_what_is_wrong_is_said_exactly(text, expected):
    assert messages(text) == expected


def test_labels_that_are_no_classes():
    text = "s\nsetosa\nVirginica\n\nvirginica"
    assert messages(text.replace("\n\n", "\n"), (), {"species": (0, ["setosa", "virginica"])}) == [
        'd.csv:3: row 3, column "s": "Virginica" is not one of its classes [DP407]'
    ]


def test_the_first_twenty_are_named_and_the_rest_counted():
    found = messages("x,y\n1,1\n" + "?,!\n" * 30)
    assert len(found) == 21
    assert found[0] == 'd.csv:3: row 3, column "x": "?" is not a number [DP402]'
    assert found[19] == 'd.csv:12: row 12, column "y": "!" is not a number [DP402]'
    assert found[20] == "d.csv: and 40 more like these [DP402]"


def test_a_text_column_is_one_problem_with_its_labels_shortened():
    rows = "".join(f"{row},label{row}\n" for row in range(50))
    (message,) = messages("x,y\n" + rows)
    assert message.startswith('d.csv: the column "y" holds text, not numbers: "label0", "label1"')
    assert message.endswith('"label9", ... [DP402]')


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,2\n3,4\n",
        "x,y\r\n1,2\r\n3,4\r\n",
        "x, y\n 1 ,2\n3,4.0",
        "x,y\n1,2\n3,4\n\n\n",
        'x,y\n"1",2e0\n+3,"4"\n',
    ],
)
def test_spellings_of_the_same_table(text):
    values, _ = read_columns(parse_csv("d.csv", text), [0, 1], {})
    np.testing.assert_array_equal(values, [[1, 2], [3, 4]])


def test_columns_nobody_asks_for_may_hold_anything():
    values, classes = read_columns(parse_csv("d.csv", "a,b_c,c\n1_0,1,?\nnan,2,!\n"), [1], {"k": (2, ["!", "?"])})
    np.testing.assert_array_equal(values, [[1], [2]])
    np.testing.assert_array_equal(classes["k"], [1, 0])


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1, max_size=20))
def test_every_number_comes_back_in_its_place(rows):
    text = "a,b,c\n" + "".join(",".join(map(repr, row)) + "\n" for row in rows)
    values, _ = read_columns(parse_csv("d.csv", text), [2, 0], {})
    np.testing.assert_array_equal(values, np.array(rows)[:, [2, 0]])


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    try:
        table = parse_csv("d.csv", text)
        values, _ = read_columns(table, range(len(table.header)), {})
    except DataError as error:
        codes = {problem.code for problem in error.problems}
        assert codes <= {"DP401", "DP402", "DP405", "DP408"}
    else:
        assert values.shape[1] == len(table.header)
        assert np.isfinite(values).all()
