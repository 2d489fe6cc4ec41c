"""What NumPy's BLAS is called for directly gives what NumPy gives, and its threads are as they were afterwards."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dagprop.backends.arrays import blas


@pytest.fixture(params=["with BLAS", "without"])
def library(request, monkeypatch):
    """NumPy's BLAS called directly where there is one, and not."""
    if request.param == "without":
        monkeypatch.setattr(blas, "numpy_blas", lambda: None)


def layouts(shape, dtype):
    """Yield arrays of a shape that lie in memory in different ways."""
    numbers = np.random.default_rng(0).standard_normal((2 * shape[0], 2 * shape[1])).astype(dtype)
    yield np.ascontiguousarray(numbers[: shape[0], : shape[1]])
    yield np.asfortranarray(numbers[: shape[0], : shape[1]])
    yield numbers[: shape[0], : shape[1]]
    yield numbers[::2, ::2]
    yield np.broadcast_to(numbers[:1, :1], shape)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", list(itertools.product([0, 1, 3], [0, 1, 4], [0, 1, 5])), ids=str)
def test_products_are_subtracted_in_place(dtype, sizes):
    rows, inner, columns = sizes
    rate = np.array(0.5, dtype)
    for left, right in itertools.product(layouts((rows, inner), dtype), layouts((inner, columns), dtype)):
        target = np.ones((rows, columns), dtype)
        step = blas.subtract_product(target, rate, left, right)
        step()
        np.testing.assert_allclose(target, 1 - rate * (left @ right), rtol=1e-5, atol=1e-5)
    for values in layouts((rows, columns), dtype):
        target = np.ones(columns, dtype)
        blas.subtract_column_sums(target, rate, values)()
        np.testing.assert_allclose(target, 1 - rate * values.sum(0), rtol=1e-5, atol=1e-5)


def test_threads_are_given_back():
    library = blas.numpy_blas()
    if library is None:
        pytest.skip("NumPy has no OpenBLAS of its own here")
    before = library.get_threads()
    with blas.threads(1):
        assert library.get_threads() == 1
    with pytest.raises(ZeroDivisionError), blas.threads(1):
        _ = 1 / 0
    assert library.get_threads() == before
