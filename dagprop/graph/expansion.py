"""The work of one expansion: names, attributes and inputs of the nodes that a call stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from dagprop.errors import Problem, quote
from dagprop.graph.call_size import DEEPEST_CALLS, MOST_NODES, CallSizes, EndlessError, copies_of, op_of, passed_on
from dagprop.graph.fields import Path
from dagprop.graph.nodes import check_attributes, check_inputs, inputs_of
from dagprop.graph.placeholders import AXIS_SIZE, find_placeholders, substitute
from dagprop.graph.records import AxisSize, Definition, Node, join_reference, split_reference
from dagprop.graph.references import Scope, Suggest
from dagprop.graph.signature import Signature, Vocabulary
from dagprop.record import record


@record(eq=False)
class Place:
    """Where nodes are expanded: the graph itself, or the inside of one call.

    Attributes
    ----------
    prefix : str
        Of the ids: empty, or ``"hidden/"``.
    origin : tuple of str
        Ids of the calls around, outermost first.
    nodes : mapping
        The nodes to expand.
    definition : Definition or None
        Which they are inside.
    bindings : mapping
        What each input of the definition stands for, as a reference in the expanded graph.
    attributes : mapping
        What each attribute stands for.
    blame : mapping
        Where in the file each attribute got its value.
    path : tuple
        Of the outermost call in the file.
    """

    prefix: str
    origin: tuple[str, ...]
    nodes: Mapping[str, Node]
    definition: Definition | None
    bindings: Mapping[str, str | None]
    attributes: Mapping[str, Any]
    blame: Mapping[str, Path]
    path: Path


class Expansion:
    """The work of one expansion: what the ops mean, what calls give, what went wrong, and how many nodes there are."""

    def __init__(self, ops: Vocabulary, broken_definitions: Collection[str], suggest: Suggest) -> None:
        self.ops = ops
        self.suggest = suggest
        self.calls: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []
        self.healthy = True
        self._sizes = CallSizes(ops, broken_definitions)
        self._total = 0

    def expand_node(self, node: Node, place: Place) -> Iterator[Node]:
        """Yield the nodes that a node stands for: itself, or what is inside the definition that it calls."""
        op = op_of(node, place.attributes)
        meaning = self.ops.get(op)
        if isinstance(meaning, Definition):
            if place.definition is not None or self.fits(node, meaning):
                yield from self._expand_call(node, meaning, place)
        elif meaning is None:
            hint = self.suggest(op, self.ops)
            self._report(Problem("DP101", f"unknown op {quote(op)}", hint, unknown=op), node, "op", place)
        else:
            yield self.expand_op(node, op, meaning, place)

    def expand_op(self, node: Node, op: str, signature: Signature, place: Place) -> Node:
        """Return the node of an op as it is in the expanded graph."""
        inputs = self._inputs(node, signature, place)
        if place.definition is None:
            if op == "state" and node.attributes.get("update") is not None:
                update = self.follow(node.attributes["update"], place)
                return replace(node, inputs=inputs, attributes={**node.attributes, "update": update})
            return node if inputs == node.inputs else replace(node, inputs=inputs)
        attributes = self._substitute(node, place)
        if op == "state" and isinstance(attributes.get("update"), str):
            attributes = MappingProxyType({**attributes, "update": self.follow(attributes["update"], place)})
        name = place.prefix + node.id
        new = replace(node, id=name, op=op, inputs=inputs, attributes=attributes, origin=place.origin)
        scope = Scope((), {}, self.ops, self.suggest)
        if None in inputs or op != node.op:
            for problem in check_inputs(new, signature, (), scope):
                self._report(problem, node, "op" if op != node.op else "inputs", place)
        if attributes is not node.attributes or op != node.op:
            for problem in check_attributes(new, signature, (), scope):
                self._report(problem, node, str(problem.path[0]) if problem.path else "op", place)
        return new

    def _expand_call(self, node: Node, definition: Definition, place: Place) -> Iterator[Node]:
        given = self._inputs(node, definition, place)
        path = place.path or ("nodes", node.id)
        if place.definition is not None:
            # The call of a definition by "$f" could not be judged before; one by its name was.
            called = replace(node, op=definition.name, inputs=given)
            for problem in check_inputs(called, definition, (), Scope((), {}, self.ops, self.suggest)):
                self._report(problem, node, "op" if node.op != definition.name else "inputs", place)
            for key in node.attributes:
                if key not in definition.attributes:
                    message = f"{quote(definition.name)} has no attribute {quote(key)}"
                    self._report(Problem("DP102", message), node, "op", place)
        attributes = {**definition.attributes, **self._substitute(node, place)}
        for key, value in attributes.items():
            if value is None:
                message = f"{quote(definition.name)} needs the attribute {quote(key)}"
                self._report(Problem("DP107", message), node, key, place)
        blame = {key: self._blamed(node, key, place) for key in node.attributes}
        copies = copies_of(node, place.attributes)
        for copy in range(copies or 1):
            name = place.prefix + node.id
            origin: tuple[str, ...] = (*place.origin, name)
            if copies is not None:
                name = f"{name}/{copy}"
                origin = (*origin, name)
            bindings = dict(zip(definition.inputs, given, strict=False))
            inside = Place(f"{name}/", origin, definition.nodes, definition, bindings, attributes, blame, path)
            for inner in definition.nodes.values():
                yield from self.expand_node(inner, inside)
                if not self.healthy:
                    return
            outputs = tuple([self.follow(reference, inside) for reference in definition.outputs])
            self.calls[name] = self.calls[place.prefix + node.id] = outputs  # the last copy gives what the call gives
            given = (*outputs, *given[len(outputs) :])

    # ------------------------------------------------------------------------------------------ values of names

    def follow(self, reference: str, place: Place) -> str:
        """Return the expanded reference for one that is made inside a place."""
        name, output = split_reference(reference)
        if name in place.bindings:
            return place.bindings[name] or name
        prefix, nodes, attributes = place.prefix, place.nodes, place.attributes
        for _ in range(DEEPEST_CALLS + 1):
            node = nodes.get(name)
            if node is None:  # told before; what asks for it will be left out
                break
            meaning = self.ops.get(op_of(node, attributes))
            if not isinstance(meaning, Definition) or output >= len(meaning.outputs):
                break
            copies = copies_of(node, attributes)
            prefix = f"{prefix}{name}/" if copies is None else f"{prefix}{name}/{copies - 1}/"
            attributes = passed_on(node, meaning, attributes)
            name, output = split_reference(meaning.outputs[output])
            nodes = meaning.nodes
        return join_reference(prefix + name, output)

    def _inputs(self, node: Node, meaning: Signature | Definition, place: Place) -> tuple[str | None, ...]:
        """Return the expanded inputs of a node, in the order of the op's inputs."""
        expected, given = inputs_of(meaning), node.inputs
        found: Sequence[str | None]
        if type(given) is tuple and len(given) >= len(expected):
            found = given
        elif isinstance(given, Mapping):
            found = [given.get(signature.name) for signature in expected]
        else:
            found = [*given, *[None] * (len(expected) - len(given))]
        return tuple([self._input(reference, place) for reference in found])

    def _input(self, reference: str | None, place: Place) -> str | None:
        if reference is None or place.bindings.get(reference, "") is None:
            return None
        if reference in place.nodes and type(self.ops.get(place.nodes[reference].op)) is Signature:
            return place.prefix + reference
        name = reference.partition(":")[0]
        # A reference to nothing is kept: it was told before, and the node will be left out.
        return self.follow(reference, place) if name in place.nodes or name in place.bindings else reference

    def _substitute(self, node: Node, place: Place) -> Mapping[str, Any]:
        """Return the attributes of a node with what stands for something else replaced."""
        if place.definition is None:
            return node.attributes
        missing = []

        def look_up(text: str) -> Any:
            if text.startswith("$"):
                return place.attributes.get(text[1:])
            match = AXIS_SIZE.fullmatch(text)
            if match is None or match[1] not in place.bindings:
                return text
            value = place.bindings[match[1]]
            if value is None:
                missing.append(match[1])
            return AxisSize(value or match[1], int(match[2]))

        if not any(True for value in node.attributes.values() for _ in find_placeholders(value)):
            return node.attributes
        found = MappingProxyType({key: substitute(value, look_up) for key, value in node.attributes.items()})
        for name in missing:
            problem = Problem("DP105", f"the input {quote(name)} is left out, but its size is needed")
            self._report(problem, node, "inputs", place)
        return found

    # ------------------------------------------------------------------------------------------ problems

    def _blamed(self, node: Node, key: str, place: Place) -> Path:
        """Return where in the file an attribute of a node, or its op, got its value."""
        if place.definition is None:
            return "nodes", node.id, key
        value = node.op if key == "op" else node.attributes.get(key)
        for _, text in find_placeholders(value):
            if text.startswith("$"):
                return place.blame.get(text[1:], place.path)
        return place.path

    def _report(self, problem: Problem, node: Node, key: str, place: Place) -> None:
        self.healthy = False
        inner, outer = place.prefix + node.id, str(place.path[1] if place.path else node.id)
        message = f"{problem.message} (in {quote(inner)})" if place.definition is not None else problem.message
        path = self._blamed(node, key, place)
        at_key = len(path) == 2
        self.problems.append(replace(problem, message=message, node=outer, path=path, at_key=at_key))

    def fits(self, node: Node, definition: Definition) -> bool:
        """Whether a call can be expanded: it ends, it is not too large, and no definition that it needs is broken."""
        if self._total > MOST_NODES:
            self.healthy = False
            return False
        path: Path = ("nodes", node.id)
        try:
            self._total += self._sizes.size(node, definition, {})
        except EndlessError as endless:
            self.healthy = False
            if endless.problem is not None:
                self.problems.append(replace(endless.problem, node=node.id, path=path, at_key=True))
            return False
        if self._total > MOST_NODES:
            self.healthy = False
            message = f"the graph would have more than {MOST_NODES:,} nodes when its definitions are expanded"
            self.problems.append(Problem("DP111", message, "repeat or nest less", node.id, path, at_key=True))
        return self.healthy
