"""Array programs compute what the interpreter computes, train as the reference back end does, and keep their memory."""

from __future__ import annotations

import ast
import gc
import math
import signal
import weakref
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

import dagprop
from dagprop.author.trial import forward, rule_result
from dagprop.backends.arrays import trainer as array_trainer
from dagprop.backends.arrays.code import array_code
from dagprop.backends.arrays.lowering import SUBTRACT_COLUMN_SUMS, SUBTRACT_PRODUCT
from dagprop.backends.arrays.program import ArrayProgram, bind
from dagprop.backends.arrays.trainer import ArrayTrainer
from dagprop.backends.interpreter import interpret
from dagprop.backends.leaf_values import leaf_values
from dagprop.backends.reference import run
from dagprop.backends.trainer import TrainingTask
from dagprop.plan.network import prepare
from dagprop.plan.steps import plan
from dagprop.program.recorder import Recorder
from dagprop.program.records import BOOLEAN, ELEMENTWISE, STRUCTURAL, Instruction, Program
from dagprop.program.symbols import Symbol, symbolic_namespace
from dagprop.program.trace import plan_program, training_program
from dagprop.program.update import LEARNING_RATE, MEAN_LOSS
from dagprop.train.initializers import initial_values
from dagprop.train.update_rule import update_rule
from tests.conformance.neutral import write_file
from tests.ops.samples import all_ops, cases, sample
from tests.random_graphs import random_graphs

GRAPHS = (
    *("smallest-perceptron", "line", "two-weight-perceptron", "four-layer-chain", "four-layer-chain-neurons"),
    *("xor", "two-spirals", "iris", "digits"),
)
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
SGD = update_rule("sgd")


def assert_agree(program, inputs):
    """Compare with the interpreter, twice, and with other inputs in between."""
    expected = interpret(program, inputs)
    compiled = ArrayProgram(program)
    first = compiled.run(inputs)
    kept = {name: array.copy() for name, array in first.items()}
    if inputs.keys().isdisjoint(("digit", "species", "i")):  # they are classes
        compiled.run({name: array / 2 for name, array in inputs.items()})
    second = compiled.run(inputs)
    for name, value in expected.items():
        scale = TOLERANCE[program.dtype] * max(1.0, np.abs(value).max(initial=0, where=np.isfinite(value)))
        np.testing.assert_allclose(first[name], value, rtol=TOLERANCE[program.dtype], atol=scale, err_msg=name)
        assert first[name].shape == np.shape(value)
        np.testing.assert_array_equal(first[name], kept[name], "a later run changed a result")
        np.testing.assert_array_equal(first[name], second[name], "two runs differ")


def everything(graph, rows=None):
    """Return the plan of all values and gradients of a graph, and its leaves, with as many samples as asked for."""
    network = prepare(graph)
    every = tuple(reference for id in network.order for reference in network.outputs[id])
    steps = plan(network, every, (network.graph.loss,), every)
    leaves = leaf_values(network, steps.leaves, initial_values(network, 0)).arrays
    if rows is not None:
        generator = np.random.default_rng(0)
        for id in leaves:
            if network.shapes[id][:1] == ("N",):
                leaves[id] = np.concatenate([leaves[id][:1]] * rows)
                if id not in ("digit", "species"):
                    leaves[id] = leaves[id] + 0.1 * generator.standard_normal(leaves[id].shape)
    return steps, leaves


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("rows", [None, 1, 7, 32])
@pytest.mark.parametrize("name", GRAPHS)
def test_every_graph_gives_its_values_and_gradients(root, name, rows, dtype):
    steps, leaves = everything(dagprop.load(root / "graphs" / f"{name}.json"), rows)
    leaves = {id: array.astype(dtype) for id, array in leaves.items()}
    for array in leaves.values():
        array.setflags(write=False)  # inputs are not changed
    program = plan_program(steps, {id: array.shape for id, array in leaves.items()}, dtype)
    assert_agree(program, leaves)


@given(example=random_graphs())
def test_random_graphs_do(tmp_path_factory, example):
    path = write_file(tmp_path_factory.mktemp("graphs"), example.document())
    steps, leaves = everything(dagprop.load(path))
    assert_agree(plan_program(steps, {id: array.shape for id, array in leaves.items()}, "float64"), leaves)
    steps, leaves = training_steps(dagprop.load(path))
    program = training_program(steps, {id: array.shape for id, array in leaves.items()}, {}, "float64", SGD)
    assert_updates_agree(program, leaves, {id: f"new {id}" for id in steps.wrt})


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", cases(), ids=str)
def test_every_op_and_its_rules(case, dtype):
    recorder = Recorder()
    arrays = sample(case, np.dtype(dtype).type)
    inputs = {f"x{position}": array for position, array in enumerate(arrays) if array is not None}
    symbols = [
        None if array is None else Symbol(recorder, recorder.input(f"x{position}", array.shape))
        for position, array in enumerate(arrays)
    ]
    xp = symbolic_namespace(recorder)
    result = forward(case.op, symbols, case.attributes, xp)
    g = Symbol(recorder, recorder.input("g", result.shape))
    inputs["g"] = np.random.default_rng(0).standard_normal(result.shape).astype(dtype)
    outputs = {"y": result.number}
    for position, signature in enumerate(case.op.signature.inputs):
        if signature.name in case.op.rules and symbols[position] is not None:
            rule = rule_result(case.op, position, symbols, case.attributes, g, xp)
            outputs[f"d{position}"] = rule.number if isinstance(rule, Symbol) else recorder.constant(rule)
    assert_agree(recorder.program(inputs, outputs, dtype), inputs)


