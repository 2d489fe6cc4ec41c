"""The text of a graph file: encodings, JSON, and the places of its faults."""

import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.errors import GraphError, Problem
from dagprop.graph.source import Source, is_readable, parse_json, read_source
from tests.graph.small import codes, has_errors, read_text

SUITE = Path(__file__).parent.parent / "data" / "json_suite"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xef\xbb\xbf{}", "UTF-8 with a byte order mark"),
        ("{}".encode("utf-16"), "UTF-16"),
        ("{}".encode("utf-16-le"), "UTF-16"),
        ("{}".encode("utf-16-be"), "UTF-16"),
        ("{}".encode("utf-32"), "UTF-32"),
        ("{}".encode("utf-32-le"), "UTF-32"),
        ("{}".encode("utf-32-be"), "UTF-32"),
        (b'{\n"\xe9": 1}', "0xE9 is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "binary"),
        (b'{"a": "\x00"}', "binary"),
    ],
)
def test_text_that_is_not_utf8(data: bytes, message: str) -> None:
    [problem] = read_text(data).problems
    assert problem.code == "DP002"
    assert message in problem.message
    assert problem.hint
    assert (problem.line, problem.column) >= (1, 1)


def test_place_of_the_first_byte_that_is_not_utf8() -> None:
    [problem] = read_text('{\n"ä": "'.encode() + b"\xe9").problems
    assert (problem.line, problem.column) == (2, 7)


@pytest.mark.parametrize(
    ("text", "place", "code", "words"),
    [
        ("", (1, 1), "DP003", "the file is empty"),
        (" \n\t", (1, 1), "DP003", "the file is empty"),
        ('{"a": 1,}', (1, 8), "DP003", "remove the comma"),
        ("[1,\n]", (1, 3), "DP003", "remove the comma"),
        ("[1,,2]", (1, 4), "DP003", "nothing before it"),
        ('{"a": 1 "b": 2}', (1, 8), "DP003", "a comma is missing"),
        ('{"a": 1\n "b": 2}', (1, 8), "DP003", "a comma is missing"),
        ('{"a" 1}', (1, 6), "DP003", "a colon is missing"),
        ("{'a': 1}", (1, 2), "DP003", "double quotes"),
        ("{a: 1}", (1, 2), "DP003", 'write "a"'),
        ("[\u201ca\u201d]", (1, 2), "DP003", "double quotes"),
        ('{"a": 1} // x', (1, 10), "DP003", "comments"),
        ('{ /* x */ "a": 1}', (1, 3), "DP003", "comments"),
        ('{ # x\n "a": 1}', (1, 3), "DP003", "comments"),
        ("[True]", (1, 2), "DP003", "write true"),
        ("[None]", (1, 2), "DP003", "write null"),
        ("[.5]", (1, 2), "DP003", "write 0.5"),
        ("[+1]", (1, 2), "DP003", "write 1"),
        ("[01]", (1, 2), "DP003", "write 1"),
        ("[1.]", (1, 2), "DP003", "not a number"),
        ('["\\hat"]', (1, 3), "DP003", "\\\\h"),
        ('["a\nb"]', (1, 2), "DP003", "closing quotation mark"),
        ('["a\tb"]', (1, 4), "DP003", "control character"),
        ('["a', (1, 2), "DP003", "closing quotation mark"),
        ('{"a": [1, 2', (1, 12), "DP003", "add ]}"),
        ('{"a": 1', (1, 8), "DP003", "add }"),
        ('{"a"', (1, 5), "DP003", "ends too early"),
        ('{\n"a": ]', (2, 6), "DP003", "cannot close the object that opens in line 1"),
        ("{} {}", (1, 4), "DP003", "complete"),
        ("[nan]", (1, 2), "DP005", "finite"),
        ("[NaN]", (1, 2), "DP005", "finite"),
        ("[-Infinity]", (1, 2), "DP005", "finite"),
        ("[1e999]", (1, 2), "DP005", "too large"),
        ("[1" + "0" * 400 + "]", (1, 2), "DP005", "too large"),
        ("[" * 101 + "]" * 101, (1, 101), "DP006", "100"),
        ("[" * 100_000, (1, 101), "DP006", "100"),
        ('{"a":' * 100_000, (1, 501), "DP006", "100"),
        ('{"a": 1,\n "a": 2}', (2, 2), "DP004", "first in line 1"),
        ('{"a": 1, "\\u0061": 2}', (1, 10), "DP004", "twice"),
        ('["\\ud800"]', (1, 2), "DP010", "surrogate"),
        ('{"\\udc00": 1}', (1, 2), "DP010", "surrogate"),
    ],
)
def test_faults_of_json(text: str, place: tuple[int, int], code: str, words: str) -> None:
    [problem] = parse_json(Source("x.json", text))[1]
    assert (problem.code, (problem.line, problem.column), problem.file) == (code, place, "x.json")
    assert words in f"{problem.message} {problem.hint}"


