"""What a diagram is to show: one record of choices, and the numbers to put in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, Literal

from dagprop.errors import GraphError, Problem, quote, suggest
from dagprop.record import record

if TYPE_CHECKING:
    from dagprop.backends.edges import Backprop
    from dagprop.backends.reference import Array

SHOWN = ("value", "grad", "local", "shape")
"""What can be put on nodes and arrows."""

MOST_NODES = 100
"""Of a graph of more nodes a summary is drawn, where nothing else is asked for."""

OPEN_NODES = 40
"""Definitions are opened, where nothing is said, as long as the picture has at most so many nodes."""


@record
class View:
    """What a diagram shows.

    Attributes
    ----------
    weights : {"edge", "node"} or None
        Whether parameters stand on the arrows that they weigh or are nodes; None is ``"node"`` where gradients are
        shown, and ``"edge"`` elsewhere.
    chain : tuple of str
        Parameters, or any nodes: only what leads from the loss to them is not dimmed.
    phase : {"forward", "backward"} or None
    show : tuple of str
        Of :data:`SHOWN`.
    depth : int or None
        So many levels of definitions are opened; None as many as leave the picture small.
    around : str or None
        Only the nodes that are near this one, or near what is inside this call, are drawn.
    radius : int
        How near: the number of arrows between.
    roll : bool
        Whether blocks that repeat are drawn once.
    limit : int
        Of a graph of more nodes a summary is drawn.
    digits : int
        Significant digits of numbers.
    """

    weights: Literal["edge", "node"] | None = None
    chain: tuple[str, ...] = ()
    phase: Literal["forward", "backward"] | None = None
    show: tuple[str, ...] = ()
    depth: int | None = None
    around: str | None = None
    radius: int = 1
    roll: bool = False
    limit: int = MOST_NODES
    digits: int = 4

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("weights", self.weights, ("edge", "node", None)),
            ("phase", self.phase, ("forward", "backward", None)),
            *(("show", item, SHOWN) for item in self.show),
        ):
            if value not in choices:
                names = ", ".join(str(choice) for choice in choices if choice)
                hint = suggest(str(value), [str(choice) for choice in choices if choice])
                raise GraphError(Problem("DP011", f"{name} is one of {names}, not {quote(value)}", hint))
        for name, number, least in (("radius", self.radius, 0), ("limit", self.limit, 1), ("depth", self.depth, 0)):
            if number is not None and (not isinstance(number, int) or number < least):
                raise GraphError(Problem("DP011", f"{name} is a whole number, at least {least}, not {quote(number)}"))

    @property
    def weights_on_edges(self) -> bool:
        """Whether parameters stand on arrows."""
        gradients = self.phase == "backward" or self.chain or {"grad", "local"} & set(self.show)
        return not gradients if self.weights is None else self.weights == "edge"

    @property
    def needs_gradients(self) -> bool:
        """Whether it has to be run backward too."""
        return self.phase == "backward" or (self.phase is None and bool({"grad", "local"} & set(self.show)))

    @property
    def needs_numbers(self) -> bool:
        """Whether the network has to be run for it."""
        return bool({"value", "grad", "local"} & set(self.show)) or self.phase is not None


@record
class Numbers:
    """What has been computed so far; all else is drawn as "–".

    Attributes
    ----------
    values, gradients : mapping from reference to array
    locals, contributions : mapping from node and position of its input to array
        The local derivative of that use, and what it adds to the gradient; a Jacobian that is too large is None.
    """

    values: Mapping[str, Array] = field(default_factory=dict)
    gradients: Mapping[str, Array] = field(default_factory=dict)
    locals: Mapping[tuple[str, int], Array | None] = field(default_factory=dict)
    contributions: Mapping[tuple[str, int], Array] = field(default_factory=dict)

    @classmethod
    def of(cls, done: Backprop) -> Numbers:
        """Return all numbers of a forward and a backward pass."""
        return cls(
            done.values,
            done.gradients,
            {(edge.target, edge.position): edge.local for edge in done.edges},
            {(edge.target, edge.position): edge.contribution for edge in done.edges},
        )

    def forward_only(self) -> Numbers:
        """Return what is known before the backward pass begins."""
        return Numbers(self.values)


def view_of(choices: Mapping[str, Any]) -> View:
    """Return the view of some choices; a single text counts as a list of one.

    Raises
    ------
    GraphError
        If a choice is not known (DP102) or not among its choices (DP011).
    """
    known = [field.name for field in fields(View)]
    unknown = [name for name in choices if name not in known]
    if unknown:
        hint = suggest(unknown[0], known) or f"the choices are: {', '.join(known)}"
        raise GraphError(Problem("DP102", f"a diagram has no choice {quote(unknown[0])}", hint))
    listed = {
        name: (value,) if isinstance(value, str) else tuple(value)
        for name, value in choices.items()
        if name in ("chain", "show")
    }
    return View(**{**choices, **listed})
