"""Diagrams as text: every name says one thing, every column says what it holds."""

import re
from pathlib import Path

import pytest

import dagprop

GRAPHS = sorted((Path(__file__).parents[2] / "graphs").glob("*.json"))


def text_of(name, **view):
    graph = dagprop.load(Path(__file__).parents[2] / "graphs" / f"{name}.json")
    return dagprop.draw(graph, format="text", **view).decode()


def rows_of(text):
    """Return the header, and the cells of each node after its rail, cut where the words of the header begin."""
    head, *lines = text.partition("\n\n")[0].splitlines()
    starts = [match.start() for match in re.finditer(r"\S+(?: \S+)*", head)]
    cells = [[line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] for line in (head, *lines)]
    return cells[0], [row for row in cells[1:] if row[0]]


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_no_name_stands_for_two_nodes(path):
    header, rows = rows_of(text_of(path.stem, phase="backward", depth=9, limit=1000))
    names = [row[0] for row in rows]
    assert header[0] == "node" and len(set(names)) == len(names)
    gradients = [row[header.index("gradient")].partition(" = ")[0] for row in rows]
    assert len(set(gradients)) == len(gradients)
    factors = [note.partition(" = ")[0] for row in rows for note in row[-1].split("; ") if note]
    assert len(set(factors)) == len(factors) > 0


@pytest.mark.parametrize(
    ("view", "header"),
    [
        ({}, ["node", "op"]),
        ({"chain": "hidden/w"}, ["node", "op", "factor"]),
        ({"show": "shape"}, ["node", "op", "shape"]),
        ({"phase": "forward"}, ["node", "op", "value"]),
        ({"phase": "backward"}, ["node", "op", "value", "gradient", "local derivative"]),
        ({"show": ["local", "shape"]}, ["node", "op", "shape", "local derivative"]),
        ({"weights": "edge"}, ["node", "op", "weight"]),
        ({"limit": 3}, ["node", "op", "contents", "values that go to the next"]),
    ],
    ids=str,
)
def test_every_column_has_a_header(view, header):
    assert rows_of(text_of("xor", **view))[0] == header


def test_two_layers_of_the_same_definition_are_told_apart():
    _, rows = rows_of(text_of("xor", phase="backward"))
    cells = {row[0]: row for row in rows}
    assert cells["hidden/a"][3].startswith("∂L/∂(hidden/a) = ") and cells["output/a"][3].startswith("∂L/∂(output/a) = ")
    assert cells["hidden/xw"][4] == "∂(hidden/a)/∂(hidden/xw) = all 1"


def test_rows_that_repeat_are_marked():
    text = text_of("residual", depth=2, roll=True)
    header, rows = rows_of(text)
    marked = {row[0] for row in rows if row[header.index("repeats")] == "× 3"}
    assert marked == {f"block/0/{name}" for name in ("y", "sum", "change", "inner")}
    assert {row[header.index("repeats")] for row in rows} == {"", "× 3"}
    assert text.endswith("A block is repeated: × 3, up to block/2/y; the first is shown.\n")


def test_names_in_a_block_that_repeats_are_written_as_elsewhere(load_graph):
    nodes = {"x": {"op": "input", "value": 0.5}}
    for number in range(1, 6):
        nodes[f"f{number}"] = {"op": "sigmoid", "inputs": [f"a{number}"], "tex": f"f_{number}"}
        nodes[f"a{number}"] = {"op": "negative", "inputs": [f"f{number - 1}" if number > 1 else "x"]}
    text = dagprop.draw(load_graph(nodes, loss="f5"), format="text", roll=True).decode()
    assert "f₁" in text and "up to f₅" in text and not re.search(r"[af][0-9]", text)
