r"""Mathematics that a graph file brings along (``"tex"``): what is let through, written out in one canonical way.

LaTeX can read files, define commands and never end, and a web page can run what is hidden in a formula.  So a small
part of it is read, symbol by symbol, and written anew; whatever is not in that part is refused as a whole.
"""

from __future__ import annotations

import re

from dagprop.record import record

LONGEST = 200
"""So many characters a name may have."""

DEEPEST = 8
"""So many braces may stand inside each other."""


def _names(text: str) -> list[str]:
    return text.split()


GREEK = {
    **dict(zip("αβγδεζηθ", _names("alpha beta gamma delta varepsilon zeta eta theta"), strict=True)),
    **dict(zip("ικλμνξπρ", _names("iota kappa lambda mu nu xi pi rho"), strict=True)),
    **dict(zip("στυφχψω", _names("sigma tau upsilon varphi chi psi omega"), strict=True)),
    **dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", _names("Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"), strict=True)),
}
"""The Greek letters that have a command, and its name."""

_ABOVE = frozenset(_names("hat bar vec tilde dot ddot check breve widehat widetilde overline underline sqrt"))

_FONTS = frozenset(_names("mathbf mathrm mathit mathcal mathbb mathfrak mathsf boldsymbol"))

_SYMBOLS = frozenset(
    (
        *GREEK.values(),
        *_names("epsilon phi vartheta varrho varsigma varpi ell partial nabla infty prime star top bot emptyset hbar"),
        *_names("ldots cdots dots vdots Re Im sin cos tan sinh cosh tanh exp log ln max min arg det"),
    )
)

_OPERATORS = frozenset(
    (
        *_names("cdot times div pm mp odot oplus otimes circ ast bullet leq geq le ge neq ne approx sim equiv propto"),
        *_names("in to leftarrow rightarrow mapsto mid vert lvert rvert Vert lVert rVert langle rangle sum prod int"),
        *_names("wedge vee land lor neg cup cap subset quad qquad"),
    )
)

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.| +|.", re.DOTALL)

_WORDS = re.compile(r"\{([A-Za-z0-9 .,:;/()'+-]*)\}")


@record
class Mathematics:
    """Mathematics that is safe to be put into a document.

    Attributes
    ----------
    text : str
        LaTeX.
    symbols : int
        How many symbols, with what is around them, stand in a row.
    operators : bool
        Whether there are operators between them.
    raised, lowered : bool
        Whether there is a superscript or a subscript.
    """

    text: str
    symbols: int = 1
    operators: bool = False
    raised: bool = False
    lowered: bool = False


def safe_mathematics(text: str) -> Mathematics | None:
    """Return the mathematics of a text, or None if there is none in it or more than is let through."""
    if not text.strip() or len(text) > LONGEST:
        return None
    reader = _Reader(text)
    try:
        return reader.sequence(0)
    except _RefusedError:
        return None


def joined(left: str, right: str) -> str:
    """Return LaTeX behind LaTeX: a letter does not become a part of the name of the command before it."""
    apart = re.search(r"\\[A-Za-z]+$", left) and right[:1].isalpha()
    return f"{left} {right}" if apart else left + right


class _RefusedError(Exception):
    """What was found is not let through."""


class _Reader:
    """Reads the tokens of a text from the left."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(found.group(), found.start()) for found in _TOKEN.finditer(text)]
        self._place = 0

    def sequence(self, depth: int) -> Mathematics:
        """Read symbols up to the end, or up to the brace that closes what was opened before."""
        if depth > DEEPEST:
            raise _RefusedError
        text, symbols, operators, raised, lowered = "", 0, False, False, False
        while self._place < len(self._tokens) and self._peek() != "}":
            if self._peek().isspace():
                self._place += 1
                continue
            symbol, operator = self._symbol(depth)
            below, above = self._scripts(depth)
            symbols, operators = symbols + 1, operators or operator
            raised, lowered = raised or bool(above), lowered or bool(below)
            symbol += f"_{{{below}}}" * bool(below) + f"^{{{above}}}" * bool(above)
            text = joined(text, symbol)
        if not symbols or (self._place < len(self._tokens)) != (depth > 0):
            raise _RefusedError
        return Mathematics(text, symbols, operators, raised, lowered)

    def _peek(self) -> str:
        return self._tokens[self._place][0] if self._place < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise _RefusedError
        self._place += 1
        return token

    def _symbol(self, depth: int) -> tuple[str, bool]:
        """Read one symbol with its arguments, and whether it is an operator."""
        token = self._next()
        name = token[1:]
        if token == "{":
            return f"{{{self._rest_of_group(depth)}}}", False
        if token in GREEK:
            return f"\\{GREEK[token]}", False
        if token == "|":
            return "\\vert ", True
        if token.startswith("\\"):
            if name in _ABOVE or name in _FONTS:
                return f"{token}{{{self._argument(depth)}}}", False
            if name == "frac":
                return f"{token}{{{self._argument(depth)}}}{{{self._argument(depth)}}}", False
            if name in ("text", "operatorname"):
                return f"\\text{{{self._words()}}}", False
            if name in _SYMBOLS or name in ("{", "}"):
                return token, False
            if name in _OPERATORS or name in (",", ";", ":", "!", " "):
                return (token if name.isalpha() else "\\,"), True
            raise _RefusedError
        if token.isascii() and (token.isalnum() or token in "()[]."):
            return token, False
        if token in "+-*/=,;:!?":
            return token, True
        raise _RefusedError

    def _scripts(self, depth: int) -> tuple[str, str]:
        """Read what stands below and above a symbol, each at most once; a prime stands above."""
        below = above = ""
        while self._peek() in ("_", "^", "'"):
            token = self._next()
            if token == "'" and not above.strip("\\prime"):
                above += "\\prime"
            elif token == "_" and not below:
                below = self._argument(depth)
            elif token == "^" and not above:
                above = self._argument(depth)
            else:
                raise _RefusedError
        return below, above

    def _argument(self, depth: int) -> str:
        """Read a group in braces, or a single symbol."""
        while self._peek().isspace():
            self._place += 1
        if self._peek() == "{":
            self._place += 1
            return self._rest_of_group(depth)
        token = self._peek()
        if not (token.isalnum() or token in ("*", "+", "-") or token.startswith("\\")):
            raise _RefusedError
        return self._symbol(depth + 1)[0]

    def _rest_of_group(self, depth: int) -> str:
        content = self.sequence(depth + 1).text
        if self._next() != "}":
            raise _RefusedError
        return content

    def _words(self) -> str:
        """Read a group of plain words."""
        while self._peek().isspace():
            self._place += 1
        start = self._tokens[self._place][1] if self._peek() else len(self._text)
        found = _WORDS.match(self._text, start)
        if found is None:
            raise _RefusedError
        while self._place < len(self._tokens) and self._tokens[self._place][1] < found.end():
            self._place += 1
        return found.group(1)
