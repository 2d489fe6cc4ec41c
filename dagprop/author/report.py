"""What the check of a plugin gives: a line for each thing that was looked at, a problem for each that is wrong."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

from dagprop.errors import Problem
from dagprop.ops.contract import Op, Rule
from dagprop.record import record

Status = Literal["ok", "note", "wrong", "skipped"]


@record
class Item:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
    text : str
        What was found.
    problems : tuple of Problem
        Warnings are worth knowing; the others are wrong.
    skipped : bool
        Whether it could not be looked at.
    """

    name: str
    text: str
    problems: tuple[Problem, ...] = ()
    skipped: bool = False

    @property
    def status(self) -> Status:
        """The worst that was found."""
        if any(not problem.warning for problem in self.problems):
            return "wrong"
        return "note" if self.problems else "skipped" if self.skipped else "ok"


@record
class Report:
    """What was found of one declaration, or of a file that declares nothing.

    Attributes
    ----------
    kind, name : str
        As "op" and "swish".
    place : str
        File and line.
    items : list of Item
    """

    kind: str
    name: str
    place: str
    items: list[Item] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(item.status != "wrong" for item in self.items)

    def to_json(self) -> dict[str, Any]:
        """Return the report as the object that ``--json`` prints."""
        items = [
            {"name": i.name, "status": i.status, "text": i.text, "problems": [_problem(p) for p in i.problems]}
            for i in self.items
        ]
        return {"kind": self.kind, "name": self.name, "place": self.place, "ok": self.ok, "checks": items}


def _problem(problem: Problem) -> dict[str, Any]:
    return {**problem.to_json(), "warning": problem.warning}


def wrong(op: Op, rule: Rule, message: str, hint: str | None = None, line: int | None = None) -> Problem:
    """Return what is wrong with a rule, where it stands."""
    code = rule.__code__
    return Problem("DP512", f"op {op.name}: {message}", hint, file=code.co_filename, line=line or code.co_firstlineno)


def worth_knowing(op: Op, rule: Rule, message: str, hint: str | None = None) -> Problem:
    """Return something about a rule that need not be wrong."""
    code = rule.__code__
    return Problem(
        "DP512", f"op {op.name}: {message}", hint, file=code.co_filename, line=code.co_firstlineno, warning=True
    )
