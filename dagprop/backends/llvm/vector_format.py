"""What vector code for functions needs to know of a format of numbers, and the sums of powers that it is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from string import Template

from dagprop.backends.llvm.code import number, polynomial
from dagprop.record import record


@record
class Format:
    """What differs between the formats of numbers.

    Attributes
    ----------
    kind : {"double", "float"}
    bits, fraction, bias : int
        Of the number and of its fraction; what is added to its exponent.
    low, high : float
        Beyond these, exp is 0 and infinite.
    powers : int
        How many powers of the exponential series are enough for exponents up to ½ ln 2.
    odd_powers : int
        How many of the series of artanh are, for numbers up to (√2 - 1)/(√2 + 1).
    erf_powers : int
        How many of the series of erf are, for numbers up to 0.82.
    ln2 : (float, float)
        ln 2 in two parts, of which the first is so short that its products with whole exponents are exact.
    root_half : int
        The bits of √½.
    """

    kind: str
    bits: int
    fraction: int
    bias: int
    low: float
    high: float
    powers: int
    odd_powers: int
    erf_powers: int
    ln2: tuple[float, float]
    root_half: int


FORMATS = {
    "double": Format(
        kind="double",
        bits=64,
        fraction=52,
        bias=1023,
        low=-746.0,
        high=710.0,
        powers=14,
        odd_powers=11,
        erf_powers=16,
        ln2=(6.93147180369123816490e-01, 1.90821492927058770002e-10),
        root_half=0x3FE6A09E667F3BCD,
    ),
    "float": Format(
        kind="float",
        bits=32,
        fraction=23,
        bias=127,
        low=-104.0,
        high=89.0,
        powers=8,
        odd_powers=6,
        erf_powers=9,
        ln2=(0.693145751953125, 1.428606765330187e-06),
        root_half=0x3F3504F3,
    ),
}


def filled(text: str, form: Format, numbers: Mapping[str, float], words: Mapping[str, str]) -> str:
    """Return a template of functions with the words of a format, and with numbers and other words of its own."""
    kind, width = form.kind, {"double": "f64", "float": "f32"}[form.kind]
    intrinsics = {"multiply_add": "fmuladd", "round": "rint", "abs": "fabs", "copysign": "copysign"}
    common = {"one": 1.0, "two": 2.0, "zero": 0.0, "infinity": math.inf}
    return Template(text).substitute(
        {name: f"call {kind} @llvm.{intrinsic}.{width}" for name, intrinsic in intrinsics.items()},
        **{name: number(value, kind) for name, value in {**common, **numbers}.items()},
        **words,
        fraction=form.fraction,
        int=f"i{form.bits}",
        kind=kind,
        pure="alwaysinline nounwind willreturn memory(none)",
    )


def series(variable: str, coefficients: Sequence[float], form: Format) -> str:
    """Return the lines of %p = c₀ + c₁x + c₂x² + ..."""
    return polynomial("%p", variable, coefficients, form.kind)
