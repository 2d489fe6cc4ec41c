"""Single numbers inside of leaves, named as ``w1`` or ``hidden/w[0,2]``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from dagprop.backends.reference import Array
from dagprop.errors import GraphError, Problem, quote, suggest
from dagprop.record import record


@record
class Coordinate:
    """One number of a leaf: the id, and the index of the entry, which is empty for a single number."""

    id: str
    index: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.id}[{','.join(map(str, self.index))}]" if self.index else self.id

    def put(self, array: Array, number: float) -> Array:
        """Return an array with another number at the index."""
        changed = np.array(array)
        changed[self.index] = number
        return changed


def split_names(text: str) -> list[str]:
    """Return the names in ``w1,hidden/w[0,2]``: commas inside of brackets separate nothing."""
    return [name.strip() for name in re.split(r",(?![^\[]*\])", text) if name.strip()]


def find_coordinate(name: str, shapes: Mapping[str, Sequence[int]], what: str) -> Coordinate:
    """Return what a name means.

    Parameters
    ----------
    name : str
    shapes : mapping from str to shape
        The leaves that may be named.
    what : str
        What they are, for messages: ``"parameter"``.

    Raises
    ------
    GraphError
        If there is no such leaf (DP104), or no such entry in it (DP011).
    """
    id, bracket, rest = name.partition("[")
    if id not in shapes:
        hint = suggest(id, shapes) or f"there are: {', '.join(entry_names(shapes))}"
        raise GraphError(Problem("DP104", f"there is no {what} {quote(id)}", hint))
    shape = tuple(shapes[id])
    numbers = re.fullmatch(r"\d+(,\d+)*\]", rest.replace(" ", "")) if bracket else None
    index = tuple(int(number) for number in re.findall(r"\d+", rest)) if numbers else ()
    if bracket and not numbers:
        raise GraphError(Problem("DP011", f"{quote(name)} is not of the form {id}[0,2]", "indices count from 0"))
    if not bracket and math.prod(shape) == 1:
        index = (0,) * len(shape)
    if len(index) != len(shape) or any(number >= size for number, size in zip(index, shape, strict=True)):
        size = " x ".join(map(str, shape)) or "one number"
        example = entry_names({id: shape})[0]
        message = f"{quote(name)} is not one number of the {what} {quote(id)}, which is {size}"
        raise GraphError(Problem("DP011", message, f"name one, as in {example}; indices count from 0"))
    return Coordinate(id, index)


def all_coordinates(shapes: Mapping[str, Sequence[int]]) -> list[Coordinate]:
    """Return every number of some leaves, in order."""
    return [Coordinate(id, index) for id, shape in shapes.items() for index in np.ndindex(*shape)]


def entry_names(shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """Return how the last number of each leaf is named, of many leaves the first: for hints."""
    return [str(Coordinate(id, tuple(size - 1 for size in shape))) for id, shape in _some(shapes.items())]


def _some(items: Iterable[tuple[str, Sequence[int]]]) -> list[tuple[str, Sequence[int]]]:
    return list(items)[:8]
