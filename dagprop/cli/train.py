"""``dagprop train``: stochastic gradient descent on a graph's data."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from dagprop.cli import options

if TYPE_CHECKING:
    from dagprop.backends.reference import Array
    from dagprop.graph.records import TrainSettings
    from dagprop.train.records import EpochRecord, TrainResult

PROGRESS_LINES = 20
"""Off a terminal, at most about so many epochs are reported."""

SILENCE = 5.0
"""Off a terminal, seconds after which an epoch is reported in any case."""

BAR_WIDTH = 12
"""Characters of the progress bar."""

_NOTHING = dict.fromkeys(("loss", "accuracy", "validation_loss", "validation_accuracy"))
"""What the history of ``--json`` has even where it was not measured."""

SHARE = click.FloatRange(0, 1, max_open=True)


@click.command("train")
@options.graph_argument
@options.feeding
@options.backend_option
@click.option("--epochs", type=click.IntRange(min=0), help="Passes over the training samples.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples a step; 1 is per-sample gradient descent.")
@click.option("--lr", "--learning-rate", "learning_rate", type=options.Finite(0, min_open=True), help="Step size η.")
@click.option(
    "--optimizer",
    callback=options.parse_choice,
    metavar=options.CHOICE,
    help="How parameters change in a step: sgd, or what a plugin declares, as in adam:beta1=0.8.",
)
@click.option(
    "--schedule",
    callback=options.parse_choice,
    metavar=options.CHOICE,
    help="How the learning rate changes from epoch to epoch: constant, or what a plugin declares.",
)
@options.metric_option
@click.option("--shuffle/--no-shuffle", default=None, help="Whether each epoch takes the samples in a new order.")
@click.option("--validation", type=SHARE, help="Share of the samples kept out to watch the training.")
@click.option("--test", type=SHARE, help="Share of the samples kept out to judge the result.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to save the parameters; a file of that name is replaced.  [default: GRAPH.weights.npz, in this folder]",
)
@click.option(
    "--history",
    metavar="FILE",
    help="Write a row for each epoch, for dagprop plot: CSV if the name ends in .csv, else JSON Lines.",
)
@click.option(
    "--norms",
    is_flag=True,
    help="In the history, also the norm of each parameter and of its gradient over the training samples at the end of "
    "the epoch, and the value of each parameter of one number.",
)
@options.quiet_option
@options.digits_option
@options.json_option
@options.general
def command(
    graph: str,
    data: str | None,
    output: str | None,
    history: str | None,
    norms: bool,
    quiet: bool,
    digits: int,
    as_json: bool,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    optimizer: Any,
    schedule: Any,
    metrics: tuple[Any, ...],
    shuffle: bool | None,
    validation: float | None,
    test: float | None,
    backend: Any,
    **session_options: Any,
) -> int:
    """Train by gradient descent and save the parameters.

    What no option says is as the graph's "train" says.  Ctrl-C saves what has been learnt so far.  A training of 0
    epochs replaces no weights that are there, unless -o names their file.
    """
    from dataclasses import replace

    from dagprop.api import train
    from dagprop.cli.main import INTERRUPTED
    from dagprop.cli.output import json_text, note
    from dagprop.cli.session import open_session, refuse_two_readers
    from dagprop.train.checkpoint import check_writable, weights_metadata, write_weights

    refuse_two_readers(graph, data)
    if norms and history is None:
        raise click.UsageError("--norms is written to the history: add --history FILE.jsonl")
    if history == "-":
        raise click.UsageError("the history cannot go to the standard output: name a file")
    session = open_session(graph, **session_options)
    path = default_weights(graph) if output is None else output
    if path != "-":
        check_writable(path)
    elif sys.stdout.isatty():
        raise click.UsageError("the weights are binary: name a file with -o, or redirect the output")
    total = session.graph.train.epochs if epochs is None else epochs
    there = path != "-" and os.path.isfile(path)
    if there and total == 0 and output is None:
        raise click.UsageError(f"no epochs: this would replace the weights in {path}; name a file with -o")
    samples = session.samples(data)
    columns = None
    if norms:
        from dagprop.train.history import parameter_columns

        shares: dict[str, Any] = {"validation": validation, "test": test}
        settings = replace(session.graph.train, **{name: share for name, share in shares.items() if share is not None})
        columns = parameter_columns(session.network, samples, settings, session.leaves)
    with _progress(total, quiet or as_json, digits) as report, _record(history, columns, report) as (on_epoch, watch):
        result = train(
            session.graph,
            samples,
            parameters=session.leaves,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            optimizer=optimizer,
            schedule=schedule,
            metrics=metrics or None,
            shuffle=shuffle,
            validation=validation,
            test=test,
            on_epoch=on_epoch,
            on_variables=watch,
            backend=backend,
        )
    saved = bool(result.step_losses.size) or not there or output is not None  # Ctrl-C may come before the first step
    if saved:
        write_weights(path, result.parameters, weights_metadata(session.graph, result.settings, len(result.history)))
    if saved and there and not quiet:
        note(f"note: replaced {path}, which was there")
    say = note if path == "-" else click.echo  # the weights have the standard output to themselves
    say(json_text(_document(result, path if saved else None)) if as_json else _summary(result, path, saved, digits))
    if len(result.history) > 1 and result.history[-1].loss > result.history[0].loss:
        note("warning: the loss is larger than in the first epoch; a smaller learning rate may help")
    return INTERRUPTED if result.interrupted else 0


@contextmanager
def _record(
    path: str | None,
    columns: Callable[[Mapping[str, Array]], dict[str, float]] | None,
    report: Callable[[EpochRecord], None],
) -> Iterator[tuple[Callable[[EpochRecord], None], Callable[[Mapping[str, Array]], None] | None]]:
    """Write the history of a training, if there is a path for it; give what the training calls as it goes on."""
    if path is None:
        yield report, None
        return
    from dagprop.train.history import HistoryFile, epoch_row

    more: dict[str, float] = {}
    with HistoryFile(path) as file:

        def on_epoch(record: EpochRecord) -> None:
            file.add({**epoch_row(record), **more})
            report(record)

        yield on_epoch, (lambda variables: more.update(columns(variables))) if columns else None


def default_weights(graph: str) -> str:
    """Return where the parameters of a graph file are saved if nothing else is said: in the current folder."""
    from pathlib import Path

    return f"{'graph' if graph == '-' else Path(graph).stem}.weights.npz"


@contextmanager
def _progress(epochs: int, quiet: bool, digits: int) -> Iterator[Callable[[EpochRecord], None]]:
    """Report epochs on standard error: a bar on a terminal, else a line now and then."""
    from dagprop.cli.output import note

    every = max(1, math.ceil(epochs / PROGRESS_LINES))
    last = time.monotonic()

    def line(record: EpochRecord) -> None:
        nonlocal last
        due = record.epoch % every == 0 or record.epoch in (1, epochs) or time.monotonic() - last > SILENCE
        if not quiet and due:
            note(f"epoch {record.epoch}/{epochs}  {_record_text(record, digits)}")
            last = time.monotonic()

    if quiet or not sys.stderr.isatty():
        yield line
        return

    # A line that is wider than the terminal would not be overwritten by the next.
    room = max(shutil.get_terminal_size().columns - BAR_WIDTH - len("training  [] 100% 00:00:00  "), 0)

    def item(record: EpochRecord | None) -> str:
        text = ""
        for part in _record_text(record, 4).split("  ") if record else ():
            text = f"{text}  {part}" if text else part
            if len(text) > room:
                return text[: -len(part) - 2]
        return text

    with click.progressbar(
        length=epochs, label="training", file=sys.stderr, item_show_func=item, width=BAR_WIDTH
    ) as bar:
        yield lambda record: bar.update(1, record)


def _record_text(record: EpochRecord, digits: int) -> str:
    from dagprop.cli.output import score_text
    from dagprop.explain.numbers import number_text

    text = score_text("loss", record.loss, record.accuracy, record.metrics, digits)
    if record.validation_loss is not None:
        given = record.validation_loss, record.validation_accuracy, record.validation_metrics
        text += "  " + score_text("validation loss", *given, digits)
    if record.learning_rate is not None:
        text += f"  learning rate {number_text(record.learning_rate, digits)}"
    return text


def _summary(result: TrainResult, path: str, saved: bool, digits: int) -> str:
    from dagprop.cli.output import count_text, score_text

    epochs, settings = len(result.history), result.settings
    state = "interrupted after" if result.interrupted else "trained"
    lines = [
        f"{state} {count_text(epochs, 'epoch')} of {count_text(result.samples['train'], 'sample')} "
        f"(batch size {settings.batch_size}, {_steps_text(settings)}, seed {settings.seed})"
    ]
    if result.history:
        lines.append(_record_text(result.history[-1], digits))
    lines.append(f"parameters saved to {path}" if saved else f"nothing was learnt: {path} is as it was")
    if result.test is not None:
        test = score_text("test loss", result.test.loss, result.test.accuracy, result.test.metrics, digits)
        lines.append(f"{test}  ({count_text(result.test.samples, 'sample')})")
    return "\n".join(lines)


def _steps_text(settings: TrainSettings) -> str:
    """Return how a step was taken, without what is as it is by itself."""
    from dagprop.graph.records import TrainSettings
    from dagprop.train.choices import choice_text

    default = TrainSettings()
    text = f"learning rate {settings.learning_rate:g}"
    if settings.optimizer != default.optimizer:
        text = f"optimizer {choice_text(settings.optimizer)}, {text}"
    return text if settings.schedule == default.schedule else f"{text} {choice_text(settings.schedule)}"


def _document(result: TrainResult, path: str | None) -> dict[str, Any]:
    from dagprop.graph.write import train_json

    return {
        "history": [{"epoch": record.epoch, **_NOTHING, **record.measures()} for record in result.history],
        "test": result.test.to_json() if result.test else None,
        "samples": result.samples,
        "settings": train_json(result.settings),
        "interrupted": result.interrupted,
        "weights": path,
    }
