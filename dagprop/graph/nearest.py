"""Near misses: the name that was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Collection

from dagprop.errors import quote, suggest

Suggest = Callable[[str, Collection[str]], str | None]

MOST_COMPARISONS = 40_000
"""Names that are compared before suggestions stop; a broken file with 100,000 nodes must not take minutes."""


def make_suggest() -> Suggest:
    """Return a function like :func:`dagprop.errors.suggest` that stops when it has compared very many names.

    It is made anew for each file, so that the same file always gives the same hints.
    """
    left = MOST_COMPARISONS

    def suggest_within_budget(name: str, candidates: Collection[str]) -> str | None:
        nonlocal left
        if len(candidates) > left:
            return None
        left -= len(candidates)
        # Another case, or letters in another order, is nearer than any other difference.
        letters = sorted(name.lower()[:80])
        same = [candidate for candidate in candidates if len(candidate) == len(letters) < 80]
        same = [candidate for candidate in same if sorted(candidate.lower()) == letters]
        return suggest(name, same) or suggest(name, candidates) or (f"did you mean {quote(same[0])}?" if same else None)

    return suggest_within_budget
