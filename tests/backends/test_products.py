"""Products of matrices by code of our own: the numbers of NumPy, in every size, layout and width of registers."""

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dagprop.backends.arrays import product_code, products
from dagprop.backends.arrays.blas import threads
from dagprop.backends.arrays.code import array_code
from dagprop.backends.arrays.kernel_code import module_text
from dagprop.backends.arrays.kernels import kernel_binder
from dagprop.backends.arrays.lowering import lower
from dagprop.backends.arrays.product_code import product_text
from dagprop.backends.arrays.product_tiles import Product, Tiling
from dagprop.backends.arrays.products import largest_left, own_products, product_share
from dagprop.backends.arrays.program import bind
from dagprop.backends.arrays.team import Team
from dagprop.backends.llvm import engine as llvm_engine
from dagprop.backends.llvm.code import TYPES
from dagprop.backends.trainer import NotCompiledError
from dagprop.program.recorder import Recorder
from dagprop.program.symbols import Symbol, symbolic_namespace

SIZES = ((1, 1, 1), (2, 5, 3), (13, 33, 17), (29, 70, 8), (3, 260, 300))
"""Rows, columns and inner: below, at and above the sizes of tiles and of the cache."""

LAYOUTS = tuple(itertools.product(("plain", "transposed"), repeat=2))
MACHINES = (
    ("float64", (32, 64)),
    ("float64", (16, 16)),
    ("float32", (32, 64)),
    ("float32", (16, 32)),
    ("float32", (32, 16)),
)
"""What is computed with, and the number and size of vector registers."""


def matrix(generator, rows, columns, layout, dtype):
    """Return a matrix of whole numbers, whose products are exact, and between NaNs, which would be seen."""
    shape = (rows, columns) if layout == "plain" else (columns, rows)
    memory = np.full(rows * columns + 64, np.nan, dtype)
    found = memory[32:-32].reshape(shape)
    found[...] = generator.integers(-9, 10, shape)
    return found if layout == "plain" else found.T


def strides(array):
    return tuple(stride // array.itemsize for stride in array.strides)


def by_address(generator, left, layout):
    """Return a matrix whose rows, or those of its transpose, lie in any order, and the addresses of these."""
    rows = left if layout == "plain" else left.T
    source = np.full((2 * len(rows), rows.shape[1]), np.nan, left.dtype)
    places = generator.permutation(len(source))[: len(rows)]
    source[places] = rows
    return np.int64(source.ctypes.data + places * source.strides[0]), source


def check(bind, name, share, product, left, right, generator, given=None):
    """Compute a product and compare it with NumPy's, and see that nothing around the result is written to."""
    result = matrix(generator, product.rows, product.columns, "plain", left.dtype)
    before, rate = result.copy(), np.array(0.5, left.dtype)
    arrays = (result, left if given is None else given, right, *([rate] if product.subtracts else []))
    bind(name, share.columns, share.part, *arrays)()
    expected = before - 0.5 * (left @ right) if product.subtracts else left @ right
    np.testing.assert_array_equal(result, expected, err_msg=str(product))
    assert np.isnan(result.base[:32]).all() and np.isnan(result.base[-32:]).all()


@pytest.mark.parametrize(("at_hand", "by_row"), [(product_code.AT_HAND, False), (0, True)])
@pytest.mark.parametrize(("dtype", "machine"), MACHINES)
def test_a_product_is_numpys(dtype, machine, at_hand, by_row, monkeypatch):
    monkeypatch.setattr(product_code, "AT_HAND", at_hand)  # with 0, the left matrix is packed wherever it can be
    generator = np.random.default_rng(0)
    cases, texts, kept = [], [], []
    for (rows, columns, inner), layout, subtracts in itertools.product(SIZES, LAYOUTS, (False, True)):
        left = matrix(generator, rows, inner, layout[0], dtype)
        right = matrix(generator, inner, columns, layout[1], dtype)
        product = Product(rows, columns, inner, strides(left), strides(right), subtracts, by_row)
        given, source = by_address(generator, left, layout[0]) if by_row else (None, None)
        tiling = Tiling(product, TYPES[dtype], machine)
        share = product_share(tiling, 1)
        cases.append((share, product, left, right, given))
        kept.append(source)
        texts.append(product_text(f"p{len(texts)}", tiling, share))
    assert any("%left.packed" in text for text in texts) == (at_hand == 0)
    bind = kernel_binder(module_text(texts, dtype))
    for place, (share, product, left, right, given) in enumerate(cases):
        check(bind, f"p{place}", share, product, left, right, generator, given)


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"avx512f": True, "avx": True}, (32, 64)),
        ({"avx512f": False, "avx": True}, (16, 32)),
        ({"neon": True}, (32, 16)),
        ({}, (16, 16)),
        (None, (16, 16)),
    ],
)
def test_the_registers_of_a_machine(monkeypatch, features, expected):
    def loaded():
        if features is None:
            raise NotCompiledError("llvmlite cannot be loaded")
        return SimpleNamespace(get_host_cpu_features=lambda: features), None

    monkeypatch.setattr(llvm_engine, "_llvm", loaded)
    assert llvm_engine.registers.__wrapped__() == expected


def lowered(shapes, build):
    recorder = Recorder()
    symbols = [Symbol(recorder, recorder.input(name, shape)) for name, shape in zip("abc", shapes, strict=False)]
    result = build(symbolic_namespace(recorder), *symbols)
    return lower(recorder.program("abc"[: len(shapes)], {"y": result.number}, "float32"))


def swapped(xp, a, b):
    return xp.matmul(a, xp.matrix_transpose(b))


