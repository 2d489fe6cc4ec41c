"""What is said to a frame, on one line: for the eye below a picture, and for those who hear the page."""

from __future__ import annotations

from collections.abc import Callable

from dagprop.explain.document import Equation
from dagprop.explain.notation import partial_text
from dagprop.explain.numbers import Shown, number_text
from dagprop.explain.printer import ATOM, Printed, Printer
from dagprop.explain.rule_formulas import UPSTREAM
from dagprop.explain.training_step import TrainingStep
from dagprop.explain.update_formulas import plain_note
from dagprop.render.animation.moments import Moment
from dagprop.render.diagrams.build import REUSED
from dagprop.render.diagrams.items import Items
from dagprop.render.diagrams.labels import Labels

LONGEST = 60
"""A row of more characters is left to the derivation."""


class SentencePrinter(Printer):
    """Prints formulas with the names that stand in the picture.

    Parameters
    ----------
    name_of : callable
        Gives the name of a reference.
    shown : Shown
    """

    def __init__(self, name_of: Callable[[str], str], shown: Shown) -> None:
        super().__init__(shown)
        self._name_of = name_of

    def name(self, reference: str) -> Printed:
        """Print the value of a node, or the gradient of one."""
        if reference.startswith(UPSTREAM):
            return Printed(f"∂{self._name_of(reference.removeprefix(UPSTREAM))}")
        return Printed(self._name_of(reference), ATOM, "name")

    def partial(self, of: str, by: str) -> Printed:
        """Print ∂of/∂by."""
        return Printed(partial_text(self._name_of(of), self._name_of(by)))

    def line(self, equation: Equation) -> str:
        """Return an equation on one line, without the rows that say nothing new or are too long."""
        left, *rows = (self(formula).replace("-", "−") for formula in (equation.left, *equation.rows))
        kept = [row for row in rows[:-1] if len(row) <= LONGEST] + rows[-1:]
        told = list(dict.fromkeys(row for row in kept if row != left)) or rows[-1:]
        return " = ".join([left, *told])


def sentence_text(step: TrainingStep, moment: Moment, items: Items, labels: Labels, printer: SentencePrinter) -> str:
    """Return what has happened."""
    match moment.phase:
        case "start":
            return "Inputs and parameters have their values; all else is not computed yet: –."
        case "update":
            names = [labels.full(id) for id in step.updated]
            shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
            rate = number_text(step.rate, printer.shown.digits)
            each = (
                "each minus η = {} times its gradient, all at once"
                if len(names) > 1
                else "minus η = {} times its gradient"
            )
            return f"{shown}: {each.format(rate)}."
    if len(moment.equations) == 1:
        (equation,) = moment.equations
        if moment.phase == "backward" and moment.link is not None and step.lines[str(moment.target)].terms:
            # The product of names is in the derivation: here are the rule and the numbers.
            equation = Equation(equation.left, equation.rows[1:])
        return printer.line(equation)
    item = items.of[str(moment.node)]
    count = f"{len(item.nodes)} nodes inside" if item.call else "several values"
    return f"{labels.full(item.id)} is computed: {count}."


def remark_text(step: TrainingStep, moment: Moment, items: Items, labels: Labels, printer: SentencePrinter) -> str:
    """Return what is worth saying of it."""
    words = []
    if moment.reused:
        above = labels.gradient_name(labels.reference(items.of[str(moment.node)]))
        words.append(f"{above} is {REUSED}")
    if moment.target is not None and moment.link is not None:
        ready, whole = step.uses(moment.target, moment.backward)
        if whole > 1:
            name = labels.gradient_name(moment.target)
            so_far = "so far" if ready < whole else "now complete"
            used = f"{labels.full(moment.target)} is used {whole} times"
            words.append(f"{used}, and {name} is a sum: {ready} of {whole}, {so_far}.")
    if moment.phase == "update":
        before, after = (
            number_text(x, printer.shown.digits).replace("-", "−") for x in (step.done.loss, step.loss_after)
        )
        words.append(f"With the new values {labels.full(step.loss)} = {after} instead of {before}.")
        note = plain_note(step.network.graph.train.optimizer)
        words += [f"{note[0].upper()}{note[1:]}."] if note else []
    return " ".join(words)
