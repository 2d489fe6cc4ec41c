"""The plan: which rule runs when, on what, and what can be forgotten afterwards.

Forward steps stand in topological order, backward steps in reverse topological order: when a node's turn comes, all
uses of its value have added their share to its gradient, so each gradient is complete before it is passed on.  The plan
is a value: the same list is executed, compiled, drawn and printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dagprop.errors import GraphError, Problem, quote
from dagprop.graph.collector import paused_collector
from dagprop.graph.records import Node, split_reference
from dagprop.graph.topology import sources
from dagprop.ops.contract import Op
from dagprop.plan.network import Network
from dagprop.plan.records import Argument, BackwardStep, ForwardStep, Plan
from dagprop.plan.shapes import attribute_values, problem_at


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


@paused_collector()
def _plan(network: Network, outputs: tuple[str, ...], seeds: tuple[str, ...], wrt: tuple[str, ...]) -> Plan:
    backward = _backward_steps(network, seeds, wrt)
    kept = set(outputs)
    reads_backward = _reads_in_order(backward)
    read_backward = {reference for reads in reads_backward for reference in reads}
    needed = _ancestors(network, {*outputs, *seeds, *wrt} | read_backward)
    last_use: dict[str, int] = {}
    forward_nodes = [network.node(id) for id in network.order if id in needed and not network.node(id).is_leaf]
    for time, node in enumerate(forward_nodes):
        for reference in (*network.outputs[node.id], *node.references):
            last_use[reference] = time
    for time, reads in enumerate(reads_backward, start=len(forward_nodes)):
        for reference in reads:
            last_use[reference] = time
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
    steps: list[BackwardStep] = []
    problems: list[Problem] = []
    for id in reversed(network.order):
        node = network.node(id)
        if node.is_leaf or begun.isdisjoint(network.outputs[id]):
            continue
        asked = [position for position, name in enumerate(node.inputs) if name is not None and name in varied]
        found, missing = node_steps(network, node, asked, begun)
        problems += [_no_rule(node, network.ops[node.op], name) for name in missing]
        steps += found
    if problems:
        raise GraphError(*problems)
    return steps


def node_steps(
    network: Network, node: Node, positions: Iterable[int], begun: set[str]
) -> tuple[list[BackwardStep], list[str]]:
    """Return the backward steps of one node, and the names of the inputs that have no rule.

    Parameters
    ----------
    network : Network
    node : Node
    positions : iterable of int
        The inputs whose gradients are wanted; none of them is left out in the graph.
    begun : set of str
        The values whose gradients earlier steps have begun; those that these steps begin are added.
    """
    op = network.ops[node.op]
    names = [signature.name for signature in op.signature.inputs]
    inputs = tuple(node.inputs)
    steps: list[BackwardStep] = []
    missing: list[str] = []
    arguments: dict[str, tuple[Argument, ...]] = {}
    for position in positions:
        name = names[min(position, len(names) - 1)]
        if name not in op.rules:
            missing.append(name)
            continue
        if name not in arguments:
            arguments[name] = tuple([_argument(network, node, op, asked) for asked in op.rules[name].arguments])
        target = str(inputs[position])
        steps.append(
            BackwardStep(
                node=node.id,
                op=node.op,
                position=position,
                input=op.signature.input_name(position),
                target=target,
                kind=op.rules[name].kind,
                rule=op.rules[name].function,
                arguments=arguments[name],
                outputs=network.outputs[node.id],
                part=position - len(names) + 1 if op.signature.variadic and name == names[-1] else None,
                accumulate=target in begun,
            )
        )
        begun.add(target)
    return steps, missing


def _argument(network: Network, node: Node, op: Op, name: str) -> Argument:
    """Return where a derivative rule finds what it asks for by name."""
    outputs, inputs = network.outputs[node.id], op.signature.inputs
    match name:
        case "xp":
            return "namespace", None
        case "g":
            return "gradient", outputs
        case "y":
            return ("value", outputs[0]) if len(outputs) == 1 else ("values", outputs)
    for signature, reference in zip(inputs, node.inputs, strict=False):
        if signature.name == name and not signature.variadic:
            return ("constant", None) if reference is None else ("value", reference)
    if op.signature.variadic and inputs[-1].name == name:
        return "values", tuple(node.inputs)[len(inputs) - 1 :]
    return "constant", attribute_values(node, op)[name]


def _with_frees(
    steps: list[BackwardStep], frees: Mapping[int, list[str]], start: int, keep: set[str]
) -> tuple[BackwardStep, ...]:
    """Return the steps with what each lets go: values by their last use, gradients once their node is done."""
    result = []
    for number, step in enumerate(steps):
        last = number + 1 == len(steps) or steps[number + 1].node != step.node
        gradients = tuple(name for name in step.outputs if last and name not in keep)
        values = tuple(frees.get(start + number, ()))
        if values or gradients:
            step = BackwardStep(*step[:-2], values, gradients)  # _replace takes longer
        result.append(step)
    return tuple(result)


def _reads_in_order(steps: Iterable[BackwardStep]) -> list[list[str]]:
    """Return the values that each step reads; of the steps of a variadic rule, which runs once, only the first does."""
    found: list[list[str]] = []
    before: BackwardStep | None = None
    for step in steps:
        again = before is not None and step.part is not None and step.arguments is before.arguments
        found.append([] if again else _reads(step.arguments))
        before = step
    return found


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
            needed.update(sources(network.node(id)))
    return needed


def _descendants(network: Network, references: Iterable[str]) -> set[str]:
    """Return the references of the values that depend on some values, these included."""
    varied = set(references)
    nodes = network.graph.nodes
    for id in network.order:
        if not varied.isdisjoint(nodes[id].references):
            varied.update(network.outputs[id])
    return varied


def _no_rule(node: Node, op: Op, name: str) -> Problem:
    message = f"op {quote(op.name)} has no derivative rule for its input {quote(name)}, and a gradient must pass it"
    return problem_at(node, "DP504", message, f'declare one in {op.provider}: @{op.name}.derivative("{name}")')
