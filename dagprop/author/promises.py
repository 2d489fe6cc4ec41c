"""What the op contract promises, without the derivatives: shapes, dtypes, inputs left alone, numbers far out, NaN."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dagprop.author.report import Item, worth_knowing, wrong
from dagprop.author.trial import (
    Trial,
    elementwise_shapes,
    forward,
    input_name,
    is_elementwise,
    line_of,
    rule_result,
)
from dagprop.errors import Problem, error_text
from dagprop.ops.contract import Op, Rule

FAR = (-1e4, -745.2, -88.8, -1.0, -1e-8, -0.0, 0.0, 1e-8, 1.0, 88.8, 745.2, 1e4)
"""Where careless formulas overflow or divide by 0."""


@contextmanager
def quiet() -> Iterator[None]:
    """Let rules compute what is not finite without a warning."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_declaration(op: Op) -> Item:
    """Check that each input has a rule, and that the op says what it is."""
    problems = []
    for signature in op.signature.inputs:
        if signature.name not in op.rules:
            hint = f'add @{op.forward.__name__}.derivative("{signature.name}") and its rule'
            problems.append(wrong(op, op.forward, f'the input "{signature.name}" has no derivative rule', hint))
    if not op.signature.doc:
        hint = "its first line is what dagprop ops list shows"
        problems.append(worth_knowing(op, op.forward, "the forward rule has no docstring", hint))
    attributes = [f"{a.name}={a.default}" if not a.required else a.name for a in op.signature.attributes]
    inputs = [f"{i.name}{'...' if i.variadic else '?' if i.optional else ''}" for i in op.signature.inputs]
    text = f"inputs {', '.join(inputs)}" + (f"; attributes {', '.join(attributes)}" if attributes else "")
    return Item("declaration", text, tuple(problems))


def check_shapes(op: Op, trial: Trial) -> Item:
    """Run every rule on numbers, arrays, no samples, and what broadcasts; in float64 and float32."""
    rows = elementwise_shapes(op) if is_elementwise(op) else [list(trial.case.shapes)]
    problems: dict[tuple[str, int | None], Problem] = {}
    for shapes in rows:
        for dtype in (np.float64, np.float32):
            for problem in _problems_on(op, trial, shapes, dtype):
                problems.setdefault((problem.message, problem.line), problem)
    text = (
        "numbers, arrays, no samples, broadcasting"
        if is_elementwise(op)
        else f"shapes {_shapes_text(trial.case.shapes)}"
    )
    kept = "" if problems else "; float32 stays float32; no input is changed"
    return Item("shapes", text + kept, tuple(problems.values())[:5])


def _problems_on(op: Op, trial: Trial, shapes: list[Any], dtype: Any) -> Iterator[Problem]:
    attributes = trial.case.attributes
    inputs = trial.inputs(shapes, dtype=dtype)
    what = f"on inputs of shape {_shapes_text(shapes)}"
    copies = [None if x is None else x.copy() for x in inputs]
    with quiet():
        try:
            y = forward(op, copies, attributes)
        except (Exception, SystemExit) as error:  # a rule is anybody's code
            yield wrong(
                op, op.forward, f"the forward rule fails {what}: {error_text(error)}", None, line_of(error, op.forward)
            )
            return
        if any(_changed(x, c) for x, c in zip(inputs, copies, strict=True)):
            yield wrong(
                op,
                op.forward,
                "the forward rule changes its input",
                APART,
                _mutation_line(op, op.forward, inputs, attributes),
            )
            return
        for result in y if isinstance(y, tuple) else (y,):
            yield from _result_problems(op, op.forward, "the forward rule", result, shapes, dtype, is_elementwise(op))
        if isinstance(y, tuple):
            return
        expected = np.shape(y)
        g = np.ones(expected, dtype=dtype)
        for position in range(len(inputs)):
            name = input_name(op, position)
            if inputs[position] is None or name not in op.rules:
                continue
            rule = op.rules[name]
            yield from _rule_problems(op, rule.kind, rule.function, position, inputs, attributes, g, what)


APART = "a rule returns new arrays: write x = x + 1 and not x += 1"
"""What to do about a rule that changes its input."""


def _changed(before: Any, after: Any) -> bool:
    return before is not None and not np.array_equal(before, after, equal_nan=True)


def _rule_problems(
    op: Op, kind: str, rule: Rule, position: int, inputs: list[Any], attributes: dict[str, Any], g: Any, what: str
) -> Iterator[Problem]:
    name = input_name(op, position)
    title = f"the {kind} rule for {name}"
    copies = [None if x is None else x.copy() for x in inputs]
    try:
        result = rule_result(op, position, copies, attributes, g.copy())
    except (Exception, SystemExit) as error:  # a rule is anybody's code
        changes = "read-only" in str(error)
        message = f"{title} changes y or g" if changes else f"{title} fails {what}: {error_text(error)}"
        yield wrong(op, rule, message, APART if changes else None, line_of(error, rule))
        return
    if any(_changed(x, c) for x, c in zip(inputs, copies, strict=True)):
        line = _mutation_line(op, rule, inputs, attributes, position, g)
        yield wrong(op, rule, f"{title} changes its input", APART, line)
        return
    if not isinstance(result, (np.ndarray, np.generic, int, float)) or np.asarray(result).dtype.kind not in "biuf":
        given = result.dtype if isinstance(result, (np.ndarray, np.generic)) else f"a {type(result).__name__}"
        yield wrong(op, rule, f"{title} gives {given}, which is no array of real numbers", "return an array of xp")
        return
    shape, expected = np.shape(result), np.shape(g) if kind == "derivative" else np.shape(inputs[position])
    if kind == "derivative":
        try:
            fits = np.broadcast_shapes(shape, expected) == expected
        except ValueError:
            fits = False
    else:
        fits = shape == expected or _broadcasts_from(shape, expected)
    if not fits:
        where = "the output" if kind == "derivative" else name
        yield wrong(op, rule, f"{title} gives the shape {shape} {what}", f"the shape of {where} is {expected}")


