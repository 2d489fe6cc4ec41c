"""What a gradient costs: back-propagation beside the other ways to the same numbers.

The unit is a multiplication of two numbers between the factors of the chain rule.  Working out the factors themselves
costs every way the same and is not counted; nor are additions.

- Reverse mode (back-propagation) multiplies once for each edge between the loss and the parameters, except for the
  edges out of the loss, where the chain begins.
- Forward mode sends a tangent from one entry of one parameter to the loss, again once for each edge on the way except
  those out of the parameter; and again for the next entry.
- Without reuse the product of each path is multiplied out anew: one multiplication less than the path has edges.
- Finite differences run the forward pass again for each entry, once or twice.

An edge between arrays has one multiplication for each entry of an elementwise derivative, m·n·k for a matrix product
and else what its rule does with the gradient.  The tangent and the gradient pass an edge at the same cost: one is the
transpose of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from dagprop.backends.leaf_values import actual_shape
from dagprop.errors import GraphError, PluginError, Problem
from dagprop.explain.local_factors import Link, links
from dagprop.explain.recorded_steps import Cache, count_multiplications, record_step
from dagprop.explain.sweeps import sweeps
from dagprop.graph.records import split_reference
from dagprop.plan.network import Network, leaf_sizes
from dagprop.plan.outputs import loss_reference
from dagprop.plan.records import BackwardStep
from dagprop.plan.steps import plan
from dagprop.program.trace import trace
from dagprop.record import record

Shapes = Mapping[str, tuple[int, ...]]


@record
class ParameterCost:
    """The multiplications that the gradient of one parameter takes.

    Attributes
    ----------
    id : str
    entries : int
        How many numbers the parameter has.
    paths : int
        How many paths lead to it from the loss.
    reverse : int
        What back-propagation adds for it, behind the parameters that stand before it.
    forward, without_reuse : int
        For it alone.
    """

    id: str
    entries: int
    paths: int
    reverse: int
    forward: int
    without_reuse: int


@record
class Cost:
    """The multiplications that the gradient of all parameters takes, in each way.

    Attributes
    ----------
    sizes : mapping from str to int
        What each name in a shape stands for; ``"N"`` is the number of samples.
    edges : int
        The edges between the loss and the parameters.
    forward_pass : int or None
        The multiplications and divisions of one forward pass, as the rules write them; None where a rule cannot be
        recorded.
    parameters : tuple of ParameterCost
        In the order in which the backward pass completes their gradients; behind them those that it does not reach.
    """

    sizes: Mapping[str, int]
    edges: int
    forward_pass: int | None
    parameters: tuple[ParameterCost, ...]

    @property
    def entries(self) -> int:
        """The numbers that training changes."""
        return sum(parameter.entries for parameter in self.parameters)

    @property
    def paths(self) -> int:
        """The paths from the loss to all parameters."""
        return sum(parameter.paths for parameter in self.parameters)

    @property
    def reverse(self) -> int:
        """Multiplications of back-propagation."""
        return sum(parameter.reverse for parameter in self.parameters)

    @property
    def forward(self) -> int:
        """Multiplications of forward mode: one tangent an entry."""
        return sum(parameter.forward for parameter in self.parameters)

    @property
    def without_reuse(self) -> int:
        """Multiplications where each path is multiplied out anew."""
        return sum(parameter.without_reuse for parameter in self.parameters)

    @property
    def one_sided_passes(self) -> int:
        """Forward passes of one-sided finite differences."""
        return self.entries + 1 if self.entries else 0

    @property
    def central_passes(self) -> int:
        """Forward passes of central finite differences."""
        return 2 * self.entries


def count_cost(network: Network, batch_size: int) -> Cost:
    """Return what the gradient of all trainable parameters costs in each way.

    Raises
    ------
    GraphError
        If the graph has no loss (DP206), an op that a gradient must pass has no derivative rule (DP504), or there is
        no sample (DP011).
    """
    if batch_size < 1:
        raise GraphError(Problem("DP011", f"the batch size must be at least 1, is {batch_size}"))
    loss = loss_reference(network)
    sizes = leaf_sizes(network, batch_size)
    shapes, forward_pass = _forward(network, loss, sizes)
    ids = network.graph.parameters()
    steps = plan(network, (loss,), (loss,), ids)
    cache: Cache = {}
    end = split_reference(loss)[0]
    costs = [record_step(step, shapes, cache).multiplications for step in steps.backward]
    chained = [0 if step.node == end else cost for step, cost in zip(steps.backward, costs, strict=True)]
    last = {step.target: number for number, step in enumerate(steps.backward)}
    reached = sorted((id for id in ids if id in last), key=lambda id: last[id])

    order = {id: number for number, id in enumerate(reached)}
    reverse = _new_multiplications(steps.backward, chained, order)
    uses = [(step.node, step.position) for step in steps.backward]
    paths, without_reuse = _along_paths(loss, links(steps), dict(zip(uses, chained, strict=True)))
    forward = sweeps(end, steps.backward, costs, reached)
    entries = {id: prod(actual_shape(network.shapes[id], sizes)) for id in ids}
    lost = [id for id in ids if id not in order]
    return Cost(
        sizes={
            name: size for name, size in sizes.items() if any(name in network.shapes[leaf] for leaf in steps.leaves)
        },
        edges=len(steps.backward),
        forward_pass=forward_pass,
        parameters=tuple(
            ParameterCost(id, entries[id], paths[id], reverse[order[id]], entries[id] * forward[id], without_reuse[id])
            for id in reached
        )
        + tuple(ParameterCost(id, entries[id], 0, 0, 0, 0) for id in lost),
    )


def _forward(network: Network, loss: str, sizes: Mapping[str, int]) -> tuple[Shapes, int | None]:
    """Return the shape of every value that the loss needs, and the multiplications of a forward pass."""
    steps = plan(network, (loss,))
    leaves = {id: actual_shape(network.shapes[id], sizes) for id in steps.leaves}
    try:
        traced = trace(steps, leaves)
    except PluginError:
        return {name: actual_shape(shape, sizes) for name, shape in network.shapes.items()}, None
    program = traced.recorder.program(steps.leaves, {"loss": traced.values[loss].number}, network.graph.dtype)
    shapes = {name: tuple(map(int, symbol.shape)) for name, symbol in traced.values.items()}
    return {**leaves, **shapes}, count_multiplications(program)


def _new_multiplications(steps: Sequence[BackwardStep], costs: Sequence[int], order: Mapping[str, int]) -> list[int]:
    """Return for each parameter, by its number, the cost of the steps that no parameter before it needs."""
    new = [0] * len(order)
    needed_first: dict[str, int] = {}
    # From the parameters up to the loss: a step is needed first by the first parameter that its target leads to.
    for step, cost in zip(reversed(steps), reversed(costs), strict=True):
        below = (order.get(step.target), needed_first.get(split_reference(step.target)[0]))
        first = min(number for number in below if number is not None)
        needed_first[step.node] = min(first, needed_first.get(step.node, first))
        new[first] += cost
    return new


def _along_paths(
    loss: str, chain: Sequence[Link], costs: Mapping[tuple[str, int], int]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return for each value how many paths lead to it, and what it costs to multiply each of them out."""
    paths, total = {loss: 1}, {loss: 0}
    for link in chain:
        count = paths[link.source]
        paths[link.target] = paths.get(link.target, 0) + count
        along = total[link.source] + count * costs[link.step.node, link.step.position]
        total[link.target] = total.get(link.target, 0) + along
    return paths, total
