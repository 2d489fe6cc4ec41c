"""How nodes are written in mathematics: as their ``"tex"`` says where that is safe, else by their ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from dagprop.explain.printer import ATOM, CHOICE, POWER, PRODUCT, Printed
from dagprop.explain.rule_formulas import UPSTREAM
from dagprop.graph.records import Node, split_reference
from dagprop.render.mathematics import GREEK, Mathematics, safe_mathematics

_GREEK_WORDS = frozenset(("epsilon", "phi", *GREEK.values())) - {"eta"}  # η is the learning rate

_ACCENT_WORDS = ("hat", "bar", "tilde", "dot", "vec")

_PART = re.compile(r"([A-Za-z]+)([0-9]*)")


def plain(text: str) -> str:
    """Return any text as words in mathematics, without what LaTeX or a web page could take for a command."""
    safe = re.sub(r"[^A-Za-z0-9_ .,:;/()'+-]", "?", text).replace("_", r"\_")
    return rf"\text{{{safe}}}"


class Names:
    """The LaTeX of references.

    Parameters
    ----------
    nodes : mapping from str to Node
        Of the expanded graph.
    """

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._made = {id: _by_tex(node) or by_id(id) for id, node in nodes.items()}
        # Two nodes must not look the same: then both are written as the file writes them.
        counts = Counter(made.text for made in self._made.values())
        for id, made in self._made.items():
            if counts[made.text] > 1 and not nodes[id].tex:
                self._made[id] = Mathematics(plain(id))

    def __call__(self, reference: str) -> Printed:
        """Return the LaTeX of the value that a reference names."""
        if reference.startswith(UPSTREAM):
            return Printed(rf"\partial {self.tight(reference.removeprefix(UPSTREAM))}", PRODUCT)
        if reference in GREEK:
            return Printed(f"\\{GREEK[reference]}", ATOM, "name")
        id, output = split_reference(reference)
        made = self._made.get(id) or by_id(id)
        if output:
            made = _lowered(made, f":{output}")
        if made.symbols > 1:
            return Printed(made.text, CHOICE if made.operators else PRODUCT)
        return Printed(made.text, POWER if made.raised else ATOM, "name")

    def tight(self, reference: str) -> str:
        """Return the LaTeX of a reference, in brackets if it has operators."""
        printed = self(reference)
        return printed.text if printed.level >= PRODUCT else rf"\left({printed.text}\right)"


def by_id(id: str) -> Mathematics:
    r"""Return the LaTeX of an id: ``w1`` is w with an index, ``y_hat`` has a hat, ``hidden/w`` has "hidden" below."""
    *where, base = id.split("/")
    word, *rest = base.split("_")
    found = _PART.fullmatch(word)
    if found is None or not all(part.isalnum() and part.isascii() for part in rest):
        return Mathematics(plain(id))
    letters, digits = found.groups()
    symbol = _symbol(letters) or rf"\mathit{{{letters}}}"
    while rest and rest[0] in _ACCENT_WORDS and (rest[0] != "vec" or len(letters) == 1):
        accent = {"hat": "widehat", "tilde": "widetilde", "bar": "overline"}.get(rest[0], rest[0])
        symbol = rf"\{rest[0] if len(letters) == 1 else accent}{{{symbol}}}"
        del rest[0]
    below = [part for part in (digits, *rest) if part]
    indices = [part if part.isdigit() else _symbol(part) or plain(part) for part in below]
    if where:
        indices.append(plain("/".join(where)))
    return _lowered(Mathematics(symbol), ",".join(indices)) if indices else Mathematics(symbol)


def _symbol(word: str) -> str | None:
    """Return a letter, or the Greek letter that a word names."""
    return f"\\{word}" if word in _GREEK_WORDS else word if len(word) == 1 and word.isalpha() else None


def _by_tex(node: Node) -> Mathematics | None:
    """Return what a node says of its own look; of a node inside a definition with where it stands."""
    made = safe_mathematics(node.tex) if node.tex else None
    if made is None or not node.origin:
        return made
    # What a definition writes with its own inputs means nothing outside.
    return _lowered(made, plain(node.id.rpartition("/")[0])) if made.symbols == 1 else None


def _lowered(made: Mathematics, index: str) -> Mathematics:
    whole = made.symbols == 1 and not made.lowered and not made.raised
    return Mathematics(f"{made.text if whole else f'{{{made.text}}}'}_{{{index}}}", lowered=True)
