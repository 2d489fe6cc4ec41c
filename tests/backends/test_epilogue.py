"""What follows a product and is computed with it, tile by tile or by the same thread."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import pytest

from dagprop.backends.arrays import products
from dagprop.backends.arrays.code import array_code
from dagprop.backends.arrays.program import bind
from dagprop.backends.interpreter import interpret
from dagprop.program.recorder import Recorder
from dagprop.program.symbols import Symbol, symbolic_namespace

SHAPES = {"x": (21, 9), "w": (9, 37), "b": (37,), "c": (21, 1), "s": (), "full": (21, 37), "wide": (37, 9)}


def biased(xp, x, w, b, s, **others):
    return {"y": (xp.matmul(x, w) + b) * s}


def relu(xp, x, w, b, **others):
    return {"y": xp.maximum(xp.matmul(x, w) + b, 0.0)}


def both_stored(xp, x, w, b, **others):
    a = xp.matmul(x, w) + b
    return {"a": a, "y": xp.maximum(a, 0.0)}


def leaky(xp, x, w, b, s, **others):
    a = xp.matmul(x, w) - b
    return {"y": xp.where(a > s, a, 0.1 * a)}


def of_rows_and_all(xp, x, w, c, full, **others):
    return {"y": xp.minimum(-xp.matmul(x, w) / c, full)}


def of_a_mask(xp, x, w, full, **others):
    return {"y": xp.matmul(x, w) * xp.where(full > 0.0, 1.0, 0.0)}


def packed(xp, x, wide, b, **others):
    return {"y": xp.maximum(xp.matmul(x, xp.matrix_transpose(wide)) + b, 0.0)}


def wanted_itself(xp, x, w, b, **others):
    product = xp.matmul(x, w)
    return {"product": product, "y": xp.maximum(product + b, 0.0)}


def used_again(xp, x, w, b, **others):
    product = xp.matmul(x, w)
    return {"y": xp.maximum(product + b, 0.0), "z": xp.matmul(xp.matrix_transpose(product), product)}


def with_a_sum(xp, x, w, b, **others):
    return {"y": xp.sum(xp.maximum(xp.matmul(x, w) + b, 0.0), axis=0)}


def with_a_function(xp, x, w, b, **others):
    return {"y": xp.exp(xp.matmul(x, w) * 0.1 + b)}


def turned(xp, x, w, b, **others):
    product = xp.matmul(x, w)
    return {"y": xp.matrix_transpose(product) + 1.0}


def of_equal_numbers(xp, x, w, full, **others):
    a = xp.matmul(x, w)
    return {"y": a * (a != full) + (full == 3.0)}


def of_special_numbers(xp, x, w, full, **others):
    return {"y": xp.maximum(xp.matmul(x, w), full), "z": xp.minimum(full, xp.matmul(x, w))}


TOGETHER = (biased, relu, both_stored, leaky, of_rows_and_all, of_a_mask, packed, of_equal_numbers, of_special_numbers)
APART = (wanted_itself, used_again, with_a_sum, with_a_function, turned)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("build", [*TOGETHER, *APART])
def test_the_numbers_are_the_same(build, dtype, threads):
    recorder = Recorder()
    symbols = {name: Symbol(recorder, recorder.input(name, shape)) for name, shape in SHAPES.items()}
    outputs = build(symbolic_namespace(recorder), **symbols)
    program = recorder.program(SHAPES, {name: symbol.number for name, symbol in outputs.items()}, dtype)
    generator = np.random.default_rng(0)
    inputs = {name: generator.integers(-9, 10, shape).astype(dtype) for name, shape in SHAPES.items()}
    inputs["full"][7] = (inputs["x"] @ inputs["w"])[7]
    if build is of_special_numbers:
        inputs["full"][:3, :4] = [[np.nan], [np.inf], [-np.inf]]
        inputs["x"][5, 2] = np.nan
    with np.errstate(all="ignore"):
        expected = interpret(program, inputs)
    code = array_code(program, None, {}, math.inf, threads)
    assert ('kernel("e' in code.python) == (build in TOGETHER)
    step, found = bind(code, [inputs[name] for name in program.inputs])
    for _ in range(2):
        step()
        for name, array in zip(program.outputs, found, strict=True):
            np.testing.assert_allclose(array, expected[name], rtol=1e-6 if dtype == "float32" else 1e-14, err_msg=name)


class PartByPart:
    """A team in which one thread does all parts, the last one first: whatever needs another part is seen."""

    def share(self, function, arguments, columns, size):
        call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(function)
        starts = range(0, columns // size * size, size)
        parts = list(zip(starts, [*starts[1:], columns], strict=True))
        return lambda: [call(arguments, *part) for part in reversed(parts)]


def masked_with_sums(xp, x, w, b, full, **others):
    """As behind an activation: the gradient of what is before it, and that of the bias."""
    masked = xp.where(full > 0.0, xp.matmul(x, w), 0.0)
    return {"y": masked, "z": b - 0.5 * xp.sum(masked, axis=0)}


def read_elsewhere(xp, x, w, b, **others):
    product = xp.matmul(x, w)
    return {"product": product, "y": xp.tanh(product + b)}


def of_whole_rows(xp, x, w, **others):
    product = xp.matmul(x, w)
    return {"y": product / xp.sum(xp.exp(product * 0.01), axis=1, keepdims=True)}


def of_classes(xp, x, w, index, **others):
    return {"y": xp.exp(xp.matmul(x, w) * 0.01) * xp.one_hot(index, 137)}


def shifted(xp, x, w, **others):
    product = xp.matmul(x, w)
    return {"y": xp.exp(product[:-1] * 0.01) + product[1:]}


BY_THE_SAME_THREAD = (with_a_sum, with_a_function, masked_with_sums, read_elsewhere)
BEHIND_ALL = (of_whole_rows, of_classes, shifted, turned)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("build", [*BY_THE_SAME_THREAD, *BEHIND_ALL])
def test_a_thread_goes_on_with_the_columns_that_it_has_multiplied(build, dtype, monkeypatch):
    monkeypatch.setattr(products, "PART", 1e-9)
    shapes = {**SHAPES, "w": (9, 137), "b": (137,), "full": (21, 137), "index": (21,)}
    recorder = Recorder()
    symbols = {name: Symbol(recorder, recorder.input(name, shape)) for name, shape in shapes.items()}
    outputs = build(symbolic_namespace(recorder), **symbols)
    program = recorder.program(shapes, {name: symbol.number for name, symbol in outputs.items()}, dtype)
    generator = np.random.default_rng(0)
    inputs = {name: generator.integers(-9, 10, shape).astype(dtype) for name, shape in shapes.items()}
    inputs["index"] = generator.integers(0, 137, 21).astype(dtype)
    expected = interpret(program, inputs)
    code = array_code(program, None, {}, math.inf, 3)
    assert ('kernel("j' in code.python) == (build in BY_THE_SAME_THREAD), code.python
    step, found = bind(code, [inputs[name] for name in program.inputs], PartByPart())
    for _ in range(2):
        for array in found:
            array[...] = np.nan
        step()
        for name, array in zip(program.outputs, found, strict=True):
            np.testing.assert_allclose(array, expected[name], rtol=1e-5 if dtype == "float32" else 1e-13, err_msg=name)


def into_a_factor(xp, x, w, y):
    """One of the results lies where the left factor did, all of which is read for each column."""
    a = xp.tanh(xp.matmul(x + y, w))
    return {"new x": a * 0.5, "new y": a + 1.0}


def of_other_columns(xp, x, w, y):
    product = xp.matmul(x, w)
    return {"new y": xp.tanh(product) * y + xp.matrix_transpose(product)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("build", [into_a_factor, of_other_columns])
def test_what_needs_all_columns_waits_for_them(build, dtype, monkeypatch):
    monkeypatch.setattr(products, "PART", 1e-9)
    recorder = Recorder()
    x, w, y = (Symbol(recorder, recorder.input(name, (137, 137))) for name in ("x", "w", "y"))
    outputs = {name: symbol.number for name, symbol in build(symbolic_namespace(recorder), x, w, y).items()}
    program = recorder.program(("x", "w", "y"), outputs, dtype)
    generator = np.random.default_rng(0)
    inputs = {name: np.empty((137, 137), dtype) for name in ("x", "w", "y")}
    code = array_code(program, [], {name.removeprefix("new "): name for name in outputs}, math.inf, 2)
    step, _ = bind(code, [inputs[name] for name in program.inputs], PartByPart())
    for _ in range(2):  # at the second time, what is read too soon is of the first
        for array in inputs.values():
            array[...] = generator.normal(size=(137, 137))
        expected = interpret(program, inputs)
        step()
        for name in outputs:
            array = inputs[name.removeprefix("new ")]
            np.testing.assert_allclose(array, expected[name], rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_takes_the_place_of_an_input_is_read_before(dtype):
    """The product is the new value of one input, and two others change places."""
    recorder = Recorder()
    x, w, one, other = (
        Symbol(recorder, recorder.input(name, shape))
        for name, shape in (("x", (21, 9)), ("w", (9, 37)), ("one", (21, 37)), ("other", (21, 37)))
    )
    product = symbolic_namespace(recorder).matmul(x, w)
    outputs = {"new one": (other + product).number, "new other": (one - product).number}
    program = recorder.program(("x", "w", "one", "other"), outputs, dtype)
    generator = np.random.default_rng(0)
    inputs = {name: generator.integers(-9, 10, SHAPES.get(name, (21, 37))).astype(dtype) for name in program.inputs}
    expected = interpret(program, inputs)
    code = array_code(program, [], {"one": "new one", "other": "new other"}, math.inf)
    step, _ = bind(code, [inputs[name] for name in program.inputs])
    step()
    for name in ("one", "other"):
        np.testing.assert_array_equal(inputs[name], expected[f"new {name}"])
