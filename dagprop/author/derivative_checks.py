"""The derivatives of an op: against its own forward rule when the input moves, and against the symbolic derivative."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dagprop.author.accuracy import Exact, Points, exact_values
from dagprop.author.derive import Derivative, Style
from dagprop.author.expression import Tree
from dagprop.author.promises import quiet
from dagprop.author.recorded import constants_in, recorded_forward
from dagprop.author.report import Item, worth_knowing, wrong
from dagprop.author.trial import Trial, forward, given_attributes, input_name, is_elementwise, rule_result
from dagprop.backends.leaf_values import leaf_values
from dagprop.backends.reference import Array
from dagprop.check.network import check_network
from dagprop.check.records import Finding, Settings
from dagprop.errors import DagpropError, Problem
from dagprop.graph.records import Graph, Node
from dagprop.ops.contract import Op, Rule
from dagprop.plan.network import Network, prepare

POINTS, FAR = 80, 20
"""So many numbers between -3 and 3, and beyond, are put into each input of an elementwise op."""

FAR_POINTS = (
    -1e4,
    -745.2,
    -300.0,
    -88.8,
    -37.1,
    -20.3,
    -8.7,
    -2.2,
    -0.3,
    -1e-5,
    1e-5,
    0.4,
    1.9,
    7.7,
    21.3,
    37.9,
    88.8,
    300.0,
    745.2,
    1e4,
)

LOST = 1e-9
"""A relative error above this is worth knowing."""


def op_network(op: Op, values: list[Any], attributes: dict[str, Any]) -> Network:
    """Return a network of one op, ``y``, whose inputs are parameters ``x0``, ``x1``, ...

    Raises
    ------
    GraphError
        If the op does not run on shapes.
    """
    given = given_attributes(op, attributes)
    nodes = {
        f"x{i}": Node(f"x{i}", "parameter", (), {"value": x.tolist()}) for i, x in enumerate(values) if x is not None
    }
    nodes["y"] = Node("y", op.name, tuple(nodes), given)
    return prepare(Graph(nodes, outputs=("y",)))


def check_by_moving(op: Op, trial: Trial) -> Item:
    """Compare each rule with what its forward rule does when the input moves."""
    problems: dict[tuple[str, str], Problem] = {}
    methods: dict[str, int] = {}
    entries = 0
    for inputs in _operating_points(op, trial):
        try:
            network = op_network(op, inputs, trial.case.attributes)
            leaves = leaf_values(network, [f"x{i}" for i, x in enumerate(inputs) if x is not None])
            done = check_network(network, leaves, Settings(samples=None if inputs[0].size < 20 else 20))
        except DagpropError as error:
            return Item("derivatives", "cannot be tried", tuple(error.problems))
        entries += done.rules.entries
        for method, count in done.rules.methods.items():
            methods[method] = methods.get(method, 0) + count
        for finding in done.rules.findings:
            problem = _finding_problem(op, finding, inputs)
            if problem is not None:
                problems.setdefault((finding.kind, finding.input), problem)
        for item in done.unchecked:
            if item.input in op.rules:
                rule = op.rules[item.input].function
                problems.setdefault(
                    ("unchecked", item.input), worth_knowing(op, rule, f"input {item.input}: {item.reason}")
                )
    text = f"{entries} entries, by {' and '.join(sorted(methods)) or 'nothing'}"
    return Item("derivatives", text, tuple(sorted(problems.values(), key=lambda problem: problem.warning)))


def _operating_points(op: Op, trial: Trial) -> Iterator[list[Array]]:
    shapes = trial.case.shapes
    count = len(shapes)
    generator = np.random.default_rng(1)
    if not is_elementwise(op):
        for seed in range(2):
            yield [np.array(x) for x in trial.inputs(shapes, seed)]
        return
    yield trial.numbers([generator.uniform(-3, 3, POINTS) for _ in range(count)])
    yield trial.numbers([generator.uniform(3, 25, FAR) * generator.choice([-1, 1], FAR) for _ in range(count)])
    # Where there may be kinks: at 0, at the numbers that stand in the rule, and where inputs are equal.
    recorded = recorded_forward(trial)
    special = sorted(
        {0.0, 1.0, -1.0, *(s * c for c in (constants_in(recorded[0]) if recorded else []) for s in (1, -1))}
    )[:40]
    yield trial.numbers([np.array(special)] * count)
    if count > 1:
        yield trial.numbers([np.array(special), *(np.full(len(special), 0.37 + i) for i in range(1, count))])


def _finding_problem(op: Op, finding: Finding, inputs: list[Array]) -> Problem | None:
    """Return what a finding means for the author of an op."""
    rule = op.rules[finding.input.split("[")[0]].function
    place = ", ".join(_at(op, i, x, finding) for i, x in enumerate(inputs) if x is not None)
    by = f"∂y/∂{finding.input} at {place}"
    if finding.failed:
        if finding.hint and finding.rule != finding.rule:
            return wrong(
                op, rule, f"{by}: {finding.hint}", f"moving the input gives {finding.numeric:.9g} ({finding.method})"
            )
        message = f"{by}: the rule gives {finding.rule:.9g}, moving the input {finding.numeric:.9g} ({finding.method})"
        return wrong(op, rule, message, finding.hint or "derive the forward rule again")
    rule_gives = f"the rule gives {finding.rule + 0.0:.6g}"
    if finding.kind == "kink":
        sides = f"{finding.left + 0.0:.6g} to the left, {finding.right + 0.0:.6g} to the right"
        return worth_knowing(op, rule, f"a kink, {by}: {sides}; {rule_gives}")
    if finding.kind == "jump":
        return worth_knowing(op, rule, f"a jump, {by}: the output has no derivative there; {rule_gives}")
    if finding.kind == "not finite":
        return worth_knowing(op, rule, f"{by}: {rule_gives}", finding.hint or None)
    return None


def _at(op: Op, position: int, x: Array, finding: Finding) -> str:
    name = op.signature.input_name(position)
    if x.ndim == 1 and finding.entry and len(finding.entry) == 1 and finding.entry[0] < x.size:
        return f"{name} = {x[finding.entry[0]]:.6g}"
    return f"{name}{list(finding.entry)}" if name == finding.input else f"{name} of shape {x.shape}"


def check_symbolically(op: Op, trial: Trial) -> Item:
    """Compare values and derivatives with exact ones: the forward rule is recorded, and SymPy derives it."""
    name = "symbolic derivative"
    if not is_elementwise(op):
        return Item(name, "not elementwise", skipped=True)
    recorded = recorded_forward(trial)
    if recorded is None:
        return Item(name, "the forward rule has what SymPy cannot derive, or too much of it", skipped=True)
    tree, names = recorded
    points = Points(dict(zip(names, trial.numbers(_far_points(len(names))), strict=True)))
    problems: list[Problem] = []
    largest = 0.0
    rules: list[tuple[Tree, Rule, str, int | None]] = [(tree, op.forward, "the forward rule", None)]
    for position, input in enumerate(names):
        declared = op.rules.get(input_name(op, position))
        if declared is not None:
            try:
                slope = Derivative(tree, input).written(Style())
            except Exception:  # SymPy came to something that no rule computes
                return Item(name, "SymPy cannot derive the forward rule", skipped=True)
            rules.append((slope, declared.function, f"the derivative rule for {input}", position))
    for expected, rule, title, rule_position in rules:
        exact = exact_values(expected, points)
        found = _computed(op, trial, [exact.points.values[n] for n in names], rule_position)
        relative, problem = _compared(op, rule, title, found, exact)
        largest = max(largest, relative)
        problems += [problem] if problem else []
    size = f"below 1e{int(np.ceil(np.log10(max(largest, 1e-14)))):+03d}" if np.isfinite(largest) else "infinite"
    return Item(name, f"relative errors of values and derivatives are {size}", tuple(problems))


def _far_points(count: int) -> list[Array]:
    if count == 1:
        return [np.array(FAR_POINTS)]
    generator = np.random.default_rng(2)
    return [generator.permutation(np.tile(FAR_POINTS, 3)) for _ in range(count)]


def _computed(op: Op, trial: Trial, inputs: list[Array], position: int | None) -> Array:
    with quiet():
        try:
            if position is None:
                found = forward(op, inputs, trial.case.attributes)
            else:
                found = rule_result(op, position, inputs, trial.case.attributes, np.ones(len(inputs[0])))
            return np.broadcast_to(np.asarray(found, dtype=float), inputs[0].shape)
        except (Exception, SystemExit):  # said by the check of the shapes
            return np.full(inputs[0].shape, np.nan)


def _compared(op: Op, rule: Rule, title: str, found: Array, exact: Exact) -> tuple[float, Problem | None]:
    """Return the largest relative error, and what is wrong or worth knowing."""
    held = np.abs(exact.values) < 1e30
    values, got, slack = exact.values[held], found[held], 2 * exact.slack[held] + exact.jump[held]
    if not values.size:
        return 0.0, None
    rows = [row for row, keep in zip(exact.points.rows(), held, strict=True) if keep]
    with quiet():
        away = np.nan_to_num(np.maximum(np.abs(got - values) - slack, 0), nan=np.inf)
        relative = np.where(
            np.abs(values) < 1e-290, np.where(away < 1e-25, 0.0, np.inf), away / (np.abs(values) + 1e-290)
        )
        grave = away > 1e-6 * np.maximum(np.abs(values), 1e-3)
    if grave.any():
        i = int(np.argmax(np.where(grave, relative, -1)))
        place = ", ".join(f"{key} = {number:.6g}" for key, number in rows[i].items())
        return float(relative[i]), wrong(
            op, rule, f"{title} gives {got[i]:.9g} at {place}; exact is {values[i]:.9g}", _hint(got[i])
        )
    i = int(np.argmax(relative))
    if relative[i] > LOST:
        place = ", ".join(f"{key} = {number:.6g}" for key, number in rows[i].items())
        message = f"{title} loses digits: a relative error of {relative[i]:.1e} at {place}"
        return float(relative[i]), worth_knowing(op, rule, message, "terms that are nearly equal cancel there")
    return float(relative[i]), None


def _hint(found: float) -> str | None:
    if not np.isfinite(found):
        return (
            "something on the way overflows: write it with what is bounded, as tanh, 1 / (1 + exp(-x)), expm1 and log1p"
        )
    return None
