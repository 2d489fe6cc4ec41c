"""The derivation of gradients: the chain rule of each parameter, as the backward pass works it out.

The backward pass is cut into lines.  Each line is the gradient of one value: of each parameter that is asked for, and
of each value in between that has several uses, whose contributions add up.  A line goes down from the loss, or from the
last value above it whose gradient stands in an earlier line: that part is already computed and re-used.
"""

from __future__ import annotations

from math import prod

import numpy as np

from dagprop.backends.leaf_values import LeafValues
from dagprop.backends.reference import Array, Memory, Values, apply_rule, propagate, run
from dagprop.explain.derivation_records import Derivation, Factor, Line, Prefix, Term
from dagprop.explain.formula import (
    Apply,
    Formula,
    Number,
    Partial,
    Product,
    Reused,
    Shape,
    Value,
    is_one,
    name_counts,
    names_in,
    substitute,
)
from dagprop.explain.rule_formulas import UPSTREAM, derivative_formulas
from dagprop.graph.records import SAMPLE_AXIS
from dagprop.plan.network import Network
from dagprop.plan.records import Plan
from dagprop.plan.steps import plan

LONGEST_CHAIN = 8
"""So many steps that are not all elementwise stand in one line at most."""

SMALL = 6
"""An array of more entries is not written out where numbers are put in."""


def derivation(network: Network, loss: str, leaves: LeafValues, wanted: tuple[str, ...]) -> Derivation:
    """Return the derivation of some gradients.

    Parameters
    ----------
    network : Network
    loss : str
        The reference of the loss.
    leaves : LeafValues
        Of those that the loss and the values need.
    wanted : tuple of str
        References of the values whose gradients are asked for.

    Raises
    ------
    GraphError
        If a gradient would have to pass an input for which its op has no derivative rule (DP504).
    ComputationError
        If a rule fails.
    """
    steps = plan(network, (loss,), (loss,), wanted)
    targets = tuple(dict.fromkeys(step.target for step in steps.backward))
    asked = plan(network, tuple(dict.fromkeys((loss, *wanted))), (loss,), wanted)
    needed = tuple(dict.fromkeys((*asked.leaves, *(name for step in asked.forward for name in step.outputs))))
    done = run(plan(network, needed, (loss,), (*targets, loss)), {id: leaves.arrays[id] for id in asked.leaves})
    worker = _LineBuilder(network, steps, loss, done.values, done.gradients)
    lines = worker.lines(wanted)
    return Derivation(
        network,
        steps,
        loss,
        done.values[loss].size,
        wanted,
        lines,
        worker.line_of,
        worker.prefixes,
        done.values,
        done.gradients,
        leaves.one_sample,
    )


def of_first_samples(whole: Derivation, count: int) -> Derivation:
    """Return the derivation of the same gradients, of the mean over the first so many samples alone."""
    network = whole.network
    leaves = {id: value for id, value in whole.values.items() if id in network.graph.nodes and network.node(id).is_leaf}
    kept = {
        id: value[tuple(slice(count if size == SAMPLE_AXIS else None) for size in network.shapes[id])]
        for id, value in leaves.items()
    }
    return derivation(network, whole.loss, LeafValues(kept, {SAMPLE_AXIS: count}, whole.one_sample), whole.wanted)


