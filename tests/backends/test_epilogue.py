"""What follows a product and is computed with it: which groups do, and that the numbers are the same."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dagprop.backends.arrays import kernel_shares, product_tiles
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


def packed_with_a_sum(xp, x, wide, b, full, **others):
    d = xp.matmul(x, xp.matrix_transpose(wide)) * xp.where(full > 0.0, 1.0, 0.0)
    return {"d": d, "y": xp.sum(d, axis=0), "z": b - 0.1 * xp.sum(d * d, axis=0)}


def packed_with_the_sum_of_itself(xp, x, wide, b, **others):
    return {"y": xp.sum(xp.matmul(x, xp.matrix_transpose(wide)), axis=0) * b}


def packed_with_a_sum_of_truths(xp, x, wide, **others):
    return {"y": xp.sum(xp.matmul(x, xp.matrix_transpose(wide)) > 0.0, axis=0)}


def packed_with_a_sum_of_truths_and_a_choice(xp, x, wide, **others):
    a = xp.matmul(x, xp.matrix_transpose(wide))
    return {"y": xp.sum(a > 0.0, axis=0), "z": xp.where(a > 0.0, a, 3.0)}


def packed_with_a_sum_of_what_is_overwritten(xp, x, wide, full, **others):
    before = xp.exp(0.1 * full)
    product = xp.matmul(x, xp.matrix_transpose(wide))
    return {"y": product * 2.0, "z": product + 1.0, "sums": xp.sum(before, axis=0)}


def packed_with_a_sum_of_all(xp, x, wide, **others):
    return {"y": xp.sum(xp.matmul(x, xp.matrix_transpose(wide)) * 2.0)}


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


TOGETHER = (
    *(biased, relu, both_stored, leaky, of_rows_and_all, of_a_mask, of_equal_numbers, of_special_numbers),
    *(packed, packed_with_a_sum, packed_with_the_sum_of_itself, packed_with_a_sum_of_truths),
    packed_with_a_sum_of_truths_and_a_choice,
    packed_with_a_sum_of_what_is_overwritten,
)
APART = (
    wanted_itself,
    used_again,
    with_a_sum,
    with_a_function,
    turned,
    packed_with_a_sum_of_all,
)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("at_hand", [0, product_tiles.AT_HAND])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("build", [*TOGETHER, *APART])
def test_the_numbers_are_the_same(build, dtype, at_hand, threads, monkeypatch):
    monkeypatch.setattr(product_tiles, "AT_HAND", at_hand)  # with 0, no right matrix is small enough for strips
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
    together = (*TOGETHER, with_a_sum) if at_hand == 0 else TOGETHER
    assert ('kernel("e' in code.python) == (build in together)
    step, found, _ = bind(code, [inputs[name] for name in program.inputs])
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
    step, _, _ = bind(code, [inputs[name] for name in program.inputs])
    step()
    for name in ("one", "other"):
        np.testing.assert_array_equal(inputs[name], expected[f"new {name}"])


def of_a_mask_alone(xp, product, before, w, first_bias):
    return product * xp.where(before > 0.0, 1.0, 0.0)


def of_a_bias(xp, product, before, w, first_bias):
    return product * (before + first_bias)


def of_a_weight(xp, product, before, w, first_bias):
    return product * w[0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("build", "kernels"), [(of_a_mask_alone, 1), (of_a_bias, 0), (of_a_weight, 0)])
def test_a_layer_is_gone_back_through_in_one_kernel(build, kernels, dtype):
    """The update of the weights comes behind the product that reads them, and has to wait for the rest of the layer."""
    recorder = Recorder()
    shapes = {"x": (21, 37), "w": (37, 9), "b": (37,), "before": (21, 37), "d": (21, 9), "rate": ()}
    x, w, b, before, d, rate = (Symbol(recorder, recorder.input(name, shape)) for name, shape in shapes.items())
    xp = symbolic_namespace(recorder)
    first_bias = b[0]
    product = xp.matmul(d, xp.matrix_transpose(w))
    new_w = w - rate * xp.matmul(xp.matrix_transpose(x), d)
    gradient = build(xp, product, before, w, first_bias)
    new_b = b - rate * xp.sum(gradient, axis=0)
    outputs = {"gradient": gradient.number, "new w": new_w.number, "new b": new_b.number}
    program = recorder.program(shapes, outputs, dtype)
    generator = np.random.default_rng(0)
    inputs = {name: generator.integers(-9, 10, shape).astype(dtype) for name, shape in shapes.items()}
    expected = interpret(program, inputs)
    code = array_code(program, ["gradient"], {"w": "new w", "b": "new b"}, math.inf)
    assert code.python.count('kernel("e') == kernels
    step, (found,), _ = bind(code, [inputs[name] for name in program.inputs])
    step()
    for name, array in {"gradient": found, "new w": inputs["w"], "new b": inputs["b"]}.items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-5 if dtype == "float32" else 1e-13, err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_group_that_reads_what_it_changes_is_not_shared(dtype, monkeypatch):
    """Who were done with the first column would change the number that the others still need."""
    monkeypatch.setattr(kernel_shares, "PART", 1e-12)
    monkeypatch.setattr(kernel_shares, "LINE", 1)
    recorder = Recorder()
    shapes = {"x": (21, 37), "b": (37,), "rate": ()}
    x, b, rate = (Symbol(recorder, recorder.input(name, shape)) for name, shape in shapes.items())
    xp = symbolic_namespace(recorder)
    outputs = {"new b": b - rate * xp.sum(x * b[0], axis=0)}
    program = recorder.program(shapes, {name: symbol.number for name, symbol in outputs.items()}, dtype)
    code = array_code(program, [], {"b": "new b"}, math.inf, 2)
    assert 'kernel("k0", 37, 37, ' in code.python
    assert code.seconds == 0.0
