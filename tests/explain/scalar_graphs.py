"""Random graphs of single numbers, and their paths, each walked."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from dagprop.graph.document import parse_document

UNARY = {"sin": math.cos, "negative": lambda x: -1.0, "tanh": lambda x: 1 - math.tanh(x) ** 2}
FORWARD = {"sin": math.sin, "negative": lambda x: -x, "tanh": math.tanh}


def parse(document):
    graph, problems = parse_document(document)
    assert graph is not None, problems
    return graph


def graph_of(nodes, loss):
    return parse({"dagprop": 1, "nodes": nodes} | ({"loss": loss} if loss else {}))


@st.composite
def scalar_graphs(draw):
    """Graphs of single numbers with fan-out, values used twice by one op, and parameters that do not reach the loss."""
    nodes = {f"p{i}": {"op": "parameter", "value": draw(st.integers(-20, 20)) / 10} for i in range(2)}
    for number in range(draw(st.integers(1, 8))):
        op = draw(st.sampled_from([*UNARY, "add", "multiply", "multiply"]))
        count = 1 if op in UNARY else draw(st.integers(2, 3))
        inputs = draw(st.lists(st.sampled_from(sorted(nodes)[-4:]), min_size=count, max_size=count))
        nodes[f"q{number}"] = {"op": op, "inputs": inputs}
    return nodes, f"q{number}"


def every_path(nodes, loss, wrt):
    """Walk every path and return, for each, what the table of derivatives says along it."""
    values = {}
    for id, node in nodes.items():
        x = [values[name] for name in node.get("inputs", ())]
        op = node["op"]
        values[id] = (
            node["value"]
            if op == "parameter"
            else FORWARD[op](x[0])
            if op in UNARY
            else sum(x)
            if op == "add"
            else math.prod(x)
        )

    def local(node, position):
        x = [values[name] for name in node["inputs"]]
        if node["op"] in UNARY:
            return UNARY[node["op"]](x[0])
        return 1.0 if node["op"] == "add" else math.prod(x[:position] + x[position + 1 :])

    found = []

    def walk(id, factors):
        if id == wrt:
            found.append(factors)
        for position, source in enumerate(nodes[id].get("inputs", ())):
            walk(source, [*factors, local(nodes[id], position)])

    walk(loss, [])
    return found
