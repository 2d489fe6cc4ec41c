"""Every graph in every format, the same bytes each time; and no name breaks a format or gets out of its label."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pygraphviz
import pytest

import dagprop
from dagprop.errors import GraphError
from dagprop.render.diagrams.drawing import SOURCES, format_of, render, svg_of
from dagprop.render.diagrams.records import FORMATS, Cluster, Diagram, DiagramEdge, DiagramNode
from tests.render.test_documents import compiled

GRAPHS = sorted((Path(__file__).parents[2] / "graphs").glob("*.json"))
BEGINNINGS = {
    "svg": b"<?xml",
    "png": b"\x89PNG\r\n",
    "pdf": b"%PDF",
    "dot": b"digraph",
    "mermaid": b"flowchart LR",
    "tikz": b"% In the preamble",
    "text": b" ",
}

HOSTILE = [
    '"quoted"',
    "<b>&amp;</b>",
    "a & b",
    "back\\slash\\",
    "\\n\\N\\G\\l",
    "two\nlines\r\n\ttab",
    "]]></script><script>alert(1)</script>",
    '"]; click n0 "javascript:alert(1)"; n1["',
    "`**bold**` --> end %% comment",
    "\\write18{touch x}\\input{/etc/passwd}$x$ {_^#~%}",
    "ŷ σ(a) ∂L/∂w 🙂 日本",
    "\x00\x07\u202e\ud800\ufffe",
    "",
    "-" * 5,
    "x" * 300,
    "<<TABLE>>",
    "</TD></TR></TABLE>>]; evil [label=<",
]
IN_FILES = [text for text in HOSTILE if text.isprintable()]
"""Those that a graph file can hold: control characters in a name are refused when it is read."""


def has_tikz():
    """Whether LaTeX is there, with TikZ."""
    return shutil.which("kpsewhich") and subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True).returncode == 0


needs_tikz = pytest.mark.skipif(not has_tikz(), reason="there is no LaTeX with TikZ: apt-get install texlive-pictures")


def hostile_diagram(text):
    return Diagram(
        (
            DiagramNode("x", "input", text, rows=(text,), note=text),
            DiagramNode("a/b", "call", text, text, note=text, cluster="c"),
            DiagramNode("L", "loss", text, text, (text, text), note=text),
        ),
        (
            DiagramEdge("x", "a/b", text, (text,), backward=True, mark="reused"),
            DiagramEdge("x", "a/b", text, (), sign="negative", strength=0.5),
            DiagramEdge("a/b", "L", rows=(text, text), dimmed=True),
        ),
        (Cluster("c", text),),
        title=text,
        formula=text,
        direction="forward",
        loss="L",
    )


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_every_graph_in_every_format(path, format):
    graph = dagprop.load(path)
    picture = dagprop.draw(graph, format=format)
    assert picture.startswith(BEGINNINGS[format])
    assert dagprop.draw(graph, format=format) == picture, "the same input gives the same bytes"
    assert format != "pdf" or b"/CreationDate (D:19700101" in picture


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_svg_holds_hostile_names_as_text(text):
    picture = render(hostile_diagram(text), "svg")
    tree = ElementTree.fromstring(picture)
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert tags <= {"svg", "g", "title", "polygon", "path", "ellipse", "text", "a", "polyline"}
    attributes = {key.rpartition("}")[2] for element in tree.iter() for key in element.attrib}
    assert not {key for key in attributes if key.startswith("on") or key == "href"}
    plain = re.sub(r"\s", "", "".join(tree.itertext())).replace("\u2060", "")
    visible = "".join(c for c in text if c.isprintable() and not c.isspace())
    assert visible in plain


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_dot_has_the_same_nodes_whatever_they_are_called(text):
    source = render(hostile_diagram(text), "dot").decode()
    parsed = pygraphviz.AGraph(string=source)
    assert {str(node) for node in parsed.nodes()} == {"x", "a/b", "L"}
    assert parsed.number_of_edges() == 3


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_mermaid_labels_hold_only_letters_and_numbers_of_signs(text):
    source = render(hostile_diagram(text), "mermaid").decode()
    labels = re.findall(r'"([^"]*)"', source)
    assert len(labels) == source.count('"') / 2
    assert all(re.fullmatch(r"(?:[\w .,:=+\-/()·×½²]|#\d+;|<br/>)*", label) for label in labels)
    lines = re.sub(r'"[^"]*"', '""', source).splitlines()
    allowed = re.compile(
        r'flowchart LR|  +(n\d+(\(\[""\]\)|\[\[""\]\]|\(""\))|subgraph c0\[""\]|end|legend\[""\]'
        r'|n\d (==>|-->|-.->)(\|""\|)? n\d|(style|linkStyle) \S+ .*)'
    )
    assert all(allowed.fullmatch(line) for line in lines), source


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_tikz_has_no_command_that_a_name_brings(text):
    source = render(hostile_diagram(text), "tikz").decode()
    assert not re.search(r"\\(write|input|evil)", source)
    bare = re.sub(r"\\[{}\\]", "", source)
    assert bare.count("{") == bare.count("}") and re.sub(r"\\\$", "", source).count("$") % 2 == 0
    assert source.isascii()


@pytest.mark.parametrize("asked", [{"chain": ["w1"]}, {"phase": "backward"}])
def test_tikz_has_the_sizes_for_which_it_was_laid_out(root, asked):
    graph = dagprop.load(root / "graphs" / "four-layer-chain.json")
    tikz, dot = (dagprop.draw(graph, format=format, **asked).decode() for format in ("tikz", "dot"))
    sizes = set(re.findall(r'POINT-SIZE="(\d+)"', dot)) - {"3"}  # that one keeps an edge from its label
    assert set(re.findall(r"\\fontsize\{(\d+)\}", tikz)) == sizes and len(sizes) > 2


@needs_tikz
def test_tikz_compiles_whatever_names_there_are(tmp_path):
    graphs = [dagprop.load(path) for path in GRAPHS]
    pictures = [dagprop.draw(graph, format="tikz", phase="backward").decode() for graph in graphs]
    pictures += [render(hostile_diagram(text), "tikz").decode() for text in HOSTILE]
    page = r"\usepackage[paperwidth=200cm,paperheight=100cm]{geometry}"
    page += r"\usepackage{tikz,amssymb}\usetikzlibrary{arrows.meta}"
    body = "\n\\newpage\n".join(pictures)
    output = compiled(f"\\documentclass{{article}}{page}\n\\begin{{document}}\n{body}\\end{{document}}\n", tmp_path)
    assert f"({len(pictures)} pages" in output and "Missing character" not in output


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_keeps_a_node_on_a_line(text):
    source = render(hostile_diagram(text), "text").decode()
    assert source.count("●") == 3
    assert all(c.isprintable() or c == "\n" for c in source)


@pytest.mark.parametrize("text", IN_FILES, ids=range(len(IN_FILES)))
@pytest.mark.parametrize("format", ["svg", "dot", "mermaid", "tikz", "text"])
def test_hostile_texts_of_a_file(load_graph, format, text):
    graph = load_graph(
        {
            "x": {"op": "input", "value": 1, "tex": text, "doc": text},
            "w": {"op": "parameter", "value": 2, "tex": text},
            "L": {"op": "multiply", "inputs": ["w", "x"], "tex": text, "doc": text},
        },
        loss="L",
        name=text,
    )
    for view in ({}, {"chain": "w"}, {"phase": "backward"}):
        picture = dagprop.draw(graph, format=format, **view).decode()
        if format == "svg":
            tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(picture).iter()}
            assert "script" not in tags and "foreignObject" not in tags
        if format == "dot":
            assert (
                pygraphviz.AGraph(string=picture).number_of_edges()
                == len(pygraphviz.AGraph(string=picture).nodes()) - 1
            )
        assert format != "tikz" or "\\write" not in picture


@pytest.mark.parametrize("format", SOURCES)
def test_themes_change_colours_only_where_there_are_any(format):
    diagram = hostile_diagram("name")
    light, dark = (render(diagram, format, theme) for theme in ("light", "dark"))
    assert (light == dark) == (format == "text")


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.svg", "svg"),
        ("A.PNG", "png"),
        ("a.b/c.gv", "dot"),
        ("x.mmd", "mermaid"),
        ("x.tex", "tikz"),
        ("x.txt", "text"),
    ],
)
def test_the_name_of_a_file_says_its_format(name, format):
    assert format_of(name) == format


@pytest.mark.parametrize("name", ["a.jpg", "svg", ".svg", ""])
def test_other_names_do_not(name):
    with pytest.raises(GraphError, match="DP011"):
        format_of(name)


def test_the_svg_for_a_notebook_is_that_of_draw():
    graph = dagprop.load(GRAPHS[0])
    assert svg_of(graph).encode() == dagprop.draw(graph)
