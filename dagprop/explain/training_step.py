"""One step of training, taken apart: after how many steps of the plan which numbers are known, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dagprop.backends.edges import Backprop, Edge
from dagprop.backends.reference import Array, Values
from dagprop.explain.derivation_document import line_equation, update
from dagprop.explain.derivation_records import Derivation, Line
from dagprop.explain.document import Equation
from dagprop.explain.formula import Number, Partial, Value
from dagprop.explain.forward_document import forward_equations
from dagprop.plan.network import Network
from dagprop.plan.records import ForwardStep, Plan


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """One step of training: forward, backward, update.

    Attributes
    ----------
    done : Backprop
        All numbers of the two passes.
    derivation : Derivation
        Of the gradients of all values.
    plan : Plan
        The steps that the gradients need which are asked for.
    rate : float
        The learning rate.
    updated : dict from id to array
        The trained parameters after the step.
    loss_after : float
        The loss with these.
    """

    done: Backprop
    derivation: Derivation
    plan: Plan
    rate: float
    updated: Values
    loss_after: float

    @property
    def network(self) -> Network:
        """The network that is trained."""
        return self.derivation.network

    @property
    def loss(self) -> str:
        """The reference of the loss."""
        return self.derivation.loss

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The numbers of each backward step."""
        found = {(edge.target, edge.position): edge for edge in self.done.edges}
        return tuple(found[step.node, step.position] for step in self.plan.backward)

    @cached_property
    def lines(self) -> dict[str, Line]:
        """The line of the derivation of each gradient."""
        return {line.target: line for line in self.derivation.lines}

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """At which backward steps each gradient grows."""
        places: dict[str, list[int]] = {}
        for place, step in enumerate(self.plan.backward):
            places.setdefault(step.target, []).append(place)
        return places

    def uses(self, target: str, count: int) -> tuple[int, int]:
        """Return how many uses of a value have added to its gradient after so many backward steps, and of how many."""
        places = self._places.get(target, [])
        return sum(place < count for place in places), len(places)

    def values_after(self, count: int) -> Values:
        """Return the values that are known after so many forward steps: the leaves at once."""
        known = [id for id in self.network.order if self.network.node(id).is_leaf]
        known += [name for step in self.plan.forward[:count] for name in step.outputs]
        return {name: self.done.values[name] for name in known}

    def gradients_after(self, count: int) -> Values:
        """Return the gradients that are known, or begun, after so many backward steps; at once that of the loss."""
        known: Values = {self.loss: self.done.gradients[self.loss]}
        for target in dict.fromkeys(step.target for step in self.plan.backward[:count]):
            ready, whole = self.uses(target, count)
            known[target] = self.done.gradients[target] if ready == whole else self._sum(target, count)
        if count == len(self.plan.backward):  # what the loss does not depend on has no step
            known |= {name: self.done.gradients[name] for name in self.plan.wrt if name not in known}
        return known

    def _sum(self, target: str, count: int) -> Array:
        parts = [self.edges[place].contribution for place in self._places[target] if place < count]
        return np.asarray(sum(parts[1:], parts[0]))

    # ------------------------------------------------------------------------------------------ what they say

    def forward_equations(self, step: ForwardStep) -> tuple[Equation, ...]:
        """Return what a forward step computes: by its rule, in numbers where they are few, and worked out."""
        return tuple(forward_equations(step, self.derivation.values))

    def seed_equation(self) -> Equation:
        """Return the gradient from which the backward pass starts: 1, or of a mean 1 by the number of samples."""
        count = self.derivation.samples
        return Equation(Partial(self.loss, self.loss), (Number(1.0) if count == 1 else Value(np.asarray(1 / count)),))

    def backward_equation(self, target: str, count: int) -> Equation:
        """Return the line of the derivation of a gradient, as far as so many backward steps have come."""
        line = self.lines[target]
        ready, whole = self.uses(target, count)
        if ready < whole:
            terms = line.terms[:ready]
            line = replace(line, terms=terms, value=np.asarray(sum(term.value for term in terms)))
        return line_equation(self.derivation, line, "substituted")

    def update_equations(self) -> dict[str, Equation]:
        """Return the step of gradient descent of each trained parameter."""
        lines = self.lines
        return {id: update(self.derivation, lines[id], self.rate) for id in self.updated if id in lines}
