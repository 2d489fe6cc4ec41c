"""Documents in their formats: what the four-layer chain looks like, what compiles, and what hostile graphs come to."""

import html.parser
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

import dagprop
from dagprop import api
from dagprop.explain.algorithm import algorithm
from dagprop.explain.derivation_document import derivation_document
from dagprop.explain.document import Equation, Heading, Listing, Paragraph, Table
from dagprop.explain.formula import Apply, Name, Number, Partial, Product, Reused, Sum
from dagprop.explain.numbers import Shown
from dagprop.graph.records import Node
from dagprop.plan.network import prepare
from dagprop.render.documents import render_document
from dagprop.render.latex_text import escaped as latex_text

ROOT = Path(__file__).parent.parent.parent
GRAPHS = sorted(path.stem for path in ROOT.glob("graphs/*.json"))
SHOWN = Shown(6)


def derived(graph, numeric="all"):
    derivation = api.derive(graph)
    document = (*derivation_document(derivation, numeric, 1.0), *algorithm(derivation))
    return document, derivation.network.graph.nodes


def rendered(graph, format, standalone=False, numeric="all"):
    document, nodes = derived(graph, numeric)
    return render_document(document, format, SHOWN, nodes, standalone)


@pytest.fixture(scope="module")
def chain():
    return dagprop.load(ROOT / "graphs" / "four-layer-chain.json")


W2_TEXT = """\
∂L/∂w2 = [∂L/∂f3 · ∂f3/∂a3] · ∂a3/∂f2 · ∂f2/∂a2 · ∂a2/∂w2
         [..] already computed in ∂L/∂w3, re-use (propagate)!
       = [∂L/∂a3] · w3 · f2(1 - f2) · f1
       = [-0.0900916] · 1.5 · 0.218133 · 0.622459
       = -0.0183488
"""

W2_ROWS = r"""
\frac{\partial \mathcal{L}}{\partial w_{2}} &= {\underbrace{\frac{\partial \mathcal{L}}{\partial f_{3}} \cdot
 \frac{\partial f_{3}}{\partial a_{3}}}_{\text{already computed}}} \cdot \frac{\partial a_{3}}{\partial f_{2}} \cdot
 \frac{\partial f_{2}}{\partial a_{2}} \cdot \frac{\partial a_{2}}{\partial w_{2}}
 \qquad \text{computed in $\frac{\partial \mathcal{L}}{\partial w_{3}}$, re-use (propagate)!} \\
 &= \left[\frac{\partial \mathcal{L}}{\partial a_{3}}\right] \cdot w_{3} \cdot f_{2}(1 - f_{2}) \cdot f_{1} \\
 &= [-0.0900916] \cdot 1.5 \cdot 0.218133 \cdot 0.622459 \\
 &= -0.0183488
"""


def one_line(text):
    return " ".join(text.split())


def test_the_chain_in_text(chain):
    assert W2_TEXT in rendered(chain, "text")


def test_the_chain_in_latex(chain):
    latex = one_line(rendered(chain, "latex"))
    assert rf"\begin{{align*}} {one_line(W2_ROWS)} \end{{align*}}" in latex
    assert r"w_{2} &\leftarrow w_{2} - \eta \cdot \frac{\partial \mathcal{L}}{\partial w_{2}} \\" in latex
    assert r"\section*{The gradient of $\mathcal{L}$}" in latex
    assert r"for each sample ($\displaystyle x$, $\displaystyle y$):" in latex
    assert r"with $\displaystyle \theta$ = ($\displaystyle w_{1}$, $\displaystyle b_{1}$, " in latex
    assert r"$\displaystyle f_{1}$ = $\displaystyle \frac{1}{1 + e^{-a_{1}}}$" in latex


def test_the_chain_in_markdown(chain):
    markdown = rendered(chain, "markdown")
    assert f"$$ \\begin{{aligned}} {one_line(W2_ROWS)} \\end{{aligned}} $$" in one_line(markdown)
    assert markdown.startswith("# The gradient of $\\mathcal{L}$\n\n## Forward\n\n$$\n")
    assert "\n    - forward:\n      - $a_{1}$ = $w_{1} \\cdot x + b_{1}$\n" in markdown


