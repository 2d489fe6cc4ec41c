"""How parameters start: zeros, ones, constants, and random numbers scaled to the size of the layer.

A weight matrix is used as ``x @ W``, so its last two axes are (fan in, fan out); axes before them, as in a
convolution, multiply both.  A vector counts as one unit with ``len`` inputs, a scalar as one with a single input.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dagprop.errors import ComputationError, GraphError, Problem
from dagprop.graph.records import DEFAULT_INITIALIZER, Choice, Graph
from dagprop.plan.shapes import problem_at
from dagprop.train.choices import check_choice, chosen
from dagprop.train.contract import initializer
from dagprop.train.running import run_rule, unfit
from dagprop.train.seeds import generator

if TYPE_CHECKING:
    from dagprop.plan.network import Network

Array = np.ndarray[Any, np.dtype[Any]]

Sizes = tuple[int, ...]

LARGEST = 1 << 40
"""More numbers than this are in no memory."""


@initializer("zeros")
def zeros(shape: Sizes) -> Array:
    """Fill with zeros."""
    return np.zeros(shape)


@initializer("ones")
def ones(shape: Sizes) -> Array:
    """Fill with ones."""
    return np.ones(shape)


@initializer("constant")
def constant(shape: Sizes, *, value: float = 0.0) -> Array:
    """Fill with one number."""
    return np.full(shape, float(value))


@initializer("normal")
def normal(shape: Sizes, random: np.random.Generator, *, mean: float = 0.0, std: float = 1.0) -> Array:
    """Draw normally distributed numbers."""
    if std < 0:
        raise ValueError("std must not be negative")
    return np.asarray(random.normal(mean, std, shape))


@initializer("uniform")
def uniform(shape: Sizes, random: np.random.Generator, *, low: float = -1.0, high: float = 1.0) -> Array:
    """Draw evenly distributed numbers."""
    if low > high:
        raise ValueError("low must not be above high")
    return np.asarray(random.uniform(low, high, shape))


@initializer("glorot_uniform")
def glorot_uniform(shape: Sizes, random: np.random.Generator) -> Array:
    """Draw evenly with the variance 2 / (fan in + fan out), for tanh and sigmoid (Glorot and Bengio, 2010)."""
    return _evenly(random, 2 / sum(_fans(shape)), shape)


@initializer("glorot_normal")
def glorot_normal(shape: Sizes, random: np.random.Generator) -> Array:
    """Draw normally with the variance 2 / (fan in + fan out), for tanh and sigmoid (Glorot and Bengio, 2010)."""
    return _normally(random, 2 / sum(_fans(shape)), shape)


@initializer("he_uniform")
def he_uniform(shape: Sizes, random: np.random.Generator) -> Array:
    """Draw evenly with the variance 2 / fan in, for relu (He et al., 2015)."""
    return _evenly(random, 2 / _fans(shape)[0], shape)


@initializer("he_normal")
def he_normal(shape: Sizes, random: np.random.Generator) -> Array:
    """Draw normally with the variance 2 / fan in, for relu (He et al., 2015)."""
    return _normally(random, 2 / _fans(shape)[0], shape)


@initializer("lecun_normal")
def lecun_normal(shape: Sizes, random: np.random.Generator) -> Array:
    """Draw normally with the variance 1 / fan in (LeCun et al., 1998)."""
    return _normally(random, 1 / _fans(shape)[0], shape)


def _evenly(random: np.random.Generator, variance: float, shape: Sizes) -> Array:
    limit = math.sqrt(3 * variance)  # evenly distributed numbers up to ±a have the variance a²/3
    return np.asarray(random.uniform(-limit, limit, shape))


def _normally(random: np.random.Generator, variance: float, shape: Sizes) -> Array:
    return np.asarray(random.normal(0, math.sqrt(variance), shape))


def check_initializer(choice: object, shape: Sequence[object] = ()) -> str | None:
    """Return what is wrong with an ``init`` of a graph file, for a shape of so many axes, or None."""
    return check_choice("initializer", choice, shape=(1,) * len(shape))


def initialize(choice: Choice, shape: Sizes, random: np.random.Generator) -> Array:
    """Return the values that a parameter starts with.

    Parameters
    ----------
    choice : str or mapping
        The ``init`` of a graph file.
    shape : tuple of int
    random : numpy.random.Generator

    Raises
    ------
    GraphError
        If there is no such initialiser (DP011).
    ComputationError
        If its rule fails (DP701), or gives no numbers of this shape (DP703).
    MemoryError
        If no memory holds so many numbers.
    """
    rule, settings = chosen("initializer", choice)
    if math.prod(shape) > LARGEST:
        raise MemoryError
    given = run_rule(rule, settings, f"the shape {shape}", shape=shape, random=random)
    try:
        values = np.asarray(given)
    except ValueError as error:  # rows of different lengths
        raise unfit(rule, f"no array for the shape {shape}: {error}") from error
    if values.shape != shape or values.dtype.kind not in "biuf":
        raise unfit(rule, f"an array of {values.dtype} and shape {values.shape} for the shape {shape}")
    return values


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
    ComputationError
        If an initialiser fails (DP701), gives what does not fit (DP703), or needs too much memory (DP704).
    """
    start: dict[str, Array] = {}
    problems = []
    for node in network.graph.nodes.values():
        if node.op not in ("parameter", "state") or (only is not None and node.id not in only):
            continue
        if node.attributes.get("value") is not None:
            start[node.id] = np.array(node.attributes["value"], dtype=network.graph.dtype)
            continue
        choice = node.attributes.get("init", DEFAULT_INITIALIZER)
        shape = tuple(int(size) for size in network.shapes[node.id])
        wrong = check_initializer(choice, shape)
        if wrong:
            problems.append(problem_at(node, "DP108", wrong))
            continue
        try:
            values = initialize(choice, shape, generator(seed, "init", node.id))
        except ComputationError as error:
            raise ComputationError(*(replace(problem, node=node.id) for problem in error.problems)) from error
        except MemoryError as error:
            message = f"there is not enough memory for {' x '.join(map(str, shape))} numbers"
            raise ComputationError(Problem("DP704", message, node=node.id)) from error
        with np.errstate(over="ignore"):
            start[node.id] = values.astype(network.graph.dtype)
    if problems:
        raise GraphError(*problems)
    return start


def initializer_problems(graph: Graph) -> list[Problem]:
    """Return what is wrong with the ``init`` of the parameters and states of an expanded graph (DP108)."""
    wrong = [
        (node, check_initializer(node.attributes["init"], node.attributes.get("shape", ())))
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
