"""exp, log and their relatives in LLVM's language, without branches, so that loops over them become vector code.

The functions of the C library take one number at a time.  These are sums of a few powers; between them and NumPy's lie
a few roundings.  They keep signs, infinities and NaNs, and are right where results overflow or vanish.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from string import Template

from dagprop.backends.llvm_code import number
from dagprop.record import record

VECTOR_FUNCTIONS = ("exp", "expm1", "log", "log1p", "tanh")


@record
class _Format:
    """What differs between the formats of numbers.

    Attributes
    ----------
    bits, fraction, bias : int
        Of the number and of its fraction; what is added to its exponent.
    low, high : float
        Beyond these, exp is 0 and infinite.
    powers : int
        How many powers of the exponential series are enough for exponents up to ½ ln 2.
    odd_powers : int
        How many of the series of artanh are, for numbers up to (√2 - 1)/(√2 + 1).
    ln2 : (float, float)
        ln 2 in two parts, of which the first is so short that its products with whole exponents are exact.
    root_half : int
        The bits of √½.
    """

    bits: int
    fraction: int
    bias: int
    low: float
    high: float
    powers: int
    odd_powers: int
    ln2: tuple[float, float]
    root_half: int


_FORMATS = {
    "double": _Format(
        64,
        52,
        1023,
        -746.0,
        710.0,
        14,
        11,
        (6.93147180369123816490e-01, 1.90821492927058770002e-10),
        0x3FE6A09E667F3BCD,
    ),
    "float": _Format(32, 23, 127, -104.0, 89.0, 8, 6, (0.693145751953125, 1.428606765330187e-06), 0x3F3504F3),
}


def vector_functions(kind: str, calling: str) -> str:
    """Return the definitions of those of :data:`VECTOR_FUNCTIONS` that some code calls.

    Parameters
    ----------
    kind : {"double", "float"}
    calling : str
        It calls them for single numbers by names as ``@vector.exp``.
    """
    definitions = _definitions(kind)
    needed = ""
    for name, text in reversed(definitions.items()):  # each calls only such as stand before it
        if f"@vector.{name}(" in calling + needed:
            needed = text + needed
    return needed


def _definitions(kind: str) -> dict[str, str]:
    """Return all functions by name."""
    form = _FORMATS[kind]
    width = {"double": "f64", "float": "f32"}[kind]
    words = {
        "exp_series": _horner("%r", [1 / math.factorial(k) for k in range(form.powers)], kind),
        "expm1_series": _horner("%r", [1 / math.factorial(k) for k in range(1, form.powers + 1)], kind),
        "log_series": _horner("%z", [1 / (2 * k + 1) for k in range(form.odd_powers)], kind),
        "multiply_add": f"call {kind} @llvm.fmuladd.{width}",
        "round": f"call {kind} @llvm.rint.{width}",
        "abs": f"call {kind} @llvm.fabs.{width}",
        "copysign": f"call {kind} @llvm.copysign.{width}",
        "wide": "sext i32 %n to i64" if form.bits == 64 else "add i32 %n, 0",
        "narrow": "trunc i64 %e to i32" if form.bits == 64 else "add i32 %e, 0",
        "root_half": str(form.root_half),
        "fraction": str(form.fraction),
        "bias": str(form.bias),
        "tiny_exponent": str(form.fraction + 2),
        "int": f"i{form.bits}",
        "pure": "alwaysinline nounwind willreturn memory(none)",
        "kind": kind,
    }
    numbers = {
        "high": form.high,
        "low": form.low,
        "log2e": 1 / math.log(2),
        "ln2_high": form.ln2[0],
        "ln2_low": form.ln2[1],
        "nearly_minus_one": -(form.fraction + 3) * math.log(2),  # from here on e^x - 1 is -1
        "almost_one": float(form.fraction // 2),  # from here on tanh is 1
        "smallest": 2.0 ** (1 - form.bias),
        "tiny_scale": 2.0 ** (form.fraction + 2),
        "infinity": math.inf,
        "minus_infinite": -math.inf,
        "not_a_number": math.nan,
        "one": 1.0,
        "two": 2.0,
        "zero": 0.0,
    }
    words |= {name: number(value, kind) for name, value in numbers.items()}
    parts = Template(_TEXT).substitute(words).split("\n\n")
    return {part.partition("@vector.")[2].partition("(")[0]: f"{part.strip()}\n\n" for part in parts}


def _horner(variable: str, coefficients: Sequence[float], kind: str) -> str:
    """Return the lines of %p = c₀ + c₁x + c₂x² + ..., from the highest power inwards."""
    multiply_add = f"call {kind} @llvm.fmuladd.{'f64' if kind == 'double' else 'f32'}"
    lines = []
    result = number(coefficients[-1], kind)
    for power, coefficient in reversed(list(enumerate(coefficients[:-1]))):
        target = f"%p{power}" if power else "%p"
        constant = number(coefficient, kind)
        lines.append(f"  {target} = {multiply_add}({kind} {result}, {kind} {variable}, {kind} {constant})")
        result = target
    return "\n".join(lines)


_TEXT = """
; 2^n, whose bits are those of the exponent
define internal $kind @vector.power(i32 %n) $pure {
  %n.wide = $wide
  %biased = add $int %n.wide, $bias
  %bits = shl $int %biased, $fraction
  %y = bitcast $int %bits to $kind
  ret $kind %y
}

; y 2^n
define internal $kind @vector.scale($kind %y, i32 %n) $pure {
  %first = ashr i32 %n, 1
  %second = sub i32 %n, %first
  %a = call $kind @vector.power(i32 %first)
  %b = call $kind @vector.power(i32 %second)
  %y.1 = fmul $kind %y, %a
  %y.2 = fmul $kind %y.1, %b
  ret $kind %y.2
}