def test_the_table_of_ops_has_all():
    assert {case.op.name for case in cases()} == set(all_ops()), "each op is compiled above"


def instruction(primitive, operands, parameters, shape, boolean=False):
    return Instruction(primitive, operands, parameters, shape, boolean, "")


ONE = {
    **{
        name: (("a", "b", "a")[:count], (), (3, 2), name in BOOLEAN)
        for name, count in ELEMENTWISE.items()
        if name not in ("where", "real", "logical_and", "logical_or", "logical_not")
    },
    **{name: (("c", "d")[: ELEMENTWISE[name]], (), (3, 2), True) for name in ("logical_and", "logical_or")},
    "logical_not": (("c",), (), (3, 2), True),
    "real": (("c",), (), (3, 2), False),
    "where": (("c", "a", "b"), (), (3, 2), False),
    **dict.fromkeys(("sum", "prod", "max", "min"), (("a",), ((0, 1), False), (), False)),
    "argmax": (("a",), ((1,), True), (3, 1), False),
    "matmul": (("a", "e"), (), (3, 3), False),
    "permute_dims": (("a",), ((1, 0),), (2, 3), False),
    "reshape": (("f",), ((3, 2),), (3, 2), False),
    "broadcast_to": (("a",), ((2, 3, 2),), (2, 3, 2), False),
    "concat": (("a", "b"), (0,), (6, 2), False),
    "index": (("a",), ((Ellipsis, None, ("slice", None, None, -1)),), (3, 1, 2), False),
    "one_hot": (("i",), (3,), (2, 3), False),
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("primitive", [*ELEMENTWISE, *STRUCTURAL])
def test_every_primitive(primitive, dtype):
    operands, parameters, shape, boolean = ONE[primitive]
    names = {"a": 0, "b": 1, "c": 3, "d": 4, "e": 5, "f": 6, "i": 2}
    start = (
        instruction("input", (), ("a",), (3, 2)),
        instruction("input", (), ("b",), (3, 2)),
        instruction("input", (), ("i",), (2,)),
        instruction("less", (0, 1), (), (3, 2), True),
        instruction("greater", (0, 1), (), (3, 2), True),
        instruction("permute_dims", (1,), ((1, 0),), (2, 3)),
        instruction("permute_dims", (0,), ((1, 0),), (2, 3)),
    )
    last = instruction(primitive, tuple(names[name] for name in operands), parameters, shape, boolean)
    program = Program((*start, last), {"a": 0, "b": 1, "i": 2}, {"y": 7}, dtype)
    generator = np.random.default_rng(1)
    inputs = {"a": generator.random((3, 2)) + 0.01, "b": generator.random((3, 2)), "i": np.array([2.0, 0.0])}
    inputs = {name: array.astype(dtype) for name, array in inputs.items()}
    assert_agree(program, inputs)


def test_an_index_that_is_no_class_is_refused():
    one_hot = instruction("one_hot", (0,), (3,), (1, 3))
    program = Program((instruction("input", (), ("i",), (1,)), one_hot), {"i": 0}, {"y": 1}, "float64")
    for wrong in (3.0, -1.0, 0.5, np.nan):
        with pytest.raises(ValueError, match="is not a whole number from 0 to 2"):
            ArrayProgram(program).run({"i": np.array([wrong])})
    with pytest.raises(ValueError, match="shape"):
        ArrayProgram(program).run({"i": np.zeros(2)})


def training_steps(graph, rows=None):
    network = prepare(graph)
    steps = plan(network, (network.graph.loss,), (network.graph.loss,), network.graph.parameters())
    leaves = everything(graph, rows)[1]
    return steps, {id: np.array(leaves[id]) for id in steps.leaves}


def assert_updates_agree(program, leaves, updates):
    """Take three steps, each time with the interpreter's new values of the inputs that change."""
    updates = {id: new for id, new in updates.items() if id in program.inputs}
    rate = {LEARNING_RATE: np.array(0.125)}
    inputs = {name: np.array({**leaves, **rate}[name], program.dtype) for name in program.inputs}
    step, outputs, _ = bind(array_code(program, None, updates), list(inputs.values()))
    expected = {name: array.copy() for name, array in inputs.items()}
    tolerance = 10 * TOLERANCE[program.dtype]
    for _ in range(3):
        step()
        results = interpret(program, expected)
        expected.update({id: results[new] for id, new in updates.items()})
        for name, found in zip(program.outputs, outputs, strict=True):
            np.testing.assert_allclose(found, results[name], rtol=tolerance, atol=tolerance, err_msg=name)
        for id in inputs:
            np.testing.assert_allclose(inputs[id], expected[id], rtol=tolerance, atol=tolerance, err_msg=id)


FACTORS = {
    "x": {"op": "constant", "value": [[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]]},
    "u": {"op": "parameter", "value": [[0.5, 0.1, 0.3], [-0.25, 0.2, 0.7]]},
    "w": {"op": "parameter", "value": [[1.0, 0.5], [0.25, -0.5], [0.3, 0.2]]},
    "b": {"op": "parameter", "value": [0.1, 0.2]},
    "uw": {"op": "matmul", "inputs": ["u", "w"]},
    "xuw": {"op": "matmul", "inputs": ["x", "uw"]},
    "a": {"op": "add", "inputs": ["xuw", "b"]},
    "s": {"op": "multiply", "inputs": ["a", "a"]},
    "decay": {"op": "multiply", "inputs": ["b", "b"]},
    "total": {"op": "add", "inputs": ["s", "decay"]},
    "L": {"op": "sum", "inputs": ["total"]},
}
"""Parameters whose gradients need each other's old values, and one that is used twice."""


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_updates_use_the_old_values_of_all(load_graph, dtype):
    steps, leaves = training_steps(load_graph(FACTORS, loss="L"))
    program = training_program(steps, {id: array.shape for id, array in leaves.items()}, {}, dtype, SGD)
    assert_updates_agree(program, leaves, {id: f"new {id}" for id in steps.wrt})


def test_values_that_change_places():
    first, second = instruction("input", (), ("a",), (2,)), instruction("input", (), ("b",), (2,))
    total = instruction("add", (0, 1), (), (2,))
    program = Program(
        (first, second, total), {"a": 0, "b": 1}, {"new a": 1, "new b": 0, "old a": 0, "sum": 2}, "float64"
    )
    leaves = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 5.0])}
    for updates in ({"a": "new a", "b": "new b"}, {"a": "sum", "b": "sum"}, {"a": "sum", "b": "old a"}):
        assert_updates_agree(program, leaves, updates)


