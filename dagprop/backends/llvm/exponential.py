"""e^x in LLVM's language: it becomes part of the code that needs it.

A call of the C library would move every parameter out of its register and back.  The method is that of the library
(Tang, 1989, "Table-driven implementation of the exponential function"): with x = k·ln 2/2048 + r,
e^x = 2^(k/2048) · e^r, where the first factor is a power of 2 times a number from a table, and r is so small that the
terms of the series up to r³ give e^r.  The result is off by at most one unit in the last place or so; on a processor
that does not multiply and add in one operation, where k·ln 2/2048 is rounded, by up to about |x| of them.

What counts is how long a result keeps others waiting.  So the larger table, for the sake of a shorter series; so the
argument that is in steps of the table already, which need not wait for x where x is a product; and in e^x + y, as in
the sigmoid, each term is added as soon as it is known.
"""

from __future__ import annotations

import math
import struct
from functools import cache

import numpy as np

from dagprop.backends.llvm.code import EXPONENTIAL, EXPONENTIAL_SUM, multiply_add, number
from dagprop.backends.reference import Array

_BITS = 11
_PARTS = 2**_BITS
"""Numbers of the table; it holds 2^(i/2048)."""

_LARGEST = 700.0
"""Beyond it a result may be infinite, or have fewer digits than others: that is left to the C library."""

_LN2 = math.log(2) / _PARTS
_LN2_REST = 2.3190468138462996e-17 / _PARTS  # what float64 leaves out of ln 2

STEPS = 1 / _LN2
"""How many steps of the table are in 1."""

WHOLE = 3.0 * 2**51
"""What is added to it loses its fraction, and is then found in the last bits of the sum."""

_ALONE = """\
  %result = call double @llvm.fmuladd.f64(double %power, double %series, double %power)
"""

_IN_A_SUM = """\
  %first = fadd double %power, %y
  %result = call double @llvm.fmuladd.f64(double %power, double %series, double %first)
"""


@cache
def powers() -> Array:
    """Return the table that the functions are given: of 64 bits for each i, from 0 to 2047.

    Adding k·2^41 to such an entry makes 2^(k/2048) of it, since the exponent begins at bit 52 and 2048 is 2^11.
    """
    bits = struct.unpack(f"={_PARTS}q", struct.pack(f"={_PARTS}d", *(2 ** (i / _PARTS) for i in range(_PARTS))))
    return np.array(bits, np.int64) - (np.arange(_PARTS) << (52 - _BITS))


@cache
def exponential_text() -> str:
    """Return the definitions of the functions for e^x and e^x + y, of doubles.

    Both are given x, the table, and x in steps of the table, rounded: what is behind :data:`WHOLE` in a sum.
    """
    return f"""
{_definition(f"{EXPONENTIAL}(double %x, double %shifted, ptr %powers)", number(-0.0, "double"), _ALONE)}
{_definition(f"{EXPONENTIAL_SUM}(double %x, double %shifted, ptr %powers, double %y)", "%y", _IN_A_SUM)}
!0 = !{{!"branch_weights", i32 1000000, i32 1}}
"""


def exponential_lines(
    name: str, x: str, added: str | None = None, factors: tuple[str, str, float] | None = None
) -> list[str]:
    """Return the lines of e^x, or of its sum with something.

    Parameters
    ----------
    name : str
        Of the result.
    x : str
    added : str, optional
    factors : (str, str, float), optional
        Where x is a product: the factor that is known first, the other, and the sign.
    """
    whole = number(WHOLE, "double")
    if factors is None:
        lines = [f"{name}.steps = {multiply_add('double', x, number(STEPS, 'double'), whole)}"]
    else:  # the later factor, and the one that is known before it in steps of the table
        early, late, sign = factors
        lines = [f"{name}.early = fmul double {early}, {number(sign * STEPS, 'double')}",
                 f"{name}.steps = {multiply_add('double', f'{name}.early', late, whole)}"]  # fmt: skip
    given = f"double {x}, double {name}.steps, ptr %powers"
    call = f"@{EXPONENTIAL}({given})" if added is None else f"@{EXPONENTIAL_SUM}({given}, double {added})"
    return [*lines, f"{name} = call double {call}"]


def _definition(head: str, more: str, ending: str) -> str:
    """Return a function that ends with what is made of power of 2, remainder and terms of the series."""
    largest, whole, ln2, ln2_rest, c2, c3 = (
        number(value, "double") for value in (_LARGEST * STEPS, WHOLE, -_LN2, -_LN2_REST, 1 / 2, 1 / 6)
    )
    return f"""
define internal double @{head} {{
  %k.real = fsub double %shifted, {whole}
  %size = call double @llvm.fabs.f64(double %k.real)
  %usual = fcmp olt double %size, {largest}
  br i1 %usual, label %fast, label %slow, !prof !0
slow:
  %library = call double @exp(double %x)
  %library.more = fadd double %library, {more}
  ret double %library.more
fast:
  %r = call double @llvm.fmuladd.f64(double %k.real, double {ln2}, double %x)
  %r.exact = call double @llvm.fmuladd.f64(double %k.real, double {ln2_rest}, double %r)
  %k = bitcast double %shifted to i64
  %i = and i64 %k, {_PARTS - 1}
  %entry.at = getelementptr i64, ptr %powers, i64 %i
  %entry = load i64, ptr %entry.at
  %exponent = shl i64 %k, {52 - _BITS}
  %power.bits = add i64 %entry, %exponent
  %power = bitcast i64 %power.bits to double
  %r.2 = fmul double %r, %r
  %terms = call double @llvm.fmuladd.f64(double %r, double {c3}, double {c2})
  %series = call double @llvm.fmuladd.f64(double %r.2, double %terms, double %r.exact)
{ending}  ret double %result
}}"""
