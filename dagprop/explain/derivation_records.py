"""What a derivation is: lines of terms, each a chain of factors."""

from __future__ import annotations

from collections.abc import Mapping

from dagprop.backends.reference import Array, Values
from dagprop.explain.formula import Dots, Formula, Partial, Product
from dagprop.graph.notebook import ShownInNotebooks, shown
from dagprop.graph.records import SAMPLE_AXIS
from dagprop.plan.network import Network
from dagprop.plan.records import BackwardStep, Plan
from dagprop.record import record

SHOWN_PREFIX = 4
"""So many factors that are already computed are written again; of more, the first two and the last."""


@record(eq=False)
class Factor:
    """One step of a chain: the derivative of a value by one of its inputs.

    Attributes
    ----------
    step : BackwardStep
    above : str
        The output of the node whose gradient arrives; of several the first.
    formula : Formula
        The local derivative as the rule writes it; of a pullback what it makes of the gradient of its output, which is
        a name (:data:`~dagprop.explain.rule_formulas.UPSTREAM` and the reference).
    local : array or None
        The numbers of the local derivative; None for a pullback.
    """

    step: BackwardStep
    above: str
    formula: Formula
    local: Array | None

    @property
    def partial(self) -> Partial:
        """The factor as it stands in the chain rule."""
        return Partial(self.above, self.step.target)


@record(eq=False)
class Prefix:
    """The factors from the loss down to a value whose gradient is known: the first few, how many, and the last."""

    first: tuple[Partial, ...] = ()
    count: int = 0
    last: Partial | None = None

    def then(self, partial: Partial) -> Prefix:
        """Return the prefix with one factor more."""
        first = (*self.first, partial) if self.count < SHOWN_PREFIX else self.first
        return Prefix(first, self.count + 1, partial)

    def formula(self) -> Formula:
        """Return the product of the factors, without the middle of very many."""
        if self.last is None or self.count <= SHOWN_PREFIX:
            return self.first[0] if len(self.first) == 1 else Product(self.first)
        return Product((*self.first[:2], Dots(self.count - 3), self.last))


@record(eq=False)
class Term:
    """What one use of a value contributes to its gradient.

    Attributes
    ----------
    start : str or None
        The value whose gradient was computed before; None where the term starts from the loss.
    factors : tuple of Factor
        From there down to the value.
    formula : Formula
        Their product, by the rules.
    numbers : Formula or None
        The same in numbers; None where they are too many.
    value : array
    """

    start: str | None
    factors: tuple[Factor, ...]
    formula: Formula
    numbers: Formula | None
    value: Array


@record(eq=False)
class Line:
    """The gradient of one value; without terms it is 0, for the loss does not depend on the value."""

    target: str
    terms: tuple[Term, ...]
    value: Array


@record(eq=False)
class Derivation(ShownInNotebooks):
    """The gradients of some values, line by line; ``print`` writes them out.

    Attributes
    ----------
    network : Network
    plan : Plan
        The one whose backward steps the lines are made of.
    loss : str
        The reference of the loss.
    samples : int
        Over how many entries of the loss the mean is taken.
    wanted : tuple of str
        The values whose gradients were asked for.
    lines : tuple of Line
        In the order in which the backward pass completes them.
    line_of : mapping from reference to reference
        For each value whose gradient is known, the target of the line in which it was computed first.
    prefixes : mapping from reference to Prefix
        For each of them, the factors from the loss down to it.
    values, gradients : dict from reference to array
        With the sample axis, where there is one.
    one_sample : bool
        Whether one sample was fed without its axis.
    """

    network: Network
    plan: Plan
    loss: str
    samples: int
    wanted: tuple[str, ...]
    lines: tuple[Line, ...]
    line_of: Mapping[str, str]
    prefixes: Mapping[str, Prefix]
    values: Values
    gradients: Values
    one_sample: bool

    def __repr__(self) -> str:
        names = [line.target for line in self.lines]
        shown = names if len(names) <= SHOWN_PREFIX else [*names[:2], "...", names[-1]]
        return f"<Derivation of {self.loss} by {', '.join(shown)}>"

    def __str__(self) -> str:
        return shown("text", self) or repr(self)

    @property
    def loss_value(self) -> float:
        """The mean of the loss."""
        return float(self.values[self.loss].mean())

    @property
    def multiplications(self) -> int:
        """How many products of factors stand in the lines, a gradient that is re-used being one factor."""
        terms = [term for line in self.lines for term in line.terms]
        return sum(len(term.factors) - (term.start is None) for term in terms)

    @property
    def multiplications_alone(self) -> int:
        """How many there would be if each gradient asked for were worked out alone, path by path."""
        paths, edges = {self.loss: 1}, {self.loss: 0}
        for step in self.plan.backward:
            for above in step.outputs:
                if above in paths:
                    paths[step.target] = paths.get(step.target, 0) + paths[above]
                    edges[step.target] = edges.get(step.target, 0) + edges[above] + paths[above]
        return sum(edges[name] - paths[name] for name in self.wanted if name in paths and name != self.loss)

    @property
    def is_scalar(self) -> bool:
        """Whether all values are single numbers."""
        return all(value.size == 1 for value in self.values.values())

    def has_entry(self, reference: str, element: tuple[int, ...]) -> bool:
        """Whether a value has the entry of an index, as the user means both."""
        shape = self.plain(reference, self.values[reference]).shape
        return len(element) == len(shape) and all(0 <= i < size for i, size in zip(element, shape, strict=True))

    def index(self, reference: str, element: tuple[int, ...]) -> tuple[int, ...]:
        """Return which entry of a value is meant by an index of the value as the user means it."""
        sampled = self.one_sample and self.network.shapes[reference][:1] == (SAMPLE_AXIS,)
        return (0, *element) if sampled else element

    def plain(self, reference: str, array: Array) -> Array:
        """Return an array in the shape of a value as the user means it: without the axis of the one sample fed."""
        sampled = self.one_sample and self.network.shapes[reference][:1] == (SAMPLE_AXIS,)
        return array.reshape(array.shape[1:]) if sampled else array
