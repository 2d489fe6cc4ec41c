"""Shapes: run every forward rule once on arrays that know only their shape.

A shape is never declared: what a rule does to :class:`~dagprop.plan.abstract.AbstractArray` values is its shape rule.
Sizes that only the data knows stay symbols (``"N"``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagprop.errors import Problem, quote
from dagprop.graph.arrays import array_shape, fits
from dagprop.graph.records import (
    INPUT_SHAPE,
    SAMPLE_AXIS,
    AxisSize,
    Graph,
    Node,
    Shape,
    join_reference,
    split_reference,
)
from dagprop.ops.arguments import place_of
from dagprop.ops.contract import Op
from dagprop.ops.declared import declared
from dagprop.plan.abstract import AbstractArray, ShapeError, abstract_namespace, format_shape, rule_error, shape_of
from dagprop.record import record


@record(eq=False)
class Shapes:
    """What shape inference found.

    Attributes
    ----------
    of : mapping from reference to shape
        The shape of every value that could be worked out.
    outputs : mapping from node id to tuple of references
        The values of each node; one for all ops but those that return several.
    problems : tuple of Problem
    """

    of: Mapping[str, Shape]
    outputs: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...]


def infer_shapes(graph: Graph, order: Sequence[str], ops: Mapping[str, Op]) -> Shapes:
    """Return the shape of every value of an expanded graph.

    A node whose inputs have no shape, because something before it is wrong, gets none and no problem of its own.

    Parameters
    ----------
    graph : Graph
        Expanded.
    order : sequence of str
        Its node ids, each behind what it depends on.
    ops : mapping from str to Op
    """
    shapes: dict[str, Shape] = {}
    outputs: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    known: dict[Any, list[Shape]] = {}
    for id in order:
        node = graph.nodes[id]
        missing = [reference for reference in _needed(node) if reference not in shapes]
        if missing:
            problems += [
                _no_such_output(node, reference, outputs) for reference in missing if _node(reference) in outputs
            ]
            continue
        try:
            found = [_leaf_shape(node, shapes)] if node.is_leaf else _op_shapes(node, ops[node.op], shapes, known)
        except ValueError as error:  # a ShapeError, or a rule that checks its shapes or attributes
            code = "DP302" if node.is_leaf else "DP301"
            hint = None if node.is_leaf or declared("op")[node.op].shipped else _failing_place(ops[node.op], error)
            problems.append(problem_at(node, code, _explain(node, str(error), shapes), hint))
        except (Exception, SystemExit) as error:  # a rule is anybody's code: whatever it raises is its own fault
            message = f"the forward rule of {quote(node.op)} cannot run on shapes: {rule_error(error)}"
            problems.append(problem_at(node, "DP503", message, _failing_place(ops[node.op], error)))
        else:
            outputs[id] = tuple([join_reference(id, number) for number in range(len(found))])
            shapes.update(zip(outputs[id], found, strict=True))
    problems += _loss_problems(graph, shapes)
    return Shapes(shapes, outputs, tuple(problems))


def problem_at(node: Node, code: str, message: str, hint: str | None = None) -> Problem:
    """Return a problem of an expanded node, placed at the node of the file that it comes from."""
    return Problem(code, message, hint, node=node.id, path=("nodes", node.origin[0] if node.origin else node.id))


def _failing_place(op: Op, error: BaseException) -> str:
    file, line = place_of(op.forward, error)
    return f"it fails at {file}:{line}"


def attribute_values(node: Node, op: Op) -> dict[str, Any]:
    """Return every attribute of an op at a node: what the file gives, and the defaults; lists become tuples."""
    if not op.signature.attributes:
        return {}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in node.attributes.items()}
    return {attribute.name: given.get(attribute.name, attribute.default) for attribute in op.signature.attributes}


def _needed(node: Node) -> tuple[str, ...]:
    """Return the references of the values whose shapes that of a node depends on."""
    if not node.is_leaf:
        return node.references
    return tuple(size.value for size in node.attributes.get("shape", ()) if isinstance(size, AxisSize))


def _op_shapes(node: Node, op: Op, shapes: Mapping[str, Shape], known: dict[Any, list[Shape]]) -> list[Shape]:
    """Return the shapes of the values of a node; ``known`` has those of ops without attributes, by their inputs."""
    inputs = tuple([None if reference is None else shapes[reference] for reference in node.inputs])
    key = None if node.attributes else (node.op, inputs)
    if key is None or key not in known:
        known[key] = _run_on_shapes(node, op, inputs)
    return known[key]


def _run_on_shapes(node: Node, op: Op, inputs: Iterable[Shape | None]) -> list[Shape]:
    arrays = [None if shape is None else AbstractArray(shape) for shape in inputs]
    namespace = [abstract_namespace] if op.arguments[:1] == ("xp",) else []
    result = op.forward(*namespace, *arrays, **attribute_values(node, op))
    results = result if isinstance(result, tuple) else (result,)
    if not results:
        raise TypeError("it returned no value")
    return [shape_of(item) for item in results]


def _leaf_shape(node: Node, shapes: Mapping[str, Shape]) -> Shape:
    declared = node.attributes.get("shape", INPUT_SHAPE if node.op == "input" else None)
    value = node.attributes.get("value")
    if declared is None:
        return array_shape(value)
    shape = tuple(_axis_size(size, shapes) if isinstance(size, AxisSize) else size for size in declared)
    if node.op != "input" and not all(isinstance(size, int) for size in shape):
        raise ShapeError(f"a {node.op} needs fixed sizes, its shape is {format_shape(shape)}")
    if value is not None and not fits(array_shape(value), shape):
        raise ShapeError(f"the value has shape {format_shape(array_shape(value))}, declared is {format_shape(shape)}")
    return shape


def _axis_size(axis: AxisSize, shapes: Mapping[str, Shape]) -> int | str:
    shape = shapes[axis.value]
    if not -len(shape) <= axis.axis < len(shape):
        raise ShapeError(f"{axis} is asked for, and {axis.value} has shape {format_shape(shape)}")
    return shape[axis.axis]


def _explain(node: Node, message: str, shapes: Mapping[str, Shape]) -> str:
    if node.is_leaf:
        return message
    inputs = ", ".join(f"{quote(name)} is {format_shape(shapes[name])}" for name in dict.fromkeys(node.references))
    return f"{node.op}: {message}; {inputs}"


def _node(reference: str) -> str:
    return split_reference(reference)[0]


def _no_such_output(node: Node, reference: str, outputs: Mapping[str, tuple[str, ...]]) -> Problem:
    id, number = split_reference(reference)
    have = len(outputs[id])
    message = f"{quote(reference)} asks for output {number} of {quote(id)}, which has {have}"
    return problem_at(node, "DP113", message, f"outputs count from 0: {', '.join(outputs[id])}")


def _loss_problems(graph: Graph, shapes: Mapping[str, Shape]) -> list[Problem]:
    shape = shapes.get(graph.loss) if graph.loss is not None else None
    if shape is None or shape in ((), (SAMPLE_AXIS,)):
        return []
    message = (
        f"the loss {quote(graph.loss)} has shape {format_shape(shape)}; it must be a scalar or one number per sample"
    )
    hint = f'take the "mean" or "sum" of it over {"its other axes" if SAMPLE_AXIS in shape else "its axes"}'
    if shape == (SAMPLE_AXIS, SAMPLE_AXIS):
        hint = f"({SAMPLE_AXIS}, 1) and ({SAMPLE_AXIS},) were combined to a table: give both the same shape"
    return [Problem("DP203", message, hint, node=split_reference(graph.loss or "")[0], path=("loss",))]
