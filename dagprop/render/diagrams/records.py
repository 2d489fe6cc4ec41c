"""What a diagram is: nodes, arrows, clusters and a legend, as data that every output format draws.

Nothing here knows a colour or an escape: what things look like is in :mod:`dagprop.render.diagrams.theme`, how they are
written in the module of each format.  All texts are plain Unicode, of which nothing was escaped.
"""

from __future__ import annotations

from typing import Literal

from dagprop.record import record

FORMATS = ("svg", "png", "pdf", "dot", "mermaid", "tikz", "text")
"""What a diagram can be written as."""

THEMES = ("light", "dark")

Kind = Literal["input", "parameter", "constant", "state", "one", "sum", "op", "activation", "loss", "call", "group"]
"""What a node is; ``one`` is the 1 that a bias is the weight of, ``call`` a definition that is not opened, ``group``
many nodes of a summary."""

Mark = Literal["chain", "reused"]
"""What an arrow is for the chain to a parameter: a factor of its own, or one that was already computed."""

Sign = Literal["positive", "negative", "mixed", "zero"]


@record
class DiagramNode:
    """One node.

    Attributes
    ----------
    id : str
        Unique in the diagram.
    kind : Kind
    name : str
        How it is written: ``w₁``.
    symbol : str
        What it does: ``Σ``; empty for a leaf.
    rows : tuple of str
        Numbers and shapes below the name.
    note : str
        What the file says it is for.
    dimmed : bool
        Whether it is off the chain that is shown.
    cluster : str or None
        The innermost cluster around it.
    """

    id: str
    kind: Kind
    name: str
    symbol: str = ""
    rows: tuple[str, ...] = ()
    note: str = ""
    dimmed: bool = False
    cluster: str | None = None


@record
class DiagramEdge:
    """One use of a value.

    Attributes
    ----------
    source, target : str
        The ids of the node that gives the value and of the one that uses it.
    label : str
        The weight that is on it; else empty.
    rows : tuple of str
        What else stands on it: factors, numbers.
    backward : bool
        Whether the arrow points from the user to what it depends on.
    main : bool
        Whether it is drawn straight where that can be: it carries what flows from layer to layer.
    dimmed : bool
    mark : Mark or None
    sign : Sign or None
        Of the gradient that goes along it; None where none is shown.
    strength : float
        How large that is beside the others, from 0 to 1.
    """

    source: str
    target: str
    label: str = ""
    rows: tuple[str, ...] = ()
    backward: bool = False
    main: bool = True
    dimmed: bool = False
    mark: Mark | None = None
    sign: Sign | None = None
    strength: float = 0.0


@record
class Cluster:
    """A frame around nodes: a definition that is opened, or what is already computed.

    Attributes
    ----------
    id : str
    title : str
    parent : str or None
        The cluster around it, which stands before it in the list.
    kind : {"definition", "reused", "repeated"}
    """

    id: str
    title: str
    parent: str | None = None
    kind: Literal["definition", "reused", "repeated"] = "definition"


@record
class Diagram:
    """A picture before it is drawn.

    Attributes
    ----------
    nodes : tuple of DiagramNode
        Each behind what it depends on.
    edges : tuple of DiagramEdge
    clusters : tuple of Cluster
    title : str
        Of what it is a picture, for those who cannot see it.
    formula : str
        The chain of factors, where one is shown.
    direction : str
        Which way arrows point, in words.
    loss : str or None
        The id of the node at the right end.
    remarks : tuple of str
        What is left out, and how to see it.
    columns : tuple of str
        What the rows of the nodes are, each by one word.
    on_arrows : str
        What stands on arrows.
    """

    nodes: tuple[DiagramNode, ...]
    edges: tuple[DiagramEdge, ...]
    clusters: tuple[Cluster, ...] = ()
    title: str = ""
    formula: str = ""
    direction: str = ""
    loss: str | None = None
    remarks: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    on_arrows: str = ""
