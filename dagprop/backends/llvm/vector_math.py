"""Functions in LLVM's language, without branches, so that loops over them become vector code.

The functions of the C library take one number at a time.  These are sums of a few powers; between them and NumPy's lie
a few roundings.  They keep signs, infinities and NaNs, and are right where results overflow or vanish.
"""

from __future__ import annotations

from functools import cache

from dagprop.backends.llvm.vector_erf import error_functions
from dagprop.backends.llvm.vector_exponential import exponential_functions
from dagprop.backends.llvm.vector_format import FORMATS

VECTOR_FUNCTIONS = ("exp", "expm1", "log", "log1p", "tanh", "erf", "erfc")


def vector_functions(kind: str, calling: str) -> str:
    """Return the definitions of those of :data:`VECTOR_FUNCTIONS` that some code calls.

    Parameters
    ----------
    kind : {"double", "float"}
    calling : str
        It calls them for single numbers by names as ``@vector.exp``.
    """
    needed = ""
    for name, text in reversed(_definitions(kind).items()):  # each calls only such as stand before it
        if f"@vector.{name}(" in calling + needed:
            needed = text + needed
    return needed


@cache
def _definitions(kind: str) -> dict[str, str]:
    """Return all functions by name."""
    form = FORMATS[kind]
    parts = "\n".join((exponential_functions(form), error_functions(form))).strip().split("\n\n")
    return {part.partition("@vector.")[2].partition("(")[0]: f"{part.strip()}\n\n" for part in parts}
