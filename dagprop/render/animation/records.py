"""What an animation is: pictures of one network with what is said to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from dagprop.explain.document import Equation
from dagprop.record import record
from dagprop.render.animation.moments import Phase
from dagprop.render.diagrams.records import Diagram


@record(eq=False)
class Frame:
    """One picture.

    Attributes
    ----------
    phase : Phase
    heading : str
        Where we are: ``Backward 3 of 12``.
    sentence : str
        What has happened, on one line.
    remark : str
        What is worth saying of it: re-use, a sum over several uses.
    diagram : Diagram
        With the numbers that are known now.
    lit : frozenset of str
        The nodes that have just changed.
    lit_edge : int or None
        The number of the arrow along which a gradient has just gone.
    reused : str or None
        The node whose gradient was passed on, and had been before.
    equations : tuple of Equation
        The line of the derivation.
    numbers : mapping from node of the diagram to (name to array)
        What stands on the nodes, in full: ``value`` and ``grad``, as far as they are known.
    event : mapping
        What has happened, as data.
    """

    phase: Phase
    heading: str
    sentence: str
    remark: str
    diagram: Diagram
    lit: frozenset[str] = frozenset()
    lit_edge: int | None = None
    reused: str | None = None
    equations: tuple[Equation, ...] = ()
    numbers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)


@record(eq=False)
class Animation:
    """Frames of one network, all of the same nodes and arrows in the same order.

    Attributes
    ----------
    title : str
    frames : tuple of Frame
    """

    title: str
    frames: tuple[Frame, ...]
