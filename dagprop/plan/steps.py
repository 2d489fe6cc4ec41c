"""The plan: which rule runs when, on what, and what can be forgotten afterwards.

Forward steps stand in topological order, backward steps in reverse topological order: when a node's turn comes, all
uses of its value have added their share to its gradient, so each gradient is complete before it is passed on.  The plan
is a value: the same list is executed, compiled, drawn and printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from dagprop.errors import GraphError, Problem, quote
from dagprop.graph.records import Node, split_reference
from dagprop.ops.contract import Op
from dagprop.plan.network import Network
from dagprop.plan.shapes import attribute_values, problem_at

Argument = tuple[Literal["namespace", "gradient", "value", "values", "constant"], Any]
"""Where one argument of a rule comes from.

``("namespace", None)``, ``("gradient", references of the outputs)``, ``("value", reference)``,
``("values", references)`` or ``("constant", the value itself)``.
"""


@dataclass(frozen=True, slots=True)
class ForwardStep:
    """``outputs = op(inputs)``.

    Attributes
    ----------
    node, op : str
    rule : callable
    arguments : tuple of Argument
        The positional arguments of the rule.
    attributes : mapping
        Its keyword arguments.
    inputs : tuple of str or None
    outputs : tuple of str
        The values that the step gives.
    frees : tuple of str
        The values that nothing after this step needs.
    """

    node: str
    op: str
    rule: Callable[..., Any]
    arguments: tuple[Argument, ...]
    attributes: Mapping[str, Any]
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    frees: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.outputs)} = {self.op}({', '.join(name for name in self.inputs if name)})"


@dataclass(frozen=True, slots=True)
class BackwardStep:
    """``gradient of target (+)= rule(gradient of outputs)``: one use of one value.

    Attributes
    ----------
    node, op : str
    position : int
        Which input of the node.
    input : str
        The name of that input.
    target : str
        The reference of the value that feeds it.
    kind : {"derivative", "pullback"}
    rule : callable
    arguments : tuple of Argument
    outputs : tuple of str
        The values of the node, whose gradients are propagated.
    part : int or None
        Which of the results of the rule belongs to the input, where the rule gives one for each of a variadic input.
    accumulate : bool
        Whether an earlier step has begun the gradient of the target.
    frees : tuple of str
        The values that nothing after this step needs.
    frees_gradients : tuple of str
        The gradients that nothing after this step needs.
    """

    node: str
    op: str
    position: int
    input: str
    target: str
    kind: Literal["derivative", "pullback"]
    rule: Callable[..., Any]
    arguments: tuple[Argument, ...]
    outputs: tuple[str, ...]
    part: int | None
    accumulate: bool
    frees: tuple[str, ...] = ()
    frees_gradients: tuple[str, ...] = ()

    def __str__(self) -> str:
        gradients = ", ".join(f"d_{name}" for name in self.outputs)
        return f"d_{self.target} {'+=' if self.accumulate else '='} {self.op}.d/{self.input} ({gradients})"


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered steps; nothing is executed.

    Attributes
    ----------
    leaves : tuple of str
        The leaves whose values a run needs.
    forward : tuple of ForwardStep
    backward : tuple of BackwardStep
    outputs : tuple of str
        The values that a run gives back.
    seeds : tuple of str
        The values whose gradients the backward pass starts from.
    wrt : tuple of str
        The values whose gradients a run gives back.
    """

    leaves: tuple[str, ...]
    forward: tuple[ForwardStep, ...]
    backward: tuple[BackwardStep, ...]
    outputs: tuple[str, ...]
    seeds: tuple[str, ...]
    wrt: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(str(step) for step in (*self.forward, *self.backward))


def plan(network: Network, outputs: tuple[str, ...], seeds: tuple[str, ...] = (), wrt: tuple[str, ...] = ()) -> Plan:
    """Return the steps that compute some values, and some gradients of others; the same are planned once.

    Parameters
    ----------
    network : Network
    outputs : tuple of str
        References of the values to give back.
    seeds : tuple of str
        References of the values to back-propagate from.
    wrt : tuple of str
        References of the values whose gradients are wanted.

    Raises
    ------
    GraphError
        If a gradient would have to pass an input for which its op has no derivative rule.
    """
    key = outputs, seeds, wrt
    if key not in network.plans:
        network.plans[key] = _plan(network, outputs, seeds, wrt)
    found: Plan = network.plans[key]
    return found


def _plan(network: Network, outputs: tuple[str, ...], seeds: tuple[str, ...], wrt: tuple[str, ...]) -> Plan:
    backward = _backward_steps(network, seeds, wrt)
    kept = set(outputs)
    read_backward = {reference for step in backward for reference in _reads(step.arguments)}
    needed = _ancestors(network, {*outputs, *seeds, *wrt} | read_backward)
    last_use: dict[str, int] = {}
    forward_nodes = [network.node(id) for id in network.order if id in needed and not network.node(id).is_leaf]
    for time, node in enumerate(forward_nodes):
        last_use.update(dict.fromkeys(network.outputs[node.id], time))
        last_use.update(dict.fromkeys(node.references, time))
    for time, step in enumerate(backward, start=len(forward_nodes)):
        last_use.update(dict.fromkeys(_reads(step.arguments), time))
    frees: dict[int, list[str]] = {}
    for reference, time in last_use.items():
        if reference not in kept:
            frees.setdefault(time, []).append(reference)
    return Plan(
        leaves=tuple(id for id in network.order if id in needed and network.node(id).is_leaf),
        forward=tuple(
            _forward_step(network, node, tuple(frees.get(time, ()))) for time, node in enumerate(forward_nodes)
        ),
        backward=_with_frees(backward, frees, len(forward_nodes), keep={*seeds, *wrt}),
        outputs=outputs,
        seeds=seeds,
        wrt=wrt,
    )


