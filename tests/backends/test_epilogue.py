"""What follows a product and is computed with it: which groups do, and that the numbers are the same."""

from __future__ import annotations

import math

import numpy as np
import pytest

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
