"""Text that may stand in a LaTeX document as it is."""

from __future__ import annotations

import re
import unicodedata

from dagprop.render.mathematics import GREEK

_SPECIAL = {
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{character: f"\\{character}" for character in "#$%&_{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''", "`": "\\textasciigrave{}"},
    **{"–": "--", "—": "---", "’": "'", "‘": "`", "“": "``", "”": "''", "…": r"\ldots{}"},
    **{"\n": " ", "\t": " ", "\0": "{}"},
}

_MATHEMATICS = {
    **{letter: f"\\{name}" for letter, name in GREEK.items()},
    **{"∂": r"\partial", "∇": r"\nabla", "∞": r"\infty", "√": r"\surd", "∈": r"\in", "±": r"\pm"},
    **{"·": r"\cdot", "×": r"\times", "⊙": r"\odot", "−": "-", "÷": r"\div"},
    **{"←": r"\leftarrow", "→": r"\rightarrow", "↦": r"\mapsto", "⇒": r"\Rightarrow"},
    **{"≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≈": r"\approx"},
    **{digit: f"^{place}" for place, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{digit: f"_{place}" for place, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{"ₙ": "_n", "ᵀ": r"^{\top}", "⁻": "^-", "ℝ": r"\mathbb{R}", "ℒ": r"\mathcal{L}"},
}


_ACCENTS = "\u0300\u0301\u0302\u0303\u0308\u030a\u0327\u030c"
"""Grave, acute, circumflex, tilde, diaeresis, ring, cedilla and caron, which every font of LaTeX can make."""


def escaped(text: str) -> str:
    """Return any text as LaTeX that prints it; characters that no common font of LaTeX has become question marks."""
    # Two hyphens would become a dash, two commas or apostrophes a quotation mark.
    apart = re.sub("(?<=([-,'<>]))(?=\\1)", "\0", text)
    return "".join(_escaped(character) for character in apart)


def _escaped(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _MATHEMATICS:
        return f"${_MATHEMATICS[character]}$"
    parts = unicodedata.normalize("NFD", character)
    common = " " <= parts[0] <= "~" and all(accent in _ACCENTS for accent in parts[1:])
    return character if common or character in "ßæøÆØ" else "?"