def test_what_is_bound_is_let_go_at_once():
    """Its memory would else be kept until Python looks for circles."""
    program = Program((instruction("input", (), ("a",), (2,)), instruction("exp", (0,), (), (2,))), {"a": 0}, {"y": 1},
                      "float64")  # fmt: skip
    step, outputs, _ = bind(array_code(program), [np.zeros(2)])
    step()
    np.testing.assert_array_equal(outputs[0], np.ones(2))
    gone = weakref.ref(step)
    gc.disable()
    try:
        del step
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x0cb", "a\0b", "a\u2028b", 'a"""b', "a#b"])
def test_text_cannot_leave_its_comment(text):
    program = Program(
        (Instruction("input", (), (text,), (), False, text), Instruction("exp", (0,), (), (), False, text)),
        {text: 0},
        {text: 1},
        "float64",
    )
    code = array_code(program, None, {text: text}).python
    names = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    assert names <= {"v0", "v1", "o1", "m0", "inputs", "outputs", "rows", "exp", "empty", "empty_like", "copyto"}
    assert len(code.splitlines()) == len(code.split("\n")) - 1


def test_a_comparison_may_overwrite_what_it_compares():
    program = Program(
        (
            instruction("input", (), ("a",), (40, 50)),
            instruction("exp", (0,), (), (40, 50)),
            instruction("constant", (), (1.0,), ()),
            instruction("constant", (), (0.0,), ()),
            instruction("greater", (1, 2), (), (40, 50), True),
            instruction("where", (4, 2, 3), (), (40, 50)),
        ),
        {"a": 0},
        {"y": 5},
        "float32",
    )
    assert_agree(program, {"a": np.random.default_rng(0).standard_normal((40, 50)).astype("float32")})
    assert array_code(program).python.count("empty(") == 1


def test_the_updates_of_layers_are_one_product_each(root):
    steps, leaves = training_steps(dagprop.load(root / "graphs/digits.json"), 8)
    program = training_program(steps, {id: array.shape for id, array in leaves.items()}, {}, "float32", SGD)
    code = array_code(program, [MEAN_LOSS], {id: f"new {id}" for id in steps.wrt}).python
    assert code.count(f"{SUBTRACT_PRODUCT}(") == code.count(f"{SUBTRACT_COLUMN_SUMS}(") == 2
    step = code.partition("def step")[2].partition("outputs =")[0]
    assert "empty" not in step and "reshape" not in step, "no array is made in a step"


