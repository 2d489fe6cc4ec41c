"""An op on trial: inputs to try it on, and its rules run one by one, without the engine."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import Array
from dagprop.ops.arguments import place_of
from dagprop.ops.contract import Op, Rule
from dagprop.record import record

Shape = tuple[int, ...]

DOMAINS: Mapping[str, Callable[[Array], Array]] = {
    "any numbers": lambda v: v,
    "positive numbers": lambda v: np.abs(v) + 0.05,
    "numbers between -1 and 1": lambda v: 0.95 * v / (1 + np.abs(v)),
    "numbers above 1": lambda v: np.abs(v) + 1.05,
    "0 and 1": lambda v: np.where(v > 0, 1.0, 0.0),
}
"""What an input may be restricted to, and how numbers are brought there."""

ROWS: tuple[tuple[Shape, ...], ...] = (
    *(((5, 3),), ((3,),), ((),)),
    *(((5, 3), (5, 3)), ((5, 3), (3, 2)), ((5, 3), (5,)), ((5, 3), (3,)), ((3,), (3,))),
    *(((5, 3), (5, 3), (5, 3)), ((5, 3), (3, 2), (2,)), ((5, 3), (3,), (3,)), ((2, 3), (3, 3), (3,))),
)
"""Shapes that the inputs of an op may have which is not elementwise; the first that it takes are used."""


@record
class Case:
    """An op with the shapes of its inputs (None: left out) and its attributes."""

    op: Op
    shapes: tuple[Shape | None, ...]
    attributes: dict[str, Any]

    def __str__(self) -> str:
        given = given_attributes(self.op, self.attributes)
        return "-".join([self.op.name, *map(str, self.shapes), *(f"{k}={v}" for k, v in given.items())]).replace(
            " ", ""
        )


def given_attributes(op: Op, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that differ from their defaults, as a graph file gives them."""
    defaults = {attribute.name: attribute.default for attribute in op.signature.attributes}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in attributes.items()
        if value != defaults[name]
    }


def is_elementwise(op: Op) -> bool:
    """Whether all rules of an op are local derivatives."""
    return bool(op.rules) and all(rule.kind == "derivative" for rule in op.rules.values())


def input_count(op: Op) -> int:
    """Return how many inputs an op is tried on: one that is variadic has one more."""
    return len(op.signature.inputs) + op.signature.variadic


def input_name(op: Op, position: int) -> str:
    """Return the name of the input at a position; variadic ones share theirs."""
    return op.signature.inputs[min(position, len(op.signature.inputs) - 1)].name


def elementwise_shapes(op: Op) -> list[list[Shape | None]]:
    """Return shapes that broadcast, scalars and empty ones, for as many inputs as the op takes."""
    count = input_count(op)
    rows: list[list[Shape | None]] = [[()] * count, [(5, 3)] * count, [(0, 3)] * count]
    if count > 1:
        rows += [
            list(itertools.islice(itertools.cycle(row), count))
            for row in ([(), (5,)], [(5, 1), (3,)], [(3,), (2, 1, 1), ()])
        ]
    if op.signature.variadic:
        rows.append([(3,), (5, 3), (5, 1), ()])
    if op.signature.inputs[-1].optional:
        rows += [[*row[:-1], None] for row in rows]
    return rows


def attribute_rows(op: Op) -> list[dict[str, Any]]:
    """Return the defaults, and then each attribute changed for itself where a change has a meaning for any op."""
    defaults = {attribute.name: attribute.default for attribute in op.signature.attributes}
    for attribute in op.signature.attributes:
        if attribute.required:
            given: dict[str, Any] = {
                "number": 0.5,
                "integer": 1,
                "boolean": True,
                "shape": (-1,),
                "integers": (0,),
                "axes": -1,
            }
            defaults[attribute.name] = attribute.choices[0] if attribute.choices else given.get(attribute.kind)
    changed = [defaults]
    for attribute in op.signature.attributes:
        if attribute.kind == "number" and attribute.default is not None:
            changed.append({**defaults, attribute.name: 0.7 * attribute.default + 0.4})
        changed += [{**defaults, attribute.name: choice} for choice in attribute.choices if choice != attribute.default]
    return changed


