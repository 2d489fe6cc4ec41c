"""What the engine makes of an op: compiled code that agrees with the reference, a formula, and speed."""

from __future__ import annotations

from typing import Any

import numpy as np

from dagprop.author.derivative_checks import op_network
from dagprop.author.expression import COST
from dagprop.author.report import Item, worth_knowing, wrong
from dagprop.author.trial import Case, Trial, attribute_rows, given_attributes, is_elementwise, rule_result
from dagprop.backends.leaf_values import leaf_values
from dagprop.backends.select import execute
from dagprop.errors import DagpropError, Problem, error_text
from dagprop.explain.formula import Formula, Name
from dagprop.explain.printer import Printer
from dagprop.explain.rule_formulas import op_formulas
from dagprop.graph.records import SAMPLE_AXIS, Graph, Node, TrainSettings
from dagprop.ops.contract import Op
from dagprop.ops.registry import ops
from dagprop.plan.network import prepare
from dagprop.plan.steps import plan
from dagprop.program.recorder import Recorder
from dagprop.program.symbols import Symbol, symbolic_namespace
from dagprop.train.data import data_from_arrays
from dagprop.train.evaluation import evaluation_plan, gather_leaves
from dagprop.train.loop import make_task
from dagprop.train.metrics import judge_of
from dagprop.train.timing import time_steps

TOLERANCE = {"float64": 1e-9, "float32": 1e-3}
"""How near to each other the results of back ends are, relative to the largest of them."""

PEERS = {
    1: ("relu", "leaky_relu", "sigmoid", "tanh", "swish", "softplus", "gelu", "sin"),
    2: ("half_squared_error", "absolute_error", "divide", "maximum", "binary_cross_entropy_with_logits"),
}
"""With what an op is compared in speed, by the number of its inputs: with what costs about the same."""

SLOW = ("sin", "cos", "tan", "sinh", "cosh", "erf", "erfc", "pow", "atan", "asin", "acos")
"""What back ends compute one by one."""

STEPS = 400


def check_back_ends(op: Op, trial: Trial) -> Item:
    """Run the op, forward and backward, with each back end; record it on the way."""
    problems: list[Problem] = []
    shapes = trial.case.shapes
    inputs = [None if x is None else np.array(x) for x in trial.inputs(shapes, 3)]
    rules = [f"x{i}" for i in range(len(shapes)) if op.signature.input_name(i).split("[")[0] in op.rules]
    for dtype, tolerance in TOLERANCE.items():
        try:
            network = op_network(op, inputs, trial.case.attributes)
            steps = plan(network, network.outputs["y"], network.outputs["y"], tuple(rules))
            leaves = {id: array.astype(dtype) for id, array in leaf_values(network, steps.leaves).arrays.items()}
            shapes_of = execute(plan(network, network.outputs["y"]), leaves, None, "reference").values
            given = {name: np.linspace(-1, 1.5, y.size, dtype=dtype).reshape(y.shape) for name, y in shapes_of.items()}
            reference = execute(steps, leaves, given, "reference")
            compiled = execute(steps, leaves, given, "compiled")
        except DagpropError as error:
            hint = "rules use the functions of xp, and xp.where instead of if"
            problems += [_at_rule(op, problem, hint) for problem in error.problems]
            break
        pairs = [(name, reference.values[name], compiled.values[name]) for name in reference.values]
        pairs += [(f"∂L/∂{name}", reference.gradients[name], compiled.gradients[name]) for name in reference.gradients]
        for name, expected, found in pairs:
            size = float(np.abs(expected).max(initial=1e-3))
            if not np.allclose(found, expected, rtol=tolerance, atol=tolerance * size, equal_nan=True):
                message = f"{name} in {dtype} differs between the reference and compiled code"
                problems.append(wrong(op, op.forward, message, "does a rule use something beside its arguments?"))
    text = "reference and compiled code" + ("" if problems else " agree in float64 and float32")
    return Item("back ends", text, tuple(problems))


def _at_rule(op: Op, problem: Problem, hint: str) -> Problem:
    code = op.forward.__code__
    return Problem(
        problem.code,
        problem.message,
        problem.hint or hint,
        file=problem.file or code.co_filename,
        line=problem.line or code.co_firstlineno,
    )


def check_sample_axis(op: Op, trial: Trial) -> Item:
    """Run the op on shapes alone, with a sample axis whose size is not known."""
    nodes = {}
    for i, shape in enumerate(trial.case.shapes):
        sampled = shape is not None and len(shape) > 0 and shape[0] == 5
        declared = [SAMPLE_AXIS, *shape[1:]] if sampled and shape else list(shape or ())
        if shape is not None:
            nodes[f"x{i}"] = Node(f"x{i}", "input", (), {"shape": declared})
    given = given_attributes(op, trial.case.attributes)
    nodes["y"] = Node("y", op.name, tuple(nodes), given)
    try:
        network = prepare(Graph(nodes, outputs=("y",)))
    except DagpropError as error:
        return Item(
            "samples",
            "does not run on shapes",
            tuple(_at_rule(op, p, "docs/functions.md lists what xp has") for p in error.problems),
        )
    output = ", ".join(map(str, network.shapes[network.outputs["y"][0]]))
    return Item("samples", f"any number of samples: the output is ({output})")


