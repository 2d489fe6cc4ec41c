"""Where a gradient fades or grows on its way from the loss to a parameter, and which kind of factor does it.

The size of a gradient is its root mean square.  From each value the chain is followed up to the use that contributes
most to its gradient, and so on to the loss.  Each link multiplies the size by a factor of one kind:

- slope: the derivative of what is not linear, an activation: it depends on the value that is differentiated by;
- weight: the value of a parameter that the gradient passes, or a product with its matrix;
- value: the value of another node: the input of a layer on the way to its weight, or a gate;
- sums: fixed numbers (1, -1, 1/n), sums over samples and broadcast axes, and what the other uses of a value add.

The derivative of the loss itself is none of these: the chain begins behind it.  Which kind a link is, is read from the
recorded rule, so the activation of a plugin is a slope as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from dagprop.backends.reference import Values
from dagprop.errors import GraphError, Problem
from dagprop.explain.recorded_steps import Cache, record_step
from dagprop.explain.scaled_backward import Arrival, arrivals
from dagprop.graph.records import split_reference
from dagprop.plan.network import Network
from dagprop.plan.outputs import PREDICTION_INPUTS
from dagprop.plan.records import BackwardStep, Plan
from dagprop.record import record

Kind = Literal["loss", "slope", "weight", "value", "sums"]
Nature = Literal["weight", "value", "constant"]
"""What a value is made of: of parameters alone, of constants alone, or of anything else."""

Verdict = Literal["fine", "vanishing", "exploding", "no error", "unreached"]

KINDS: tuple[Kind, ...] = ("slope", "weight", "value", "sums")
"""The kinds of factors that make a gradient vanish or explode."""


@record
class FlowStep:
    """One link of a chain, and the gradient behind it.

    Attributes
    ----------
    value : str
        The value at its end, by reference.
    user : str or None
        The reference of the value that the largest part of its gradient comes from; None for the loss.
    op : str
        The op of the user.
    kind : {"loss", "slope", "weight", "value", "sums"}
    of : tuple of str
        Whose factor it is: for a slope the user, for weights and values what they are called.
    log_factor : float
        The decimal logarithm of what the link multiplies the size by.
    uses : int
        How many uses the value has on the way to the loss.
    log_uses : float
        The logarithm of what their sum is, compared with the largest of them; 0 for one use.
    log_size : float
        The logarithm of the size of the gradient at the value.
    """

    value: str
    user: str | None
    op: str
    kind: Kind
    of: tuple[str, ...]
    log_factor: float
    uses: int
    log_uses: float
    log_size: float


@record
class ParameterFlow:
    """What becomes of the gradient on the way to one parameter.

    Attributes
    ----------
    id : str
    verdict : {"fine", "vanishing", "exploding", "no error", "unreached"}
        ``"no error"`` where the loss itself has the derivative 0: nothing was there to vanish.
    blame : {"slope", "weight", "value", "sums"} or None
        The kind whose factors, multiplied, are the smallest where the gradient vanishes, or the largest where it
        explodes.
    start : str or None
        The value where the chain begins: the first behind the loss.
    log_size, log_ratio : float
        The decimal logarithms of the size of the gradient, and of that size divided by the one at the start.
    log_factors : mapping from kind to float
        The logarithm of the product of the factors of each kind; together they are ``log_ratio``.
    """

    id: str
    verdict: Verdict
    blame: Kind | None
    start: str | None
    log_size: float
    log_ratio: float
    log_factors: Mapping[Kind, float]


@record
class Flow:
    """The sizes of the gradients of a network.

    Attributes
    ----------
    loss : str
    steps : mapping from str to FlowStep
        For each value that a gradient reaches, the last link of its chain.
    parameters : tuple of ParameterFlow
        In the order in which the backward pass completes their gradients; behind them those that it does not reach.
    """

    loss: str
    steps: Mapping[str, FlowStep]
    parameters: tuple[ParameterFlow, ...]

    def chain(self, id: str) -> tuple[FlowStep, ...]:
        """Return the links from the loss down to a value; none where no gradient reaches it."""
        found = []
        value: str | None = id if id in self.steps else None
        while value is not None:
            found.append(self.steps[value])
            value = self.steps[value].user
        return tuple(reversed(found))

    def factors(self, parameter: ParameterFlow, kind: Kind) -> tuple[FlowStep, ...]:
        """Return the links of one kind on the way from the start of the chain to a parameter."""
        chain = self.chain(parameter.id)
        behind = [step.value for step in chain].index(parameter.start) + 1 if parameter.start else len(chain)
        return tuple(step for step in chain[behind:] if step.kind == kind)


@record
class _Total:
    """The factors from the start of a chain to a value, multiplied by kind."""

    start: str
    logs: tuple[float, ...]


def find_flow(network: Network, plan: Plan, values: Values, samples: int, vanishing: float, exploding: float) -> Flow:
    """Return the sizes of the gradients that a plan back-propagates.

    Parameters
    ----------
    network : Network
    plan : Plan
        From the loss to the parameters to judge; it gives back every value.
    values : dict from reference to array
        Of a run of that plan.
    samples : int
        Their number.
    vanishing, exploding : float
        The bounds of the ratio between the gradient of a parameter and that at the start of its chain.

    Raises
    ------
    GraphError
        If a bound is not above 0 (DP011).
    """
    wrong = [bound for bound in (vanishing, exploding) if not bound > 0]
    if wrong:
        raise GraphError(Problem("DP011", f"the bound of a ratio must be above 0, is {wrong[0]}"))
    (loss,) = plan.seeds
    found = arrivals(plan, values, network.shapes, samples)
    shapes = {name: value.shape for name, value in values.items()}
    nature = _nature(network)
    cache: Cache = {}
    last = {step.target: number for number, step in enumerate(plan.backward)}
    order = sorted(last, key=lambda name: last[name])
    steps = {loss: FlowStep(loss, None, "", "loss", (), 0.0, 0, 0.0, found[loss].log_size)}
    totals = {loss: _Total(loss, (0.0,) * len(KINDS))}
    for name in order:
        largest = found[name].largest
        assert largest is not None
        user = max(
            (output for output in largest.outputs if output in steps),
            key=lambda output: _or_least(steps[output].log_size),
        )
        kind, of = _kind(network, largest, record_step(largest, shapes, cache).reads, nature, loss)
        step = _step(name, user, largest.op, kind, of, found[name], steps[user].log_size)
        steps[name] = step
        totals[name] = _Total(name, (0.0,) * len(KINDS)) if kind == "loss" else _added(totals[user], step)
    wanted = set(plan.wrt)
    reached = [name for name in (loss, *order) if name in wanted]
    return Flow(
        loss,
        steps,
        tuple(_judged(steps, totals[name], name, vanishing, exploding) for name in reached)
        + tuple(
            ParameterFlow(name, "unreached", None, None, -math.inf, math.nan, dict.fromkeys(KINDS, math.nan))
            for name in plan.wrt
            if name not in steps
        ),
    )


def _step(
    name: str, user: str, op: str, kind: Kind, of: tuple[str, ...], arrival: Arrival, log_user: float
) -> FlowStep:
    log_factor = _difference(arrival.log_part, log_user)
    log_uses = _difference(arrival.log_size, arrival.log_part) if arrival.uses > 1 else 0.0
    return FlowStep(name, user, op, kind, of, log_factor, arrival.uses, log_uses, arrival.log_size)


def _difference(log: float, of: float) -> float:
    """Return the logarithm of a ratio; NaN for 0/0 and what is not finite."""
    return log - of if math.isfinite(of) else math.nan


def _or_least(log: float) -> float:
    return -math.inf if math.isnan(log) else log


def _added(total: _Total, step: FlowStep) -> _Total:
    """Return a total with one link more; behind a gradient of 0 nothing can be said of the factors."""
    logs = dict(zip(KINDS, total.logs, strict=True))
    for kind, log in ((step.kind, step.log_factor), ("sums", step.log_uses)):
        if not math.isnan(log):
            logs[kind] += log
    return _Total(total.start, tuple(logs.values()))


def _judged(
    steps: Mapping[str, FlowStep], total: _Total, name: str, vanishing: float, exploding: float
) -> ParameterFlow:
    log_size, log_start = steps[name].log_size, steps[total.start].log_size
    ratio = _difference(log_size, log_start)
    logs: dict[Kind, float] = dict(zip(KINDS, total.logs, strict=True))
    verdict: Verdict = "fine"
    if log_start == -math.inf:
        verdict = "no error"
    elif math.isnan(log_size) or ratio > math.log10(exploding):
        verdict = "exploding"
    elif ratio < math.log10(vanishing):
        verdict = "vanishing"
    ascending = sorted(KINDS, key=lambda kind: logs[kind])
    blame = {"vanishing": ascending[0], "exploding": ascending[-1]}.get(verdict)
    return ParameterFlow(name, verdict, blame, total.start, log_size, ratio, logs)


def _nature(network: Network) -> dict[str, Nature]:
    """Return for each node what its value is made of."""
    leaves: Mapping[str, Nature] = {"parameter": "weight", "constant": "constant"}
    nature: dict[str, Nature] = {}
    for id in network.order:
        node = network.node(id)
        sources = {nature[split_reference(reference)[0]] for reference in node.references}
        if node.is_leaf:
            nature[id] = leaves.get(node.op, "value")
        else:
            nature[id] = sources.pop() if len(sources) == 1 else "value"
    return nature


def _kind(
    network: Network, step: BackwardStep, reads: Iterable[str], nature: Mapping[str, Nature], loss: str
) -> tuple[Kind, tuple[str, ...]]:
    """Return the kind of a link, and whose factor it is."""
    inputs = [signature.name for signature in network.ops[step.op].signature.inputs]
    compares = len(inputs) == 2 and inputs[0] in PREDICTION_INPUTS and inputs[1] == "target"
    if compares or step.node == split_reference(loss)[0]:
        return "loss", (step.node,)
    reads = sorted(reads)
    if step.target in reads or not set(step.outputs).isdisjoint(reads):
        return "slope", (step.node,)
    target = split_reference(step.target)[0]
    if reads and network.node(target).op == "parameter":
        return "value", tuple(reads)  # what a weight is applied to, be it fixed or made of weights itself
    natures = {name: nature[split_reference(name)[0]] for name in reads}
    if nature[target] == "weight":
        # Here nothing comes from data, and what is made of parameters need not be a weight.
        made = [
            name for name in reads if natures[name] == "weight" and not network.node(split_reference(name)[0]).is_leaf
        ]
        natures |= dict.fromkeys(made, "value")
    if "value" in natures.values():
        return "value", tuple(name for name in reads if natures[name] == "value")
    weights = tuple(name for name in reads if natures[name] == "weight")
    return ("weight", weights) if weights else ("sums", ())
