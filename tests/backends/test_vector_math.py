"""Vector functions against NumPy's with more digits and against mpmath: everywhere, in all binades, at all limits."""

from __future__ import annotations

import ctypes
import math
import re

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.backends.llvm.code import TYPES, declarations
from dagprop.backends.llvm.engine import machine_code
from dagprop.backends.llvm.vector_erf import BORDER, CENTRE, FAR
from dagprop.backends.llvm.vector_math import VECTOR_FUNCTIONS, vector_functions

DTYPES = ("float64", "float32")
ROUNDINGS = 4
"""How many roundings a vector function may be off."""

_LOOP = """
define void @loop(ptr noalias %from, ptr noalias %to, i64 %count) {
entry:
  br label %one
one:
  %i = phi i64 [ 0, %entry ], [ %i.next, %one ]
  %x.at = getelementptr KIND, ptr %from, i64 %i
  %x = load KIND, ptr %x.at
  %y = call KIND @vector.NAME(KIND %x)
  %y.at = getelementptr KIND, ptr %to, i64 %i
  store KIND %y, ptr %y.at
  %i.next = add nuw nsw i64 %i, 1
  %more = icmp ult i64 %i.next, %count
  br i1 %more, label %one, label %done
done:
  ret void
}
"""


def vector(name, values, fused=True):
    """Apply a vector function to an array; where it is not fused, products are rounded before something is added."""
    kind = TYPES[values.dtype.name]
    loop = _LOOP.replace("KIND", kind).replace("NAME", name)
    text = vector_functions(kind, loop) + loop
    if not fused:
        sums = rf"(%\S+) = call {kind} @llvm\.fmuladd\.f\d\d\({kind} (\S+), {kind} (\S+), {kind} (\S+)\)"
        text = re.sub(sums, rf"\1.product = fmul {kind} \2, \3\n  \1 = fadd {kind} \1.product, \4", text)
        assert "fmuladd" not in text
    declared = [line for line in declarations(kind) if "@llvm." in line]
    code = machine_code("\n".join([*declared, text]), (("loop", "ppi"),), (), "all")
    result = np.empty_like(values)
    code.functions["loop"](values.ctypes.data_as(ctypes.c_void_p), result.ctypes.data_as(ctypes.c_void_p), values.size)
    return result


def everywhere(dtype):
    """Return numbers from everywhere: large, small, near 0 and 1, and where results overflow or vanish."""
    generator = np.random.default_rng(0)
    limits = np.finfo(dtype)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 2.0, math.sqrt(0.5), math.sqrt(2), math.log(2)]
    special += [limits.tiny, -limits.tiny, limits.tiny / 8, limits.smallest_subnormal, limits.max, -limits.max]
    special += [*(math.log(limits.max) * (1 + part) for part in (-1e-6, 1e-6)), -87.5, -103.9, -104.1, -708.5, -745.2]
    signs = generator.choice([-1, 1], 20_000)
    parts = [
        special,
        generator.standard_normal(20_000),
        generator.uniform(-800, 800, 20_000),
        10 ** generator.uniform(math.log10(limits.tiny) - 6, math.log10(limits.max), 20_000) * signs,
        1 + 1e-4 * generator.standard_normal(5_000),
        -1 + 1e-4 * generator.standard_normal(5_000),
    ]
    with np.errstate(all="ignore"):
        return np.concatenate(parts).astype(dtype)


def oracle(name, values):
    """Return what a function should give."""
    if name in ("erf", "erfc"):
        function = getattr(math, name)
        return np.array([function(x) for x in values.tolist()]).astype(values.dtype)
    wide = np.longdouble if values.dtype == np.float64 else np.float64
    with np.errstate(all="ignore"):
        return getattr(np, name)(values.astype(wide)).astype(values.dtype)


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "not fused"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", VECTOR_FUNCTIONS)
def test_a_vector_function_is_right_everywhere(name, dtype, fused):
    values = everywhere(dtype)
    found, expected = vector(name, values, fused), oracle(name, values)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    error = np.abs(found[finite] - expected[finite]) / np.spacing(np.abs(expected[finite]))
    assert error.max() <= ROUNDINGS, f"{name}({values[finite][error.argmax()]!r})"
    if name != "log":  # whose zero has no sign to keep
        np.testing.assert_array_equal(np.signbit(found[finite]), np.signbit(expected[finite]))


