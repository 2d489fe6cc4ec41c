"""Where the numbers of a view lie in the memory that it looks at."""

from __future__ import annotations

import numpy as np

from dagprop.backends.arrays.lowering import VIEWS, Lowered
from dagprop.program.records import Instruction
from dagprop.record import record


@record
class Layout:
    """The place of each element: offset + Σ index·stride, all counted in elements."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@record
class Access:
    """How a kernel reads a value: at offset + row·row_stride + column·column_stride of the memory of ``root``."""

    root: int
    offset: int
    row_stride: int
    column_stride: int


def gapless(shape: tuple[int, ...]) -> Layout:
    """Return the layout of an array whose elements lie in C order, one behind the other."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return Layout(0, shape, tuple(reversed(strides)))


def layouts(lowered: Lowered) -> dict[int, Layout]:
    """Return the layout of each value in the memory of its root."""
    found: dict[int, Layout] = {}
    for number, instruction in lowered.instructions.items():
        view = instruction.primitive in VIEWS
        found[number] = _view(found[instruction.operands[0]], instruction) if view else gapless(instruction.shape)
    return found


def _view(source: Layout, instruction: Instruction) -> Layout:
    (parameter,) = instruction.parameters
    if instruction.primitive == "permute_dims":
        return Layout(
            source.offset, instruction.shape, tuple(source.strides[axis % len(source.strides)] for axis in parameter)
        )
    if instruction.primitive == "broadcast_to":
        return _broadcast(source, instruction.shape)
    # NumPy says what indexing does, on an array that looks as the source does but of which nothing is read.
    dummy = np.lib.stride_tricks.as_strided(np.zeros(1, np.int8), source.shape, source.strides)
    key = tuple(slice(*item[1:]) if isinstance(item, tuple) else item for item in parameter)
    part = dummy[(*key, ...) if Ellipsis not in key else key]
    moved = part.__array_interface__["data"][0] - dummy.__array_interface__["data"][0]
    return Layout(source.offset + moved, part.shape, part.strides)


def _broadcast(source: Layout, shape: tuple[int, ...]) -> Layout:
    missing = len(shape) - len(source.shape)
    pairs = zip(source.shape, source.strides, shape[missing:], strict=True)
    strides = (0 if size == 1 and wanted != 1 else stride for size, stride, wanted in pairs)
    return Layout(source.offset, shape, (*([0] * missing), *strides))


def access(root: int, layout: Layout, shape: tuple[int, ...], columns: bool) -> Access | None:
    """Return how to read a value, broadcast to a shape, row by row.

    Parameters
    ----------
    root : int
    layout : Layout
    shape : tuple of int
        What it is broadcast to.
    columns : bool
        Whether the last axis is that of the columns; otherwise all axes are that of the rows.

    Returns
    -------
    Access or None
        None if the axes of the rows are no single axis in memory.
    """
    wide = _broadcast(layout, shape)
    column_stride = wide.strides[-1] if columns and shape else 0
    leading = zip(shape[:-1], wide.strides[:-1], strict=True) if columns else zip(shape, wide.strides, strict=True)
    rows, row_stride = 1, 0
    for size, stride in reversed([(size, stride) for size, stride in leading if size != 1]):
        if rows == 1:
            row_stride = stride
        elif stride != row_stride * rows:
            return None
        rows *= size
    return Access(root, wide.offset, row_stride, column_stride)
