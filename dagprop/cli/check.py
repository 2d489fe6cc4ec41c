"""``dagprop check``: everything that is wrong with graph files, in one go."""

from __future__ import annotations

import click

from dagprop.cli import options


@click.command("check")
@click.argument("graphs", metavar="GRAPH...", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Fail (exit code 1) on warnings too.")
@options.quiet_option
@options.json_option
@options.plugin_option
@options.debug_option
def command(graphs: tuple[str, ...], strict: bool, quiet: bool, as_json: bool, plugins: tuple[str, ...]) -> int:
    """Report everything that is wrong with graph files.

    Exit code 2 if a file has an error; 4 if all that is missing is a plugin.
    """
    import sys

    from dagprop.cli.output import count_text, json_text, note, parameter_sizes
    from dagprop.cli.session import load_plugins
    from dagprop.loading import check_file, graph_error
    from dagprop.plan.network import prepare

    load_plugins(plugins)
    found = []
    for path in graphs:
        graph, problems = check_file(path, sys.stdin.buffer)
        found += problems
        if as_json:
            continue
        for problem in problems:
            note(str(problem))
        if graph is not None and not quiet:
            network = prepare(graph)
            nodes = count_text(len(network.order), "node")
            click.echo(f"{path}: ok, {nodes}, {count_text(sum(parameter_sizes(network).values()), 'parameter')}")
    errors = [problem for problem in found if not problem.warning]
    warnings = [problem for problem in found if problem.warning]
    if as_json:
        groups = {"errors": errors, "warnings": warnings}
        click.echo(json_text({name: [problem.to_json() for problem in group] for name, group in groups.items()}))
    if errors:
        return graph_error(errors).exit_code
    return 1 if strict and warnings else 0
