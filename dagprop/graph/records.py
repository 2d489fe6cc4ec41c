"""What a network is: immutable records, exactly as the graph file says them.

A :class:`Graph` holds the nodes as declared.  Calls of definitions become nodes of built-in ops by
:func:`dagprop.graph.definitions.expand`, which gives another Graph.  Nothing here computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dagprop.graph.notebook import ShownInNotebooks
from dagprop.record import record

if TYPE_CHECKING:
    import networkx

EMPTY: Mapping[str, Any] = MappingProxyType({})

SAMPLE_AXIS = "N"
"""The symbolic dimension that counts samples."""

LEAVES = ("input", "parameter", "constant", "state")
"""The ops without inputs: their values come from the file, the data, or the training."""

Dimension = int | str
"""A size, or the name of a size that is known only with the data (``"N"``)."""

Shape = tuple[Dimension, ...]

INPUT_SHAPE: Shape = (SAMPLE_AXIS,)
"""The shape of an input that declares none: one number per sample."""

DEFAULT_INITIALIZER = "glorot_uniform"
"""How a parameter starts that has neither a ``value`` nor an ``init``."""

Choice = str | Mapping[str, Any]
"""Something that is declared elsewhere: its name, or an object with ``name`` and settings."""

METADATA = "__dagprop__.json"
"""What a weights file says of itself, beside the parameters by id: no id can be so called."""

DTYPES = ("float64", "float32")
"""What the values of a network can be; the first is the default."""


@record
class AxisSize:
    """The size of one axis of a value: what ``"x[-1]"`` in a definition's shape means after expansion."""

    value: str
    axis: int

    def __str__(self) -> str:
        return f"{self.value}[{self.axis}]"


