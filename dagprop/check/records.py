"""What a gradient check finds, as values."""

from __future__ import annotations

from dagprop.check.verdicts import Kind, Method
from dagprop.record import record


@record
class Settings:
    """How a network is checked.

    Attributes
    ----------
    tolerance : float
        The relative difference up to which two numbers are equal.
    samples : int or None
        Of an array with more entries than this, so many are checked one by one, and the others together along random
        directions; None checks each.
    seed : int
        Of the sample and the directions.
    """

    tolerance: float = 1e-6
    samples: int | None = 20
    seed: int = 0


@record
class Finding:
    """One derivative, compared.

    Attributes
    ----------
    kind : {"right", "rounding", "kink", "jump", "not finite", "wrong"}
        ``rounding``: as different as rounding makes it; ``kink``: the slopes of the two sides differ, and the rule
        gives one of them or one between; ``jump``: the output jumps there; ``not finite``: one of the numbers is NaN
        or infinite.
    node, op : str
    input : str
        The name of the input; of a gradient of the whole graph, "".
    source : str
        The value that feeds it; of a gradient of the whole graph, the parameter.
    entry : tuple of int
        Which entry of ``source``.
    output : tuple of int or None
        Which entry of the node is derived; None where it is the sum of all, times an upstream gradient.
    rule : float
        What the rule gives.
    numeric : float
        What changing the input does; NaN where that has no limit.
    left, right : float
        The same for changes to smaller and to larger values alone.
    relative : float
        The difference of ``rule`` and ``numeric``, divided by the larger of their sizes.
    count : int
        How many entries of this input are of this kind.
    method : {"complex step", "central differences"}
    place : str
        The file and line of the rule.
    hint : str
        What the difference looks like, or what failed.
    """

    kind: Kind
    node: str
    op: str
    input: str
    source: str
    entry: tuple[int, ...]
    output: tuple[int, ...] | None
    rule: float
    numeric: float
    left: float
    right: float
    relative: float
    count: int
    method: Method
    place: str
    hint: str = ""

    @property
    def failed(self) -> bool:
        """Whether the rule is to blame: it is wrong, or gives no number where there is a derivative."""
        finite = self.numeric == self.numeric and abs(self.numeric) != float("inf")
        return self.kind == "wrong" or (self.kind == "not finite" and finite)


@record
class Unchecked:
    """An input of a node that was not checked, and why."""

    node: str
    op: str
    input: str
    reason: str


@record
class Part:
    """One of the two parts of a check: the rules of the ops, or the gradients of the whole graph.

    Attributes
    ----------
    subjects : int
        How many inputs of nodes, or parameters, were checked.
    entries, total : int
        How many entries of arrays were checked one by one, of how many.
    methods : dict from method to int
        By which method how many inputs or gradients were checked.
    findings : tuple of Finding
        What is not simply right, in forward order: for each input at most one of each kind.
    largest : Finding or None
        The largest relative difference of all that is right.
    """

    subjects: int
    entries: int
    total: int
    methods: dict[Method, int]
    findings: tuple[Finding, ...]
    largest: Finding | None

    def of_kind(self, kind: Kind) -> tuple[Finding, ...]:
        """Return the findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that the rules are to blame for."""
        return tuple(finding for finding in self.findings if finding.failed)


@record
class GradientCheck:
    """What the check of a network found.

    Attributes
    ----------
    rules : Part
        Each rule by itself, at the values that its node has.
    network : Part or None
        ∂loss/∂parameter of the whole graph; None where there is no loss, or no parameter, or a rule has failed.
    network_missing : str
        Why ``network`` is None, or "".
    unchecked : tuple of Unchecked
    rounding : float or None
        Of a graph in float32: the largest difference of its gradients from those in float64, relative to the largest
        entry of the gradient; None for float64.
    """

    rules: Part
    network: Part | None
    network_missing: str
    unchecked: tuple[Unchecked, ...]
    rounding: float | None = None

    @property
    def ok(self) -> bool:
        """Whether every derivative that could be checked is right."""
        return not self.rules.failed and (self.network is None or not self.network.failed)

    @property
    def first(self) -> Finding | None:
        """The first rule, in forward order, that is wrong; or else the first wrong gradient of the whole graph."""
        failed = self.rules.failed or (self.network.failed if self.network else ())
        return failed[0] if failed else None
