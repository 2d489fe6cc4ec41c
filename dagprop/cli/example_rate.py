"""With which learning rate the small network for a new op learns: found out by trying."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from dagprop.author.example_graph import EPOCHS, RATES, example_graph
from dagprop.author.new_op import NewOp

GOOD_LOSS = 5e-3
"""A rate that makes the half squared error as small as this is taken at once."""

LEARNT = 0.02
"""With a larger one the curve has not the shape of a sine."""


def example_rate(new: NewOp, plugin: str) -> tuple[float, float]:
    """Return the learning rate that leaves the smallest loss, of those that are tried, and this loss.

    What a network of a new op learns well with depends on how steep the op is: 10·x diverges where tanh crawls.

    Parameters
    ----------
    new : NewOp
    plugin : str
        The text of the plugin, which dagprop has written itself; it is loaded from a temporary folder, and forgotten.
    """
    from dagprop.errors import DagpropError
    from dagprop.ops.declared import isolated
    from dagprop.ops.plugins import load_plugin

    losses: dict[float, float] = {}
    with tempfile.TemporaryDirectory() as folder, isolated():
        path = Path(folder) / f"{new.name}.py"
        path.write_text(plugin, encoding="utf-8")
        try:
            load_plugin(str(path))
        except DagpropError:
            return RATES[0], math.nan  # the check that follows says why
        for rate in RATES:
            losses[rate] = _loss(example_graph(new, rate), Path(folder))
            if not new.is_loss and losses[rate] < GOOD_LOSS:
                break
    best = min(losses, key=losses.__getitem__)
    return best, losses[best]


def learning_text(new: NewOp, graph: str, loss: float) -> str:
    """Return how well the network learns, in words."""
    if not math.isfinite(loss):
        return f"{graph} does not train: with every learning rate that was tried its numbers grow without bound"
    trained = f"loss {loss:.2g} after {EPOCHS} epochs"
    if new.is_loss:
        return f"{graph} trains: {trained}"
    if loss <= LEARNT:
        return f"{graph} learns sin x: {trained}"
    return f"{graph} trains, but not to a sine: {trained}; {new.op} cannot follow it, or needs another learning rate"


def _loss(graph: str, folder: Path) -> float:
    """Return the loss after training; infinity where it is not a number any more."""
    from dagprop.api import load, train
    from dagprop.errors import DagpropError

    path = folder / "graph.json"
    path.write_text(graph, encoding="utf-8")
    try:
        loss = train(load(path)).history[-1].loss
    except DagpropError:
        return math.inf
    return loss if math.isfinite(loss) else math.inf