def test_all_faults_at_once() -> None:
    text = '{"a": NaN, "a": [1e999, -1e999],\n "b": "\\ud800", "b": Infinity}'
    data, problems = parse_json(Source("x.json", text))
    found = [(problem.code, problem.line, problem.column) for problem in problems]
    assert found == [
        ("DP005", 1, 7),
        ("DP004", 1, 12),
        ("DP005", 1, 18),
        ("DP005", 1, 25),
        ("DP010", 2, 7),
        ("DP004", 2, 17),
        ("DP005", 2, 22),
    ]
    assert data["a"] == [1, 1]


@given(JSON, st.sampled_from([None, 0, 2]))
def test_what_is_right_has_no_faults(data: object, indent: int | None) -> None:
    text = json.dumps(data, indent=indent)
    assert parse_json(Source("x.json", text)) == (data, [])
    assert parse_json(Source("x.json", json.dumps(data, ensure_ascii=False, indent=indent)))[0] == data


@given(JSON, st.integers(0, 200), st.sampled_from(["", ",", '"', "}", "]", "x", "\\", "-", "0", "e", ":", "\n"]))
def test_scanner_agrees_with_the_parser_of_python(data: object, position: int, insertion: str) -> None:
    # The fast parser finds that something is wrong, the scanner says what: neither may know of faults alone.
    text = json.dumps(data)
    position = position % (len(text) + 1)
    text = text[:position] + insertion + text[position + (insertion == "") :]
    value, problems = parse_json(Source("x.json", text))
    try:
        expected = json.loads(text, object_pairs_hook=dict)
    except ValueError:
        assert not is_readable(problems) or [p.code for p in problems] == ["DP005"]
    else:
        assert is_readable(problems)
        assert problems or value == expected


@given(st.binary(max_size=40))
def test_any_bytes_end_in_a_reading(data: bytes) -> None:
    reading = read_text(data)
    assert all(problem.file == "<stdin>" for problem in reading.problems)
    assert codes(reading)


@pytest.mark.parametrize("path", sorted(SUITE.glob("test_*/*.json")), ids=lambda path: path.name)
def test_no_file_of_the_suite_is_a_graph(path: Path) -> None:
    reading = read_text(path.read_bytes())
    assert has_errors(reading)
    assert all(problem.line and problem.column and str(problem) for problem in reading.problems)
    not_json = {"DP002", "DP003", "DP005", "DP006"}
    if path.name.startswith("n_"):
        assert set(codes(reading)) & not_json
    if path.name.startswith("y_"):
        assert not set(codes(reading)) & not_json


def test_the_whole_suite_is_there() -> None:
    assert len(list(SUITE.glob("test_*/*.json"))) == 340


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json", "a\x00b"):
        with pytest.raises(GraphError) as caught:
            read_source(str(path))
        [problem] = caught.value.problems
        assert problem.code == "DP001"
        assert problem.file == str(path)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("xro.json", 'did you mean "xor.json"?'),
        ("nets/xor", 'did you mean "nets/xor.json"?'),
        ("something.json", "is the path right?"),
        ("netz/xor.json", 'there is no folder "netz" either; is the path right?'),
    ],
)
def test_a_file_that_is_not_there(path: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    for name in ("xor.json", "xro.py", "nets/xor.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(GraphError) as caught:
        read_source(path)
    assert [problem.hint for problem in caught.value.problems] == [hint]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(GraphError, match="permissions"):
        read_source(str(path))


def test_standard_input() -> None:
    assert read_source("-", io.BytesIO(b"{}")) == Source("<stdin>", "{}")


@pytest.mark.parametrize(
    ("path", "at_key", "place"),
    [
        ((), False, (1, 1)),
        (("a",), True, (1, 2)),
        (("a",), False, (1, 7)),
        (("a", "ä"), False, (2, 8)),
        (("a", "ä", 1), False, (2, 13)),
        (("a", "ä", 1, 0), False, (2, 14)),
        (("a", "ä", 2), True, (2, 8)),
        (("a", "missing", "deeper"), True, (1, 7)),
        (("b",), True, (3, 2)),
    ],
)
def test_place(path: tuple[str | int, ...], at_key: bool, place: tuple[int, int]) -> None:
    text = '{"a": {\n  "ä": [1,  [2]]},\n "b": 1}'
    [problem] = Source("x.json", text).place([Problem("DP008", "", path=path, at_key=at_key)])
    assert (problem.line, problem.column) == place
