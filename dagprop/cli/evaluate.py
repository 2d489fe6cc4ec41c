"""``dagprop evaluate``: how good a trained network is."""

from __future__ import annotations

from typing import Any

import click

from dagprop.cli import options


@click.command("evaluate")
@options.graph_argument
@options.feeding
@options.backend_option
@options.metric_option
@click.option(
    "--split",
    type=click.Choice(["all", "train", "validation", "test"]),
    default="all",
    show_default=True,
    help="Judge on all samples, or on those that the training of the weights used for this.",
)
@options.digits_option
@options.json_option
@options.general
def command(
    graph: str,
    data: str | None,
    split: str,
    backend: Any,
    metrics: tuple[Any, ...],
    digits: int,
    as_json: bool,
    seed: int | None,
    **session_options: Any,
) -> None:
    """Print the mean loss, accuracy and metrics over samples.

    The accuracy is there where the target is a class: in a cross entropy.  Without --metric, the metrics are those of
    the graph's "train".
    """
    from dagprop.cli.output import count_text, json_text, score_text
    from dagprop.cli.session import need_weights, open_session, refuse_two_readers
    from dagprop.train.checkpoint import trained_settings
    from dagprop.train.data import Data
    from dagprop.train.evaluation import evaluate
    from dagprop.train.samples import split_samples

    refuse_two_readers(graph, data)
    session = open_session(graph, seed=seed, **session_options)
    need_weights(session, graph)
    samples = session.samples(data)
    if split != "all":
        trained = trained_settings(session.metadata, session.graph.train)
        used = trained.seed if seed is None else seed
        chosen = getattr(split_samples(samples.rows, trained.validation, trained.test, used), split)
        if not len(chosen):
            raise click.UsageError(f"--split {split}: the training kept no samples for this")
        samples = Data(samples.take(chosen), len(chosen), samples.file)
    result = evaluate(session.network, samples, session.leaves, backend, metrics or session.graph.train.metrics)
    if as_json:
        click.echo(json_text(result.to_json()))
        return
    scores_text = score_text("loss", result.loss, result.accuracy, result.metrics, digits)
    click.echo(f"{scores_text}  ({count_text(result.samples, 'sample')})")
