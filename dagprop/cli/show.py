"""``dagprop show``: what a graph is made of."""

from __future__ import annotations

import click

from dagprop.cli import options


@click.command("show")
@options.graph_argument
@click.option("--expanded", is_flag=True, help="Show the nodes that definitions expand to.")
@options.json_option
@options.general
def command(graph: str, expanded: bool, as_json: bool, plugins: tuple[str, ...], verbose: bool) -> None:
    """Show nodes, ops, shapes and parameter counts.

    Without --expanded, the call of a definition is one line.
    """
    from dagprop.cli.output import count_text, json_text, names_text, parameter_sizes
    from dagprop.cli.session import open_graph
    from dagprop.explain.numbers import shape_text
    from dagprop.explain.tables import table
    from dagprop.plan.network import prepare

    opened = open_graph(graph, plugins=plugins, verbose=verbose)
    network = prepare(opened)
    nodes = (network.graph if expanded else opened).nodes
    sizes = parameter_sizes(network, by_call=not expanded)
    total = sum(sizes.values())
    given = {**network.outputs, **network.graph.calls}
    rows = []
    for node in nodes.values():
        shapes = [list(network.shapes[value]) for value in given[node.id]]
        rows.append((node, shapes, sizes[node.id]))
    if as_json:
        described = {
            node.id: {"op": node.op, "inputs": list(node.references), "shapes": shapes, "parameters": count}
            for node, shapes, count in rows
        }
        document = {"name": opened.name, "doc": opened.doc, "dtype": opened.dtype, "loss": opened.loss}
        click.echo(json_text({**document, "nodes": described, "parameters": total}))
        return
    title = opened.name or graph
    click.echo(f"{title}: {opened.doc}\n" if opened.doc else f"{title}\n")
    cells = [
        (
            node.id,
            node.op,
            names_text(node.references),
            "; ".join(shape_text(shape) or "scalar" for shape in shapes),
            str(count) if count else "",
        )
        for node, shapes, count in rows
    ]
    click.echo(table(("node", "op", "inputs", "shape", "parameters"), cells, right=(4,)))
    size = f"{count_text(len(nodes), 'node')}, {count_text(total, 'parameter')}"
    click.echo(f"\n{size}, {opened.dtype}{f', loss {opened.loss}' if opened.loss else ''}")