def _broadcasts_from(shape: tuple[int, ...], own: tuple[int, ...]) -> bool:
    """Whether the engine can sum a gradient of a shape to that of its input."""
    try:
        return np.broadcast_shapes(shape, own) == shape
    except ValueError:
        return False


def _result_problems(
    op: Op, rule: Rule, title: str, result: Any, shapes: list[Any], dtype: Any, elementwise: bool
) -> Iterator[Problem]:
    array = np.asarray(result)
    what = f"on inputs of shape {_shapes_text(shapes)}"
    if array.dtype.kind not in "biuf":
        yield wrong(op, rule, f"{title} gives {array.dtype}, which are no real numbers", "return an array of xp")
        return
    if elementwise:
        expected = np.broadcast_shapes(*(shape for shape in shapes if shape is not None))
        if array.shape != expected:
            hint = f"an elementwise op gives {expected} there; one that is not elementwise has pullback rules"
            yield wrong(op, rule, f"{title} gives the shape {array.shape} {what}", hint)
    if array.dtype == np.float64 and dtype == np.float32:
        hint = (
            "numbers of NumPy (np.float64) and np.array make it so: use plain numbers, math.pi, and the functions of xp"
        )
        yield worth_knowing(op, rule, f"{title} makes float64 of float32 {what}", hint)


def _mutation_line(
    op: Op, rule: Rule, inputs: list[Any], attributes: dict[str, Any], position: int | None = None, g: Any = None
) -> int | None:
    """Return the line that changes an input: where it fails on arrays that cannot be changed."""
    try:
        if position is None:
            forward(op, inputs, attributes)
        else:
            rule_result(op, position, inputs, attributes, g)
    except (Exception, SystemExit) as error:  # a rule is anybody's code
        return line_of(error, rule)
    return None


def check_far_out(op: Op, trial: Trial) -> Item:
    """Run an elementwise op on numbers from 1e-8 to 1e4, and on NaN."""
    if not is_elementwise(op):
        return Item("large numbers", "not elementwise", skipped=True)
    problems: list[Problem] = []
    raw = [axis.ravel() for axis in np.meshgrid(*[np.array(FAR)] * len(trial.case.shapes))]
    count = 0
    for dtype in (np.float64, np.float32):
        inputs = [np.array(x, dtype=dtype) for x in trial.numbers(raw)]
        with quiet():
            try:
                y = np.asarray(forward(op, inputs, trial.case.attributes))
            except (Exception, SystemExit):  # a rule is anybody's code
                return Item("large numbers", "the forward rule fails", skipped=True)
            found = [(op.forward, "the forward rule", y)]
            for position in range(len(inputs)):
                name = input_name(op, position)
                if name in op.rules:
                    rule = op.rules[name].function
                    result = rule_result(op, position, inputs, trial.case.attributes, np.ones_like(y))
                    found.append((rule, f"the derivative rule for {name}", np.broadcast_to(result, y.shape)))
        for rule, title, array in found:
            count += 1
            bad = np.flatnonzero(np.isnan(array))
            if bad.size:
                place = ", ".join(f"{input_name(op, i)} = {x.ravel()[bad[0]]:g}" for i, x in enumerate(inputs))
                hint = "∞ - ∞, 0 · ∞ or ∞ / ∞ on the way: write it so that nothing overflows, or 0 / 0: use xp.where"
                outside = np.isnan(y.ravel()[bad[0]]) and rule is not op.forward
                if not outside and not any(title in problem.message for problem in problems):
                    problems.append(worth_knowing(op, rule, f"{title} gives NaN at {place} ({np.dtype(dtype)})", hint))
    text = f"{', '.join(dict.fromkeys(trial.domains))} from 1e-8 to 1e4: no NaN" if not problems else "from 1e-8 to 1e4"
    return Item("large numbers", text, (*problems, *_nan_problems(op, trial)))


def _nan_problems(op: Op, trial: Trial) -> Iterator[Problem]:
    inputs = [np.full(2, np.nan) for _ in trial.case.shapes]
    with quiet():
        try:
            y = np.asarray(forward(op, inputs, trial.case.attributes), dtype=float)
        except (Exception, SystemExit):  # a class index, say, which is no NaN
            return
    if y.shape == (2,) and not np.isnan(y[0]):
        hint = "NaN should stay NaN, so that a training that goes wrong is noticed"
        yield worth_knowing(op, op.forward, f"the forward rule gives {y[0]:g} for NaN", hint)


def _shapes_text(shapes: Any) -> str:
    return ", ".join("none" if shape is None else "x".join(map(str, shape)) or "a number" for shape in shapes)
