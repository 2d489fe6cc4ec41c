"""What an author asks for: the names, the formula and the sentence of a new op, checked before anything is made."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from dataclasses import field

from dagprop.errors import PluginError, Problem, quote
from dagprop.graph.fields import ID, NODE_KEYS
from dagprop.ops.contract import RESERVED
from dagprop.ops.registry import vocabulary
from dagprop.record import record


@record
class NewOp:
    """A new op, as its author asks for it.

    Attributes
    ----------
    name : str
        Of the plugin.
    op : str
        Of the op, which is another where dagprop has one of that name.
    inputs : tuple of str
    attributes : dict from str to float
        With their defaults.
    formula : str or None
        None: a template.
    pullback : bool
        Whether the op is not elementwise.
    doc : str
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: dict[str, float] = field(default_factory=dict)
    formula: str | None = None
    pullback: bool = False
    doc: str = ""

    @property
    def is_loss(self) -> bool:
        """Whether it compares a prediction with a target."""
        return {"prediction", "target"} <= set(self.inputs)

    @property
    def function(self) -> str:
        """The name of the forward rule in Python."""
        return "rule" if keyword.iskeyword(self.op) or self.op in ("op", "math", "xp", *self.inputs) else self.op


def new_op(
    name: str,
    *,
    op: str | None = None,
    inputs: Sequence[str] = (),
    attributes: Mapping[str, float] | None = None,
    formula: str | None = None,
    pullback: bool = False,
    doc: str | None = None,
) -> NewOp:
    """Return the op that an author asks for.

    Parameters
    ----------
    name : str
    op : str, optional
        By default the name; where dagprop has an op of that name itself, ``my_`` before it.
    inputs : sequence of str
        By default ``x``.
    attributes : mapping from str to float, optional
    formula : str, optional
    pullback : bool
    doc : str, optional
        By default it says the formula.

    Raises
    ------
    PluginError
        With all that is wrong with the names (DP511).
    """
    attributes = dict(attributes or {})
    inputs = tuple(inputs) or ("x",)
    problems = [_name_problem("name of the plugin", name), op and _name_problem("name of the op", op)]
    if formula is not None and pullback:
        hint = "leave out --formula for a template, or --kind pullback"
        problems.append(Problem("DP511", "a formula is of one element, and pullbacks are for ops that are not", hint))
    if op is not None and op in vocabulary():
        problems.append(Problem("DP502", f"there is an op {quote(op)} already", f"as in --op my_{op}"))
    taken: set[str] = set()
    for kind, names in (("input", inputs), ("attribute", attributes)):
        for given in names:
            problems.append(_argument_problem(kind, given, taken))
            taken.add(given)
    found = [problem for problem in problems if isinstance(problem, Problem)]
    if found:
        raise PluginError(*found)
    chosen = op or (f"my_{name}" if name in vocabulary() else name)
    title = name.replace("_", " ").capitalize()
    return NewOp(name, chosen, inputs, attributes, formula, pullback, doc or _sentence(title, formula))


def _sentence(title: str, formula: str | None) -> str:
    return (
        f"{title}, {' '.join(formula.split())}."
        if formula
        else f"{title}: say here what it computes, and who found it."
    )


def _name_problem(what: str, name: str) -> Problem | None:
    if ID.fullmatch(name):
        return None
    fixed = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name).lstrip("0123456789")
    return Problem(
        "DP511",
        f"the {what} has letters, digits and _ and starts with no digit: {quote(name)}",
        f"as in {fixed or 'mine'}",
    )


def _argument_problem(kind: str, name: str, taken: set[str]) -> Problem | None:
    option = f"--{kind}"
    if not ID.fullmatch(name) or keyword.iskeyword(name):
        return Problem("DP511", f"{option} {quote(name)}: this cannot be the name of an argument", "as in --input x")
    if name in RESERVED:
        return Problem(
            "DP511", f"{option} {quote(name)}: this has a meaning of its own in rules", "give it another name"
        )
    if kind == "attribute" and name in (*NODE_KEYS, "shape"):
        return Problem("DP511", f"{option} {quote(name)}: this is a key of every node", "give it another name")
    if name in ("pi", "e", "math", "op"):
        return Problem(
            "DP511", f"{option} {quote(name)}: this is a constant of formulas, or a module", "give it another name"
        )
    if name in taken:
        return Problem("DP511", f"{option} {quote(name)}: this name is given twice")
    return None
