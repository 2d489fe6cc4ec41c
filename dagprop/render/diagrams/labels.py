"""What stands on the nodes and arrows of a diagram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dagprop.explain.notation import partial_text
from dagprop.graph.records import Graph, Node, split_reference
from dagprop.plan.network import Network
from dagprop.render.diagrams.chains import Chain
from dagprop.render.diagrams.items import Item, Items, Link, call_of, declared_call
from dagprop.render.diagrams.names import clean, from_id, from_reference, from_tex, name_of, shorten
from dagprop.render.diagrams.records import DiagramEdge, DiagramNode
from dagprop.render.diagrams.symbols import array_text, kind_of, shape_text, sign_of, strengths, symbol_of
from dagprop.render.diagrams.view import Numbers, View

if TYPE_CHECKING:
    from dagprop.backends.reference import Array

MOST_FACTORS = 10
"""A formula of more factors is shortened in the middle."""

LONGEST_NOTE = 300


class Labels:
    """Makes the labels of one diagram.

    Parameters
    ----------
    graph : Graph
    network : Network
    view : View
    numbers : Numbers
    items : Items
    open_names : bool
        Whether what is inside a frame is named as in there: ``w``, not ``hidden/w``.
    """

    def __init__(
        self, graph: Graph, network: Network, view: View, numbers: Numbers, items: Items, open_names: bool
    ) -> None:
        self._graph, self._network, self._view, self._numbers, self._items = graph, network, view, numbers, items
        self._open_names = open_names
        self._names: dict[str, str] = {}
        loss = network.graph.loss
        self._loss = loss and split_reference(loss)[0]
        self._uses: dict[tuple[str, str], int] = {}
        for link in items.links:
            pair = link.source, link.target
            self._uses[pair] = self._uses.get(pair, 0) + 1
        self._outputs: dict[str, list[str]] = {}
        for link in items.links:
            known = self._outputs.setdefault(link.source, [])
            if link.reference not in known:
                known.append(link.reference)
        # A call with one value is written by its own name, as is that value.
        self._names |= {
            split_reference(used[0])[0]: from_id(id)
            for id, used in self._outputs.items()
            if len(used) == 1 and id in items.of and items.of[id].call
        }
        self._outputs_of_graph = [name for name in (network.graph.loss, *network.graph.outputs) if name]

    # ------------------------------------------------------------------------------------------ nodes

    def node(self, item: Item) -> DiagramNode:
        """Return the node of an item."""
        reference = self.reference(item)
        rows = tuple(self._rows(item, reference))
        if item.call:
            call = call_of(self._graph, self._network, item)
            made = from_tex(call.tex) if call.tex else None
            name, symbol, kind, note = made or self._local(item), call_text(call), "call", call.doc
        else:
            node = self._network.node(item.id)
            name, kind, note = self._local(item), kind_of(node), node.doc
            symbol = "" if node.is_leaf else symbol_of(node.op)
        if self._loss in item.nodes:
            kind = "loss"
        note = shorten(clean(f"{item.id}: {note}" if note else item.id), LONGEST_NOTE)
        return DiagramNode(item.id, kind, name, symbol, rows, note)  # type: ignore[arg-type]

    def is_leaf(self, id: str) -> bool:
        """Whether an item is a leaf."""
        item = self._items.of.get(id)
        return item is None or (not item.call and self._network.node(item.id).is_leaf)

    def frame(self, item: Item) -> str | None:
        """Return the frame in which an item is drawn.

        Leaves stand before it, in the column of the values that they go with: inside, the frame would be one column
        longer than what flows through it, and what comes before it could not be at its height.
        """
        if self.is_leaf(item.id):
            return next((id for id in reversed(item.clusters) if id in self._items.repeated), None)
        return item.clusters[-1] if item.clusters else None

    def _local(self, item: Item) -> str:
        """Return the name of an item as it is inside the innermost frame around it."""
        calls = [id for id in item.clusters if id not in self._items.repeated]
        if not self._open_names or not calls or self.is_leaf(item.id):
            return from_id(item.id) if item.call else name_of(self._network.node(item.id))
        base = from_id(item.id[len(calls[-1]) + 1 :])
        tex = None if item.call else self._network.node(item.id).tex
        made = from_tex(tex) if tex else None
        return made if made and len(made) <= 2 else base

    def full(self, reference: str) -> str:
        """Return how a value is written in a formula."""
        id = split_reference(reference)[0]
        if id not in self._names:
            node = self._network.graph.nodes.get(id)
            self._names[id] = name_of(node) if node else from_id(id)
        return from_reference(reference, self._names)

    def reference(self, item: Item) -> str:
        """Return the value that an item gives: the first that others use."""
        if not item.call:
            return self._network.outputs[item.id][0]
        of_graph = [name for name in self._outputs_of_graph if split_reference(name)[0] in item.nodes]
        used = [*self._outputs.get(item.id, ()), *of_graph]
        return used[0] if used else self._network.outputs[item.nodes[-1]][0]

    def _rows(self, item: Item, reference: str) -> list[str]:
        show, numbers, digits = self._shown(), self._numbers, self._view.digits
        rows = []
        if "shape" in show:
            rows.append(shape_text(self._network.shapes[reference]) or "scalar")
        if "value" in show:
            rows.append(f"= {array_text(numbers.values.get(reference), digits)}")
        if "grad" in show and self._loss:
            name = partial_text(self.full(str(self._network.graph.loss)), self._shown_name(item, reference))
            rows.append(f"{name} = {array_text(numbers.gradients.get(reference), digits)}")
        return rows

    def columns(self) -> tuple[str, ...]:
        """Return what the rows of the nodes are."""
        words = {"shape": "shape", "value": "value", **({"grad": "gradient"} if self._loss else {})}
        return tuple(word for key, word in words.items() if key in self._shown())

    def on_arrows(self) -> str:
        """Return what stands on arrows that are no factors of a chain."""
        parts = ["weight"] * self._view.weights_on_edges + ["local derivative"] * ("local" in self._shown())
        return ", ".join(parts)

    def _shown(self) -> tuple[str, ...]:
        default = {"forward": ("value",), "backward": ("value", "grad", "local"), None: ()}
        return self._view.show or default[self._view.phase]

    def gradient_name(self, reference: str) -> str:
        """Return how the gradient of a value is written."""
        return partial_text(self.full(str(self._network.graph.loss)), self.full(reference))

    def _shown_name(self, item: Item, reference: str) -> str:
        """Return how a value is written on arrows and below names: as its node is, where frames tell where that is."""
        if not self._open_names or (item.call and len(self._outputs.get(item.id, ())) > 1):
            return self.full(reference)
        name = self._local(item)
        if name.isdigit():  # a copy of a repeated block: ∂1/∂0 would be read as numbers
            return self.full(reference)
        return from_reference(reference, {split_reference(reference)[0]: name})

    # ------------------------------------------------------------------------------------------ arrows

    def weight(self, id: str) -> str:
        """Return the name of a parameter that stands on an arrow."""
        node = self._network.node(id)
        made = from_tex(node.tex) if node.tex else None
        return made or from_id(id.rpartition("/")[2] if self._open_names and node.origin else id)

    def weight_rows(self, id: str) -> tuple[str, ...]:
        """Return the numbers of a parameter that stands on an arrow."""
        return tuple(self._rows(Item(id, (id,)), self._network.outputs[id][0]))

    def edge_rows(self, link: Link, on_chain: bool) -> tuple[str, ...]:
        """Return what else stands on an arrow."""
        local = "local" in self._shown()
        if not (on_chain or local):
            return ()
        if self._view.chain and not on_chain:
            return ()
        rows = [self.factor(link)]
        if local and not self._items.of[link.target].call:
            key = link.node, link.position
            found = self._numbers.locals.get(key)
            if found is not None or key not in self._numbers.locals:
                rows.append(f"= {array_text(found, self._view.digits)}")
        return (*rows, "depends on") if on_chain else tuple(rows)

    def factor(self, link: Link) -> str:
        """Return the local derivative of a link as the chain rule writes it."""
        above, below = self._items.of[link.target], self._items.of.get(link.source)
        # A parameter that stands on an arrow is no item.
        name = self._shown_name(below, link.reference) if below else self.full(link.reference)
        factor = partial_text(self._shown_name(above, self.reference(above)), name)
        if self._uses[link.source, link.target] > 1 and not self._items.of[link.target].call:
            op = self._network.ops[self._network.node(link.node).op]
            factor += f" ({op.signature.input_name(link.position)})"
        return factor

    def with_signs(self, edges: list[tuple[DiagramEdge, Link]]) -> tuple[DiagramEdge, ...]:
        """Return arrows with the sign and the size of what goes back along them, where gradients are shown."""
        if "grad" not in self._shown() and self._view.phase != "backward":
            return tuple(edge for edge, _ in edges)
        going = [self._contribution(link) for _, link in edges]
        sizes = iter(strengths([array for array in going if array is not None]))
        return tuple(
            edge if array is None or edge.dimmed else replace(edge, sign=sign_of(array), strength=next(sizes))
            for (edge, _), array in zip(edges, going, strict=True)
        )

    def _contribution(self, link: Link) -> Array | None:
        """Return what a link adds to the gradient of its source; into a call, what all uses inside it add."""
        found = self._numbers.contributions
        if not self._items.of[link.target].call:
            return found.get((link.node, link.position))
        parts = [
            found[id, position]
            for id in self._items.of[link.target].nodes
            for position, reference in enumerate(self._network.node(id).inputs)
            if reference == link.reference and (id, position) in found
        ]
        return sum(parts[1:], parts[0]) if parts else None

    # ------------------------------------------------------------------------------------------ the formula

    def formula(self, chain: Chain, end: str) -> str:
        """Return the product of the factors down to the end of a chain, if one way leads there; else how many do."""
        reference = self.reference(self._items.of[end])
        left = self.gradient_name(reference)
        above: dict[str, list[Link]] = {}
        for link in chain.links:
            above.setdefault(link.source, []).append(link)
        if not above.get(end):
            return ""
        way: list[Link] = []
        at = end
        while at in above:
            if len(above[at]) > 1:
                return f"{left} is the sum over {_ways(self._items, chain, end):,} ways from the loss"
            way.insert(0, above[at][0])
            at = above[at][0].target
        factors = [self.factor(link) for link in way]
        known = sum(link in chain.reused for link in way)
        if len(factors) > MOST_FACTORS:
            text = " · ".join((*factors[:3], "…", *factors[-3:]))
        elif known > 1:
            text = " · ".join((f"[ {' · '.join(factors[:known])} ]", *factors[known:]))
        else:
            text = " · ".join(factors)
        gradient = self._numbers.gradients.get(reference)
        value = f" = {array_text(gradient, self._view.digits)}" if gradient is not None else ""
        return f"{left} = {text}{value}" if len(factors) > 1 or value else text

    # ------------------------------------------------------------------------------------------ frames

    @staticmethod
    def cluster_title(graph: Graph, origin: tuple[str, ...], id: str, parent: str | None) -> str:
        """Return the title of an opened call."""
        call = declared_call(graph, origin[: origin.index(id) + 1])
        name = id.removeprefix(f"{parent}/") if parent else id
        made = from_tex(call.tex) if call.tex else None
        return f"{made or from_id(name)}: {call_text(call)}"


def call_text(call: Node) -> str:
    """Return what a call is: ``dense 128, relu``."""
    words = [
        _value_text(value)
        for key, value in call.attributes.items()
        if isinstance(value, (int, float, str)) and not isinstance(value, bool) and key not in ("init", "seed")
    ]
    name = shorten(clean(call.op.replace("_", " ")))
    times = f" × {call.repeat}" if call.repeat is not None else ""
    return shorten(f"{name} {', '.join(words)}".strip()) + times


def _value_text(value: Any) -> str:
    return clean(f"{value:g}" if isinstance(value, float) else str(value))


def _ways(items: Items, chain: Chain, end: str) -> int:
    """Return how many ways lead from the loss down to an item; exactly, without going along them."""
    users: Mapping[str, list[str]] = {}
    for link in chain.links:
        users.setdefault(link.source, []).append(link.target)  # type: ignore[attr-defined]
    ways: dict[str, int] = {}
    for id in reversed(items.of):
        if id in chain.items:
            ways[id] = sum(ways.get(user, 0) for user in users.get(id, ())) or 1
    return ways[end]