def check_formula(op: Op, trial: Trial) -> Item:
    """Print the formulas of the rules, as dagprop derive does."""
    printer = Printer()
    try:
        value, rules = _formulas(op, trial)
        slopes = [(name, printer(formula)) for name, formula in rules.items()]
        text = printer(value)
    except (Exception, SystemExit) as error:
        return Item("formula", "cannot be printed", (wrong(op, op.forward, f"no formula: {error_text(error)}"),))
    by = "∂y/∂{}" if is_elementwise(op) else "∂L/∂{}"
    lines = [f"y = {text}", *(f"{by.format(name)} = {slope}" for name, slope in slopes)]
    return Item("formula", "; ".join(line if len(line) < 200 else line[:197] + "..." for line in lines))


def _formulas(op: Op, trial: Trial) -> tuple[Formula, dict[str, Formula]]:
    """Return the formulas of the rules, with attributes by their names where that is possible."""
    shapes = [() if is_elementwise(op) or shape is None else shape for shape in trial.case.shapes]
    inputs = {op.signature.input_name(position): shape for position, shape in enumerate(shapes)}
    numbers = {a.name for a in op.signature.attributes if a.kind == "number"}
    named = {k: Name(k) if k in numbers else value for k, value in trial.case.attributes.items()}
    for attributes in (named, trial.case.attributes):
        try:
            return op_formulas(op, attributes, inputs)
        except (Exception, SystemExit) as error:  # math.exp of an attribute, say, needs its number
            failure = error
    raise failure


def check_speed(op: Op, trial: Trial) -> Item:
    """Time training steps through the op, and through a built-in of the same kind."""
    count = len(trial.case.shapes)
    peer = _peer(op, trial)
    if (
        peer not in ops()
        or any(shape != (5, 3) for shape in trial.case.shapes)
        or set(trial.domains) != {"any numbers"}
    ):
        return Item("speed", "there is no built-in op of the same kind", skipped=True)
    times: dict[str, float] = {}
    try:
        for name in (op.name, peer, op.name, peer):
            title, timing, _ = time_steps(
                _speed_task(name, count, trial if name == op.name else None), 1e-4, "auto", STEPS
            )
            times[name] = min(times.get(name, np.inf), timing.median)
    except DagpropError as error:
        return Item("speed", "cannot be timed", (worth_knowing(op, op.forward, error.problems[0].message),))
    ratio = times[op.name] / times[peer]
    own, other = (f"{times[name] * 1e6:.0f} µs" for name in (op.name, peer))
    return Item(
        "speed", f"a step over 64 x 64 numbers takes {own}, through {peer} {other} ({ratio:.2f} times); {title}"
    )


def _peer(op: Op, trial: Trial) -> str:
    """Return the built-in op that takes about as many operations."""
    if not is_elementwise(op):
        return "softmax"
    own = _operations(op, trial)
    others = {}
    for name in PEERS.get(len(trial.case.shapes), ()):
        if name != op.name:
            case = Case(ops()[name], trial.case.shapes, attribute_rows(ops()[name])[0])
            others[name] = _operations(case.op, Trial(case, trial.domains))
    return min(others, key=lambda name: abs(others[name] - own)) if others else ""


def _operations(op: Op, trial: Trial) -> float:
    """Return what the rules of an op cost, all together."""
    recorder = Recorder()
    xp = symbolic_namespace(recorder)
    inputs = [Symbol(recorder, recorder.input(f"x{i}", ())) for i in range(len(trial.case.shapes))]
    try:
        for position in range(len(inputs)):
            rule_result(op, position, inputs, trial.case.attributes, inputs[0], xp)
    except (Exception, SystemExit):  # said elsewhere
        return 0.0
    prices = {**dict.fromkeys(SLOW, 20.0), **COST, "where": 8.0}
    return sum(prices.get(instruction.primitive, 1.0) for instruction in recorder.instructions)


def _speed_task(name: str, count: int, trial: Trial | None) -> Any:
    attributes = {} if trial is None else given_attributes(trial.case.op, trial.case.attributes)
    nodes: dict[str, Node] = {"t": Node("t", "constant", (), {"value": 0.1})}
    for i in range(count):
        nodes[f"x{i}"] = Node(f"x{i}", "input", (), {"shape": [SAMPLE_AXIS, 64]})
        nodes[f"w{i}"] = Node(f"w{i}", "parameter", (), {"value": np.linspace(0.5, 1.0, 64).tolist()})
        nodes[f"p{i}"] = Node(f"p{i}", "multiply", (f"w{i}", f"x{i}"), {})
    nodes["y"] = Node("y", name, tuple(f"p{i}" for i in range(count)), attributes)
    nodes["e"] = Node("e", "half_squared_error", ("y", "t"), {})
    nodes["L"] = Node("L", "mean", ("e",), {"axis": -1})
    network = prepare(Graph(nodes, loss="L", train=TrainSettings(batch_size=64)))
    judge = judge_of(network)
    steps = evaluation_plan(network, judge, network.graph.parameters(), ())
    generator = np.random.default_rng(0)
    samples = data_from_arrays(network, {f"x{i}": generator.normal(size=(64, 64)) for i in range(count)})
    start = {f"w{i}": np.linspace(0.5, 1.0, 64) for i in range(count)}
    leaves = gather_leaves(network, samples, start, tuple(dict.fromkeys((*steps.leaves, *start))))
    return make_task(network, network.graph.train, judge, 64, steps, {}, leaves, STEPS)
