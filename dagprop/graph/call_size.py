"""How many nodes a call of a definition expands to, found without expanding it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dagprop.errors import Problem
from dagprop.graph.placeholders import substitute
from dagprop.graph.records import Definition, Node
from dagprop.graph.signature import Vocabulary, describe, is_integer

MOST_NODES = 1_000_000
"""More nodes than this come of a mistake, or of malice: twenty definitions can ask for billions."""

DEEPEST_CALLS = 100
"""How many definitions may stand inside each other."""

MOST_CALLS = 100_000
"""Different calls of definitions inside definitions that are counted before giving up."""


class EndlessError(Exception):
    """A call cannot be expanded; without a problem where that was told before."""

    def __init__(self, problem: Problem | None) -> None:
        super().__init__()
        self.problem = problem


def op_of(node: Node, attributes: Mapping[str, Any]) -> str:
    """Return the op of a node inside a definition whose attributes have these values."""
    return str(attributes.get(node.op[1:])) if node.op.startswith("$") else node.op


def copies_of(node: Node, attributes: Mapping[str, Any]) -> int | None:
    """Return how many copies of a definition are chained, None for a single one."""
    found = attributes.get(node.repeat[1:]) if isinstance(node.repeat, str) else node.repeat
    return found if found is None or isinstance(found, int) else 1


def passed_on(node: Node, meaning: Definition, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a call inside a definition; sizes of axes are left as they are written."""

    def look_up(text: str) -> Any:
        return attributes.get(text[1:]) if text.startswith("$") else text

    return {**meaning.attributes, **{key: substitute(value, look_up) for key, value in node.attributes.items()}}


class CallSizes:
    """Counts the nodes of calls, each different call once."""

    def __init__(self, ops: Vocabulary, broken: Collection[str]) -> None:
        self._ops = ops
        self._broken = broken
        self._sizes: dict[tuple[str, str], int] = {}

    def size(self, node: Node, definition: Definition, outer: Mapping[str, Any], depth: int = 1) -> int:
        """Return how many nodes a call expands to, without expanding it; the depth of definitions is bounded."""
        if definition.name in self._broken:
            raise EndlessError(None)
        if depth > DEEPEST_CALLS:
            message = f"definitions stand more than {DEEPEST_CALLS} deep inside each other"
            raise EndlessError(Problem("DP111", message, "does one of them use itself through an attribute?"))
        copies = node.repeat
        if isinstance(copies, str):
            copies = outer.get(copies[1:])
            if not (isinstance(copies, int) and is_integer(copies) and copies >= 1):
                message = f'"repeat" must be a whole number, 1 or more, is {describe(copies)}'
                raise EndlessError(Problem("DP108", message))
        attributes = passed_on(node, definition, outer)
        key = (definition.name, repr(sorted(attributes.items())))
        if key not in self._sizes:
            if len(self._sizes) >= MOST_CALLS:
                raise EndlessError(Problem("DP111", "the definitions call each other in too many ways", "nest less"))
            total = 0
            for inner in definition.nodes.values():
                meaning = self._ops.get(op_of(inner, attributes))
                total += self.size(inner, meaning, attributes, depth + 1) if isinstance(meaning, Definition) else 1
            self._sizes[key] = total
        return self._sizes[key] * (copies or 1)