def forward(op: Op, inputs: Sequence[Any], attributes: dict[str, Any], xp: Any = numpy_namespace) -> Any:
    """Return what the forward rule gives."""
    return op.forward(*([xp] if "xp" in op.arguments else []), *inputs, **attributes)


def rule_result(
    op: Op, position: int, inputs: Sequence[Any], attributes: dict[str, Any], g: Any, xp: Any = numpy_namespace
) -> Any:
    """Return what the rule of one input gives: the local derivative, or the gradient."""
    fixed = len(op.signature.inputs) - op.signature.variadic
    y = forward(op, inputs, attributes, xp)
    for array in (y, g):
        if isinstance(array, np.ndarray):
            array.setflags(write=False)  # a rule that changes them fails
    known = {"xp": xp, "g": g, "y": y, **attributes}
    known |= {signature.name: value for signature, value in zip(op.signature.inputs, inputs, strict=False)}
    if op.signature.variadic:
        known[op.signature.inputs[-1].name] = tuple(inputs[fixed:])
    rule = op.rules[input_name(op, position)]
    result = rule.function(**{name: known[name] for name in rule.arguments})
    return result[position - fixed] if isinstance(result, tuple) and position >= fixed else result


@record
class Trial:
    """How an op is tried: shapes that it takes, and what its inputs may be.

    Attributes
    ----------
    case : Case
        The first that works.
    domains : tuple of str
        A key of :data:`DOMAINS` for each input.
    """

    case: Case
    domains: tuple[str, ...]

    def numbers(self, raw: Sequence[Array]) -> list[Array]:
        """Return numbers brought to where the op has a value."""
        last = len(self.domains) - 1
        return [np.asarray(DOMAINS[self.domains[min(i, last)]](v)) for i, v in enumerate(raw)]

    def inputs(self, shapes: Sequence[Shape | None], seed: int = 0, dtype: Any = np.float64) -> list[Any]:
        """Return read-only inputs of some shapes."""
        generator = np.random.default_rng(seed)
        raw = [generator.uniform(-2, 2, shape if shape is not None else ()) for shape in shapes]
        arrays = [np.array(array, dtype=dtype) for array in self.numbers(raw)]
        for array in arrays:
            array.setflags(write=False)
        return [None if shape is None else array for shape, array in zip(shapes, arrays, strict=True)]


def find_trial(op: Op) -> Trial | BaseException:
    """Return how an op can be tried; or what it raised, where nothing works."""
    attributes = attribute_rows(op)[0]
    count = input_count(op)
    rows = [((5, 3),) * count] if is_elementwise(op) else [row for row in ROWS if len(row) == count]
    failure: BaseException | None = None
    for shapes in rows or [((5, 3),) * count]:
        for domains in _domains(count):
            trial = Trial(Case(op, shapes, attributes), domains)
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    y = forward(op, trial.inputs(shapes), attributes)
                    results = y if isinstance(y, tuple) else (y,)
                    if all(np.isfinite(np.asarray(item, dtype=float)).all() for item in results):
                        return trial
            except (Exception, SystemExit) as error:  # a rule is anybody's code
                failure = failure or error
    return failure or ValueError("the forward rule gives no finite numbers for any inputs that were tried")


def _domains(count: int) -> Iterator[tuple[str, ...]]:
    """Yield domains for each input, all alike first."""
    alike = [(domain,) * count for domain in DOMAINS]
    yield from alike
    if count in (2, 3):
        yield from (row for row in itertools.product(DOMAINS, repeat=count) if row not in alike)


def line_of(error: BaseException, rule: Rule) -> int:
    """Return the line of a rule's file where it raised; or else where the rule begins."""
    return place_of(rule, error)[1]
