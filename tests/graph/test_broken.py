"""The broken graphs: each gives exactly the message that stands beside it."""

import re
from pathlib import Path

import pytest

from dagprop.api import check_file
from dagprop.errors import CODES
from dagprop.graph.read import read_graph
from dagprop.ops.registry import vocabulary

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / "graphs" / "broken").glob("*.json"))

NOT_OF_A_FILE = {"DP000", "DP001", "DP206", "DP303", "DP305", "DP306"}
"""Codes of what a graph file alone cannot cause."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_message_is_the_one_beside_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    graph, problems = check_file(path.relative_to(ROOT).as_posix())
    assert "".join(f"{problem}\n" for problem in problems) == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert len(problems) == 1
    assert (graph is None) != problems[0].warning


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_mistake_raises_before_the_shapes(path: Path) -> None:
    reading = read_graph(str(path), vocabulary())
    assert len(reading.problems) <= 1


def test_every_code_of_a_file_has_a_broken_graph() -> None:
    shown = {code for path in FILES for code in re.findall(r"\[(DP\d+)\]", path.with_suffix(".txt").read_text("utf-8"))}
    assert shown | NOT_OF_A_FILE >= {code for code in CODES if code < "DP4"}


def test_the_list_of_them_is_whole() -> None:
    readme = (ROOT / "graphs" / "broken" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\| DP\d+ \| (.*) \|", readme)) == {path.name for path in FILES}
