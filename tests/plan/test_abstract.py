"""Shapes without numbers must agree with what NumPy does with numbers, for every function of ``xp``."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.ops import namespace
from dagprop.plan.abstract import AbstractArray, ShapeError, abstract_namespace, broadcast, format_shape

# name -> calls: shapes (tuples) of the arrays, and keyword arguments
BROADCASTING = [([(2, 3), (3,)], {}), ([(2, 1), (1, 3)], {}), ([(2,), (3,)], {})]
REDUCING = [
    ([(2, 3)], {}),
    ([(2, 3)], {"axis": 0}),
    ([(2, 3)], {"axis": -1, "keepdims": True}),
    ([(2, 3)], {"axis": 2}),
]
CALLS = {
    **{name: [([()], {}), ([(2, 3)], {})] for name in (*namespace.UNARY, "zeros_like", "ones_like")},
    **dict.fromkeys(namespace.BINARY, BROADCASTING),
    **dict.fromkeys((*namespace.REDUCTIONS, "argmax"), REDUCING),
    "where": [([(2, 1), (3,), ()], {}), ([(2,), (3,), ()], {})],
    "matmul": [
        ([(2, 3), (3, 4)], {}),
        ([(3,), (3, 4)], {}),
        ([(2, 3), (3,)], {}),
        ([(3,), (3,)], {}),
        ([(5, 2, 3), (3, 4)], {}),
        ([(5, 2, 3), (1, 3, 4)], {}),
        ([(2, 3), (4, 5)], {}),
        ([(5, 2, 3), (4, 3, 4)], {}),
        ([(), (3,)], {}),
    ],
    "matrix_transpose": [([(2, 3)], {}), ([(4, 2, 3)], {}), ([(3,)], {})],
    "permute_dims": [([(2, 3, 4)], {"axes": (2, 0, 1)}), ([(2, 3)], {"axes": (0, 0)}), ([(2, 3)], {"axes": (0,)})],
    "reshape": [
        ([(2, 3)], {"shape": (3, 2)}),
        ([(2, 3)], {"shape": (-1,)}),
        ([(2, 3)], {"shape": (4, -1)}),
        ([(2, 3)], {"shape": (5,)}),
        ([(2, 3)], {"shape": (-1, -1)}),
    ],
    "expand_dims": [([(2, 3)], {"axis": 0}), ([(2, 3)], {"axis": -1}), ([(2, 3)], {"axis": 5})],
    "squeeze": [([(2, 1)], {"axis": 1}), ([(2, 1)], {"axis": 0}), ([(2, 1)], {"axis": 2})],
    "broadcast_to": [([(3,)], {"shape": (2, 3)}), ([(2, 3)], {"shape": (3,)})],
    "full_like": [([(2, 3), ()], {})],
    "one_hot": [([()], {"size": 4}), ([(2, 3)], {"size": 4})],
    "count": [([(2, 3)], {}), ([(2, 3)], {"axis": 0}), ([(2, 3)], {"axis": (0, -1)})],
}
LISTS = {
    "concat": [([(2, 3), (4, 3)], {"axis": 0}), ([(2, 3), (2, 1)], {"axis": -1}), ([(2, 3), (4, 2)], {"axis": 0})],
    "stack": [([(2, 3), (2, 3)], {"axis": 0}), ([(2, 3), (2, 3)], {"axis": -1}), ([(2, 3), (2, 4)], {"axis": 0})],
}
"""Functions of a list of arrays."""


def test_every_function_is_compared():
    assert set(CALLS) | set(LISTS) == namespace.NAMES - set(namespace.CONSTANTS)


@pytest.mark.parametrize(
    ("name", "shapes", "keywords"),
    [(name, *call) for name, calls in (CALLS | LISTS).items() for call in calls],
    ids=lambda value: str(value),
)
def test_shapes_agree_with_numpy(name, shapes, keywords):
    def apply(xp, arrays):
        return getattr(xp, name)(*([arrays] if name in LISTS else arrays), **keywords)

    with np.errstate(all="ignore"):
        try:
            expected = np.shape(apply(numpy_namespace, [np.zeros(shape) for shape in shapes]))
        except (ValueError, np.exceptions.AxisError):
            with pytest.raises(ShapeError):
                apply(abstract_namespace, [AbstractArray(shape) for shape in shapes])
            return
    assert apply(abstract_namespace, [AbstractArray(shape) for shape in shapes]).shape == expected


SIZES = st.lists(st.sampled_from([0, 1, 2, 3]), max_size=3).map(tuple)


@given(a=SIZES, b=SIZES, c=SIZES)
def test_broadcast_agrees_with_numpy(a, b, c):
    try:
        expected = np.broadcast_shapes(a, b, c)
    except ValueError:
        with pytest.raises(ShapeError):
            broadcast(a, b, c)
    else:
        assert broadcast(a, b, c) == expected


INDEX = st.one_of(
    st.integers(-3, 2), st.just(None), st.slices(3), st.sampled_from([slice(None), slice(None, None, -1)])
)


@given(shape=st.lists(st.integers(1, 3), max_size=3).map(tuple), key=st.lists(INDEX, max_size=4), data=st.data())
def test_indexing_agrees_with_numpy(shape, key, data):
    place = data.draw(st.one_of(st.none(), st.integers(0, len(key))))
    key = tuple(key if place is None else [*key[:place], ..., *key[place:]])
    try:
        expected = np.zeros(shape)[key].shape
    except IndexError:
        with pytest.raises(ShapeError):
            AbstractArray(shape)[key]
    else:
        assert AbstractArray(shape)[key].shape == expected


SYMBOLIC = [
    # call, shape of the result or part of the error
    (lambda xp, a: a("N", 3) + a(3), ("N", 3)),
    (lambda xp, a: a("N") + a("N"), ("N",)),
    (lambda xp, a: a("N", 1) * a("N"), ("N", "N")),
    (lambda xp, a: a("N") + a(3), "N and 3 may differ"),
    (lambda xp, a: a("N") + a("T"), "N and T may differ"),
    (lambda xp, a: a("N", 4) @ a(4, 2), ("N", 2)),
    (lambda xp, a: a("N", 4) @ a(3, 2), "4 and 3 differ"),
    (lambda xp, a: a("N", "T") @ a(3, 2), "T and 3 may differ"),
    (lambda xp, a: xp.reshape(a("N", 4, 2), ("N", 8)), ("N", 8)),
    (lambda xp, a: xp.reshape(a("N", 4, 2), (-1, 8)), ("N", 8)),
    (lambda xp, a: xp.reshape(a("N", 4), (-1,)), ("4*N",)),
    (lambda xp, a: xp.reshape(xp.reshape(a("N", 4), (-1,)), (-1, 4)), ("N", 4)),
    (lambda xp, a: xp.reshape(a("N", 4), (8,)), "elements"),
    (lambda xp, a: xp.concat([a("N", 2), a("N", 3)], axis=1), ("N", 5)),
    (lambda xp, a: xp.concat([a("N", 2), a(3, 2)]), ("N+3", 2)),
    (lambda xp, a: xp.concat([a("N"), a("N")]), ("2*N",)),
    (lambda xp, a: xp.concat([a("N", 2), a("T", 3)], axis=1), "cannot be joined"),
    (lambda xp, a: xp.sum(a("N", 3), axis=-1), ("N",)),
    (lambda xp, a: a("N", 3)[:, 0], ("N",)),
    (lambda xp, a: a("N")[1:], "only be taken whole"),
    (lambda xp, a: xp.max(a("N", 0), axis=1), "no elements"),
]


@pytest.mark.parametrize(("call", "expected"), SYMBOLIC)
def test_symbolic_sizes(call, expected):
    def array(*shape):
        return AbstractArray(shape)

    if isinstance(expected, tuple):
        assert call(abstract_namespace, array).shape == expected
    else:
        with pytest.raises(ShapeError, match=expected):
            call(abstract_namespace, array)


def in_place(x):
    x += 1


def assign(x):
    x[0] = 1


REFUSED = [
    (lambda x: bool(x), "depend on values"),
    (lambda x: float(x), "depend on values"),
    (lambda x: list(x), "depend on values"),
    (lambda x: np.exp(x), "ufunc|numpy"),
    (lambda x: np.asarray(x), "numpy"),
    (in_place, "in place"),
    (assign, "in place"),
    (lambda x: x[AbstractArray((2,))], "index must be"),
    (lambda x: x + "text", "known only with the data"),
]


@pytest.mark.parametrize(("act", "message"), REFUSED)
def test_what_a_rule_may_not_do(act, message):
    with pytest.raises(TypeError, match=message):
        act(AbstractArray((2,)))


@pytest.mark.parametrize("xp", [numpy_namespace, abstract_namespace], ids=repr)
def test_a_name_that_no_namespace_has_is_an_error(xp):
    with pytest.raises(AttributeError, match='did you mean "exp"'):
        xp.expp  # noqa: B018
    with pytest.raises(AttributeError, match=r"docs/functions\.md"):
        xp.svd  # noqa: B018


@pytest.mark.parametrize(("shape", "text"), [((), "()"), ((3,), "(3,)"), (("N", 3), "(N, 3)")])
def test_format_shape(shape, text):
    assert format_shape(shape) == text
