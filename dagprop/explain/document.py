"""What explains a network: headings, sentences, equations and tables, before it is text, LaTeX, Markdown or HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from dagprop.explain.formula import Apply, Dots, Formula, Product, Shape, Sum
from dagprop.record import record

Words = str | Formula
"""A part of a sentence or of a table."""

ALREADY_COMPUTED = "[..] already computed"
"""Explains the square brackets of text; a format that marks re-use in the formula itself leaves it out."""

MOST_PARTS = 8
"""A product or sum of more parts is shortened in the middle."""


@record
class Heading:
    """The title of what follows; level 1 is that of the document."""

    words: tuple[Words, ...]
    level: int = 2


@record
class Paragraph:
    """A sentence or more."""

    words: tuple[Words, ...]


@record
class Equation:
    """One value, and what it is equal to, row by row.

    Attributes
    ----------
    left : Formula
    rows : tuple of Formula
        Each equal to the row before.
    notes : tuple of tuple of Words
        What is said beside each row; an empty tuple for nothing.
    arrow : bool
        Whether the first row replaces the left side (←) instead of being equal to it.
    """

    left: Formula
    rows: tuple[Formula, ...]
    notes: tuple[tuple[Words, ...], ...] = ()
    arrow: bool = False


@record
class Listing:
    """Lines of an algorithm, each with how far it is indented."""

    lines: tuple[tuple[int, tuple[Words, ...]], ...]


@record
class Table:
    """Rows of cells under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]


Block = Heading | Paragraph | Equation | Listing | Table

Document = tuple[Block, ...]

Item = TypeVar("Item")


def list_words(items: Sequence[Words], most: int) -> tuple[Words, ...]:
    """Return items with commas between them; of more the first three and the last."""
    shown = [*items[:3], "...", items[-1]] if len(items) > most else items
    return tuple(word for place, item in enumerate(shown) for word in ((", ", item) if place else (item,)))


def elided(items: Sequence[Item], most: int | None) -> tuple[Sequence[Item], Sequence[Item]]:
    """Return the items that stand before a gap and those behind it; without a gap all stand before it."""
    if most is None or len(items) <= most:
        return items, items[len(items) :]
    last = most // 2
    return items[: most - last], items[len(items) - last :]


def in_part(
    items: Sequence[Item], most: int | None, blocks: Callable[[Item], Iterable[Block]], left_out: str
) -> Iterator[Block]:
    """Yield the blocks of each item; of more than so many, those of the first and the last, and how many are not."""
    first, last = elided(items, most)
    for item in first:
        yield from blocks(item)
    if last:
        yield Paragraph((f"... {len(items) - len(first) - len(last):,} {left_out}",))
    for item in last:
        yield from blocks(item)


def shortened(parts: Sequence[Formula], most: int = MOST_PARTS) -> tuple[Formula, ...]:
    """Return parts, of very many the first and the last, with dots between."""
    if len(parts) <= most:
        return tuple(parts)
    half = max(most // 2, 1)
    return (*parts[:half], Dots(len(parts) - 2 * half), *parts[len(parts) - half :])


def product(factors: Sequence[Formula], shape: Shape = (), most: int = MOST_PARTS) -> Formula:
    """Return a product; of one factor the factor itself."""
    return factors[0] if len(factors) == 1 else Product(shortened(factors, most), shape)


def total(terms: Sequence[Formula], shape: Shape = (), most: int = MOST_PARTS) -> Formula:
    """Return a sum; of one term the term itself."""
    return terms[0] if len(terms) == 1 else Sum(shortened(terms, most), shape)


def without_middle(formula: Formula, most: int | None) -> Formula:
    """Return a formula; of a sum or product of more parts the first and the last of them."""
    function = formula.function if isinstance(formula, Apply) else ""
    if most is None or function not in ("add", "multiply"):
        return formula
    parts: list[Formula] = []
    rest = formula
    while isinstance(rest, Apply) and rest.function == function:
        parts.append(rest.operands[1])
        rest = rest.operands[0]
    if len(parts) < most:
        return formula
    join = total if function == "add" else product
    return join([rest, *reversed(parts)], formula.shape, most)
