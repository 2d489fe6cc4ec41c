"""What a reference may name (a node, one of its outputs, an input of the definition around it), and what was meant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from dagprop.errors import quote, suggest
from dagprop.graph.fields import REFERENCE, Path
from dagprop.graph.records import LEAVES, Definition, Node, split_reference
from dagprop.graph.signature import Vocabulary
from dagprop.record import record

Suggest = Callable[[str, Collection[str]], str | None]

MOST_COMPARISONS = 40_000
"""Names that are compared before suggestions stop; a broken file with 100,000 nodes must not take minutes."""


@record(eq=False)
class Scope:
    """Where nodes stand and what they may name.

    Attributes
    ----------
    path : tuple
        Of the object of nodes in the file.
    nodes : mapping from str to Node
    ops : mapping
        What each op name stands for, with the definitions of the file.
    suggest : callable
        Gives the hint for a near miss.
    reported : collection of paths
        Parts of the file that have a problem already, so that none is told twice.
    definition : Definition, optional
        Which the nodes are inside.
    """

    path: Path
    nodes: Mapping[str, Node]
    ops: Vocabulary
    suggest: Suggest
    reported: Collection[Path] = ()
    definition: Definition | None = None


def check_reference(reference: str, scope: Scope) -> tuple[str, str, str | None] | None:
    """Return code, message and hint for a reference that names no value, or None."""
    inputs = scope.definition.inputs if scope.definition else ()
    if reference in inputs or reference in scope.nodes:
        return None
    name, output = split_reference(reference) if REFERENCE.fullmatch(reference) else (reference, 0)
    if name in inputs:
        return "DP113", f"{quote(name)} is an input of the definition and has one value only", f"write {quote(name)}"
    if name in scope.nodes:
        node = scope.nodes[name]
        meaning = scope.ops.get(node.op)
        count = len(meaning.outputs) if isinstance(meaning, Definition) else 1 if node.op in LEAVES else output + 1
        if output < count:
            return None
        names = " and ".join(quote(name if k == 0 else f"{name}:{k}") for k in range(count))
        return "DP113", f"{quote(name)} has no output {output}", f"it has {names}"
    call, slash, inner = name.partition("/")
    if slash and call in scope.nodes:
        hint = f"make {quote(inner)} an output of its definition: {quote(call + ':1')} names the second output"
        return "DP104", f"the inside of {quote(call)} cannot be named from outside", hint
    near = scope.suggest(name, [*inputs, *scope.nodes])
    if near is None and name in scope.ops:
        near = f'it is the name of an op: declare a node {{"op": {quote(name)}, ...}} and name its id'
    near = near or 'declare it under "nodes", or name a node that is there'
    return "DP104", f"there is no node {quote(name)}", near


def make_suggest() -> Suggest:
    """Return a function like :func:`dagprop.errors.suggest` that stops when it has compared very many names.

    It is made anew for each file, so that the same file always gives the same hints.
    """
    left = MOST_COMPARISONS

    def suggest_within_budget(name: str, candidates: Collection[str]) -> str | None:
        nonlocal left
        if len(candidates) > left:
            return None
        left -= len(candidates)
        # Another case, or letters in another order, is nearer than any other difference.
        letters = sorted(name.lower()[:80])
        same = [candidate for candidate in candidates if len(candidate) == len(letters) < 80]
        same = [candidate for candidate in same if sorted(candidate.lower()) == letters]
        return suggest(name, same) or suggest(name, candidates) or (f"did you mean {quote(same[0])}?" if same else None)

    return suggest_within_budget
