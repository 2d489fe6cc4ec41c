"""What may be too long to be printed whole: rows of a deep network, counts of very many paths."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal

LONGEST_INTEGER = 40
"""Digits of a whole number that are printed."""


def middle_shortened(items: Sequence[str], most: int) -> list[str]:
    """Return at most so many items; of more the first and the last, and between them how many are left out."""
    if len(items) <= most:
        return list(items)
    head = most // 2
    tail = most - head - 1
    return [*items[:head], f"… ({len(items) - head - tail} more) …", *items[len(items) - tail :]]


def integer_text(number: int) -> str:
    """Return a whole number: exactly, or rounded where it has very many digits."""
    decimal = Decimal(number)
    return f"{decimal:f}" if decimal.adjusted() < LONGEST_INTEGER else f"about {decimal:.5e}"


def allow_long_integers() -> None:
    """Let JSON hold whole numbers of any length: a count of paths may have more digits than Python prints unasked."""
    sys.set_int_max_str_digits(0)
