"""What a name means in a network: the one place where names that users give become references to values.

Names are those of the file and of the expanded graph: ``hidden/w`` is a node inside the call ``hidden``, and ``hidden``
stands for the first output of that call, as it does in the file; ``hidden:1`` is the second.
"""

from __future__ import annotations

from collections.abc import Iterable

from dagprop.errors import GraphError, Problem, quote, suggest
from dagprop.graph.records import join_reference, split_reference
from dagprop.plan.network import Network

FEW_NODES = 20
"""The nodes of a file with no more are listed where one is misspelt."""


def find_reference(network: Network, name: str) -> str:
    """Return the reference of the value that a name stands for.

    Raises
    ------
    GraphError
        If there is no such node (DP104) or output (DP113), or something else than a text is given (DP008).
    """
    return find_references(network, (name,))[name]


def find_references(network: Network, names: Iterable[str]) -> dict[str, str]:
    """Return for each name the reference that it stands for; two names may stand for the same value.

    A single text is a single name, for it would be taken letter by letter.

    Raises
    ------
    GraphError
        As :func:`find_reference` does, with all names that are wrong.
    """
    names = (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    strange = [name for name in names if not isinstance(name, str)]
    if strange:
        raise GraphError(Problem("DP008", f"expected the id of a node, got a {type(strange[0]).__name__}"))
    found = {name: _find(network, name) for name in names}
    problems = [_problem(network, name) for name, reference in found.items() if reference is None]
    if problems:
        raise GraphError(*problems)
    return {name: reference for name, reference in found.items() if reference is not None}


def _find(network: Network, name: str) -> str | None:
    if name in network.shapes:
        return name
    id, output = split_reference(name)
    given = _outputs(network, id)
    # Only what is spelt as a reference is one: "f:first" is no other name of "f".
    return given[output] if name in (id, f"{id}:{output}") and output < len(given) else None


def _outputs(network: Network, id: str) -> tuple[str, ...]:
    """Return the references of what a node, or the call of a definition, gives; nothing where there is neither."""
    return network.outputs.get(id) or network.graph.calls.get(id, ())


def _problem(network: Network, name: str) -> Problem:
    file = network.graph.file
    id, output = split_reference(name)
    count = len(_outputs(network, id))
    if count and name == f"{id}:{output}":
        names = " and ".join(quote(join_reference(id, number)) for number in range(count))
        return Problem("DP113", f"{quote(id)} has no output {output}", f"it has {names}", file=file)
    nodes = network.graph.nodes
    written = dict.fromkeys((node.origin or (node.id,))[0] for node in nodes.values())
    near = suggest(name, dict.fromkeys((*written, *nodes, *network.graph.calls)))
    listed = f"the nodes are: {', '.join(written)}" if len(written) <= FEW_NODES else "see: dagprop show GRAPH"
    return Problem("DP104", f"there is no node {quote(name)}", near or listed, file=file)
