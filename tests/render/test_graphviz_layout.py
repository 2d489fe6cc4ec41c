"""Who lays pictures out: the dot of the machine, the Graphviz in pygraphviz, or nobody."""

import sys

import pytest

import dagprop
from dagprop.errors import ComputationError, MissingDependencyError
from dagprop.render.diagrams import graphviz_layout
from dagprop.render.diagrams.graphviz_layout import LayoutTimeoutError, picture

DOT = "digraph {a -> b}"


@pytest.fixture
def fake_dot(tmp_path, monkeypatch):
    """Put a program called dot first on the path; it is a Python script of these lines."""

    def make(lines):
        program = tmp_path / "dot"
        program.write_text(f"#!{sys.executable}\nimport sys, time\n{lines}\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return program

    return make


@pytest.fixture
def no_pygraphviz(monkeypatch):
    find = graphviz_layout.importlib.util.find_spec
    monkeypatch.setattr(
        graphviz_layout.importlib.util, "find_spec", lambda name: None if name == "pygraphviz" else find(name)
    )


def test_the_dot_of_the_machine_comes_first(fake_dot):
    fake_dot("sys.stdout.write(' '.join(sys.argv[1:]) + sys.stdin.read())")
    assert picture(DOT, "svg") == b"-Tsvg" + DOT.encode()


@pytest.mark.parametrize("lines", ["sys.exit('no such format')", "import os; os.abort()", "pass"])
def test_a_dot_that_fails_gives_way_to_pygraphviz(fake_dot, lines):
    fake_dot(lines)
    assert picture(DOT, "svg").startswith(b"<?xml")


def test_where_both_fail_the_reasons_are_told(fake_dot, no_pygraphviz):
    fake_dot("sys.exit('no such format')")
    with pytest.raises(ComputationError, match=r"dot: no such format \[DP802\]"):
        picture(DOT, "svg")


def test_pygraphviz_alone(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert picture(DOT, "png").startswith(b"\x89PNG")


def test_a_crash_stays_in_its_process(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ComputationError, match="DP802"):
        picture("digraph {a -> ", "svg")


def test_a_layout_that_takes_too_long_is_stopped(fake_dot):
    fake_dot("time.sleep(60)")
    with pytest.raises(LayoutTimeoutError, match=r"longer than 0\.2 seconds"):
        picture(DOT, "svg", limit=0.2)


def test_then_a_summary_is_drawn(monkeypatch, root, caplog):
    from dagprop.render.diagrams import drawing

    late = []

    def slow(source, format):
        if not late:
            late.append(source)
            raise LayoutTimeoutError(graphviz_layout.Problem("DP802", "the layout takes longer than 30 seconds"))
        return picture(source, format)

    monkeypatch.setattr(drawing, "picture", slow)
    assert dagprop.draw(dagprop.load(root / "graphs/iris.json")).startswith(b"<?xml")
    assert "this is a summary" in caplog.text


@pytest.mark.parametrize("format", ["svg", "png", "pdf", "tikz"])
def test_without_any_the_one_command_is_named(monkeypatch, no_pygraphviz, root, format):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependencyError, match=r"DP801\]\n  pip install pygraphviz") as caught:
        dagprop.draw(dagprop.load(root / "graphs/iris.json"), format=format)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("format", ["dot", "mermaid", "text"])
def test_without_any_these_still_work(monkeypatch, no_pygraphviz, root, format):
    monkeypatch.setenv("PATH", "")
    assert dagprop.draw(dagprop.load(root / "graphs/iris.json"), format=format)
