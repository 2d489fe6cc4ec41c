"""A network as one long equation, and as a list of substitutions that lead to it.

Each value is written as its forward rule writes it; activations are written by their names.  In the long equation the
formula of a value stands in the place of its name, unless it would be written again and again or the equation would
grow too long: such a value keeps its name, and has an equation of its own.
"""

from __future__ import annotations

from collections import Counter

from dagprop.explain.formula import Formula, Name, name_counts, substitute
from dagprop.explain.printer import Printer
from dagprop.explain.substitutions import Activation, Substitution, substitutions_of
from dagprop.graph.notebook import ShownInNotebooks
from dagprop.plan.network import Network
from dagprop.plan.outputs import prediction_outputs
from dagprop.record import record

LEVELS = 25
"""So many values stand inside of each other, or a quarter of the length: deep networks are no towers of brackets."""

SHORT = 6
"""A value of no more parts is written again at each of its uses."""


@record(eq=False)
class Equations(ShownInNotebooks):
    """A network, written as equations.

    Attributes
    ----------
    network : Network
    roots : tuple of str
        What the network computes: its loss, or without one its outputs.
    nested : tuple of Substitution
        The long equations, of the roots first, and then of the values that kept their names, from the roots down.
    substitutions : tuple of Substitution
        One for each value that is computed, in the order of the forward pass.
    activations : tuple of Activation
        In the order in which they occur first.
    """

    network: Network
    roots: tuple[str, ...]
    nested: tuple[Substitution, ...]
    substitutions: tuple[Substitution, ...]
    activations: tuple[Activation, ...]

    def __repr__(self) -> str:
        return f"<Equations of {', '.join(self.roots)}>"

    def __str__(self) -> str:
        printer = Printer()
        return "\n".join(f"{printer(Name(line.reference))} = {printer(line.formula)}" for line in self.nested)


def equations(network: Network, length: int = 100) -> Equations:
    """Return a network written as equations.

    Parameters
    ----------
    network : Network
    length : int
        So many names, numbers and signs stand in one equation at most, unless a single rule writes more.
    """
    roots = (network.graph.loss,) if network.graph.loss else prediction_outputs(network)
    substitutions, activations = substitutions_of(network)
    return Equations(network, roots, _nested(substitutions, roots, length), substitutions, activations)


def _nested(substitutions: tuple[Substitution, ...], roots: tuple[str, ...], length: int) -> tuple[Substitution, ...]:
    """Return the long equations: of the roots, and of what kept its name in them or in each other."""
    formulas = {line.reference: line.formula for line in substitutions}
    counts, sizes = _counted(formulas, roots)
    times: Counter[str] = Counter()
    for found in counts.values():
        times.update(found)
    written: dict[str, Formula] = {}
    levels: dict[str, int] = {}
    most_levels = max(length // 4, LEVELS)
    kept: dict[str, set[str]] = {}  # the names in what was written that have an equation of their own
    for name in counts:
        inner = {
            operand: count
            for operand, count in counts[name].items()
            if operand in written and operand not in roots and (times[operand] == 1 or sizes[operand] <= SHORT)
        }
        inner = {operand: count for operand, count in inner.items() if levels[operand] < most_levels}
        sizes[name] += sum((sizes[operand] - 1) * count for operand, count in inner.items())
        for operand in sorted(inner, key=lambda operand: sizes[operand], reverse=True):
            if sizes[name] <= length:
                break
            sizes[name] -= (sizes[operand] - 1) * inner.pop(operand)
        written[name] = substitute(formulas[name], {operand: written[operand] for operand in inner})
        levels[name] = 1 + max((levels[operand] for operand in inner), default=0)
        own = {operand for operand in counts[name] if operand in written and operand not in inner}
        kept[name] = own.union(*(kept[operand] for operand in inner))
    shown = {name for name in roots if name in written}
    for name in reversed(written):
        if name in shown:
            shown.update(kept[name])
    order = [*roots, *(name for name in reversed(written) if name not in roots)]
    return tuple(Substitution(name, written[name]) for name in order if name in shown)


def _counted(formulas: dict[str, Formula], roots: tuple[str, ...]) -> tuple[dict[str, Counter[str]], dict[str, int]]:
    """Return, for each value that the roots need, how often each name stands in its formula, and how long that is."""
    needed = set(roots)
    found: dict[str, tuple[Counter[str], int]] = {}
    for name in reversed(formulas):
        if name in needed:
            found[name] = name_counts(formulas[name])
            needed.update(found[name][0])
    in_order = list(reversed(found.items()))
    return {name: counts for name, (counts, _) in in_order}, {name: size for name, (_, size) in in_order}
