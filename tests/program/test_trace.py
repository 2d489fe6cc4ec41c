"""Programs: recording a plan and running the record gives what running the plan gives."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given

import dagprop
from dagprop.backends.interpreter import interpret
from dagprop.backends.leaf_values import leaf_values
from dagprop.backends.reference import run
from dagprop.errors import PluginError
from dagprop.ops.registry import op
from dagprop.plan.network import prepare
from dagprop.plan.steps import plan
from dagprop.program.recorder import Recorder
from dagprop.program.records import ELEMENTWISE, SOURCES, STRUCTURAL
from dagprop.program.symbols import Symbol, symbolic_namespace
from dagprop.program.trace import plan_program, training_program
from dagprop.program.update import LEARNING_RATE, MEAN_LOSS, STEP, gradient_name
from dagprop.train.initializers import initial_values
from dagprop.train.update_rule import update_rule
from tests.conformance.neutral import write_file
from tests.random_graphs import random_graphs

GRAPHS = (
    *("smallest-perceptron", "line", "two-weight-perceptron", "four-layer-chain", "four-layer-chain-neurons"),
    *("xor", "two-spirals", "iris", "digits"),
)


def everything(graph):
    """Return the network of a graph, the plan of all its values and gradients, and its leaves."""
    network = prepare(graph)
    every = tuple(reference for id in network.order for reference in network.outputs[id])
    steps = plan(network, every, (network.graph.loss,), every)
    return network, steps, leaf_values(network, steps.leaves, initial_values(network, 0)).arrays


def assert_agree(graph):
    network, steps, leaves = everything(graph)
    expected = run(steps, leaves)
    program = plan_program(steps, {id: array.shape for id, array in leaves.items()}, network.graph.dtype)
    found = interpret(program, leaves)
    for name, value in expected.values.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-14, err_msg=name)
        assert found[name].shape == value.shape
    for name, gradient in expected.gradients.items():
        np.testing.assert_allclose(found[gradient_name(name)], gradient, rtol=1e-12, atol=1e-14, err_msg=f"d_{name}")
    return program


@pytest.mark.parametrize("name", GRAPHS)
def test_the_program_of_a_graph_computes_what_its_plan_computes(root, name):
    assert_agree(dagprop.load(root / "graphs" / f"{name}.json"))


@given(example=random_graphs())
def test_the_program_of_any_graph_does(tmp_path_factory, example):
    program = assert_agree(dagprop.load(write_file(tmp_path_factory.mktemp("graphs"), example.document())))
    for number, instruction in enumerate(program.instructions):
        assert all(operand < number for operand in instruction.operands)
        assert instruction.primitive in ELEMENTWISE | STRUCTURAL | SOURCES
        assert len(instruction.operands) == ELEMENTWISE.get(instruction.primitive, len(instruction.operands))
    keys = [(i.primitive, i.operands, i.parameters) for i in program.instructions if i.primitive != "constant"]
    assert len(set(keys)) == len(keys), "common subexpressions are shared"
    used = {operand for i in program.instructions for operand in i.operands} | set(program.outputs.values())
    assert used == set(range(len(program.instructions))), "dead code is gone"


def test_a_training_program_is_one_step_of_gradient_descent(root):
    graph = dagprop.load(root / "graphs" / "four-layer-chain.json")
    network = prepare(graph)
    steps = plan(network, (network.graph.loss,), (network.graph.loss,), network.graph.parameters())
    leaves = leaf_values(network, steps.leaves).arrays
    program = training_program(
        steps, {id: array.shape for id, array in leaves.items()}, {}, "float64", update_rule("sgd")
    )
    found = interpret(program, {**leaves, LEARNING_RATE: np.asarray(0.5), STEP: np.asarray(1.0)})
    loss, gradients = dagprop.value_and_grad(graph)
    assert found[MEAN_LOSS] == pytest.approx(loss, rel=1e-14)
    for name, gradient in gradients.items():
        assert found[f"new {name}"] == pytest.approx(leaves[name] - 0.5 * gradient, rel=1e-14)


def test_constants_fold_and_products_with_one_vanish(load_graph):
    nodes = {"a": {"op": "parameter", "value": 3}, "b": {"op": "multiply", "inputs": ["a", "a"]}}
    _, steps, leaves = everything(load_graph(nodes, loss="b"))
    program = plan_program(steps, {id: array.shape for id, array in leaves.items()}, "float64")
    assert sorted(i.primitive for i in program.instructions) == ["add", "constant", "input", "multiply"]


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("branches", lambda x: x if x > 0 else -x),
        ("converts", lambda x: float(x)),
        ("loops", lambda x: sum(item for item in x)),
        ("numpys", lambda x: np.exp(x)),
    ],
)
def test_a_rule_that_cannot_be_recorded_is_named(load_graph, name, rule):
    @op(name)
    def forward(xp, x):
        return x * x

    forward.derivative("x")(rule)
    nodes = {
        "a": {"op": "parameter", "value": [3.0]},
        "b": {"op": name, "inputs": ["a"]},
        "L": {"op": "sum", "inputs": ["b"]},
    }
    _, steps, leaves = everything(load_graph(nodes, loss="L"))
    with pytest.raises(PluginError, match=rf'node "b": the derivative rule for "x" of "{name}" .*xp\.(where|exp)'):
        plan_program(steps, {id: array.shape for id, array in leaves.items()}, "float64")


def test_a_recorder_is_let_go_without_a_search_for_circles():
    recorder = Recorder()
    xp = symbolic_namespace(recorder)
    xp.logsumexp(xp.full_like(xp.ones_like(1.0), 2.0))
    gone = weakref.ref(recorder)
    gc.disable()
    try:
        del recorder, xp
        assert gone() is None
    finally:
        gc.enable()


def test_a_product_of_truths_is_truth():
    recorder = Recorder()
    xp = symbolic_namespace(recorder)
    left, right = (Symbol(recorder, recorder.input(name, (3, 3))) for name in ("left", "right"))
    truths = xp.matmul(left > 0.5, right > 0.5)
    outputs = {"truths": truths.number, "numbers": (truths * 1.0).number}
    program = recorder.program(("left", "right"), outputs, "float64")
    inputs = {name: np.random.default_rng(seed).normal(size=(3, 3)) for seed, name in enumerate(("left", "right"))}
    expected = (inputs["left"] > 0.5) @ (inputs["right"] > 0.5)
    found = interpret(program, inputs)
    np.testing.assert_array_equal(found["truths"], expected)
    np.testing.assert_array_equal(found["numbers"], expected * 1.0)
    assert expected.any() and not expected.all()
