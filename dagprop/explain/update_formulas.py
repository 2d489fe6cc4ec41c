"""The formulas of an optimiser: its rule, run on symbols, as of θ, its gradient, η, t and what it remembers."""

from __future__ import annotations

from dagprop.errors import PluginError
from dagprop.explain.formula import Apply, Formula, Name, Number, Partial
from dagprop.graph.records import Choice, TrainSettings
from dagprop.program.recorder import Recorder
from dagprop.program.symbols import Symbol
from dagprop.program.trace import record_update
from dagprop.program.update import LEARNING_RATE, STEP
from dagprop.train.choices import choice_text
from dagprop.train.update_rule import update_rule

PLAIN = TrainSettings().optimizer
"""Plain gradient descent."""


def plain_note(choice: Choice) -> str | None:
    """Return what to say where plain gradient descent is shown of a graph that is trained otherwise."""
    if choice == PLAIN:
        return None
    return f"this is plain gradient descent; the training goes by {choice_text(choice)}"


def update_formulas(choice: Choice, loss: str) -> list[tuple[Name, Formula]] | None:
    """Return what replaces a parameter θ and each memory of its, of their old values; None where it cannot be written.

    Parameters
    ----------
    choice : str or mapping
        The optimiser.
    loss : str
        Of whose derivative the formulas are.

    Raises
    ------
    GraphError
        If there is no such optimiser (DP011).
    """
    rule = update_rule(choice)
    recorder = Recorder(as_written=True)
    parameter, gradient = (Symbol(recorder, recorder.input(name, ())) for name in ("θ", "gradient"))
    try:
        new = record_update(recorder, rule, parameter, gradient, rule.memories)
    except PluginError:
        return None
    given: dict[str, Formula] = {"gradient": Partial(loss, "θ"), LEARNING_RATE: Name("η"), STEP: Name("t")}
    formulas: list[Formula] = []
    for instruction in recorder.instructions:
        operands = tuple(formulas[operand] for operand in instruction.operands)
        match instruction.primitive:
            case "input":
                name: str = instruction.parameters[0]
                formulas.append(given.get(name, Name(name)))
            case "constant":  # 1 - 0.9 is 0.1, to those who read it
                formulas.append(Number(float(f"{instruction.parameters[0]:.12g}")))
            case "real":
                formulas.append(operands[0])
            case primitive:
                formulas.append(Apply(primitive, operands, instruction.parameters))
    return [(Name(name), formulas[symbol.number]) for name, symbol in zip(("θ", *rule.memories), new, strict=True)]
