"""``dagprop compile``: what a training step comes down to, stage by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.backends.trainer import TrainingTask
    from dagprop.plan.network import Network


@click.command("compile")
@options.graph_argument
@click.option(
    "--emit",
    type=click.Choice(["plan", "program", "python", "llvm"]),
    default="program",
    show_default=True,
    help="The steps; the primitive operations; the code for arrays; that for single numbers, "
    "and of kernels and products.",
)
@click.option(
    "--batch-size", type=click.IntRange(min=1), help="Samples a step, for which it is made.  [default: the graph's]"
)
@options.output_option
@options.general
def command(
    graph: str, emit: str, batch_size: int | None, output: str | None, plugins: tuple[str, ...], verbose: bool
) -> None:
    """Print what a training step comes down to.

    The plan is the steps in order; a program is what they compute, as primitive operations, each with the step that it
    comes from; Python and LLVM are what runs.  A graph without a loss gives its forward pass.

    The Python code of arrays is that of a long training: it calls kernels k0, k1, ..., products of matrices p0, p1, ...
    and products with the kernel behind them, e0, e1, ..., which --emit llvm shows, each once however often it is
    called.  A training so short that compiling these would not pay calls NumPy for each operation instead.
    """
    from dagprop.cli.files import write_text
    from dagprop.cli.session import open_graph
    from dagprop.plan.network import prepare

    opened = open_graph(graph, plugins=plugins, verbose=verbose)
    network = prepare(opened)
    task = training_task(network, batch_size or opened.train.batch_size)
    write_text(_text(emit, task).rstrip("\n"), output)


def training_task(network: Network, batch_size: int) -> TrainingTask:
    """Return a training on zeros: only the shapes matter here."""
    import numpy as np

    from dagprop.backends.leaf_values import actual_shape
    from dagprop.backends.trainer import TrainingTask
    from dagprop.graph.records import SAMPLE_AXIS
    from dagprop.plan.network import leaf_sizes
    from dagprop.plan.outputs import prediction_outputs
    from dagprop.plan.steps import plan
    from dagprop.train.evaluation import evaluation_plan
    from dagprop.train.loop import state_updates
    from dagprop.train.update_rule import update_rule

    updates = state_updates(network)
    if network.graph.loss is None:
        steps = plan(network, prediction_outputs(network))
    else:
        steps = evaluation_plan(network, None, network.graph.parameters(), tuple(updates.values()))
    sizes = leaf_sizes(network, batch_size)
    arrays = {id: np.zeros(actual_shape(network.shapes[id], sizes), network.graph.dtype) for id in steps.leaves}
    sampled = {id for id in arrays if network.shapes[id][:1] == (SAMPLE_AXIS,)}
    variables = {id: array for id, array in arrays.items() if network.node(id).op in ("parameter", "state")}
    rule = update_rule(network.graph.train.optimizer)
    return TrainingTask(
        plan=steps,
        shapes=network.shapes,
        updates=updates,
        compared=None,
        rule=rule,
        dtype=network.graph.dtype,
        sampled={id: array for id, array in arrays.items() if id in sampled},
        fixed={id: array for id, array in arrays.items() if id not in sampled | variables.keys()},
        variables={**variables, **{name: arrays[id] for id in steps.wrt for name in rule.memory_ids(id)}},
        batch_size=batch_size,
    )


def _text(emit: str, task: TrainingTask) -> str:
    """Return one stage as text.

    Raises
    ------
    ComputationError
        If nothing of the graph can be compiled to LLVM (DP705).
    PluginError
        If a rule cannot be recorded (DP503).
    """
    from math import inf

    from dagprop.backends.arrays.code import array_code
    from dagprop.backends.arrays.trainer import results
    from dagprop.backends.scalar.program import scalar_text
    from dagprop.backends.trainer import NotCompiledError
    from dagprop.errors import ComputationError, Problem
    from dagprop.program.coefficients import split_coefficients
    from dagprop.program.trace import plan_program, training_program

    if emit == "plan":
        return str(task.plan)
    reason = None
    if emit == "llvm":
        try:
            return scalar_text(task)
        except NotCompiledError as error:
            reason = error
    leaves = {**task.sampled, **task.fixed, **task.variables}
    shapes = {id: array.shape for id, array in leaves.items()}
    if task.plan.seeds:
        program = training_program(task.plan, shapes, task.updates, task.dtype, task.rule)
    else:
        program = plan_program(task.plan, shapes, task.dtype)
    if emit == "program":
        return str(program)
    program = split_coefficients(program).program
    wanted, updates = results(task, program) if task.plan.seeds else (None, {})
    code = array_code(program, wanted, updates, inf)
    if emit == "python":
        return code.python
    if not code.llvm:
        hint = "graphs of arrays become Python code: --emit python"
        raise ComputationError(Problem("DP705", f"there is no LLVM code for this: {reason}", hint)) from reason
    return code.llvm
