"""exp, log and their relatives as vector code: see :mod:`dagprop.backends.llvm.vector_math`."""

from __future__ import annotations

import math

from dagprop.backends.llvm.vector_format import Format, filled, series


def exponential_functions(form: Format) -> str:
    """Return the functions for e^x, e^x - 1, log x, log(1 + x) and tanh x, and those that they call."""
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
        "minus_infinite": -math.inf,
        "not_a_number": math.nan,
    }
    words = {
        "slope_series": series("%r", [1 / math.factorial(k) for k in range(1, form.powers)], form),
        "log_series": series("%z", [1 / (2 * k + 1) for k in range(form.odd_powers)], form),
        "wide": "sext i32 %n to i64" if form.bits == 64 else "add i32 %n, 0",
        "narrow": "trunc i64 %e to i32" if form.bits == 64 else "add i32 %e, 0",
        "root_half": str(form.root_half),
        "bias": str(form.bias),
        "tiny_exponent": str(form.fraction + 2),
    }
    return filled(_TEXT, form, numbers, words)


_TEXT = """
; 2^n, whose bits are those of the exponent
define internal $kind @vector.power(i32 %n) $pure {
  %n.wide = $wide
  %biased = add $int %n.wide, $bias
  %bits = shl $int %biased, $fraction
  %y = bitcast $int %bits to $kind
  ret $kind %y
}

; a whole number, which may be NaN, as one of 32 bits
define internal i32 @vector.integer($kind %n) $pure {
  %known = fcmp ord $kind %n, $zero
  %n.known = select i1 %known, $kind %n, $kind $zero
  %y = fptosi $kind %n.known to i32
  ret i32 %y
}

; y 2^n.  2^n is multiplied in two halves: as one number it might be too large or too small.
define internal $kind @vector.scale($kind %y, $kind %n) $pure {
  %n.integer = call i32 @vector.integer($kind %n)
  %first = ashr i32 %n.integer, 1
  %second = sub i32 %n.integer, %first
  %a = call $kind @vector.power(i32 %first)
  %b = call $kind @vector.power(i32 %second)
  %y.1 = fmul $kind %y, %a
  %y.2 = fmul $kind %y.1, %b
  ret $kind %y.2
}

; the whole number n nearest to x / ln 2: e^x = 2^n e^r with r = x - n ln 2, whose size is at most half of ln 2
define internal $kind @vector.whole($kind %x) $pure {
  %quotient = fmul $kind %x, $log2e
  %n = $round($kind %quotient)
  ret $kind %n
}

; that r
define internal $kind @vector.rest($kind %x, $kind %n) $pure {
  %minus = fneg $kind %n
  %r.1 = $multiply_add($kind %minus, $kind $ln2_high, $kind %x)
  %r = $multiply_add($kind %minus, $kind $ln2_low, $kind %r.1)
  ret $kind %r
}

; (e^r - 1) / r
define internal $kind @vector.slope($kind %r) $pure {
$slope_series
  ret $kind %p
}

; 0 is chosen and not computed: multiplying until nothing is left takes processors ten times as long
define internal $kind @vector.exp($kind %x) $pure {
  %above = fcmp ogt $kind %x, $high
  %x.1 = select i1 %above, $kind $high, $kind %x
  %vanishes = fcmp olt $kind %x, $low
  %x.2 = select i1 %vanishes, $kind $zero, $kind %x.1
  %n = call $kind @vector.whole($kind %x.2)
  %r = call $kind @vector.rest($kind %x.2, $kind %n)
  %slope = call $kind @vector.slope($kind %r)
  %power = $multiply_add($kind %slope, $kind %r, $kind $one)
  %y = call $kind @vector.scale($kind %power, $kind %n)
  %result = select i1 %vanishes, $kind $zero, $kind %y
  ret $kind %result
}

; e^x - 1 = 2^n ((e^r - 1) + (1 - 2^-n)), where for n = 0 nothing cancels
define internal $kind @vector.expm1($kind %x) $pure {
  %above = fcmp ogt $kind %x, $high
  %x.1 = select i1 %above, $kind $high, $kind %x
  %below = fcmp olt $kind %x, $nearly_minus_one
  %x.2 = select i1 %below, $kind $nearly_minus_one, $kind %x.1
  %n = call $kind @vector.whole($kind %x.2)
  %r = call $kind @vector.rest($kind %x.2, $kind %n)
  %slope = call $kind @vector.slope($kind %r)
  %less.one = fmul $kind %slope, %r
  %n.integer = call i32 @vector.integer($kind %n)
  %large = icmp sgt i32 %n.integer, 100
  %n.small = select i1 %large, i32 100, i32 %n.integer
  %n.minus = sub i32 0, %n.small
  %inverse = call $kind @vector.power(i32 %n.minus)
  %more = fsub $kind $one, %inverse
  %sum = fadd $kind %less.one, %more
  %y = call $kind @vector.scale($kind %sum, $kind %n)
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
