"""Stochastic gradient descent for one network, written out: forward, derivatives, update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagprop.explain.derivation import Derivation
from dagprop.explain.derivation_document import gradient_formula, update_formula
from dagprop.explain.document import Block, Heading, Listing, Words
from dagprop.explain.formula import Name, Partial
from dagprop.explain.rule_formulas import forward_formulas
from dagprop.train.data import fed_inputs

MOST_STEPS = 16
"""Of more steps of a kind, the first and the last are written."""

Lines = list[tuple[int, tuple[Words, ...]]]


def algorithm(derivation: Derivation) -> tuple[Block, ...]:
    """Return how this network is trained: for each sample forward, derivatives, update."""
    network = derivation.network
    inputs = tuple(fed_inputs(network))
    trained = [name for name in network.graph.parameters() if name in derivation.wanted]
    batch = network.graph.train.batch_size
    shapes = {name: value.shape for name, value in derivation.values.items()}
    samples = f"each sample{_tuple(inputs)}"
    if batch > 1 and inputs:
        samples = f"each batch of {batch} samples{_tuple(inputs)}, with the mean of their derivatives"
    lines: Lines = [(0, ("for each epoch:",)), (1, (f"for {samples}:",)), (2, ("forward:",))]
    forward = [
        (Name(name), " = ", formula)
        for step in derivation.plan.forward
        for name, formula in zip(step.outputs, forward_formulas(step, shapes), strict=True)
    ]
    lines += _indented(3, forward)
    lines.append((2, ("derivatives, from the loss down:",)))
    lines += _indented(
        3, [(Partial(derivation.loss, line.target), " = ", gradient_formula(line)) for line in derivation.lines]
    )
    lines.append((2, ("update, with all derivatives taken at the old values:",)))
    lines += _indented(3, [(Name(name), " ← ", update_formula(derivation.loss, name)) for name in trained])
    vector: tuple[Words, ...] = (
        "in vector form, with ", Name("θ"), f" ={_tuple(trained)}: ", Name("θ"), " ← ",
        update_formula(derivation.loss, "θ"),
    )  # fmt: skip
    lines.append((0, vector))
    return Heading("Stochastic gradient descent for this network"), Listing(tuple(lines))


def _tuple(names: Sequence[str]) -> str:
    shown = list(names) if len(names) <= MOST_STEPS else [*names[:3], "...", names[-1]]
    return f" ({', '.join(shown)})" if names else ""


def _indented(depth: int, steps: Sequence[tuple[Words, ...]]) -> Iterator[tuple[int, tuple[Words, ...]]]:
    hidden = len(steps) - MOST_STEPS
    for number, step in enumerate(steps):
        if hidden <= 0 or number < MOST_STEPS // 2 or number >= len(steps) - MOST_STEPS // 2:
            yield depth, step
        elif number == MOST_STEPS // 2:
            yield depth, (f"... {hidden} more",)
