"""The namespaces: the same names everywhere, and shapes without numbers that are those of NumPy."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.backends.numpy_namespace import numpy_namespace as xp
from dagprop.ops.namespace import BINARY, CONSTANTS, ELSEWHERE, NAMES, REDUCTIONS, UNARY, WRITTEN, Namespace
from dagprop.ops.registry import ops
from dagprop.plan.abstract import AbstractArray, ShapeError, abstract_namespace, broadcast, format_shape

SAMPLES = 7
"""What N stands for; no other size is 7."""


def test_each_namespace_has_the_names_of_the_list_and_no_more():
    for namespace in (xp, abstract_namespace):
        assert {name for name in vars(namespace) if not name.startswith("_")} == NAMES
    with pytest.raises(ValueError, match="abs"):
        Namespace("incomplete", dict.fromkeys(NAMES - {"abs"}))


@pytest.mark.parametrize("namespace", [xp, abstract_namespace], ids=repr)
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("expm", 'did you mean "expm1"?'),
        ("tanhh", 'did you mean "tanh"?'),
        ("arctan", 'did you mean "atan"?'),
        ("concatenate", 'did you mean "concat"?'),
        ("sigmoid", "write 1 / (1 + xp.exp(-x));"),
        ("sigmiod", 'did you mean "sigmoid"? write 1 / (1 + xp.exp(-x));'),
        ("logistic", 'did you mean "sigmoid"? write 1 / (1 + xp.exp(-x));'),
        ("qqq", ""),
    ],
)
def test_an_unknown_name_is_an_error_that_helps(namespace, name, hint):
    said = " ".join(filter(None, [f'xp has no "{name}":', hint, "docs/functions.md lists what it has"]))
    with pytest.raises(AttributeError, match=f"^{re.escape(said)}$"):
        getattr(namespace, name)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_instead_is_right(name):
    x = np.array([[-3.0, -0.5, 0.0], [0.5, 2.0, 40.0]])
    given = {"xp": xp, "x": x, "x1": x, "x2": x + 50, "low": -1.0, "high": 1.5}
    expected = {"clip": lambda: np.clip(x, -1, 1.5), "var": lambda: np.var(x)}
    with np.errstate(divide="ignore"):  # 1 / 0
        if name in expected:
            by_op = expected[name]()
        else:
            op = ops()[name]
            inputs = [given["x1"], given["x2"]] if "x2" in WRITTEN[name] else [x]
            attributes = {attribute.name: attribute.default for attribute in op.signature.attributes}
            by_op = op.forward(*[xp][: op.arguments[0] == "xp"], *inputs, **attributes)
        np.testing.assert_allclose(eval(WRITTEN[name], given), by_op, rtol=1e-14, atol=1e-300)


def test_names_of_other_libraries_lead_to_what_there_is():
    assert set(ELSEWHERE.values()) <= {*NAMES, *WRITTEN} and not set(ELSEWHERE) & {*NAMES, *WRITTEN}
    assert not set(WRITTEN) & NAMES


def number(size: int | str) -> int:
    return SAMPLES if size == "N" else int(size)


def concrete(shape: tuple[int | str, ...]) -> np.ndarray:
    return np.ones([number(size) for size in shape])


def evaluated(shape: tuple[int | str, ...]) -> tuple[int, ...]:
    """Return a shape with N as a number; composed sizes, such as 8*N, are arithmetic."""
    return tuple(size if isinstance(size, int) else eval(size, {"N": SAMPLES}) for size in shape)


sizes = st.sampled_from([0, 1, 2, 3, "N"])
shapes = st.lists(sizes, max_size=4).map(tuple)
with_axes = st.lists(sizes, min_size=1, max_size=4).map(
    tuple
)  # NumPy lets a scalar have an axis 0, the standard does not


def compare(function: Any, *shapes: tuple[int | str, ...]) -> None:
    """Hold that a function gives the same shape on numbers as without them, or fails on both."""
    try:
        abstract = function(abstract_namespace, *map(AbstractArray, shapes))
    except ShapeError:
        with pytest.raises((ValueError, IndexError)):  # numpy's errors are both
            function(xp, *map(concrete, shapes))
    else:
        assert evaluated(abstract.shape) == np.shape(function(xp, *map(concrete, shapes)))


@given(st.sampled_from(BINARY), shapes, shapes)
def test_broadcasting(name, left, right):
    compare(lambda xp, a, b: getattr(xp, name)(a, b), left, right)
    compare(lambda xp, a, b: (a + b) * 2 - (a < b), left, right)


@given(shapes, shapes, shapes)
def test_where(condition, left, right):
    compare(lambda xp, c, a, b: xp.where(c, a, b), condition, left, right)
    compare(lambda xp, c, a, b: xp.where(c, 0.0, b), condition, left, right)


@given(st.sampled_from([*REDUCTIONS, "argmax"]), with_axes, st.data(), st.booleans())
def test_reductions(name, shape, data, keepdims):
    axes = st.integers(-4, 4)
    axis = data.draw(st.none() | axes | (st.nothing() if name == "argmax" else st.lists(axes, max_size=3).map(tuple)))
    if name in ("max", "min", "argmax") and 0 in shape:
        return  # the maximum of nothing is tested below
    compare(lambda xp, x: getattr(xp, name)(x, axis=axis, keepdims=keepdims), shape)


@given(shapes, shapes)
def test_matmul(left, right):
    compare(lambda xp, a, b: xp.matmul(a, b), left, right)
    compare(lambda xp, a, b: a @ b, left, right)


@given(with_axes, st.data())
def test_moving_axes(shape, data):
    axes = data.draw(st.permutations(range(len(shape))))
    compare(lambda xp, x: xp.permute_dims(x, tuple(axes)), shape)
    compare(lambda xp, x: xp.permute_dims(x, tuple(axes[1:])), shape)
    axis = data.draw(st.integers(-5, 5))
    compare(lambda xp, x: xp.expand_dims(x, axis), shape)
    compare(lambda xp, x: xp.squeeze(x, axis), shape)
    compare(lambda xp, x: xp.matrix_transpose(x), shape)
    compare(lambda xp, x: xp.stack([x, x], axis=axis), shape)
    compare(lambda xp, x: xp.concat([x, x, x], axis=axis), shape)


@given(shapes, shapes)
def test_broadcast_to(shape, target):
    numbers = evaluated(target)
    compare(lambda namespace, x: namespace.broadcast_to(x, numbers if namespace is xp else target), shape)


@given(
    st.lists(st.sampled_from([1, 2, 3, 4, 6, "N"]), max_size=4), st.lists(st.sampled_from([-1, 1, 2, 3, 6]), max_size=4)
)
def test_reshape(shape, target):
    if target.count(-1) == 1 or "N" not in shape:
        try:
            abstract = abstract_namespace.reshape(AbstractArray(tuple(shape)), tuple(target))
        except ShapeError:
            with pytest.raises(ValueError, match=r"cannot reshape|only specify one"):
                reshape_for_several_numbers_of_samples(shape, target)
        else:
            assert evaluated(abstract.shape) == concrete(tuple(shape)).reshape(target).shape


def reshape_for_several_numbers_of_samples(shape: list[int | str], target: list[int]) -> None:
    for samples in (SAMPLES, 11):  # what fits for one number need not for another
        np.ones([samples if size == "N" else size for size in shape]).reshape(target)


keys = st.lists(
    st.sampled_from([None, 0, -1, 2, slice(None), slice(1, None), slice(None, None, -1), slice(0, 2)]), max_size=4
)


@given(st.lists(st.sampled_from([1, 2, 3]), max_size=4).map(tuple), keys, st.integers(0, 4), st.booleans())
def test_indexing(shape, key, place, dots):
    whole = [*key[:place], *([Ellipsis] * dots), *key[place:]]
    compare(lambda xp, x: x[tuple(whole)], shape)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: x[:, 0], ("N", 2)),
        (lambda x: x[0], (3, 2)),
        (lambda x: x[..., None, :1], ("N", 3, 1, 1)),
        (lambda x: x[::-1], ("N", 3, 2)),
        (lambda x: abstract_namespace.reshape(x, (-1,)), ("6*N",)),
        (lambda x: abstract_namespace.reshape(x, (-1, 6)), ("N", 6)),
        (lambda x: abstract_namespace.reshape(x, (-1, 2)), ("3*N", 2)),
        (lambda x: abstract_namespace.reshape(x, ("N", 6)), ("N", 6)),
        (lambda x: abstract_namespace.reshape(abstract_namespace.reshape(x, (-1,)), ("N", 2, -1)), ("N", 2, 3)),
        (lambda x: abstract_namespace.concat([x, AbstractArray((4, 3, 2)), x]), ("2*N+4", 3, 2)),
        (
            lambda x: abstract_namespace.concat([abstract_namespace.concat([x, x[:, :1]], axis=1), x], axis=1),
            ("N", 7, 2),
        ),
        (lambda x: abstract_namespace.one_hot(x, "K"), ("N", 3, 2, "K")),
        (lambda x: abstract_namespace.count(x, 0), ()),
        (lambda x: abstract_namespace.full_like(x, 2.0), ("N", 3, 2)),
        (lambda x: 2**-x / 3, ("N", 3, 2)),
        (lambda x: np.ones(2) * x, ("N", 3, 2)),
    ],
)
def test_symbolic_shapes(function, shape):
    assert function(AbstractArray(("N", 3, 2))).shape == shape


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x + AbstractArray((4,)), r"shapes \(N, 3\) and \(4,\) do not broadcast"),
        (lambda x: x + AbstractArray((2, 3)), r"shapes \(N, 3\) and \(2, 3\) do not broadcast: N and 2 may differ"),
        (lambda x: x @ AbstractArray((4, 2)), r"shapes \(N, 3\) and \(4, 2\) do not fit matmul: 3 and 4 differ"),
        (lambda x: AbstractArray((4, 5)) @ x, r"shapes \(4, 5\) and \(N, 3\) do not fit matmul: 5 and N may differ"),
        (lambda x: x @ AbstractArray(()), "at least one axis"),
        (lambda x: abstract_namespace.sum(x, axis=2), r"axis 2 is out of range for the shape \(N, 3\)"),
        (lambda x: abstract_namespace.sum(x, axis=(0, -2)), "one axis twice"),
        (lambda x: abstract_namespace.max(x[:, :0], axis=1), "over no elements"),
        (lambda x: abstract_namespace.reshape(x, (-1, 2)), r"3\*N elements are not a multiple of 2"),
        (lambda x: abstract_namespace.reshape(x, ("N", 4)), r"has 3\*N elements, not 4\*N"),
        (lambda x: abstract_namespace.reshape(x, (-1, -1)), "only one size may be -1"),
        (lambda x: abstract_namespace.permute_dims(x, (0,)), "name each axis"),
        (lambda x: x[0, 0, 0], "too many indices"),
        (lambda x: x[:, 3], "index 3 is out of range"),
        (lambda x: x[1:], "can only be taken whole"),
    ],
)
def test_messages_of_shapes_that_do_not_fit(function, message):
    with pytest.raises(ShapeError, match=message):
        function(AbstractArray(("N", 3)))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: 1 if x > 0 else 2, "xp.where"),
        (lambda x: float(x), "xp.where"),
        (lambda x: list(x), "xp.where"),
        (lambda x: range(len(x)), "xp.where"),
        (lambda x: x.__iadd__(1), "in place"),
        (lambda x: x.__setitem__(0, 1), "in place"),
        (lambda x: np.exp(x), "ufunc"),
        (lambda x: np.asarray(x), "xp.exp for numpy.exp"),
        (lambda x: x[x > 0], "xp.where or xp.one_hot"),
        (lambda x: x / x.shape[0], "xp.count"),
        (lambda x: x + None, "NoneType"),
        (lambda x: abstract_namespace.exp([1.0]), "list"),
    ],
)
def test_rules_that_depend_on_values_are_told_what_to_use(function, message):
    with pytest.raises(TypeError, match=message):
        function(AbstractArray(("N",)))


def test_formatting():
    assert [format_shape(shape) for shape in [(), (4,), ("N", 3)]] == ["()", "(4,)", "(N, 3)"]
    assert broadcast() == ()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_keeps_the_dtype(dtype):
    x = np.array([[0.25, 0.5]], dtype=dtype)
    for name in {*UNARY, *REDUCTIONS} - {"isfinite", "logical_not", "acosh"}:
        assert getattr(xp, name)(x).dtype == dtype, name
    assert xp.where(x > 0, x, 0.0).dtype == xp.where(x > 0, 1, x).dtype == dtype
    assert xp.one_hot(np.array([1, 0], dtype), 2).dtype == dtype
    assert {name: type(getattr(xp, name)) for name in CONSTANTS} == dict.fromkeys(CONSTANTS, float)


def test_numpy_helpers():
    np.testing.assert_array_equal(xp.one_hot(np.array([[2], [0]]), 3), [[[0, 0, 1]], [[1, 0, 0]]])
    np.testing.assert_array_equal(xp.one_hot(1, 3), [0, 1, 0])
    np.testing.assert_allclose(xp.erf(np.array([[0.5]])), [[0.5204998778130465]])
    np.testing.assert_allclose(xp.erfc(10.0), 2.088487583762545e-45)
    assert xp.erf(np.ones((0, 3))).shape == (0, 3)
    assert xp.count(np.ones((2, 3, 4)), (0, -1)) == 8
    assert np.isnan(xp.mean(np.ones((2, 0)), axis=1)).all()


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([1e4, 1e4], 1e4 + np.log(2)),
        ([-1e4, -1e4], -1e4 + np.log(2)),
        ([-np.inf, 0.0], 0.0),
        ([-np.inf, -np.inf], -np.inf),
        ([np.inf, 0.0], np.inf),
        ([], -np.inf),
        (3.0, 3.0),
    ],
)
def test_logsumexp(x, expected):
    with np.errstate(all="raise"):
        np.testing.assert_allclose(xp.logsumexp(np.array(x)), expected)
