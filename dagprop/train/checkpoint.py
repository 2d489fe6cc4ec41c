"""Trained weights in one file: an NPZ archive of the parameters and states by id, and what they belong to.

``numpy.load`` opens it.  Beside the arrays lies ``__dagprop__.json`` (no id can be so called): the hash of the graph,
dtype, seed, epochs, the version of dagprop, and the plugins that the ops are from.  The same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dagprop import __version__
from dagprop.errors import CheckpointError, GraphError, Problem, quote, suggest
from dagprop.graph.records import METADATA, Graph, TrainSettings
from dagprop.graph.write import to_json, train_json
from dagprop.plan.abstract import format_shape
from dagprop.plan.network import Network
from dagprop.train.npz import NpzError, npz_bytes, open_npz
from dagprop.train.op_origins import op_origins
from dagprop.train.settings import check_settings

Array = np.ndarray[Any, np.dtype[Any]]

MOST_NAMES = 4
"""A message names so many parameters of a graph."""


def graph_hash(graph: Graph) -> str:
    """Return the SHA-256 of what makes a graph compute what it computes: nodes, definitions, loss, dtype."""
    document = to_json(graph)
    meaning = {key: document.get(key) for key in ("nodes", "definitions", "loss", "dtype")}
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def weights_metadata(graph: Graph, settings: TrainSettings | None = None, epochs: int = 0) -> dict[str, Any]:
    """Return what a weights file says of itself: the graph, its plugins, and how long it was trained and with what.

    Without ``settings`` it says nothing of a training: the weights are from elsewhere.
    """
    origins = op_origins(graph)
    return {
        **({"ops": origins} if origins else {}),
        "dagprop": __version__,
        "dtype": graph.dtype,
        "graph": graph.name,
        "graph_sha256": graph_hash(graph),
        **({"epochs": epochs, "train": train_json(settings)} if settings is not None else {}),
    }


def trained_settings(metadata: Mapping[str, Any], default: TrainSettings) -> TrainSettings:
    """Return the settings that weights were trained with; what their file does not say is as in ``default``.

    Raises
    ------
    CheckpointError
        If what the file says are no settings (DP601).
    """
    try:
        settings = replace(default, **metadata.get("train", {}))
        check_settings(settings)
    except (TypeError, GraphError) as error:
        message = "the weights file does not say how it was trained in a way that dagprop knows"
        raise CheckpointError(Problem("DP601", message, "train again, or give --split all")) from error
    return settings


def write_weights(path: str, weights: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Write parameters and states to one file; a file of that name is replaced whole, or not at all.

    Parameters
    ----------
    path : str
        ``"-"`` is the standard output.
    weights : mapping from str to array_like
    metadata : mapping
        What JSON can hold.

    Raises
    ------
    CheckpointError
        If the file cannot be written (DP603).
    """
    content = npz_bytes(weights, {METADATA: json.dumps(metadata, sort_keys=True)})
    if path == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        _write_whole(os.path.realpath(path), content)
    except OSError as error:
        message = f"the weights cannot be written: {error.strerror or error}"
        raise CheckpointError(Problem("DP603", message, "name another file", file=path)) from error


def check_writable(path: str) -> None:
    """Refuse, before any work is done, a path that weights could not be written to.

    Raises
    ------
    CheckpointError
        If it is a folder, or its folder is missing or may not be written to (DP603).
    """
    folder = os.path.dirname(os.path.realpath(path))
    if not path:
        reason = "the name is empty"
    elif os.path.isdir(path):
        reason = "it is a folder"
    elif not os.path.isdir(folder):
        reason = f"there is no folder {quote(folder)}"
    elif not os.access(path if os.path.exists(path) else folder, os.W_OK):
        reason = "it is not permitted"
    else:
        return
    raise CheckpointError(
        Problem("DP603", f"the weights cannot be written here: {reason}", "name another file with -o", file=path)
    )


def read_weights(path: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the metadata of a weights file; any NPZ archive of arrays will do, without metadata.

    Raises
    ------
    CheckpointError
        If the file cannot be read (DP601).
    """
    try:
        with open(path, "rb") as stream, open_npz(stream) as archive:
            entries = {name: archive[name] for name in archive.files}
        metadata = json.loads(entries.pop(METADATA, b"{}"))
        wrong = [name for name, value in entries.items() if not isinstance(value, np.ndarray)]
        if wrong or not isinstance(metadata, dict):
            raise NpzError(f"{quote(wrong[0] if wrong else METADATA)} in it is not what dagprop writes")
    except (OSError, NpzError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = 'a weights file is what "dagprop train" saves'
        raise CheckpointError(Problem("DP601", f"the weights cannot be read: {reason}", hint, file=path)) from error
    return entries, metadata


def fit_weights(network: Network, weights: Mapping[str, Array], file: str | None = None) -> dict[str, Array]:
    """Return weights in the dtype of a network, once each of its parameters and states has one of the right shape.

    Raises
    ------
    CheckpointError
        With every array that is missing, unknown, of another shape, or not finite (DP602).
    """
    needed = [id for id, node in network.graph.nodes.items() if node.op in ("parameter", "state")]
    # An array that nothing asks for is often one that is missing under another name.
    spare = [id for id in weights if id not in needed]
    if len(needed) > 1 and spare and len(spare) == len(weights):
        message = f"these are the weights of another graph: of {_names(spare)}, and none of {_names(needed)}"
        hint = "train this graph, and take the file that dagprop train names"
        raise CheckpointError(Problem("DP602", message, hint, file=file))
    problems = []
    for id in needed:
        if id not in weights:
            message = f"there are no weights for the {network.node(id).op} {quote(id)}"
            problems.append(Problem("DP602", message, suggest(id, [str(name) for name in spare]), file=file))
        elif weights[id].dtype.kind not in "biuf":
            problems.append(Problem("DP602", f"the weights for {quote(id)} are not numbers", file=file))
        elif weights[id].shape != network.shapes[id]:
            have, declared = format_shape(weights[id].shape), format_shape(network.shapes[id])
            message = f"the weights for {quote(id)} have shape {have}, the graph declares {declared}"
            problems.append(Problem("DP602", message, file=file))
        elif not np.isfinite(_as_type(weights[id], network.graph.dtype)).all():
            problems.append(Problem("DP602", f"the weights for {quote(id)} are not finite", file=file))
    for id in spare:
        message = f"there are weights for {quote(id)}, which is no parameter or state of the graph"
        problems.append(Problem("DP602", message, "were they trained with another graph?", file=file))
    if problems:
        raise CheckpointError(*problems)
    return {id: _as_type(weights[id], network.graph.dtype) for id in needed}


def _names(ids: Sequence[str]) -> str:
    return ", ".join(quote(id) for id in ids[:MOST_NAMES]) + (", ..." if len(ids) > MOST_NAMES else "")


def _as_type(array: Array, dtype: str) -> Array:
    """Return an array in another type; what is too large for it becomes infinite, without a warning."""
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def _write_whole(path: str, content: bytes) -> None:
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        # A pipe or a device is written to; replacing it would take it away from the system.
        with open(path, "wb") as stream:
            stream.write(content)
        return
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)
