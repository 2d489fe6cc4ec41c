"""Which products of matrices are computed by code of their own, and which by the library of NumPy."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from itertools import pairwise
from math import ceil, prod

from dagprop.backends.array_lowering import SUBTRACT_PRODUCT, Lowered
from dagprop.backends.blas import numpy_blas
from dagprop.backends.layouts import Layout, layouts
from dagprop.backends.product_code import Product

SHARED = 3e7
"""For each so many operations it pays to wake up a thread, if there is one."""

LARGEST = 1.5e8
"""Up to so many operations for each thread, code of our own is ahead of the library."""

LONGEST = 4096
"""Longer sums are left to the library, which adds them up in parts, for the sake of accuracy."""

LONGEST_PACKED = 1024
"""Of a right matrix that has to be packed, no more rows find room on the stack."""

FEWEST = 4
"""For fewer rows it does not pay to pack the right matrix."""

CALL = 5e-7
"""Seconds that a call takes less than one of NumPy."""
OPERATION = 1e-12
"""Seconds that an operation takes less than in the library, at least."""
COMPILING = 0.03
"""Seconds to compile one product."""
MOST = 100
"""Products of different sizes: with more, nobody waits for LLVM, however many steps there are."""


Parts = tuple[Product, ...]
"""A product, as products of some of its rows each, of which each thread computes one."""


def own_products(lowered: Lowered, steps: float) -> dict[int, Parts]:
    """Return the instructions whose product is sooner computed by code of our own, if there are so many steps."""
    library = numpy_blas()
    threads = library.get_threads() if library is not None else 1
    lies = layouts(lowered)
    found: dict[int, Parts] = {}
    for number in lowered.instructions:
        product = _product(lowered, lies, number)
        if product is None:
            continue
        operations = 2.0 * product.rows * product.columns * product.inner
        count = min(threads, product.rows, ceil(operations / SHARED))
        if operations <= LARGEST * count and steps * (CALL + OPERATION * operations) > COMPILING:
            cuts = [product.rows * part // count for part in range(count + 1)]
            found[number] = tuple(replace(product, rows=end - start) for start, end in pairwise(cuts))
    return found if len({part for parts in found.values() for part in parts}) <= MOST else {}


def binding(parts: Parts, names: dict[Product, str], result: str, left: str, *others: str) -> str:
    """Return the code that binds functions to arrays.

    Parameters
    ----------
    parts : tuple of Product
    names : dict from Product to str
        Of the functions so far, which all products of the same sizes share; new ones are added.
    result, left, *others : str
        The arrays; the rows of the first two are shared out among the parts.
    """
    calls, start = [], 0
    for part in parts:
        rows = f"[{start}:{start + part.rows}]" if len(parts) > 1 else ""
        name = names.setdefault(part, f"p{len(names)}")
        calls.append(f'kernel("{name}", {", ".join([f"{result}{rows}", f"{left}{rows}", *others])})')
        start += part.rows
    return f"together({', '.join(calls)})" if len(calls) > 1 else calls[0]


def largest_left(lowered: Lowered, own: Container[int]) -> float:
    """Return how many operations the largest product takes that the library computes."""
    sizes = [0.0]
    for number, instruction in lowered.instructions.items():
        if instruction.primitive in ("matmul", SUBTRACT_PRODUCT) and number not in own:
            left = lowered.instructions[instruction.operands[-2]]
            sizes.append(2.0 * prod(instruction.shape) * left.shape[-1])
    return max(sizes)


def _product(lowered: Lowered, lies: Mapping[int, Layout], number: int) -> Product | None:
    """Return what an instruction multiplies, if there is code for it."""
    instruction = lowered.instructions[number]
    if instruction.primitive not in ("matmul", SUBTRACT_PRODUCT):
        return None
    operands = instruction.operands[-2:]
    left, right = (lies[operand] for operand in operands)
    if any(lowered.instructions[operand].boolean for operand in operands):
        return None
    if len(left.shape) != 2 or len(right.shape) != 2 or not prod(left.shape) * prod(right.shape):
        return None
    (rows, inner), columns = left.shape, right.shape[1]
    packs = right.strides[1] != 1
    if inner > LONGEST or (packs and (right.strides[0] != 1 or inner > LONGEST_PACKED or rows < FEWEST)):
        return None
    subtracts = instruction.primitive == SUBTRACT_PRODUCT
    (left_down, left_across), (right_down, right_across) = left.strides, right.strides
    return Product(rows, columns, inner, (left_down, left_across), (right_down, right_across), subtracts)
