r"""How nodes are written in a diagram: Unicode made of their ``"tex"`` or of their ids.

``\hat{y}`` is ŷ, ``w_1`` and the id ``w1`` are w₁, ``\mathcal{L}`` is ℒ.  What is not so simple is written as its id.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from dagprop.graph.records import Node, split_reference

LONGEST = 32
"""A name of more characters is shortened in the middle."""

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
    "varepsilon": "ε", "varphi": "φ", "vartheta": "ϑ", "ell": "ℓ", "partial": "∂", "nabla": "∇",
}  # fmt: skip

SYMBOLS = {"cdot": "·", "times": "×", "odot": "⊙", "prime": "′", "sum": "Σ", "infty": "∞", "top": "ᵀ", "circ": "∘"}

ACCENTS = {"hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303",
           "widetilde": "\u0303", "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7"}  # fmt: skip

CALLIGRAPHIC = {"L": "ℒ", "E": "ℰ", "F": "ℱ", "H": "ℋ", "B": "ℬ", "R": "ℛ", "I": "ℐ", "M": "ℳ"}
BLACKBOARD = {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "E": "𝔼", "C": "ℂ", "Q": "ℚ", "P": "ℙ"}
FONTS = {"mathcal": CALLIGRAPHIC, "mathbb": BLACKBOARD}
PLAIN_FONTS = ("mathrm", "mathbf", "mathit", "mathsf", "boldsymbol", "bm", "text", "textrm", "operatorname")

SUBSCRIPTS = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
SUPERSCRIPTS = dict(zip("0123456789+-=()niT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀ", strict=True))

_LOW = "\ue000"
"""Stands for an underscore that is kept, until all others are dealt with."""

_GROUP = re.compile(r"(?:\\([A-Za-z]+)\s*|([_^]))?\{([^{}\\]*)\}")
_SINGLE = re.compile(rf"\\({'|'.join((*ACCENTS, *FONTS, *PLAIN_FONTS))})\s+([A-Za-z0-9])(?![A-Za-z])")
_COMMAND = re.compile(r"\\([A-Za-z]+)|\\([,;:! ])")
_INDEX = re.compile(r"([_^])([^\s{}\\_^])")


def name_of(node: Node) -> str:
    """Return how a node is written; one inside a definition with where it stands."""
    made = from_tex(node.tex) if node.tex else None
    # What a definition writes with its own inputs means nothing outside.
    if made is not None and (not node.origin or len(made) == 1):
        return made if not node.origin else from_id(f"{node.origin[-1]}/{made}")
    return from_id(node.id)


def from_reference(reference: str, names: Mapping[str, str]) -> str:
    """Return how a value is written, from how its node is."""
    id, output = split_reference(reference)
    name = names.get(id) or from_id(id)
    return f"{name}:{output}" if output else name


def from_id(id: str) -> str:
    """Return how an id is written: ``w1`` is w₁, ``y_hat`` is ŷ, ``sigma`` is σ."""
    where, slash, base = clean(id).rpartition("/")
    match = re.fullmatch(r"([A-Za-z]+?)(?:_(hat|bar|tilde))?_?([0-9]*)", base)
    if match is None:
        return shorten(where + slash + base)
    letters, accent, digits = match.groups()
    letters = GREEK.get(letters, letters)
    if accent:
        if len(letters) > 1:
            return shorten(where + slash + base)
        letters = unicodedata.normalize("NFC", letters + ACCENTS[accent])
    elif len(letters) > 2:  # layer1, not layer₁
        return shorten(where + slash + base)
    return shorten(where + slash + letters + "".join(SUBSCRIPTS[digit] for digit in digits))


def from_tex(tex: str) -> str | None:
    """Return simple TeX as Unicode, or None where it is not simple."""
    text = tex.strip().strip("$")
    for _ in range(len(text)):  # each round takes at least one pair of braces away, innermost first
        text = _SINGLE.sub(lambda match: _applied(match[1], None, match[2]), text)
        changed = _GROUP.sub(lambda match: _applied(match[1], match[2], match[3]), _COMMAND.sub(_command, text))
        if changed == text:
            break
        text = changed
    text = _INDEX.sub(lambda match: _lifted(match[1], match[2]), text)
    text = unicodedata.normalize("NFC", " ".join(text.replace(_LOW, "_").split()))
    return shorten(text) if text and text.isprintable() and not set(text) & set("\\{}^&%#~$") else None


def _command(match: re.Match[str]) -> str:
    if match[2]:
        return " " if match[2] == " " else ""
    name = match[1]
    found = GREEK.get(name) or SYMBOLS.get(name)
    return found or match[0]


def _applied(command: str | None, index: str | None, content: str) -> str:
    """Return what a command, ``_`` or ``^`` makes of the content of its braces."""
    if index:
        return _lifted(index, content)
    if command is None or command in PLAIN_FONTS:
        return content
    if command in FONTS:
        return "".join(FONTS[command].get(letter, letter) for letter in content)
    if command in ACCENTS:
        return "".join(letter + ACCENTS[command] for letter in content)
    return f"\\{command}\x00"  # not printable, so not simple


def _lifted(index: str, content: str) -> str:
    letters = SUBSCRIPTS if index == "_" else SUPERSCRIPTS
    lifted = [letters.get(letter) for letter in content]
    if all(letter is not None for letter in lifted):
        return "".join(letter for letter in lifted if letter)
    if index == "_":
        return f"{_LOW}{content}"
    return f"^({content})"  # not simple


def clean(text: str) -> str:
    """Return text on one line without characters that no format shows, or that turn its direction."""
    spaced = re.sub(r"\s+", " ", text).strip()
    return "".join(letter if letter.isprintable() or unicodedata.combining(letter) else "\ufffd" for letter in spaced)


def shorten(text: str, limit: int = LONGEST) -> str:
    """Return text without the middle of what is too long."""
    if len(text) <= limit:
        return text
    half = (limit - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
