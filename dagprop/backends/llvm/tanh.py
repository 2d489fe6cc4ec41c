"""tanh x in LLVM's language: like the exponential, from which it is made, it becomes part of the code that needs it.

tanh |x| = 1 - 2 / (e^2|x| + 1).  Near 0 most digits of that cancel; there the Taylor series is taken.  Both are
computed, as one need not wait for the other, and one is chosen.  The result is off by at most two units in the last
place or so.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from dagprop.backends.llvm.code import EXPONENTIAL_SUM, TANH, multiply_add, number, polynomial
from dagprop.backends.llvm.exponential import STEPS, WHOLE

_SMALL = 0.5
"""Below it the series is taken."""

_TERMS = 18
"""So many are enough for that: each is less than a ninth of the one before it, as x² / (π/2)²."""


@cache
def tanh_text() -> str:
    """Return the definition of the function for tanh x, of doubles, which is given x and the table of powers."""
    one, two, minus_two, small, steps, whole = (
        number(value, "double") for value in (1.0, 2.0, -2.0, _SMALL, 2 * STEPS, WHOLE)
    )
    terms = [float(term) for term in series(_TERMS)[1:]]
    # Two sums of every other term take half as long as one of all, where each step waits for the one before it.
    even, odd = (polynomial(name, "%fourth", terms[place::2], "double") for place, name in enumerate(("%even", "%odd")))
    return f"""
define internal double @{TANH}(double %x, ptr %powers) {{
  %size = call double @llvm.fabs.f64(double %x)
  %shifted = {multiply_add("double", "%size", steps, whole)}
  %twice = fmul double %size, {two}
  %sum = call double @{EXPONENTIAL_SUM}(double %twice, double %shifted, ptr %powers, double {one})
  %quotient = fdiv double {minus_two}, %sum
  %large = fadd double %quotient, {one}
  %square = fmul double %x, %x
  %fourth = fmul double %square, %square
{even}
{odd}
  %terms = {multiply_add("double", "%odd", "%square", "%even")}
  %cube = fmul double %square, %size
  %small = {multiply_add("double", "%cube", "%terms", "%size")}
  %is.small = fcmp olt double %size, {small}
  %result = select i1 %is.small, double %small, double %large
  %signed = call double @llvm.copysign.f64(double %result, double %x)
  ret double %signed
}}
"""


def series(count: int) -> list[Fraction]:
    """Return the first coefficients of tanh x = c₀x + c₁x³ + c₂x⁵ + ..., which follow from tanh' = 1 - tanh²."""
    terms = [Fraction(1)]
    while (known := len(terms)) < count:
        products = sum((terms[i] * terms[known - 1 - i] for i in range(known)), Fraction(0))
        terms.append(-products / (2 * known + 1))
    return terms