@record
class Node:
    """One node: an op applied to the values of other nodes.

    Attributes
    ----------
    id : str
        Unique in its graph.  Ids of expanded nodes join with a slash: ``hidden/w``.
    op : str
        The name of an op or of a definition.
    inputs : tuple of str or None, or mapping from str to str
        References to values, by position or by name.  In an expanded graph always a tuple in the order of the op's
        inputs, with None for an optional input that is left out.  ``"node"`` is a node's first output, ``"node:1"``
        its second.
    attributes : mapping
        The op's attributes that the file gives; the others have their defaults.
    tex, doc : str, optional
        How the node is written in mathematics, and what it is for.
    repeat : int or str, optional
        How many copies of a definition are chained; a string names an attribute (``"$depth"``).
    extensions : mapping
        The ``x-*`` keys, kept and not read.
    origin : tuple of str
        In an expanded graph: ids of the calls that the node comes from, outermost first.
    """

    id: str
    op: str
    inputs: tuple[str | None, ...] | Mapping[str, str] = ()
    attributes: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    tex: str | None = None
    doc: str | None = None
    repeat: int | str | None = None
    extensions: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    origin: tuple[str, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """The references that the node makes, in order, without those left out."""
        if isinstance(self.inputs, tuple) and None not in self.inputs:
            return self.inputs  # type: ignore[return-value]
        values = self.inputs.values() if isinstance(self.inputs, Mapping) else self.inputs
        return tuple([value for value in values if value is not None])

    @property
    def is_leaf(self) -> bool:
        """Whether the node is an input, a parameter, a constant or a state."""
        return self.op in LEAVES


@record
class Definition:
    """A small graph that is used as an op by its name.

    Attributes
    ----------
    name : str
    inputs : tuple of str
        Names that the nodes inside refer to.
    optional : frozenset of str
        Those inputs that a call may leave out (written ``"b?"`` in the file).
    outputs : tuple of str
        References to nodes inside.
    attributes : mapping
        Names with their defaults; None where a call must give a value.
    nodes : mapping from str to Node
    doc : str, optional
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: Mapping[str, Node]
    attributes: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    optional: frozenset[str] = frozenset()
    doc: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@record
class DataSource:
    """Where the data of a graph lies.

    Attributes
    ----------
    file : str
        A CSV or NPZ file, relative to the graph file.
    columns : mapping from str to tuple of str
        For each input the columns (CSV) or the one array (NPZ) that feed it.
    classes : mapping from str to tuple of str
        For each input that is fed from a column of labels: the labels, in the order of their class indices.
    """

    file: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)


@record
class TrainSettings:
    """How a graph is trained where nothing else is said.

    Attributes
    ----------
    epochs : int
        Passes over the training samples.
    batch_size : int
        Samples a step; 1 is per-sample stochastic gradient descent.
    learning_rate : float
        The η of θ ← θ − η ∂L/∂θ.
    shuffle : bool
        Whether the samples are put in a new order for each epoch.
    seed : int
        Of the initial parameters, the split and the shuffling.
    validation, test : float
        Shares of the samples that are kept out of the training, each in [0, 1).
    optimizer, schedule : str or mapping
        How parameters change in a step, and how the learning rate changes from epoch to epoch: a name, or an object
        with ``name`` and settings.
    metrics : tuple of str or mapping
        What is measured beside the loss, each as these.
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 0.1
    shuffle: bool = True
    seed: int = 0
    validation: float = 0.0
    test: float = 0.0
    optimizer: Choice = "sgd"
    schedule: Choice = "constant"
    metrics: tuple[Choice, ...] = ()


@record(eq=False, weakref_slot=True)
class Graph(ShownInNotebooks):
    """A network, immutable.

    Attributes
    ----------
    nodes : mapping from str to Node
        By id, in the order of the file.
    loss : str, optional
        The reference of the value that training makes small.
    outputs : tuple of str
        References of the values that ``predict`` gives.
    definitions : mapping from str to Definition
    name, doc : str, optional
    dtype : str
        ``"float64"`` or ``"float32"``: of every value.
    data : DataSource, optional
    train : TrainSettings
    requires : tuple of str
        Plugins that must be installed.
    view : mapping
        Drawing hints; no meaning.
    extensions : mapping
        The ``x-*`` keys.
    file : str, optional
        Where the graph was read from; not part of the network.
    calls : mapping from str to tuple of str
        In an expanded graph: for each call of a definition, the references of what it gives.
    """

    nodes: Mapping[str, Node]
    loss: str | None = None
    outputs: tuple[str, ...] = ()
    definitions: Mapping[str, Definition] = field(default_factory=lambda: EMPTY)
    name: str | None = None
    doc: str | None = None
    dtype: str = "float64"
    data: DataSource | None = None
    train: TrainSettings = field(default_factory=TrainSettings)
    requires: tuple[str, ...] = ()
    view: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    extensions: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    file: str | None = None
    calls: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)

    def __repr__(self) -> str:
        name = f"{self.name!r}: " if self.name else ""
        return f"<Graph {name}{len(self.nodes)} nodes{f', loss {self.loss}' if self.loss else ''}>"

    def parameters(self) -> tuple[str, ...]:
        """Return the ids of the trainable parameters, in order."""
        return tuple(
            node.id for node in self.nodes.values() if node.op == "parameter" and node.attributes.get("trainable", True)
        )

    def to_networkx(self) -> networkx.MultiDiGraph:
        """Return the graph as a NetworkX ``MultiDiGraph``.

        The key of an edge is the position of the input that it feeds, so ``x * x`` keeps both edges and operands keep
        their order.  Nodes carry ``op``, ``attributes`` and the rest of their record; edges carry ``reference`` and,
        where the inputs are given by name, ``input``.
        """
        from dagprop.graph.topology import to_networkx

        return to_networkx(self)

    @classmethod
    def from_networkx(cls, graph: networkx.MultiDiGraph) -> Graph:
        """Return the graph that a NetworkX ``MultiDiGraph``, as :meth:`to_networkx` gives it, describes.

        Raises
        ------
        GraphError
            If the graph is not a MultiDiGraph or a node or edge lacks what it must carry.
        """
        from dagprop.graph.topology import from_networkx

        return from_networkx(graph)


def split_reference(reference: str) -> tuple[str, int]:
    """Return node id and output number of a reference: ``"split:1"`` is ``("split", 1)``.

    A reference that is not of this form has been reported when it was read; here it counts as the first output.
    """
    node, _, output = reference.partition(":")
    return node, int(output) if output.isascii() and output.isdigit() else 0


def join_reference(node: str, output: int) -> str:
    """Return the one spelling of a reference: ``"node"`` for the first output, ``"node:1"`` for the second."""
    return node if output == 0 else f"{node}:{output}"
