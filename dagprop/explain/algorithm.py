"""Stochastic gradient descent for one network, written out: forward, derivatives, update of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from dagprop.errors import DataError
from dagprop.explain.derivation import of_first_samples
from dagprop.explain.derivation_document import gradient_formula, update_formula
from dagprop.explain.derivation_records import Derivation, Line
from dagprop.explain.document import Block, Heading, Listing, Words, elided, list_words, without_middle
from dagprop.explain.formula import Name, Partial, names_in
from dagprop.explain.rule_formulas import forward_or_name
from dagprop.explain.update_formulas import PLAIN, update_formulas
from dagprop.graph.records import Choice
from dagprop.plan.network import Network
from dagprop.plan.records import ForwardStep
from dagprop.train.choices import choice_text
from dagprop.train.data import data_from_values, fed_inputs
from dagprop.train.samples import part_sizes

MOST_STEPS = 16
"""Of more steps of a kind, the first and the last are written."""

Step = TypeVar("Step")

Lines = list[tuple[int, tuple[Words, ...]]]


def algorithm(derivation: Derivation, rows: int | None = None) -> tuple[Block, ...]:
    """Return how this network is trained: for each batch forward, derivatives, update.

    Parameters
    ----------
    derivation : Derivation
        If it is of several samples, the formulas written are those of a batch of them; else those of one sample.
    rows : int, optional
        Where the derivation is of one sample, how many there are in all; by default those that the graph itself holds.
    """
    network = derivation.network
    inputs = tuple(fed_inputs(network))
    if derivation.one_sample:
        batch = batch_size(network, _own_rows(network) if rows is None else rows)
    else:
        fed = max((len(derivation.values[name]) for name in inputs if name in derivation.values), default=1)
        batch = batch_size(network, fed)
        derivation = of_first_samples(derivation, batch) if batch < fed else derivation
    asked = set(derivation.wanted)
    trained = [name for name in network.graph.parameters() if name in asked]
    shapes = {name: value.shape for name, value in derivation.values.items()}
    lines: Lines = [
        (0, ("for each epoch:",)),
        (1, _samples(batch, inputs, not derivation.one_sample)),
        (2, ("forward:",)),
    ]

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


def batch_size(network: Network, rows: int | None) -> int:
    """Return how many samples a step of the graph's training takes, of so many or of an unknown number of samples."""
    settings = network.graph.train
    if rows is None:
        return settings.batch_size
    return max(1, min(settings.batch_size, part_sizes(rows, settings.validation, settings.test)[0]))


def _own_rows(network: Network) -> int | None:
    """Return how many samples a graph holds itself; None if they come from elsewhere."""
    if network.graph.data is not None:
        return None
    try:
        return data_from_values(network).rows
    except DataError:  # an input has no value
        return None


def _samples(batch: int, inputs: Sequence[str], together: bool) -> tuple[Words, ...]:
    """Return what a step of training takes; the formulas are those of the whole batch together, or of one sample."""
    if batch == 1 or not inputs:
        return ("for each sample", *_tuple(inputs), ":")
    mean = () if together else (", with the mean of their derivatives",)
    return (f"for each batch of {batch} samples", *_tuple(inputs), *mean, ":")


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
