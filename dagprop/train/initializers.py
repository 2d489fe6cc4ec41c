"""How parameters start: zeros, ones, constants, and random numbers scaled to the size of the layer.

A weight matrix is used as ``x @ W``, so its last two axes are (fan in, fan out); axes before them, as in a
convolution, multiply both.  A vector counts as one unit with ``len`` inputs, a scalar as one with a single input.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dagprop.errors import ComputationError, GraphError, Problem, quote, suggest
from dagprop.graph.records import DEFAULT_INITIALIZER, Graph
from dagprop.graph.signature import describe, is_number
from dagprop.plan.shapes import problem_at
from dagprop.train.seeds import generator

if TYPE_CHECKING:
    from dagprop.plan.network import Network

Array = np.ndarray[Any, np.dtype[Any]]

SETTINGS: dict[str, dict[str, float]] = {
    "zeros": {},
    "ones": {},
    "constant": {"value": 0.0},
    "normal": {"mean": 0.0, "std": 1.0},
    "uniform": {"low": -1.0, "high": 1.0},
    "glorot_uniform": {},
    "glorot_normal": {},
    "he_uniform": {},
    "he_normal": {},
    "lecun_normal": {},
}
"""Every initialiser with its settings and their defaults."""


def check_initializer(spec: object) -> str | None:
    """Return what is wrong with an ``init`` of a graph file, or None."""
    name, given = (spec.get("name"), spec) if isinstance(spec, Mapping) else (spec, {})
    if not isinstance(name, str):
        return "init must be a name, or an object with a name and its settings"
    if name not in SETTINGS:
        return f"unknown initializer {quote(name)}; {suggest(name, SETTINGS) or 'there are: ' + ', '.join(SETTINGS)}"
    known = SETTINGS[name]
    for key, value in given.items():
        if key == "name":
            continue
        if key not in known:
            hint = suggest(key, known) or f"it has: {', '.join(known) or 'none'}"
            return f"the initializer {quote(name)} has no setting {quote(key)}; {hint}"
        if not is_number(value):
            return f"the setting {quote(key)} of the initializer {quote(name)} must be a number, is {describe(value)}"
    settings = {**known, **given}
    if name == "normal" and settings["std"] < 0:
        return "the std of the initializer normal must not be negative"
    if name == "uniform" and settings["low"] > settings["high"]:
        return "low of the initializer uniform must not be above high"
    return None


def initialize(spec: str | Mapping[str, Any], shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Return the values that a parameter starts with.

    Parameters
    ----------
    spec : str or mapping
        The ``init`` of a graph file that :func:`check_initializer` finds right.
    shape : tuple of int
    random : numpy.random.Generator

    Notes
    -----
    Glorot and Bengio (2010): variance 2 / (fan in + fan out), for tanh and sigmoid.  He et al. (2015): variance
    2 / fan in, for relu.  LeCun et al. (1998): variance 1 / fan in.  A uniform distribution on ±a has variance a²/3.
    """
    name = spec if isinstance(spec, str) else spec["name"]
    settings = {**SETTINGS[name], **(spec if isinstance(spec, Mapping) else {})}
    fan_in, fan_out = _fans(shape)
    match name:
        case "zeros":
            return np.zeros(shape)
        case "ones":
            return np.ones(shape)
        case "constant":
            return np.full(shape, float(settings["value"]))
        case "normal":
            return np.asarray(random.normal(settings["mean"], settings["std"], shape))
        case "uniform":
            return np.asarray(random.uniform(settings["low"], settings["high"], shape))
    variance = {"glorot": 2 / (fan_in + fan_out), "he": 2 / fan_in, "lecun": 1 / fan_in}[name.split("_")[0]]
    if name.endswith("_normal"):
        return np.asarray(random.normal(0, math.sqrt(variance), shape))
    return np.asarray(random.uniform(-math.sqrt(3 * variance), math.sqrt(3 * variance), shape))


def initial_values(network: Network, seed: int, only: Collection[str] | None = None) -> dict[str, Array]:
    """Return the start of every parameter and state: its ``value``, or else what its ``init`` gives.

    Parameters
    ----------
    network : Network
    seed : int
    only : collection of str, optional
        The ids to do this for; others, and ids of other leaves, are left out.

    Raises
    ------
    GraphError
        If an ``init`` is wrong (DP108).
    """
    start: dict[str, Array] = {}
    problems = []
    for node in network.graph.nodes.values():
        if node.op not in ("parameter", "state") or (only is not None and node.id not in only):
            continue
        if node.attributes.get("value") is not None:
            start[node.id] = np.array(node.attributes["value"], dtype=network.graph.dtype)
            continue
        spec = node.attributes.get("init", DEFAULT_INITIALIZER)
        wrong = check_initializer(spec)
        if wrong:
            problems.append(problem_at(node, "DP108", wrong))
            continue
        shape = tuple(int(size) for size in network.shapes[node.id])
        try:
            values = initialize(spec, shape, generator(seed, "init", node.id))
        except (MemoryError, ValueError) as error:  # NumPy refuses shapes that no memory could hold with a ValueError
            message = f"there is not enough memory for {' x '.join(map(str, shape))} numbers"
            raise ComputationError(Problem("DP704", message, node=node.id)) from error
        start[node.id] = values.astype(network.graph.dtype)
    if problems:
        raise GraphError(*problems)
    return start


def initializer_problems(graph: Graph) -> list[Problem]:
    """Return what is wrong with the ``init`` of the parameters and states of an expanded graph (DP108)."""
    wrong = [
        (node, check_initializer(node.attributes["init"]))
        for node in graph.nodes.values()
        if node.op in ("parameter", "state") and "init" in node.attributes
    ]
    return [problem_at(node, "DP108", message) for node, message in wrong if message]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return fan in and fan out, at least 1 so that an empty parameter does not divide by zero."""
    if len(shape) < 2:
        return max(1, math.prod(shape)), 1
    field = math.prod(shape[:-2])
    return max(1, field * shape[-2]), max(1, field * shape[-1])