def binades(dtype):
    """Return numbers of both signs: some of every binade up to 64, most of those where erf and erfc change."""
    generator = np.random.default_rng(1)
    limits = np.finfo(dtype)
    low = math.frexp(limits.smallest_subnormal)[1]
    exponents = np.concatenate([np.repeat(np.arange(low, -6), 3), np.repeat(np.arange(-6, 7), 400)])
    values = np.ldexp(generator.uniform(0.5, 1, exponents.size), exponents)
    edges = [
        edge * (1 + part * limits.eps) for edge in (BORDER, CENTRE, 9.2, 10.2, 26.5, 27.3) for part in range(-3, 4)
    ]
    return np.concatenate([values, -values, edges]).astype(dtype)


LAST_PLACES = {("erf", "float64"): 1.0, ("erf", "float32"): 1.0, ("erfc", "float64"): 2.0, ("erfc", "float32"): 2.5}
"""How many units in the last place erf and erfc may be off, of which rounding to the nearest number is half a one."""


@pytest.mark.parametrize(("name", "dtype"), LAST_PLACES)
def test_error_functions_are_right_in_all_binades(name, dtype):
    values = binades(dtype)
    found = vector(name, values).astype(np.float64)
    with mpmath.workdps(40):
        exact = [getattr(mpmath, name)(mpmath.mpf(x)) for x in values.tolist()]
        left = np.array([float(mpmath.mpf(y) - expected) for y, expected in zip(found.tolist(), exact, strict=True)])
    unit = np.spacing(np.abs(np.array(exact, np.float64)).astype(dtype)).astype(np.float64)
    error = np.abs(left) / unit
    assert error.max() <= LAST_PLACES[name, dtype], f"{name}({values[error.argmax()]!r})"


@pytest.mark.parametrize("dtype", DTYPES)
def test_error_functions_at_their_limits(dtype):
    smallest = np.finfo(dtype).smallest_subnormal
    values = np.array([0.0, -0.0, smallest, -smallest, 30.0, -30.0, np.inf, -np.inf, np.nan], dtype)
    erf, erfc = vector("erf", values), vector("erfc", values)
    np.testing.assert_array_equal(erf, np.array([0, 0, smallest, -smallest, 1, -1, 1, -1, np.nan], dtype))
    np.testing.assert_array_equal(np.signbit(erf[:-1]), np.signbit(values[:-1]))
    np.testing.assert_array_equal(erfc, np.array([1, 1, 1, 1, 0, 2, 0, 2, np.nan], dtype))


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=40))
def test_error_functions_have_their_symmetry_and_bounds(values):
    for dtype in DTYPES:
        x = np.array(values, dtype)
        erf, erfc = vector("erf", x), vector("erfc", x)
        np.testing.assert_array_equal(vector("erf", -x), -erf)
        np.testing.assert_allclose(erf + erfc, 1, rtol=0, atol=2 * np.finfo(dtype).eps)
        assert (np.abs(erf) <= 1).all() and (erfc >= 0).all() and (erfc <= 2).all()


@pytest.mark.parametrize(("kind", "last", "fraction", "bits"), [("double", 27.35, 52, 55), ("float", 10.25, 23, 26)])
def test_the_coefficients_of_erfc(kind, last, fraction, bits):
    def q(t):
        x = CENTRE * (1 + t) / (1 - t)
        return (1 + 2 * x) * mpmath.exp(x * x) * mpmath.erfc(x)

    count = len(FAR[kind])
    with mpmath.workdps(60):
        low, high = ((mpmath.mpf(x) - CENTRE) / (mpmath.mpf(x) + CENTRE) for x in (BORDER, last))
        cosines = [mpmath.cospi((k + mpmath.mpf(0.5)) / count) for k in range(count)]
        points = [(low + high) / 2 + (high - low) / 2 * cosine for cosine in cosines]
        powers = mpmath.matrix([[point**power for power in range(count)] for point in points])
        coefficients = mpmath.lu_solve(powers, mpmath.matrix([q(point) for point in points]))
        assert FAR[kind] == pytest.approx([float(one) for one in coefficients], rel=2.0**-fraction)
        for t in mpmath.linspace(low, high, 200):
            found = sum(coefficient * t**power for power, coefficient in enumerate(FAR[kind]))
            assert abs(found - q(t)) < mpmath.mpf(2) ** -bits * q(t)
