"""The values of the leaves for one run: what is fed, and what the file says for the rest.

Shapes are checked against the declaration, and a symbol must mean the same size everywhere.  One sample may be fed
without its sample axis: a number to an input of shape ``["N"]``.  Where every input is fed so, results come without it
too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dagprop.backends.reference import Array, Values
from dagprop.errors import GraphError, Problem, quote, suggest
from dagprop.graph.arrays import fits
from dagprop.graph.records import SAMPLE_AXIS, Shape, split_reference
from dagprop.plan.abstract import format_shape
from dagprop.plan.network import Network
from dagprop.plan.shapes import problem_at
from dagprop.record import record

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Feeds: TypeAlias = "Mapping[str, ArrayLike]"

LARGEST_EXAMPLE = 8
"""Values of more numbers are not written out in a hint."""


@record(eq=False)
class LeafValues:
    """The leaves of a run.

    Attributes
    ----------
    arrays : dict from id to array
        In the declared rank and the dtype of the graph.
    sizes : dict from str to int
        What each symbolic dimension is in this run.
    one_sample : bool
        Whether every input was fed as one sample, without a sample axis.
    """

    arrays: Values
    sizes: Mapping[str, int]
    one_sample: bool

    def without_sample_axis(self, array: Array, *shapes: Shape) -> Array:
        """Return a result as the user means it: without the sample axes of the shapes it is made of, if one was fed."""
        if not self.one_sample:
            return array
        axis, axes = 0, []
        for shape in shapes:
            if shape[:1] == (SAMPLE_AXIS,):
                axes.append(axis)
            axis += len(shape)
        return array.reshape([size for number, size in enumerate(array.shape) if number not in axes]) if axes else array

    def with_sample_axis(self, array: Array, shape: Shape) -> Array:
        """Return an array that the user gave for a value of this shape with its sample axis, if one sample was fed."""
        return array[None] if self.one_sample and shape[:1] == (SAMPLE_AXIS,) else array


def leaf_values(network: Network, needed: Iterable[str], *sources: Feeds) -> LeafValues:
    """Return the values of the leaves that a run needs.

    Parameters
    ----------
    network : Network
    needed : iterable of str
        The ids of those leaves.
    *sources : mapping from id to array_like
        Where values are looked for, the first first; what none of them has is taken from the file.

    Raises
    ------
    GraphError
        With every leaf that has no value (DP304), ids that are no leaf (DP305), values that are not numbers (DP302) or
        do not have the declared shape (DP303), and symbols that mean two sizes (DP306).
    """
    unknown = dict.fromkeys(id for source in sources for id in source if not _is_leaf(network, id))
    problems = [_unknown(network, id) for id in unknown]
    dtype = np.dtype(network.graph.dtype)
    arrays: Values = {}
    for id in needed:
        if id in unknown:
            continue
        node = network.node(id)
        given = next((source[id] for source in sources if id in source), node.attributes.get("value"))
        if given is None:
            hint = {"input": "feed it: --data FILE, --set " + id + "=VALUE, or a value in the file"}.get(
                node.op, "give it a value in the file, or load trained weights: --weights FILE"
            )
            problems.append(problem_at(node, "DP304", f"the {node.op} has no value", hint))
            continue
        try:
            arrays[id] = as_numbers(given, dtype)
        except (TypeError, ValueError, OverflowError):
            message = f"the value is not a number or a regular table of numbers that {dtype} can hold"
            problems.append(problem_at(node, "DP302", message))
            continue
        if not fits(arrays[id].shape, network.shapes[id]):
            declared, have = format_shape(network.shapes[id]), format_shape(arrays[id].shape)
            message = f"the value has shape {have}, the graph declares {declared}"
            problems.append(problem_at(node, "DP303", message, _written(network.shapes[id])))
            del arrays[id]
    inputs = [id for id in arrays if network.shapes[id][:1] == (SAMPLE_AXIS,)]
    single = [id for id in inputs if arrays[id].ndim < len(network.shapes[id])]
    arrays.update({id: arrays[id][None] for id in single})
    one_sample = len(single) == len(inputs)
    if not one_sample:
        rows = max(len(arrays[id]) for id in inputs if id not in single)
        # One sample beside many is the same for all of them: a fixed target, a shared setting.
        arrays.update({id: np.repeat(arrays[id], rows, axis=0) for id in single})
    sizes, disagreements = _sizes(network, arrays)
    if problems or disagreements:
        raise GraphError(*problems, *disagreements)
    return LeafValues(arrays, sizes, one_sample)


def as_numbers(given: ArrayLike, dtype: np.dtype[Any]) -> Array:
    """Return what a user gave as an array of numbers.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If it is text, None, a ragged list, or anything else that is no number.
    """
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"expected numbers, got {array.dtype}")
    with np.errstate(over="ignore"):
        numbers = array.astype(dtype, copy=False)
    if not np.isfinite(numbers).all() and np.isfinite(array).all():
        raise OverflowError(f"a number is too large for {dtype}")
    return numbers


def actual_shape(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Return a shape with the symbols replaced by their sizes in a run (``"8*N"`` is a product)."""
    return tuple(size if isinstance(size, int) else _product(size.split("*"), sizes) for size in shape)


