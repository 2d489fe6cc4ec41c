"""Every op and every plugin, by the same rows: are its rules right, and do they keep what the contract promises?"""

import warnings

import numpy as np
import pytest

from dagprop.author.trial import Case, forward, is_elementwise, rule_result
from dagprop.plan.abstract import AbstractArray, abstract_namespace
from tests.ops.samples import (
    CHOICE,
    NOT_ZERO,
    POSITIVE,
    PROBABILITY,
    STEPS,
    all_ops,
    cases,
    gradient,
    numerical_gradient,
    sample,
)

CASES = cases()
ELEMENTWISE = [op for op in all_ops().values() if is_elementwise(op)]
EXTREMES = [-1e4, -745.2, -88.8, -1.0, -1e-8, -0.0, 0.0, 1e-8, 1.0, 88.8, 745.2, 1e4]


def every(case_list: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", case_list, ids=str)


def upstream(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).uniform(0.5, 1.5, shape)


@pytest.mark.parametrize("op", all_ops().values(), ids=lambda op: op.name)
def test_every_input_has_a_rule(op):
    assert set(op.rules) == {signature.name for signature in op.signature.inputs}
    assert op.signature.doc


@every(CASES)
def test_rules_agree_with_differences_of_the_forward_rule(case):
    inputs = sample(case)
    g = upstream(np.shape(forward(case.op, inputs, case.attributes)))
    for position, x in enumerate(inputs):
        name = case.op.signature.inputs[min(position, len(case.op.signature.inputs) - 1)].name
        if x is None:
            continue
        computed = gradient(case.op, position, inputs, case.attributes, g)
        if (case.op.name, name) in STEPS:
            assert not computed.any()
            continue

        def along(changed, position=position):
            return forward(case.op, [*inputs[:position], changed, *inputs[position + 1 :]], case.attributes)

        np.testing.assert_allclose(computed, numerical_gradient(along, x, g), rtol=1e-7, atol=1e-9, err_msg=name)


@every([case for case in CASES if len(case.shapes) > 1 and len(set(case.shapes)) == 1 and case.op.name != "matmul"])
def test_a_value_used_for_all_inputs_gets_the_sum_of_the_gradients(case):
    x = np.abs(sample(case)[0])
    g = upstream(np.shape(forward(case.op, [x] * len(case.shapes), case.attributes)))
    computed = sum(gradient(case.op, i, [x] * len(case.shapes), case.attributes, g) for i in range(len(case.shapes)))
    expected = numerical_gradient(lambda z: forward(case.op, [z] * len(case.shapes), case.attributes), x, g)
    np.testing.assert_allclose(computed, expected, rtol=1e-7, atol=1e-9)


@every(CASES)
def test_single_precision_is_kept_and_near(case):
    single, double = sample(case, np.float32), sample(case)
    y = forward(case.op, single, case.attributes)
    assert np.asarray(y).dtype == np.float32
    np.testing.assert_allclose(y, forward(case.op, double, case.attributes), rtol=1e-4, atol=1e-5)
    g = upstream(np.shape(y))
    for position in range(len(single)):
        if single[position] is not None:
            computed = gradient(case.op, position, single, case.attributes, g.astype(np.float32))
            np.testing.assert_allclose(
                computed, gradient(case.op, position, double, case.attributes, g), rtol=1e-3, atol=1e-4
            )


@every(CASES)
def test_rules_run_on_shapes_and_give_the_shapes_that_they_give_on_numbers(case):
    inputs = sample(case)
    y = np.shape(forward(case.op, inputs, case.attributes))
    g = upstream(y)
    for rename in (same, named)[("N" in case.attributes.get("shape", ())) :]:
        shapes = [None if x is None else AbstractArray(rename(x.shape)) for x in inputs]
        result = forward(case.op, shapes, case.attributes, abstract_namespace)
        assert result.shape == rename(y)
        for position, x in enumerate(inputs):
            if x is not None:
                computed = rule_result(
                    case.op, position, shapes, case.attributes, AbstractArray(rename(y)), abstract_namespace
                )
                expected = np.shape(rule_result(case.op, position, inputs, case.attributes, g))
                assert getattr(computed, "shape", ()) == rename(expected)


def same(shape: tuple[int, ...]) -> tuple[int | str, ...]:
    return shape


def named(shape: tuple[int, ...]) -> tuple[int | str, ...]:
    """Return the shape with the number of samples, which is 5, called N."""
    return tuple("N" if size == 5 else size for size in shape)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_elementwise_ops_are_finite_at_large_values(op, dtype):
    axes = [extremes(op.name, signature.name) for signature in op.signature.inputs]
    axes += axes[-1:] * op.signature.variadic
    inputs = [x.astype(dtype).ravel() for x in np.meshgrid(*axes)]
    attributes = {attribute.name: attribute.default for attribute in op.signature.attributes}
    # An exp that overflows below a fraction bar makes an exact 0, so only what is invalid is an error on the way.
    with warnings.catch_warnings(), np.errstate(over="ignore", divide="raise", invalid="raise"):
        warnings.simplefilter("error")
        assert np.isfinite(forward(op, inputs, attributes)).all()
        for position in range(len(inputs)):
            assert np.isfinite(gradient(op, position, inputs, attributes, np.ones_like(inputs[0]))).all()


def extremes(op: str, name: str) -> np.ndarray:
    """Return large and small numbers where the true result is a number that can be stored."""
    values = np.array(EXTREMES)
    if op == "exp":
        return values[values < 80]
    if op == "power":
        return np.array([0.0, 1e-4, 1.0, 10.0, 1e4]) if name == "base" else np.array([0.0, 1.0, 2.0, 3.5])
    if (op, name) in POSITIVE:
        return values[values > 0]
    if (op, name) in NOT_ZERO:
        return values[np.abs(values) > 1e-5]
    if (op, name) in PROBABILITY | CHOICE:
        return np.array([0.0, 0.5, 1.0])
    return values


LARGE = {
    "matmul": [[[[1e4, -1e4]], [[1e4], [-1e4]]]],
    "softmax": [[[1e4, -1e4, 0.0]], [[1e4, 1e4]], [[-1e4, -1e4]]],
    "cross_entropy": [[[1e4, -1e4, 0.0], 1.0], [[1e4, 1e4], [0.5, 0.5]]],
    "mean_squared_error": [[[1e4, -1e4], [-1e4, 1e4]]],
    "transpose": [[[[1e4, -1e4]]]],
    "reshape": [[[1e4, -1e4, 0, 1, 2, 3]]],
}


@pytest.mark.parametrize("op", [op for op in all_ops().values() if op not in ELEMENTWISE], ids=lambda op: op.name)
def test_other_ops_are_finite_at_large_values_and_warn_of_nothing(op):
    attributes = {attribute.name: attribute.default for attribute in op.signature.attributes}
    attributes |= {"shape": (2, 3)} if op.name == "reshape" else {}
    for row in LARGE.get(op.name, LARGE["softmax"]):
        inputs = [np.array(x, dtype=float) for x in row]
        with warnings.catch_warnings(), np.errstate(over="raise", divide="raise", invalid="raise"):
            warnings.simplefilter("error")
            y = forward(op, inputs, attributes)
            assert np.isfinite(y).all()
            for position in range(len(inputs)):
                assert np.isfinite(gradient(op, position, inputs, attributes, np.ones(np.shape(y)))).all()