def training_task(graph, rows, batch_size, dtype):
    network = prepare(graph)
    objective = ("logits/f", "digit") if graph.name == "digits" else None
    outputs = tuple(dict.fromkeys((network.graph.loss, *(objective or ()))))
    steps = plan(network, outputs, (network.graph.loss,), network.graph.parameters())
    leaves = everything(graph, rows)[1]
    leaves = {id: leaves[id].astype(dtype) for id in steps.leaves}
    kinds = {"sampled": {}, "fixed": {}, "variables": {}}
    for id, array in leaves.items():
        kind = "variables" if network.node(id).op == "parameter" else "fixed"
        kinds["sampled" if network.shapes[id][:1] == ("N",) else kind][id] = array
    return TrainingTask(steps, network.shapes, {}, objective, SGD, dtype, **kinds, batch_size=batch_size)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("steps", [0, math.inf], ids=["NumPy", "kernels"])
@pytest.mark.parametrize("name", ["line", "xor", "two-spirals", "digits"])
def test_an_epoch_is_that_of_the_reference(root, name, dtype, steps):
    task = replace(training_task(dagprop.load(root / "graphs" / f"{name}.json"), 11, 4, dtype), steps=steps)
    order = np.random.default_rng(3).permutation(11)
    batches = [order[:4], order[4:8], order[8:]]
    trainer = ArrayTrainer(task)
    start = {id: array.copy() for id, array in task.variables.items()}
    outcome = trainer.epoch(task.variables, batches, 0.0625, 1)
    outcome = trainer.epoch(outcome.variables, batches, 0.0625, 1)
    variables, losses, compared = dict(task.variables), [], []
    for samples in batches * 2:
        leaves = {**task.fixed, **variables, **{id: array[samples] for id, array in task.sampled.items()}}
        done = run(task.plan, leaves)
        losses.append(done.values[task.plan.outputs[0]].mean())
        compared.append([done.values[name] for name in task.compared or ()])
        variables.update({id: variables[id] - np.asarray(0.0625, dtype) * d for id, d in done.gradients.items()})
    tolerance = 10 * TOLERANCE[dtype]
    np.testing.assert_allclose(outcome.losses, losses[3:], rtol=tolerance)
    for id, value in variables.items():
        np.testing.assert_allclose(outcome.variables[id], value, rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(task.variables[id], start[id])
    assert (outcome.compared is None) == (task.compared is None)
    if outcome.compared is not None:
        together = [np.concatenate(arrays) for arrays in zip(*compared[3:], strict=True)]
        for found, expected in zip(outcome.compared[0], together, strict=True):
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    assert not outcome.interrupted


def test_an_interrupt_waits_for_the_end_of_the_step(root):
    task = training_task(dagprop.load(root / "graphs/digits.json"), 12, 4, "float64")

    class Batches(list):
        passes = 0

        def __iter__(self):
            self.passes += 1  # the first is to look at their sizes
            for number, samples in enumerate(super().__iter__()):
                if (self.passes, number) == (2, 1):
                    signal.raise_signal(signal.SIGINT)
                yield samples

    parts = [np.arange(4), np.arange(4, 8), np.arange(8, 12)]
    trainer = ArrayTrainer(task)
    expected = trainer.epoch(task.variables, parts[:1], 0.1, 1)
    before = signal.getsignal(signal.SIGINT)
    found = trainer.epoch(task.variables, Batches(parts), 0.1, 1)
    assert found.interrupted and len(found.losses) == 1
    assert signal.getsignal(signal.SIGINT) is before
    for id, value in expected.variables.items():
        np.testing.assert_array_equal(found.variables[id], value)


def test_an_interrupt_behind_the_last_step_is_not_lost(root, monkeypatch):
    @contextmanager
    def interrupted_threads(count):
        yield
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(array_trainer, "threads", interrupted_threads)
    task = training_task(dagprop.load(root / "graphs/digits.json"), 12, 4, "float64")
    outcome = ArrayTrainer(task).epoch(task.variables, [np.arange(4), np.arange(4, 8)], 0.1, 1)
    assert outcome.interrupted and len(outcome.losses) == 2


def test_a_wrong_class_shows_as_a_loss_that_is_no_number(root):
    task = training_task(dagprop.load(root / "graphs/digits.json"), 8, 4, "float64")
    task.sampled["digit"][5] = 11
    outcome = ArrayTrainer(task).epoch(task.variables, [np.arange(4), np.arange(4, 8)], 0.1, 1)
    assert len(outcome.losses) == 2 and not outcome.is_finite()