def _product(factors: Sequence[str], sizes: Mapping[str, int]) -> int:
    product = 1
    for factor in factors:
        product *= int(factor) if factor.isdigit() else sizes[factor]
    return product


def _written(shape: Shape) -> str | None:
    """Return how a small value of a shape is written, as a hint: in JSON, and so behind ``--set NODE=``."""
    samples = shape[:1] == (SAMPLE_AXIS,)
    sizes = [size for size in (shape[1:] if samples else shape) if isinstance(size, int)]
    if len(sizes) < len(shape) - samples or math.prod(sizes) > LARGEST_EXAMPLE:
        return None
    one = str(np.zeros(sizes, int).tolist())
    return f"one sample is written as {one}, two as [{one}, {one}]" if samples else f"it is written as {one}"


def _sizes(network: Network, arrays: Values) -> tuple[dict[str, int], list[Problem]]:
    seen: dict[str, tuple[int, str]] = {}
    problems = []
    for id, array in arrays.items():
        for name, size in zip(network.shapes[id], array.shape, strict=True):
            if not isinstance(name, str):
                continue
            first, where = seen.setdefault(name, (size, id))
            if first != size:
                what = "samples" if name == SAMPLE_AXIS else f"along {quote(name)}"
                message = f"{quote(id)} has {size} {what}, {quote(where)} has {first}"
                problems.append(problem_at(network.node(id), "DP306", message, "give both the same number"))
    return {name: size for name, (size, _) in seen.items()}, problems


def _is_leaf(network: Network, id: str) -> bool:
    return id in network.graph.nodes and network.node(id).is_leaf


def _unknown(network: Network, id: Any) -> Problem:
    (reference, *_) = network.graph.calls.get(id, (id,))
    node = network.graph.nodes.get(split_reference(reference)[0])
    if node is not None and node.is_leaf:
        return Problem("DP305", f"{quote(id)} is a call, and stands for {quote(node.id)}", f"name {quote(node.id)}")
    if node is not None:
        message = f"{quote(id)} is computed by {quote(node.op)}; only leaves can be given a value"
        return Problem("DP305", message, "leaves: " + ", ".join(_some_leaves(network)))
    hint = suggest(str(id), _some_leaves(network, 10**9)) or "leaves: " + ", ".join(_some_leaves(network))
    return Problem("DP305", f"there is no node {quote(id)} to give a value to", hint)


def _some_leaves(network: Network, limit: int = 12) -> list[str]:
    leaves = [split_reference(id)[0] for id in network.order if network.node(id).is_leaf]
    return leaves if len(leaves) <= limit else [*leaves[:limit], "..."]
