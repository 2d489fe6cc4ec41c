"""How names are written in diagrams."""

import pytest

from dagprop.render.diagrams.names import from_id, from_tex
from dagprop.render.diagrams.tikz import latex


@pytest.mark.parametrize(
    ("tex", "name"),
    [
        (r"\hat{y}", "ŷ"),
        (r"\hat y", "ŷ"),
        (r"\hat{\mathbf{y}}_{i}", "ŷᵢ"),
        ("w_1", "w₁"),
        ("w_{12}", "w₁₂"),
        (r"\mathcal{L}", "ℒ"),
        (r"x \cdot w", "x · w"),
        (r"\theta_{\text{old}}", "θ_old"),
        (r"f^{(2)}", "f⁽²⁾"),
        ("<b>", "<b>"),
        *[(tex, None) for tex in (r"\frac{a}{b}", r"\write18{x}", "{{{", "", "a & b", r"a\\b", "x^q", "\x00")],
    ],
)
def test_simple_tex_is_unicode_and_other_is_left_to_the_id(tex, name):
    assert from_tex(tex) == name


@pytest.mark.parametrize(
    ("id", "name"),
    [
        *[("w1", "w₁"), ("y_hat", "ŷ"), ("y_hat2", "ŷ₂"), ("sigma", "σ"), ("h_3", "h₃"), ("hidden/w", "hidden/w")],
        *[("layer1", "layer1"), ("W_out", "W_out"), ("hidden/0/w1", "hidden/0/w₁")],
    ],
)
def test_ids(id, name):
    assert from_id(id) == name


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("w₁", "$w_{1}$"),
        ("ŷ", r"$\hat{y}$"),
        ("∂ℒ/∂f₃", r"$\partial$$\mathcal{L}$/$\partial$$f_{3}$"),
        ("dense 128", "dense 128"),
        (r"\a{b}_%", r"\textbackslash{}$a$\{$b$\}\_\%"),
        ("日", "?"),
    ],
)
def test_latex_of_names(text, made):
    assert latex(text) == made
