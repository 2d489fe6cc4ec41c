"""From verdicts to findings: of each input one of each kind, the worst; and the largest difference that is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from dagprop.backends.reference import Array
from dagprop.check.hints import ratio_hint
from dagprop.check.records import Finding, Part
from dagprop.check.verdicts import KINDS, RIGHT, WRONG, Method, Verdicts
from dagprop.record import record

Make = Callable[[int, Finding], Finding]
"""Completes a finding, given the number of the entry among those that were checked."""


@record
class Outcome:
    """What the check of some inputs gave.

    Attributes
    ----------
    subjects : int
        How many inputs, or parameters.
    entries, total : int
        How many entries were checked one by one, of how many.
    method : {"complex step", "central differences"}
    findings : list of Finding
    largest : Finding or None
    """

    subjects: int
    entries: int
    total: int
    method: Method
    findings: list[Finding]
    largest: Finding | None


def blank_finding(node: str, op: str, input: str, source: str, place: str) -> Finding:
    """Return a finding without numbers."""
    nan = float("nan")
    return Finding("right", node, op, input, source, (), None, nan, nan, nan, nan, 0.0, 1, "complex step", place)


def outcome(verdicts: Verdicts, steps: Array, blank: Finding, make: Make, total: int) -> Outcome:
    """Return the outcome of verdicts on the entries of one input.

    Parameters
    ----------
    verdicts : Verdicts
        Of any shape.
    steps : array
        By what the slopes of each entry are multiplied; of the same shape.
    blank : Finding
        What all findings have in common.
    make : callable
    total : int
        How many entries the input has.
    """
    kinds, relative = verdicts.kind.ravel(), np.nan_to_num(verdicts.relative.ravel(), nan=0.0)
    findings = []
    largest = None
    for kind in np.unique(kinds).tolist():
        chosen = np.flatnonzero(kinds == kind)
        worst = int(chosen[relative[chosen].argmax()])
        finding = _finding(verdicts, steps, blank, worst, kind, len(chosen))
        if kind == WRONG and _is_multiple(verdicts, chosen):
            finding = replace(finding, hint=ratio_hint(finding.rule, finding.numeric))
        finding = make(worst, finding)
        if kind == RIGHT:
            largest = finding
        else:
            findings.append(finding)
    findings.sort(key=lambda finding: -KINDS.index(finding.kind))
    return Outcome(1, kinds.size, total, verdicts.method, findings, largest)


def _finding(verdicts: Verdicts, steps: Array, blank: Finding, number: int, kind: int, count: int) -> Finding:
    step = float(steps.ravel()[number])
    rule, numeric, left, right = (
        float(slopes.ravel()[number]) / step
        for slopes in (verdicts.claimed, verdicts.numeric, verdicts.left, verdicts.right)
    )
    if step < 0:
        left, right = right, left
    return replace(
        blank,
        kind=KINDS[kind],
        rule=rule,
        numeric=numeric,
        left=left,
        right=right,
        relative=float(verdicts.relative.ravel()[number]),
        count=count,
        method=verdicts.method,
    )


def _is_multiple(verdicts: Verdicts, chosen: Array) -> bool:
    """Return whether the claimed slopes are the same multiple of the true ones in all of the chosen entries."""
    claimed, numeric = verdicts.claimed.ravel()[chosen], verdicts.numeric.ravel()[chosen]
    first = int(np.abs(numeric).argmax())
    if abs(numeric[first]) <= 1e-9 * np.abs(claimed).max():
        return True  # of 0, which is nothing of the rule's
    expected = numeric * (claimed[first] / numeric[first])
    return bool((np.abs(claimed - expected) <= 1e-5 * np.abs(claimed[first])).all())


@dataclass(slots=True)
class Tally:
    """Outcomes, added up."""

    subjects: int = 0
    entries: int = 0
    total: int = 0
    methods: Counter[Method] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    largest: Finding | None = None

    def add(self, outcome: Outcome) -> None:
        """Add the outcome of some inputs."""
        self.subjects += outcome.subjects
        self.entries += outcome.entries
        self.total += outcome.total
        self.methods[outcome.method] += outcome.subjects
        self.findings += outcome.findings
        new = outcome.largest
        if new is not None and (self.largest is None or new.relative > self.largest.relative):
            self.largest = new

    def part(self) -> Part:
        """Return the sum."""
        methods = {method: count for method, count in sorted(self.methods.items(), reverse=True) if count}
        return Part(self.subjects, self.entries, self.total, methods, tuple(self.findings), self.largest)
