"""The error function and its complement as vector code: see :mod:`dagprop.backends.llvm.vector_math`.

Near 0, erf x is the sum of a few powers.  Further out, erfc x = e^-x² Q / (1 + 2x), where Q hardly changes: it is
between 1.1 and 1.3, and a polynomial of t = (x - K) / (x + K), which goes from -0.62 to 0.78 while x goes to where erfc
is 0.  This form is that of Shepherd and Laframboise (1981), "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in
0 ≤ x < ∞", with other coefficients, as here neither x near 0 matters nor x near ∞.
"""

from __future__ import annotations

import math

from dagprop.backends.llvm.vector_format import Format, filled, series

BORDER = 13 / 16
"""Where erfc is ¼: nearer to 0, 1 - erf is better known than it."""

CENTRE = 55 / 16
"""K.  The first coefficient of Q, which is its value here, happens to be nearly a number of either format."""

FAR = {
    "double": (
        *(1.24360966005198, -0.13978355901361753, -0.014505102270179518, 0.10146381752842124),
        *(-0.1163283731236166, 0.08637672991397416, -0.04602698492108066, 0.016796348554612397),
        *(-0.0030458016460529307, -0.0006130031267312966, 0.0005359906530292128, -6.63944594755516e-05),
        *(-5.4596149274067e-05, 1.844823745042991e-05, 5.317395161414352e-06, -3.2677025042144385e-06),
        *(-5.917375442050558e-07, 5.298132570834257e-07, 6.623148235347915e-08, -6.720236375583621e-08),
    ),
    "float": (
        *(1.24360967, -0.139783606, -0.0145053305, 0.101466283, -0.116321854),
        *(0.0863416642, -0.0460964479, 0.0169822816, -0.00272818678, -0.000957546348),
    ),
}
"""The coefficients of Q: those of the polynomial of t that is equal to it at Chebyshev's points between the border and
27.35, for float 10.25.  The tests compute them once more, with 60 digits.
"""

TWO_BY_ROOT_PI_LESS_ONE = 0.12837916709551257
"""2/√π - 1, with the digits that would be lost if 1 were subtracted here."""


def error_functions(form: Format) -> str:
    """Return the functions for erf x and erfc x, and those that they call, but for the exponential ones."""
    near = [2 / math.sqrt(math.pi) * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(form.erf_powers)]
    near[0] = TWO_BY_ROOT_PI_LESS_ONE
    first, *others = FAR[form.kind]
    last = math.sqrt(-form.low)  # from here on erfc is 0
    numbers = {"border": BORDER, "centre": CENTRE, "last": last, "first": first, "about_by_q": 0.8}
    words = {
        "near": series("%z", near, form),
        "others": series("%t", others, form),
        "high_bits": str(-1 << (form.fraction // 2 + 1)),
    }
    return filled(_TEXT, form, numbers, words)


_TEXT = """
; erf x = x + x P(x²) for x near 0: what is added to x is small, and so is its rounding
define internal $kind @vector.erf_near($kind %x) $pure {
  %z = fmul $kind %x, %x
$near
  %y = $multiply_add($kind %x, $kind %p, $kind %x)
  ret $kind %y
}

; erfc x for x beyond the border: 2^n (1 + s) q, where e^-x² = 2^n (1 + s) and q = Q / (1 + 2x)
define internal $kind @vector.erfc_far($kind %size) $pure {
  %vanishes = fcmp ogt $kind %size, $last
  %x = select i1 %vanishes, $kind $one, $kind %size
; A rounding of x² would be hundreds of e^-x².  So it is h² + (x - h)(x + h), where h has only half of the digits of x,
; and h² no rounding.
  %bits = bitcast $kind %x to $int
  %h.bits = and $int %bits, $high_bits
  %h = bitcast $int %h.bits to $kind
  %square = fmul $kind %h, %h
  %exponent = fneg $kind %square
  %n = call $kind @vector.whole($kind %exponent)
  %r.1 = call $kind @vector.rest($kind %exponent, $kind %n)
  %less = fsub $kind %h, %x
  %more = fadd $kind %h, %x
  %r = $multiply_add($kind %less, $kind %more, $kind %r.1)
  %slope = call $kind @vector.slope($kind %r)
  %s = fmul $kind %slope, %r
  %above = fsub $kind %x, $centre
  %below = fadd $kind %x, $centre
  %t = fdiv $kind %above, %below
$others
  %numerator = $multiply_add($kind %p, $kind %t, $kind $first)
  %twice = fadd $kind %x, %x
  %divisor = fadd $kind %twice, $one
  %q = fdiv $kind %numerator, %divisor
; Three roundings are in q.  What they have left of Q - q (1 + 2x) is given to s, divided by Q, which is about 1.25.
  %one.more = fsub $kind %divisor, %twice
  %excess = fsub $kind %one.more, $one
  %q.minus = fneg $kind %q
  %left.1 = $multiply_add($kind %q.minus, $kind %divisor, $kind $first)
  %left.2 = $multiply_add($kind %p, $kind %t, $kind %left.1)
  %left = $multiply_add($kind %q, $kind %excess, $kind %left.2)
  %s.more = $multiply_add($kind %left, $kind $about_by_q, $kind %s)
  %product = $multiply_add($kind %q, $kind %s.more, $kind %q)
  %y = call $kind @vector.scale($kind %product, $kind %n)
  %result = select i1 %vanishes, $kind $zero, $kind %y
  ret $kind %result
}

; erf(-x) = -erf x
define internal $kind @vector.erf($kind %x) $pure {
  %size = $abs($kind %x)
  %rest = call $kind @vector.erfc_far($kind %size)
  %far.size = fsub $kind $one, %rest
  %far = $copysign($kind %far.size, $kind %x)
  %near = call $kind @vector.erf_near($kind %x)
  %is_near = fcmp olt $kind %size, $border
  %y = select i1 %is_near, $kind %near, $kind %far
  ret $kind %y
}

; erfc(-x) = 2 - erfc x
define internal $kind @vector.erfc($kind %x) $pure {
  %size = $abs($kind %x)
  %positive = call $kind @vector.erfc_far($kind %size)
  %negative = fsub $kind $two, %positive
  %is_negative = fcmp olt $kind %x, $zero
  %far = select i1 %is_negative, $kind %negative, $kind %positive
  %erf = call $kind @vector.erf_near($kind %x)
  %near = fsub $kind $one, %erf
  %is_near = fcmp olt $kind %size, $border
  %y = select i1 %is_near, $kind %near, $kind %far
  ret $kind %y
}
"""
