"""Loops over few columns, for which LLVM is told to use vectors that are partly unused.

By itself it would compute what fills no vector number by number, which of few columns is a large part.
"""

from __future__ import annotations

from dagprop.backends.llvm.engine import registers

FEW_VECTORS = 4
"""Columns that fill so many vectors are no longer few."""

FEWEST = 2
"""So many columns need no loop: LLVM writes them out before it comes to vectors, and complains of the hint."""

NARROW = ", !llvm.loop !narrow"
"""What stands at the end of such a loop, until :func:`with_loop_hints` gives each a number."""


def loop_hint(size: int | str, kind: str) -> str:
    """Return what stands at the end of a loop over so many columns, if their number is known and calls for it."""
    length = _vector_length(kind)
    narrow = isinstance(size, int) and FEWEST < size < FEW_VECTORS * length and size % length != 0
    return NARROW if narrow else ""


def with_loop_hints(text: str, kind: str) -> str:
    """Return a module in which LLVM is told what to do with its narrow loops."""
    first, *others = text.split(NARROW)
    if not others:
        return text
    hints = f"""
!0 = !{{!"llvm.loop.vectorize.predicate.enable", i1 true}}
!1 = !{{!"llvm.loop.vectorize.width", i32 {_vector_length(kind)}}}
"""
    numbered = list(enumerate(others, start=2))
    code = "".join([first, *(f", !llvm.loop !{place}{part}" for place, part in numbered)])
    # Each loop has a node of its own, by which LLVM tells them apart.
    return code + hints + "\n".join(f"!{place} = distinct !{{!{place}, !0, !1}}" for place, _ in numbered) + "\n"


def _vector_length(kind: str) -> int:
    """Return how many numbers a vector register of this machine holds."""
    return registers()[1] // (8 if kind == "double" else 4)