def test_the_chain_in_html(chain):
    page = rendered(chain, "html")
    of, by = (
        "<mrow><mi>∂</mi><mi>ℒ</mi></mrow>",
        "<mrow><mi>∂</mi><msub><mi>w</mi><mrow><mn>2</mn></mrow></msub></mrow>",
    )
    assert f"<mfrac>{of}{by}</mfrac></mrow></math></td><td>" in page
    assert page.count('<mrow class="reused">') == 3
    assert page.count("already\N{NO-BREAK SPACE}computed") == 3
    assert "<h1>The gradient of <math><mrow><mi>ℒ</mi></mrow></math></h1>" in page
    assert "<code>" not in page and "<pre>" not in page


def mathematics_of(page):
    return [ElementTree.fromstring(element) for element in re.findall(r"<math.*?</math>", page, re.DOTALL)]


class Outline(html.parser.HTMLParser):
    """Checks that elements are closed in their order, and collects their names and attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.attributes = [], set(), set()

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attributes)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


SAFE_ATTRIBUTES = {
    *("class", "lang", "charset", "name", "content", "style"),
    *(
        "accent",
        "columnalign",
        "displaystyle",
        "fence",
        "form",
        "mathvariant",
        "maxsize",
        "minsize",
        "stretchy",
        "width",
    ),
}


def check_page(page):
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert outline.elements.isdisjoint({"script", "a", "img", "link", "iframe", "object", "svg", "form", "input"})
    assert outline.attributes <= SAFE_ATTRIBUTES
    assert "http" not in page and "url(" not in page and "@import" not in page
    assert mathematics_of(page)


@pytest.mark.parametrize("name", GRAPHS)
def test_pages_are_well_formed_and_whole(name, root):
    page = rendered(dagprop.load(root / "graphs" / f"{name}.json"), "html", standalone=True)
    assert page.startswith("<!DOCTYPE html>\n")
    check_page(page)
    assert "<code>" not in page and "<pre>" not in page  # every formula has its MathML


def compiled(latex, tmp_path):
    """Compile a document; return what pdflatex says."""
    (tmp_path / "page.tex").write_text(latex, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    output = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, output[-2000:]
    return output


needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


@needs_pdflatex
@pytest.mark.parametrize("name", GRAPHS)
def test_latex_compiles_and_stays_on_the_page(name, root, tmp_path):
    latex = rendered(dagprop.load(root / "graphs" / f"{name}.json"), "latex", standalone=True)
    assert "Overfull \\hbox" not in compiled(latex, tmp_path)


WORST = "a_{} $x$ & 50% #1 ~^ \\input{/etc/passwd} <b>bold</b> *stars* `code` | [link](javascript:x) ∂ θ ← — 文 é"
TEXTS = (
    *("</math><script>alert(1)</script>", "\\href{javascript:alert(1)}{x}", "}", "{", "$", "\\", "%", "^^5cinput{x}"),
    *(
        "\\def\\x{}",
        "\\write18{ls}",
        "\\end{document}",
        "\\text{</math><script>}",
        "a&b",
        "#",
        "~",
        "a^b^c",
        "\\hat",
        "文",
    ),
    *(
        "\\csname x\\endcsname",
        "{" * 50,
        "\\frac{a}",
        "\\left(",
        "w_",
        "<!--",
        "\\color{red}",
        "\\text{\\input{x}}",
        "x\\\\y",
    ),
)


def everything(nodes):
    """A document with each kind of block and formula on some nodes."""
    names = [Name(id) for id in nodes]
    partials = [Partial(name.reference, names[0].reference) for name in names]
    wide = Sum(
        tuple(Product((name, Number(1.5e-07), Reused(partial))) for name, partial in zip(names, partials, strict=True))
    )
    chain = Product((Reused(Product(tuple(partials[:2]))), *partials[2:]))
    plugin = Apply("evil</mi><script>\\input{x}$", (names[0],), ("</script>",))
    choice = Apply("where", (Apply("less", (names[0], Number(0.0))), names[0], plugin))
    cells = (WORST, names[0], plugin)
    return (
        Heading((WORST, names[0]), 1),
        Heading((WORST,)),
        Paragraph((WORST, names[0], WORST)),
        Equation(partials[0], (wide, chain, plugin, choice), ((WORST,), (WORST, names[0]), (), ())),
        Listing(((0, (WORST,)), (3, (names[0], WORST, plugin)))),
        Table((WORST, WORST, "short"), (cells, cells)),
    )


def hostile_nodes():
    return {f"n{place}": Node(f"n{place}", "parameter", tex=tex, doc=tex) for place, tex in enumerate(TEXTS)}


def test_hostile_texts_come_to_nothing_in_html():
    nodes = hostile_nodes()
    page = render_document(everything(nodes), "html", SHOWN, nodes, standalone=True)
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert "script" not in outline.elements and "b" not in outline.elements
    assert outline.attributes <= SAFE_ATTRIBUTES
    assert mathematics_of(page)


def test_hostile_ids_come_to_nothing():
    nodes = {text: Node(text, "parameter") for text in TEXTS}
    page = render_document(everything(nodes), "html", SHOWN, nodes, standalone=True)
    outline = Outline()
    outline.feed(page)
    assert "script" not in outline.elements
    latex = render_document(everything(nodes), "latex", SHOWN, nodes)
    assert not set(re.findall(r"\\(input|href|def|write|csname|color|end\{document\})", latex))


@needs_pdflatex
@pytest.mark.parametrize("by_id", [False, True])
def test_hostile_texts_come_to_nothing_in_latex(by_id, tmp_path):
    nodes = {text: Node(text, "parameter") for text in TEXTS} if by_id else hostile_nodes()
    output = compiled(render_document(everything(nodes), "latex", SHOWN, nodes, standalone=True), tmp_path)
    assert "(/etc/passwd" not in output


def test_hostile_texts_come_to_nothing_in_markdown():
    nodes = hostile_nodes()
    markdown = render_document(everything(nodes), "markdown", SHOWN, nodes)
    assert "<script" not in markdown and "<b>" not in markdown
    assert "](" not in re.sub(r"\$\$.*?\$\$", "", markdown, flags=re.DOTALL)
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_characters_that_latex_joins_stay_apart():
    assert latex_text("--full, ,,") == "-{}-full, ,{},"
    assert latex_text("1–3") == "1--3"


def test_a_large_matrix_is_its_size_and_its_range(root):
    derivation = api.derive(dagprop.load(root / "graphs" / "xor.json"), wrt=["hidden/w"])
    document = derivation_document(derivation, "substituted", 0.5)
    nodes = derivation.network.graph.nodes
    low, high = (f"{end:.6g}" for end in (derivation.lines[-1].value.min(), derivation.lines[-1].value.max()))
    assert low.startswith("-")
    text, latex, page = (render_document(document, format, SHOWN, nodes) for format in ("text", "latex", "html"))
    assert f"= 2 x 8 numbers, {low} to {high}\n" in text
    assert rf"&= 2 \times 8 \text{{ numbers, }} {{{low}}} \text{{ to }} {{{high}}}" in latex
    assert re.search(rf"numbers,\s</mtext><mrow><mo form=.prefix.>−</mo><mn>{low[1:]}</mn></mrow>", page)


def test_what_goes_on_with_a_term_stands_further_to_the_right(root):
    derivation = api.derive(dagprop.load(root / "graphs" / "xor.json"), wrt=["hidden/w"])
    nodes = derivation.network.graph.nodes
    text = render_document(derivation_document(derivation, "symbolic", 0.5, (0, 2)), "text", SHOWN, nodes)
    rows = text[text.index("[0, 2] = ") :].splitlines()[:8]
    margins = {row.strip()[0]: len(row) - len(row.lstrip()) for row in rows[1:]}
    assert set(margins) == {"+", "·"} and margins["·"] == margins["+"] + 2


def test_long_rows_are_broken_at_their_operators(load_graph):
    terms = {f"quantity_{place}": {"op": "parameter", "value": 1.0} for place in range(40)}
    sum_ = Sum(tuple(Product((Name(id), Name(id))) for id in terms))
    nodes = prepare(load_graph({**terms, "L": {"op": "sum", "inputs": ["quantity_0"]}}, loss="L")).graph.nodes
    latex = render_document((Equation(Name("L"), (sum_,)),), "latex", SHOWN, nodes)
    rows = latex.splitlines()[1:-1]
    assert len(rows) > 5
    assert all(row.strip().startswith((r"L &= ", r"& \quad + ", r"& \quad \cdot ")) for row in rows)
    assert latex.count(r"\cdot") == 40