; e^x = 2^n e^r with the whole number n nearest to x / ln 2, so that |r| is at most half of ln 2.
; 2^n is multiplied in two halves: as one number it might be too large or too small.
define internal $kind @vector.exp($kind %x) $pure {
  %above = fcmp ogt $kind %x, $high
  %x.1 = select i1 %above, $kind $high, $kind %x
  %below = fcmp olt $kind %x.1, $low
  %x.2 = select i1 %below, $kind $low, $kind %x.1
  %quotient = fmul $kind %x.2, $log2e
  %whole = $round($kind %quotient)
  %minus = fneg $kind %whole
  %r.1 = $multiply_add($kind %minus, $kind $ln2_high, $kind %x.2)
  %r = $multiply_add($kind %minus, $kind $ln2_low, $kind %r.1)
$exp_series
  %known = fcmp ord $kind %x, $zero
  %whole.known = select i1 %known, $kind %whole, $kind $zero
  %n = fptosi $kind %whole.known to i32
  %y = call $kind @vector.scale($kind %p, i32 %n)
  ret $kind %y
}

; e^x - 1 = 2^n ((e^r - 1) + (1 - 2^-n)), where for n = 0 nothing cancels
define internal $kind @vector.expm1($kind %x) $pure {
  %above = fcmp ogt $kind %x, $high
  %x.1 = select i1 %above, $kind $high, $kind %x
  %below = fcmp olt $kind %x.1, $nearly_minus_one
  %x.2 = select i1 %below, $kind $nearly_minus_one, $kind %x.1
  %quotient = fmul $kind %x.2, $log2e
  %whole = $round($kind %quotient)
  %minus = fneg $kind %whole
  %r.1 = $multiply_add($kind %minus, $kind $ln2_high, $kind %x.2)
  %r = $multiply_add($kind %minus, $kind $ln2_low, $kind %r.1)
$expm1_series
  %series = fmul $kind %p, %r
  %known = fcmp ord $kind %x, $zero
  %whole.known = select i1 %known, $kind %whole, $kind $zero
  %n = fptosi $kind %whole.known to i32
  %large = icmp sgt i32 %n, 100
  %n.small = select i1 %large, i32 100, i32 %n
  %n.minus = sub i32 0, %n.small
  %inverse = call $kind @vector.power(i32 %n.minus)
  %rest = fsub $kind $one, %inverse
  %sum = fadd $kind %series, %rest
  %y = call $kind @vector.scale($kind %sum, i32 %n)
  %zero = fcmp oeq $kind %x, $zero
  %result = select i1 %zero, $kind %x, $kind %y
  ret $kind %result
}

; log x = e ln 2 + log m with m between the roots of 1/2 and 2; log m = 2 artanh s, s = (m - 1) / (m + 1)
define internal $kind @vector.log($kind %x) $pure {
  %tiny = fcmp olt $kind %x, $smallest
  %scaled = fmul $kind %x, $tiny_scale
  %x.1 = select i1 %tiny, $kind %scaled, $kind %x
  %bits = bitcast $kind %x.1 to $int
  %above = sub $int %bits, $root_half
  %e = ashr $int %above, $fraction
  %e.bits = shl $int %e, $fraction
  %m.bits = sub $int %bits, %e.bits
  %m = bitcast $int %m.bits to $kind
  %e.short = $narrow
  %e.tiny = sub i32 %e.short, $tiny_exponent
  %e.whole = select i1 %tiny, i32 %e.tiny, i32 %e.short
  %exponent = sitofp i32 %e.whole to $kind
  %m.less = fsub $kind %m, $one
  %m.more = fadd $kind %m, $one
  %s = fdiv $kind %m.less, %m.more
  %z = fmul $kind %s, %s
$log_series
  %s.twice = fadd $kind %s, %s
  %log.m = fmul $kind %s.twice, %p
  %y.1 = $multiply_add($kind %exponent, $kind $ln2_low, $kind %log.m)
  %y = $multiply_add($kind %exponent, $kind $ln2_high, $kind %y.1)
  %negative = fcmp olt $kind %x, $zero
  %special.1 = select i1 %negative, $kind $not_a_number, $kind %x
  %zero = fcmp oeq $kind %x, $zero
  %special = select i1 %zero, $kind $minus_infinite, $kind %special.1
  %positive = fcmp ogt $kind %x, $zero
  %finite = fcmp olt $kind %x, $infinity
  %usual = and i1 %positive, %finite
  %result = select i1 %usual, $kind %y, $kind %special
  ret $kind %result
}

; log(1 + x): what rounding makes of 1 + x is u, and log(u) x / (u - 1) makes up for it
define internal $kind @vector.log1p($kind %x) $pure {
  %u = fadd $kind %x, $one
  %log = call $kind @vector.log($kind %u)
  %moved = fsub $kind %u, $one
  %correction = fdiv $kind %x, %moved
  %y = fmul $kind %log, %correction
  %same = fcmp oeq $kind %u, $one
  %infinite = fcmp oeq $kind %x, $infinity
  %itself = or i1 %same, %infinite
  %result = select i1 %itself, $kind %x, $kind %y
  ret $kind %result
}

; tanh|x| = t / (t + 2) with t = e^2|x| - 1
define internal $kind @vector.tanh($kind %x) $pure {
  %size = $abs($kind %x)
  %large = fcmp ogt $kind %size, $almost_one
  %size.1 = select i1 %large, $kind $almost_one, $kind %size
  %twice = fadd $kind %size.1, %size.1
  %t = call $kind @vector.expm1($kind %twice)
  %t.2 = fadd $kind %t, $two
  %quotient = fdiv $kind %t, %t.2
  %y = $copysign($kind %quotient, $kind %x)
  ret $kind %y
}
"""
