"""Plugins that lie near a graph are found by their text, and never run."""

import pytest

from dagprop.ops.declared import GRAPH_KINDS
from dagprop.ops.providers.nearby import declared_nearby, file_meant, plugin_nearby

TEXT = "from dagprop import op\nimport dagprop\nraise SystemExit\n\n\n{}\ndef rule(xp, x):\n    return x\n"


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ('@op("own")', ["own"]),
        ("@op('own')", ["own"]),
        ('@dagprop.op("own")', ["own"]),
        ('definition("own.json")', ["own"]),
        ('# @op("own")', []),
        ('@stop("own")', []),
        ('@optimizer("own")', []),
    ],
)
def test_what_a_text_seems_to_declare(tmp_path, monkeypatch, line, names):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "a.py").write_text(TEXT.format(line))
    monkeypatch.chdir(tmp_path)
    assert [*declared_nearby(GRAPH_KINDS)] == names
    assert plugin_nearby("a") == ("plugins/a.py" if names or "optimizer" in line else None)


def test_where_it_is_looked_for(tmp_path, monkeypatch):
    for folder in ("work", "work/plugins", "work/graphs", "graphs", "graphs/plugins", "elsewhere"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "a.py").write_text(TEXT.format(f'@op("of_{folder.replace("/", "_")}")'))
    monkeypatch.chdir(tmp_path / "work")
    here = {"of_work": "a.py", "of_work_plugins": "plugins/a.py"}
    assert declared_nearby(GRAPH_KINDS) == declared_nearby(GRAPH_KINDS, "<stdin>") == here
    there = {"of_graphs": "../graphs/a.py", "of_graphs_plugins": "../graphs/plugins/a.py"}
    assert declared_nearby(GRAPH_KINDS, "../graphs/g.json") == {**here, **there}
    assert declared_nearby(GRAPH_KINDS, "graphs/g.json") == {**here, "of_work_graphs": "graphs/a.py"}


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("snake", "plugins/snake.py"),
        ("snake.py", "plugins/snake.py"),
        ("plugins/snaek.py", "plugins/snake.py"),
        ("zz", ""),
    ],
)
def test_which_file_was_meant(tmp_path, monkeypatch, path, meant):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "snake.py").write_text(TEXT.format('@op("own")'))
    monkeypatch.chdir(tmp_path)
    assert file_meant(path) == ('did you mean "plugins/snake.py"?' if meant else None)


def test_files_that_are_huge_or_no_text_are_passed_over(tmp_path, monkeypatch):
    (tmp_path / "huge.py").write_text(TEXT.format('@op("huge")') + "#" * 400_000)
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.py").mkdir()
    monkeypatch.chdir(tmp_path)
    assert declared_nearby(GRAPH_KINDS) == {}