class _LineBuilder:
    """What is known while the lines are made, from the loss down."""

    def __init__(self, network: Network, steps: Plan, loss: str, values: Values, gradients: Values) -> None:
        self.network, self.loss, self.values, self.gradients = network, loss, values, gradients
        self.shapes: dict[str, Shape] = {name: value.shape for name, value in values.items()}
        self.line_of: dict[str, str] = {}
        self.prefixes: dict[str, Prefix] = {loss: Prefix()}
        self.uses: dict[str, list[Factor]] = {}
        memory: Memory = {}
        with np.errstate(all="ignore"):
            for step, formula in zip(steps.backward, derivative_formulas(steps.backward, self.shapes), strict=True):
                local = None
                if step.kind == "derivative":
                    found = apply_rule(step, values, gradients, self.shapes, memory)
                    dtype = values[step.target].dtype
                    local = np.broadcast_to(np.asarray(found, dtype=dtype), self.shapes[step.outputs[0]])
                # A value that is met again comes behind the others: its gradient is complete with its last use.
                uses = self.uses.pop(step.target, [])
                above = next(name for name in step.outputs if name in gradients)
                self.uses[step.target] = [*uses, Factor(step, above, formula, local)]
        self.read_often = self._read_often()

    def _read_often(self) -> set[str]:
        """Return the values whose gradient stands more than once in the formula of a pullback, or beside another."""
        found: set[str] = set()
        for factors in self.uses.values():
            for factor in factors:
                outputs = factor.step.outputs
                if factor.local is None and (
                    len(outputs) > 1 or name_counts(factor.formula)[0][UPSTREAM + outputs[0]] > 1
                ):
                    found.update(outputs)
        return found

    def lines(self, wanted: tuple[str, ...]) -> tuple[Line, ...]:
        """Return the lines, in the order in which the gradients are complete."""
        lines = []
        length: dict[str, int] = {}
        elementwise: dict[str, bool] = {}
        asked = set(wanted)
        for target, factors in self.uses.items():
            above = factors[0].above
            length[target] = length.get(above, 0) + 1
            elementwise[target] = elementwise.get(above, True) and factors[0].local is not None
            long = length[target] >= LONGEST_CHAIN and not elementwise[target]
            if long or len(factors) > 1 or target in asked or target in self.read_often:
                lines.append(self._line(target, factors))
                length[target], elementwise[target] = 0, True
        reached = {line.target for line in lines}
        rest = [name for name in wanted if name not in reached and name != self.loss]
        return (*lines, *(Line(name, (), np.zeros_like(self.values[name])) for name in rest))

    def _line(self, target: str, factors: list[Factor]) -> Line:
        terms = []
        for last in factors:
            start, chain = self._chain(last)
            terms.append(self._term(start, chain))
            prefix = self.prefixes[start or self.loss]
            for factor in chain:
                for name in factor.step.outputs:
                    self.line_of.setdefault(name, target)
                prefix = prefix.then(factor.partial)
                self.prefixes[factor.step.target] = prefix
        self.line_of.setdefault(target, target)
        if len(terms) > 1:
            self.prefixes[target] = Prefix().then(self._partial(target))
        return Line(target, tuple(terms), self.gradients[target])

    def _chain(self, last: Factor) -> tuple[str | None, tuple[Factor, ...]]:
        """Return where a chain starts, and its factors from there down to a last one."""
        chain = [last]
        while True:
            above = chain[-1].above
            if above == self.loss:
                return None, tuple(reversed(chain))
            if above in self.line_of or len(chain[-1].step.outputs) > 1:
                return above, tuple(reversed(chain))
            (factor,) = self.uses[above]
            chain.append(factor)

    def _term(self, start: str | None, chain: tuple[Factor, ...]) -> Term:
        memory: Memory = {}
        with np.errstate(all="ignore"):
            value = propagate(chain[-1].step, self.values, self.gradients, self.shapes, memory)
        formula = self._formula(start, chain, by_value=False)
        return Term(start, chain, formula, self._numbers(start, chain), value)

    def _numbers(self, start: str | None, chain: tuple[Factor, ...]) -> Formula | None:
        """Return the product of a chain in numbers, if they are few."""
        formula = self._formula(start, chain, by_value=True)
        names = names_in(formula)
        sizes = [self.values[name].size for name in names]
        sizes += [factor.local.size for factor in chain if factor.local is not None]
        if max(sizes, default=0) > SMALL:
            return None
        return substitute(formula, {name: self._value(self.values[name]) for name in names})

    def _formula(self, start: str | None, chain: tuple[Factor, ...], by_value: bool) -> Formula:
        """Return the product of a chain by its rules, or with its numbers."""
        product: list[Formula] = []
        values = [name for factor in chain for name in (factor.step.target, *factor.step.outputs)]
        single = all(prod(self.shapes[name]) == 1 for name in values)
        size = self.values[self.loss].size
        if start is not None:
            taken = self._value(self.gradients[start]) if by_value else self._partial(start)
            product.append(Reused(taken, taken.shape))
        elif size > 1:
            seed, shape = Apply("divide", (Number(1.0), Number(float(size)))), self.shapes[self.loss]
            product.append(Apply("broadcast_to", (seed,), (shape,), shape))
        for factor in chain:
            output, target = self.shapes[factor.step.outputs[0]], self.shapes[factor.step.target]
            if factor.local is not None:
                formula = self._value(factor.local) if by_value else factor.formula
                if single or not is_one(factor.formula):
                    product.append(formula)
                shape = output
            else:
                upstream = {UPSTREAM + name: self._upstream(name, product, factor) for name in factor.step.outputs}
                product = [substitute(factor.formula, upstream)]
                shape = product[0].shape
            axes = _summed_axes(shape, target)
            if axes:
                whole = Product(tuple(product), shape) if len(product) > 1 else product[0] if product else Number(1.0)
                samples = self.network.shapes[factor.step.outputs[0]][:1] == (SAMPLE_AXIS,)
                kept = tuple(1 if axis in axes else length for axis, length in enumerate(shape))
                summed = Apply("sum", (whole,), (axes, True, samples), kept)
                product = [Apply("reshape", (summed,), (target,), target)]
        return Product(tuple(product), target) if len(product) > 1 else product[0] if product else Number(1.0)

    def _upstream(self, name: str, product: list[Formula], factor: Factor) -> Formula:
        """Return what stands for the gradient of an output in the formula of a pullback."""
        if len(factor.step.outputs) > 1 and name != self.loss:
            return Reused(self._partial(name), self.shapes[name]) if name in self.gradients else Number(0.0)
        shape = self.shapes[name]
        return Product(tuple(product), shape) if len(product) > 1 else product[0] if product else Number(1.0)

    def _partial(self, name: str) -> Partial:
        return Partial(self.loss, name, self.shapes[name])

    def _value(self, array: Array) -> Value:
        return Value(array, array.shape)


def _summed_axes(shape: Shape, target: Shape) -> tuple[int, ...]:
    """Return the axes that a gradient is summed over to come to the shape of a value that was broadcast."""
    added = len(shape) - len(target)
    stretched = [axis + added for axis, size in enumerate(target) if size == 1 and shape[axis + added] != 1]
    return tuple(axis for axis in (*range(max(added, 0)), *stretched) if shape[axis] != 1)
