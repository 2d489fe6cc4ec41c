"""How the samples of a batch come to where a program reads them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

from dagprop.backends.arrays.shares import share
from dagprop.backends.arrays.team import Team
from dagprop.backends.llvm.engine import machine_code
from dagprop.backends.reference import Array

BYTE = 1e-10
"""Seconds that it takes to copy one, at least."""

PART = 4e-6
"""Seconds of a part, at least."""

_TEXT = """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; For each row of the batch from one to another: source, number of the row in it, batch, and the bytes of a row.
define i32 @take(ptr %arguments, i64 %from, i64 %to) {
entry:
  %numbers.at = getelementptr i64, ptr %arguments, i64 1
  %batch.at = getelementptr i64, ptr %arguments, i64 2
  %size.at = getelementptr i64, ptr %arguments, i64 3
  %source = load ptr, ptr %arguments
  %numbers = load ptr, ptr %numbers.at
  %batch = load ptr, ptr %batch.at
  %size = load i64, ptr %size.at
  br label %row
row:
  %i = phi i64 [ %from, %entry ], [ %i.next, %row ]
  %number.at = getelementptr i64, ptr %numbers, i64 %i
  %number = load i64, ptr %number.at
  %here = mul i64 %number, %size
  %there = mul i64 %i, %size
  %here.at = getelementptr i8, ptr %source, i64 %here
  %there.at = getelementptr i8, ptr %batch, i64 %there
  call void @llvm.memcpy.p0.p0.i64(ptr %there.at, ptr %here.at, i64 %size, i1 false)
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, %to
  br i1 %more, label %row, label %done
done:
  ret i32 0
}
"""


def row_taker(source: Array, batch: Array, team: Team | None) -> Callable[[Array], object]:
    """Return what copies rows of an array, whose numbers it is given, into another one.

    Parameters
    ----------
    source, batch : array, C-contiguous
        The rows of both are alike.
    team : Team, optional
        That shares the work, if it is enough for several.  What a thread copies lies in its own cache then.
    """
    rows, work = len(batch), share(len(batch), 1, BYTE * batch.nbytes, team.size if team else 1, PART)
    if team is None or not work.several:
        return lambda numbers: source.take(numbers, 0, batch, "clip")  # without a look whether they are in range
    code = machine_code(_TEXT, (), (), "all")
    addresses = [source.ctypes.data, 0, batch.ctypes.data, batch.nbytes // rows]
    arguments = (ctypes.c_int64 * 4)(*addresses)
    together = team.share(code.address("take"), arguments, rows, work.part)

    def take(numbers: Array, _needed: tuple[object, ...] = (code, source, batch)) -> None:
        numbers = np.ascontiguousarray(numbers, np.int64)
        arguments[1] = numbers.ctypes.data
        together()

    return take


def row_finder(source: Array, addresses: Array) -> Callable[[Array], object]:
    """Return what finds the addresses of rows of an array, whose numbers it is given, instead of copying them.

    The numbers have to be in range.

    Parameters
    ----------
    source : array, C-contiguous
    addresses : array of int64
    """
    start, size = source.ctypes.data, source.nbytes // len(source)

    def find(numbers: Array, _needed: Array = source) -> None:
        np.multiply(numbers, size, addresses, dtype=np.int64)
        np.add(addresses, start, addresses)

    return find