@pytest.mark.parametrize(
    ("shapes", "build", "own"),
    [
        (((8, 20), (20, 30)), lambda xp, a, b: xp.matmul(a, b), True),
        (((20, 8), (20, 30)), lambda xp, a, b: xp.matmul(xp.matrix_transpose(a), b), True),
        (((8, 20), (30, 20)), swapped, True),
        (((3, 20), (30, 20)), swapped, False),  # packing it would take longer
        (((8, 2000), (30, 2000)), swapped, False),  # no room to pack it
        (((8, 5000), (5000, 3)), lambda xp, a, b: xp.matmul(a, b), False),  # a long sum
        (((8, 20), (20,)), lambda xp, a, b: xp.matmul(a, b), False),  # no matrix
        (((2, 8, 20), (2, 20, 30)), lambda xp, a, b: xp.matmul(a, b), False),
        (((8, 0), (0, 30)), lambda xp, a, b: xp.matmul(a, b), False),
        (((512, 512), (512, 512)), lambda xp, a, b: xp.matmul(a, b), False),  # large enough for the library
    ],
)
def test_which_products_are_our_own(shapes, build, own):
    given = lowered(shapes, build)
    with threads(1):
        found = own_products(given, math.inf, 1)[0]
        assert bool(found) == own
        assert not own_products(given, 0, 1)[0]
    (size,) = (2.0 * np.prod(shapes[0]) * i.shape[-1] for i in given.instructions.values() if i.primitive == "matmul")
    if len(shapes[1]) == 2:
        assert largest_left(given, found) == (0 if own else size)


@pytest.mark.parametrize(
    ("sizes", "threads_allowed", "own", "threads_used"),
    [
        ((8, 400), 1, 2, 1),
        ((8, 400), 3, 2, 3),
        ((8, 400, 2000), 1, 2, 1),  # the largest is the library's
        ((8, 400, 2000), 3, 1, 1),  # with several threads of its own, which ours would be in the way of
    ],
)
def test_threads_are_those_of_the_library_or_ours(sizes, threads_allowed, own, threads_used):
    shapes = ((300, 300), *((size, 300) for size in sizes))
    recorder = Recorder()
    right, *lefts = (Symbol(recorder, recorder.input(f"v{n}", shape)) for n, shape in enumerate(shapes))
    outputs = {f"y{n}": symbolic_namespace(recorder).matmul(left, right).number for n, left in enumerate(lefts)}
    given = lower(recorder.program([f"v{n}" for n in range(len(shapes))], outputs, "float32"))
    found, used = own_products(given, math.inf, threads_allowed)
    assert (len(found), used) == (own, threads_used)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("rows", "columns", "inner"), [(50, 130, 40), (7, 261, 20), (300, 96, 400), (70, 10, 50)])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("subtracts", [False, True])
def test_parts_of_a_product_are_those_of_the_whole(rows, columns, inner, layout, subtracts, dtype, monkeypatch):
    monkeypatch.setattr(products, "PART", 1e-9)  # whatever can be shared is
    monkeypatch.setattr(product_code, "AT_HAND", 0)
    generator = np.random.default_rng(0)
    left, right = matrix(generator, rows, inner, layout[0], dtype), matrix(generator, inner, columns, layout[1], dtype)
    product = Product(rows, columns, inner, strides(left), strides(right), subtracts)
    tiling = Tiling(product, TYPES[dtype], llvm_engine.registers())
    for count in (2, 3):
        share = product_share(tiling, count)
        team = Team(count)
        assert team.call_helpers(math.inf)
        bind = kernel_binder(module_text([product_text("p", tiling, share)], dtype), team)
        for _ in range(5):
            check(bind, "p", share, product, left, right, generator)
        for size in {1, share.part, 5}:  # parts that end within a block of columns, too
            unit = tiling.width if tiling.by_columns else 1
            part = min(size * unit, share.columns)
            check(bind, "p", replace(share, part=part), product, left, right, generator)


def test_a_step_is_computed_by_products_of_our_own():
    generator = np.random.default_rng(0)
    w, x, g = (generator.integers(-9, 10, shape).astype("float32") for shape in ((20, 7), (11, 20), (11, 7)))
    recorder = Recorder()
    symbols = [Symbol(recorder, recorder.input(name, a.shape)) for name, a in zip("wxg", (w, x, g), strict=True)]
    xp, rate = symbolic_namespace(recorder), Symbol(recorder, recorder.input("rate", ()))
    new = symbols[0] - rate * xp.matmul(xp.matrix_transpose(symbols[1]), symbols[2])
    outputs = {"y": xp.exp(xp.matmul(symbols[1], symbols[0]) * 0.01) + 1.0, "new": new}
    program = recorder.program(
        ("w", "x", "g", "rate"), {name: symbol.number for name, symbol in outputs.items()}, "float32"
    )
    code = array_code(program, ["y"], {"w": "new"}, math.inf)
    assert code.python.count('kernel("p') == 2 and code.largest == 0
    before, target = w.copy(), w
    step, (y,), _ = bind(code, [target, x, g, np.array(0.5, "float32")])
    step()
    np.testing.assert_allclose(y, np.exp(x @ before * 0.01) + 1, rtol=1e-5)
    np.testing.assert_array_equal(target, before - 0.5 * (x.T @ g))


def test_nobody_waits_for_hundreds_of_products(monkeypatch):
    given = lowered(((8, 20), (20, 30)), lambda xp, a, b: xp.matmul(a, b))
    monkeypatch.setattr(products, "MOST", 0)
    assert not own_products(given, math.inf, 1)[0]
