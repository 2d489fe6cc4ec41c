"""Pages in a real browser: what it draws has all numbers, formulas are mathematics, and it loads nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

import dagprop
from dagprop.explain.numbers import Shown
from dagprop.render.documents import render_document
from dagprop.render.notebook import explained

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--no-pdf-header-footer"),
)


@pytest.mark.skipif(CHROMIUM is None or shutil.which("pdftotext") is None, reason="needs Chromium and pdftotext")
def test_the_lectures_page_is_drawn(tmp_path):
    document, nodes = explained(dagprop.derive(dagprop.load(ROOT / "graphs/four-layer-chain.json")))
    page, printed = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(render_document(document, "html", Shown(6), nodes, standalone=True), encoding="utf-8")
    subprocess.run(
        [str(CHROMIUM), *OPTIONS, f"--user-data-dir={tmp_path / 'user'}", f"--print-to-pdf={printed}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    done = subprocess.run(
        ["pdftotext", "-layout", str(printed), "-"], check=True, capture_output=True, encoding="utf-8"
    )
    text = " ".join(done.stdout.split())
    for shown in (
        "The gradient of ℒ",
        "−(𝑦 − 𝑓3 ) · 𝑓3 (1 − 𝑓3 ) · 𝑓2",
        "(−0.381726) · 0.236011 · 0.321486",
        "[−0.0900916] · 1.5 · 0.218133 · 0.622459",
        "[−0.0294779] · (−1.2) · 0.235004 · 0.5",
        "[0.0083129] · 1",
        "9 multiplications with re-use; 18 if each gradient were worked out alone.",
    ):
        assert shown in text
    assert text.count("already computed") == 3
    assert "frac" not in text and "\\" not in text and "$" not in text
