"""Every op and every plugin: the right rule passes, and a rule that is wrong by 0.1 % is found and named."""

import dataclasses

import numpy as np
import pytest

import dagprop
from dagprop.author.trial import Case, forward
from dagprop.check import gradients, pullbacks, verdicts
from dagprop.ops.plugins import load_plugin
from dagprop.ops.registry import ops
from tests.ops.samples import CHOICE, PLUGINS, STEPS, cases, numerical_gradient, sample

CASES = [
    case
    for case in cases()
    if all(shape is None or 0 not in shape for shape in case.shapes) and "N" not in case.attributes.get("shape", ())
]


@pytest.fixture(autouse=True)
def plugins(own_ops):
    for path in PLUGINS:
        load_plugin(str(path))


@pytest.fixture(params=["complex step", "central differences"])
def method(request, monkeypatch):
    """Check once as it comes, and once without the complex step."""
    if request.param == "central differences":
        for module in (verdicts, gradients, pullbacks):
            monkeypatch.setattr(module, "complex_slopes", lambda along, scale: None)
    return request.param


def node_of(case: Case) -> dict:
    given = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in case.attributes.items()
        if value != case.op.signature.attribute(name).default
    }
    names = [None if shape is None else f"x{position}" for position, shape in enumerate(case.shapes)]
    while names and names[-1] is None:
        names.pop()
    return {"op": case.op.name, "inputs": names, **given}


def input_name(op, position: int) -> str:
    return op.signature.input_name(position).split("[")[0]


def point(case: Case, seed: int) -> list[np.ndarray | None]:
    """Return inputs of which no two numbers are equal, and none is at a kink."""
    generator = np.random.default_rng(seed)
    values = []
    for position, array in enumerate(sample(case, seed=seed)):
        if array is not None and (case.op.name, input_name(case.op, position)) not in CHOICE:
            array = array + generator.uniform(-0.04, 0.04, array.shape)
        values.append(array)
    return values


def leaves_of(values) -> dict:
    return {f"x{i}": {"op": "parameter", "value": x.tolist()} for i, x in enumerate(values) if x is not None}


def matters(case: Case, values, position: int) -> bool:
    """Whether the output depends on an input at all, by differences that share no code with the check."""

    def along(changed):
        return forward(case.op, [*values[:position], changed, *values[position + 1 :]], case.attributes)

    g = np.random.default_rng(0).uniform(0.5, 1.5, np.shape(along(values[position])))
    return bool((np.abs(numerical_gradient(along, values[position], g)) > 1e-9).any())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_right_rules_pass(case, load_graph, method):
    for seed in range(2):
        done = dagprop.check_gradients(load_graph(leaves_of(point(case, seed)) | {"y": node_of(case)}), seed=seed)
        strange = [f for f in done.rules.findings if f.kind != "rounding" and (f.op, f.input) not in STEPS]
        assert done.ok and not strange and not done.unchecked
        assert done.rules.subjects == sum(shape is not None for shape in case.shapes)
        if done.rules.largest is not None:
            assert done.rules.largest.relative < 1e-7
        if method == "central differences" or case.op.name not in ("gelu", "where"):
            assert set(done.rules.methods) == {method}


def scaled(rule, factor: float):
    """The same rule, whose result is multiplied."""

    def function(*arguments):
        result = rule.function(*arguments)
        return tuple(factor * item for item in result) if isinstance(result, tuple) else factor * result

    return dataclasses.replace(rule, function=function)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_that_is_wrong_by_a_thousandth_is_named(case, load_graph, monkeypatch, method):
    op, values = ops()[case.op.name], point(case, 1)
    for name in [name for name in op.rules if (op.name, name) not in STEPS]:
        positions = [
            position
            for position, value in enumerate(values)
            if value is not None and input_name(op, position) == name and matters(case, values, position)
        ]
        if not positions:  # relu of negative numbers: 0 times anything is 0
            continue
        with monkeypatch.context() as patch:
            patch.setitem(op.rules, name, scaled(op.rules[name], 1.001))
            done = dagprop.check_gradients(load_graph(leaves_of(values) | {"y": node_of(case)}))
        assert {finding.input for finding in done.rules.failed} == {op.signature.input_name(i) for i in positions}
        assert not done.ok
        first = done.first
        assert (first.node, first.kind, first.op) == ("y", "wrong", op.name)
        assert first.relative == pytest.approx(1e-3, rel=0.01)
        assert first.rule == pytest.approx(1.001 * first.numeric, rel=1e-6)
        assert first.hint == "the rule gives 1.001 times the derivative"


@pytest.mark.parametrize("name", ["softmax", "mean", "cross_entropy", "matmul", "exp"])
def test_no_samples_are_nothing_to_complain_of(name, load_graph):
    inputs = {"matmul": ["x", "w"], "cross_entropy": ["x", "x"]}.get(name, ["x"])
    graph = load_graph(
        {
            "x": {"op": "input", "shape": ["N", 3]},
            "w": {"op": "parameter", "value": np.eye(3).tolist()},
            "y": {"op": name, "inputs": inputs},
        }
    )
    done = dagprop.check_gradients(graph, {"x": np.zeros((0, 3))})
    assert done.ok
