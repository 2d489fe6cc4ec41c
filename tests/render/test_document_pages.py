"""Explanations in a real browser: formulas are drawn as mathematics, numbers are all there, nothing is loaded."""

import unicodedata
from pathlib import Path

import pytest

import dagprop
from dagprop.explain.numbers import Shown
from dagprop.render.documents import render_document
from dagprop.render.notebook import explained
from tests.browser import browser, needs_browser

ROOT = Path(__file__).parents[2]

SHOWN = {
    "derive four-layer-chain": (
        "The gradient of ℒ",
        "−(y−f3)·f3(1−f3)·f2",
        "(−0.381726)·0.236011·0.321486",
        "−0.0289632",
        "[−0.0900916]·1.5·0.218133·0.622459",
        "[−0.0294779]·(−1.2)·0.235004·0.5",
        "[0.0083129]·1",
        "9 multiplications with re-use; 18 if each gradient were worked out alone.",
    ),
    "derive residual": ("computed in", "∂L", "re-use (propagate)!"),
    "derive iris": ("onehot(0)", "⊙(1−f", "computed in"),
    "equation four-layer-chain": ("0.5·(y−σ(w3·σ(w2·σ(w1·x+b1))))2", "What is known", "Logistic sigmoid"),
    "equation residual": ("log softmax(relu(", "499 numbers in 16 parameters to estimate."),
}

STACKED = """[...document.querySelectorAll('mfrac')].every(fraction => {
  const [top, bottom] = [...fraction.children].map(part => part.getBoundingClientRect());
  return top.height > 5 && bottom.height > 5 && top.bottom <= bottom.top + 1;
})"""
BRACES = """[...document.querySelectorAll('.reused')].map(part => {
  const box = part.getBoundingClientRect();
  return [box.width > 30, getComputedStyle(part).borderBottomStyle];
})"""


def letters(text):
    """Return a text without spaces, and with common letters for the slanted ones of mathematics."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@needs_browser
@pytest.mark.parametrize("case", SHOWN)
def test_a_page_is_drawn(page, tmp_path, case):
    command, name = case.split()
    document, nodes = explained(getattr(dagprop, command)(dagprop.load(ROOT / f"graphs/{name}.json")))
    path = tmp_path / "page.html"
    path.write_text(render_document(document, "html", Shown(6), nodes, standalone=True), encoding="utf-8")
    page.open(path)
    text = letters(page.run("document.body.innerText"))
    for shown in SHOWN[case]:
        assert letters(shown) in text
    assert "\\" not in text and "$" not in text and "frac" not in text
    assert page.run("document.querySelectorAll('math').length") > 10
    assert page.run(STACKED)
    braces = text.count("alreadycomputed") - text.count("[..]alreadycomputed")
    assert page.run(BRACES) == [[True, "solid"]] * braces
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    assert page.run("[...document.querySelectorAll('.equation')].every(part => part.scrollWidth <= part.clientWidth)")
    assert page.requests == [path.as_uri()]
    assert page.complaints == []