def _forward_step(network: Network, node: Node, frees: tuple[str, ...]) -> ForwardStep:
    op = network.ops[node.op]
    inputs = tuple(node.inputs)
    arguments: list[Argument] = [("namespace", None)] if op.arguments[:1] == ("xp",) else []
    arguments += [("constant", None) if reference is None else ("value", reference) for reference in inputs]
    attributes = attribute_values(node, op)
    return ForwardStep(
        node.id, node.op, op.forward, tuple(arguments), attributes, inputs, network.outputs[node.id], frees
    )


def _backward_steps(network: Network, seeds: Iterable[str], wrt: Iterable[str]) -> list[BackwardStep]:
    """Return the backward steps, pruned to the values that lie between ``wrt`` and ``seeds``."""
    varied = _descendants(network, wrt)
    begun = {reference for reference in seeds if reference in varied}
    steps = []
    problems = []
    for id in reversed(network.order):
        node = network.node(id)
        if node.is_leaf or begun.isdisjoint(network.outputs[id]):
            continue
        for position, reference in enumerate(node.inputs):
            if reference not in varied:
                continue
            op = network.ops[node.op]
            name = op.signature.inputs[min(position, len(op.signature.inputs) - 1)].name
            if name not in op.rules:
                problems.append(_no_rule(node, op, name))
                continue
            steps.append(_backward_step(network, node, op, position, name, accumulate=reference in begun))
            begun.add(reference)
    if problems:
        raise GraphError(*problems)
    return steps


def _backward_step(network: Network, node: Node, op: Op, position: int, name: str, *, accumulate: bool) -> BackwardStep:
    rule = op.rules[name]
    outputs = network.outputs[node.id]
    fixed = len(op.signature.inputs) - op.signature.variadic
    sources: dict[str, Argument] = {
        "xp": ("namespace", None),
        "g": ("gradient", outputs),
        "y": ("value", outputs[0]) if len(outputs) == 1 else ("values", outputs),
        **{attribute: ("constant", value) for attribute, value in attribute_values(node, op).items()},
    }
    for signature, reference in zip(op.signature.inputs, node.inputs, strict=False):
        sources[signature.name] = ("constant", None) if reference is None else ("value", reference)
    if op.signature.variadic:
        sources[op.signature.inputs[-1].name] = ("values", tuple(node.inputs)[fixed:])
    target = tuple(node.inputs)[position]
    assert target is not None  # only values that vary get here
    return BackwardStep(
        node=node.id,
        op=node.op,
        position=position,
        input=op.signature.input_name(position),
        target=target,
        kind=rule.kind,
        rule=rule.function,
        arguments=tuple(sources[argument] for argument in rule.arguments),
        outputs=outputs,
        part=position - fixed if position >= fixed and op.signature.variadic else None,
        accumulate=accumulate,
    )


def _with_frees(
    steps: list[BackwardStep], frees: Mapping[int, list[str]], start: int, keep: set[str]
) -> tuple[BackwardStep, ...]:
    """Return the steps with what each lets go: values by their last use, gradients once their node is done."""
    result = []
    for number, step in enumerate(steps):
        last = number + 1 == len(steps) or steps[number + 1].node != step.node
        gradients = tuple(name for name in step.outputs if last and name not in keep)
        values = tuple(frees.get(start + number, ()))
        result.append(replace(step, frees=values, frees_gradients=gradients) if values or gradients else step)
    return tuple(result)


def _reads(arguments: Iterable[Argument]) -> list[str]:
    found: list[str] = []
    for kind, source in arguments:
        if kind == "value":
            found.append(source)
        elif kind == "values":
            found.extend(source)
    return found


def _ancestors(network: Network, references: Iterable[str]) -> set[str]:
    """Return the ids of the nodes that the values need, their own included."""
    needed = {split_reference(reference)[0] for reference in references}
    for id in reversed(network.order):
        if id in needed:
            needed.update(split_reference(reference)[0] for reference in network.node(id).references)
    return needed


def _descendants(network: Network, references: Iterable[str]) -> set[str]:
    """Return the references of the values that depend on some values, these included."""
    varied = set(references)
    for id in network.order:
        if not varied.isdisjoint(network.node(id).references):
            varied.update(network.outputs[id])
    return varied


def _no_rule(node: Node, op: Op, name: str) -> Problem:
    message = f"op {quote(op.name)} has no derivative rule for its input {quote(name)}, and a gradient must pass it"
    return problem_at(node, "DP504", message, f'declare one in {op.provider}: @{op.name}.derivative("{name}")')
