"""Stochastic gradient descent for one network, written out: forward, derivatives, update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from dagprop.explain.derivation_document import gradient_formula, update_formula
from dagprop.explain.derivation_records import Derivation, Line
from dagprop.explain.document import Block, Heading, Listing, Words, elided, list_words, without_middle
from dagprop.explain.formula import Name, Partial, names_in
from dagprop.explain.rule_formulas import forward_or_name
from dagprop.explain.update_formulas import PLAIN, update_formulas
from dagprop.graph.records import Choice
from dagprop.plan.records import ForwardStep
from dagprop.train.choices import choice_text
from dagprop.train.data import fed_inputs

MOST_STEPS = 16
"""Of more steps of a kind, the first and the last are written."""

Step = TypeVar("Step")

Lines = list[tuple[int, tuple[Words, ...]]]


def algorithm(derivation: Derivation) -> tuple[Block, ...]:
    """Return how this network is trained: for each sample forward, derivatives, update."""
    network = derivation.network
    inputs = tuple(fed_inputs(network))
    asked = set(derivation.wanted)
    trained = [name for name in network.graph.parameters() if name in asked]
    shapes = {name: value.shape for name, value in derivation.values.items()}
    lines: Lines = [(0, ("for each epoch:",)), (1, _samples(derivation, inputs)), (2, ("forward:",))]

    def forward(step: ForwardStep) -> tuple[Words, ...]:
        formulas = forward_or_name(step, shapes)
        shown = [without_middle(formula, MOST_STEPS) for formula in formulas]
        outputs = [(Name(name), " = ", formula) for name, formula in zip(step.outputs, shown, strict=True)]
        return tuple(word for place, words in enumerate(outputs) for word in ((", ", *words) if place else words))

    def derivative(line: Line) -> tuple[Words, ...]:
        return Partial(derivation.loss, line.target), " = ", gradient_formula(line)

    def update(name: str) -> tuple[Words, ...]:
        return Name(name), " ← ", update_formula(derivation.loss, name)

    lines += _indented(3, derivation.plan.forward, forward)
    lines.append((2, ("derivatives, from the loss down:",)))
    lines += _indented(3, derivation.lines, derivative)
    if not trained:
        return Heading(("The backward pass of this network",)), Listing(tuple(lines))
    optimizer = network.graph.train.optimizer
    if optimizer != PLAIN:
        lines += _updates_by(optimizer, derivation.loss, trained)
        return Heading((f"Training of this network, by {choice_text(optimizer)}",)), Listing(tuple(lines))
    lines.append((2, ("update, with all derivatives taken at the old values:",)))
    lines += _indented(3, trained, update)
    vector: tuple[Words, ...] = (
        "in vector form, with ", Name("θ"), " =", *_tuple(trained), ": ", Name("θ"), " ← ",
        update_formula(derivation.loss, "θ"),
    )  # fmt: skip
    lines.append((0, vector))
    return Heading(("Stochastic gradient descent for this network",)), Listing(tuple(lines))


def _samples(derivation: Derivation, inputs: Sequence[str]) -> tuple[Words, ...]:
    """Return what a step of training takes; the formulas are those of as many samples as were fed."""
    batch = derivation.network.graph.train.batch_size
    fed = 1 if derivation.one_sample else max((_length(derivation, name) for name in inputs), default=1)
    if fed > 1:
        return (f"for each batch of {fed} samples", *_tuple(inputs), ":")
    if batch > 1 and inputs:
        return (f"for each batch of {batch} samples", *_tuple(inputs), ", with the mean of their derivatives:")
    return ("for each sample", *_tuple(inputs), ":")


def _length(derivation: Derivation, name: str) -> int:
    array = derivation.values.get(name)
    return array.shape[0] if array is not None and array.ndim else 1


def _updates_by(optimizer: Choice, loss: str, trained: Sequence[str]) -> Lines:
    """Return the lines of the update of another optimiser than plain gradient descent."""
    formulas = update_formulas(optimizer, loss)
    if formulas is None:
        return [(2, ("update", *_tuple(trained), " as the rule of the optimizer does"))]
    memories = [name for name, _ in formulas[1:]]
    step = ", t the number of the step" if any("t" in names_in(formula) for _, formula in formulas) else ""
    lines: Lines = [
        (2, (f"update, with all values on the right the old ones{step}, and ", Name("θ"), " =", *_tuple(trained), ":"))
    ]
    lines += [(3, (name, " ← ", formula)) for name, formula in formulas]
    if memories:
        zero = f", {'are' if len(memories) > 1 else 'is'} zero at first"
        lines.append((0, (*list_words(memories, MOST_STEPS), ", of the shape of ", Name("θ"), zero)))
    return lines


def _tuple(names: Sequence[str]) -> tuple[Words, ...]:
    return (" (", *list_words([Name(name) for name in names], MOST_STEPS), ")") if names else ()


def _indented(
    depth: int, steps: Sequence[Step], words: Callable[[Step], tuple[Words, ...]]
) -> Iterator[tuple[int, tuple[Words, ...]]]:
    """Yield a line for each step, of very many for the first and the last."""
    first, last = elided(steps, MOST_STEPS)
    for step in first:
        yield depth, words(step)
    if last:
        yield depth, (f"... {len(steps) - MOST_STEPS:,} more",)
    for step in last:
        yield depth, words(step)
