"""e^x in LLVM's language: it becomes part of the code that needs it.

A call of the C library would move every parameter out of its register and back.  The method is that of the library
(Tang, 1989, "Table-driven implementation of the exponential function"): with x = k·ln 2/128 + r,
e^x = 2^(k/128) · e^r, where the first factor is a power of 2 times a number from a table, and r is so small that few
terms of the series give e^r.  The result is off by at most one unit in the last place or so.

In e^x + y, as in the sigmoid, each term is added as soon as it is known; y waits for none of them.
"""

from __future__ import annotations

import math
import struct
from functools import cache

from dagprop.backends.llvm_code import EXPONENTIAL, EXPONENTIAL_SUM, number

_PARTS = 128
"""Numbers of the table; it holds 2^(i/128)."""

_LARGEST = 700.0
"""Beyond it a result may be infinite, or have fewer digits than others: that is left to the C library."""

_LN2 = math.log(2) / _PARTS
_LN2_REST = 2.3190468138462996e-17 / _PARTS  # what float64 leaves out of ln 2
_WHOLE = 3.0 * 2**51  # what is added to it loses its fraction, and is then found in the last bits of the sum

_ALONE = """\
  %series = call double @llvm.fmuladd.f64(double %r.2, double %terms, double %r.exact)
  %result = call double @llvm.fmuladd.f64(double %power, double %series, double %power)
"""

_IN_A_SUM = """\
  %first = fadd double %power, %y
  %second = call double @llvm.fmuladd.f64(double %power, double %r.exact, double %first)
  %power.r.2 = fmul double %power, %r.2
  %result = call double @llvm.fmuladd.f64(double %power.r.2, double %terms, double %second)
"""


@cache
def exponential_text() -> str:
    """Return the definitions of the functions for e^x and e^x + y, of doubles."""
    # Adding k·2^45 to an entry of the table makes 2^(k/128) of it, since the exponent begins at bit 52 and 128 is 2^7.
    table = [_bits(2 ** (i / _PARTS)) - (i << 45) for i in range(_PARTS)]
    rows = [", ".join(f"i64 {entry}" for entry in table[start : start + 4]) for start in range(0, _PARTS, 4)]
    return f"""
@{EXPONENTIAL}.table = private constant [{_PARTS} x i64] [
  {f",{chr(10)}  ".join(rows)}
]
{_definition(f"{EXPONENTIAL}(double %x)", number(-0.0, "double"), _ALONE)}
{_definition(f"{EXPONENTIAL_SUM}(double %x, double %y)", "%y", _IN_A_SUM)}
!0 = !{{!"branch_weights", i32 1000000, i32 1}}
"""


def _definition(head: str, more: str, ending: str) -> str:
    """Return a function that ends with what is made of power of 2, remainder and terms of the series."""
    largest, whole, inverse, ln2, ln2_rest, c2, c3, c4, c5 = (
        number(value, "double")
        for value in (_LARGEST, _WHOLE, 1 / _LN2, -_LN2, -_LN2_REST, 1 / 2, 1 / 6, 1 / 24, 1 / 120)
    )
    return f"""
define internal double @{head} {{
  %size = call double @llvm.fabs.f64(double %x)
  %usual = fcmp olt double %size, {largest}
  br i1 %usual, label %fast, label %slow, !prof !0
slow:
  %library = call double @exp(double %x)
  %library.more = fadd double %library, {more}
  ret double %library.more
fast:
  %shifted = call double @llvm.fmuladd.f64(double %x, double {inverse}, double {whole})
  %k = bitcast double %shifted to i64
  %k.real = fsub double %shifted, {whole}
  %r = call double @llvm.fmuladd.f64(double %k.real, double {ln2}, double %x)
  %rest = fmul double %k.real, {ln2_rest}
  %r.exact = fadd double %rest, %r
  %i = and i64 %k, {_PARTS - 1}
  %entry.at = getelementptr i64, ptr @{EXPONENTIAL}.table, i64 %i
  %entry = load i64, ptr %entry.at
  %exponent = shl i64 %k, 45
  %power.bits = add i64 %entry, %exponent
  %power = bitcast i64 %power.bits to double
  %r.2 = fmul double %r, %r
  %low = call double @llvm.fmuladd.f64(double %r, double {c3}, double {c2})
  %high = call double @llvm.fmuladd.f64(double %r, double {c5}, double {c4})
  %terms = call double @llvm.fmuladd.f64(double %r.2, double %high, double %low)
{ending}  ret double %result
}}"""


def _bits(value: float) -> int:
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    return int(bits)
