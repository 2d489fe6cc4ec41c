"""A command: ``dagprop norms GRAPH``, once it is registered with ``dagprop plugins add plugins/norms.py``."""

import click

from dagprop import command


@command("norms")
@click.argument("graph")
@click.option("--weights", metavar="FILE", help="Take the parameters from a file that train has written.")
def norms(graph, weights):
    """Print the norm of each parameter."""
    import numpy as np  # here, so that the help needs no NumPy

    import dagprop

    parameters = dagprop.initial_parameters(dagprop.load(graph))
    if weights is not None:
        with np.load(weights) as trained:
            parameters = {id: trained[id] for id in parameters}
    width = max(map(len, parameters), default=0)
    for id, value in parameters.items():
        click.echo(f"{id:{width}}  {np.linalg.norm(value):.6g}")
