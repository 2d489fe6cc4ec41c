"""Which products of matrices are computed by code of their own, and which by the library of NumPy."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import replace
from math import prod

from dagprop.backends.arrays.epilogue_groups import CALLER, readers_of
from dagprop.backends.arrays.layouts import Layout, layouts
from dagprop.backends.arrays.lowering import SUBTRACT_PRODUCT, Lowered
from dagprop.backends.arrays.product_tiles import LONGEST_PACKED, Product, Tiling
from dagprop.backends.arrays.shares import Share, share

LARGEST = 1.5e8
"""Up to so many operations, code of our own on one thread is ahead of the library on one thread."""

LARGEST_SHARED = {"float32": 1.5e8, "float64": 0.75e8}
"""Up to so many, our code on several threads is ahead of the library on as many; the caches hold no more."""

LARGEST_BESIDE_THREADS = 1.5e7
"""Up to so many, it is ahead of the library on several threads, which have to be woken up."""

ONE_THREAD = 4e6
"""Up to so many operations, the largest product of a program is computed sooner by one thread than by several."""

LONGEST = 4096
"""Longer sums are left to the library, which adds them up in parts, for the sake of accuracy."""

FEWEST = 4
"""For fewer rows it does not pay to pack the right matrix."""

LEAST_COPIED = 1 << 18
"""Bytes: so many rows, and no fewer, are sooner read where they lie than copied into the cache."""

LEAST_ROW = 256
"""Bytes: shorter rows are sooner copied than looked for one by one."""

CALL = 5e-7
"""Seconds that a call takes less than one of NumPy."""
OPERATION = 1e-12
"""Seconds that an operation takes less than in the library, at least."""
PART = 4e-6
"""Seconds of a part of a product that is shared, at least."""
OPERATION_BYTE = 2e-12
"""Seconds that an operation takes one thread in our code, for each byte of a number, about."""
COMPILING = 0.03
"""Seconds to compile one product."""
MOST = 100
"""Products of different sizes: with more, nobody waits for LLVM, however many steps there are."""


def own_products(lowered: Lowered, steps: float, threads: int) -> tuple[dict[int, Product], int]:
    """Return the instructions whose product is sooner computed by code of our own, and how many threads share it.

    Several share it only where none is left to the library that is large enough for its own threads: theirs and ours
    would take the processors from each other.

    Parameters
    ----------
    lowered : Lowered
    steps : float
        How often it will run.
    threads : int
        That may compute.
    """
    found = _own_products(lowered, steps, LARGEST_SHARED[lowered.dtype] if threads > 1 else LARGEST)
    if threads > 1 and largest_left(lowered, found) > ONE_THREAD:
        return _own_products(lowered, steps, LARGEST_BESIDE_THREADS), 1
    return found, threads


def _own_products(lowered: Lowered, steps: float, largest: float) -> dict[int, Product]:
    """Return the products of up to so many operations for which our code pays."""
    lies = layouts(lowered)
    found: dict[int, Product] = {}
    for number in lowered.instructions:
        product = _product(lowered, lies, number)
        if product is None:
            continue
        operations = 2.0 * product.rows * product.columns * product.inner
        if operations <= largest and steps * (CALL + OPERATION * operations) > COMPILING:
            found[number] = product
    return found if len(set(found.values())) <= MOST else {}


def read_by_row(lowered: Lowered, products: Mapping[int, Product], inputs: Collection[int]) -> dict[int, Product]:
    """Return the products that are to read the rows of an input where they lie in a larger array, instead of a copy.

    Parameters
    ----------
    lowered : Lowered
    products : mapping from int to Product
        Of :func:`own_products`.
    inputs : collection of int
        The inputs that are rows of a larger array.
    """
    lies, readers = layouts(lowered), readers_of(lowered)
    item = 8 if lowered.dtype == "float64" else 4
    found: dict[int, Product] = {}
    for number in inputs:
        rows, *others = lowered.instructions[number].shape
        width = prod(others)
        if width == 1 or item * width < LEAST_ROW or item * width * rows < LEAST_COPIED:
            continue  # of one column, one could not tell which is the transpose
        whole = (Layout(0, (rows, width), (width, 1)), Layout(0, (width, rows), (1, width)))
        # A view has no number of its own to compute.
        reading = {reader for reader in readers.get(number, ()) if reader == CALLER or lowered.roots[reader] != number}
        if all(reader in products and _is_left(lowered, lies, reader, number, whole) for reader in reading):
            found |= {reader: replace(products[reader], by_row=True) for reader in reading}
    return found


def _is_left(
    lowered: Lowered, lies: Mapping[int, Layout], product: int, number: int, whole: Collection[Layout]
) -> bool:
    """Whether a product that reads a value has it as its left matrix, as it lies or transposed, and nowhere else."""
    *others, left, right = lowered.instructions[product].operands
    return lies[left] in whole and number not in {lowered.roots[operand] for operand in (*others, right)}


def product_share(tiling: Tiling, threads: int) -> Share:
    """Return how threads share a product: each computes some columns of the result, or some rows in a block of columns.

    There is a block for each thread: in every step it begins with the same columns of the parameters, which it finds in
    its cache.
    """
    product, width = tiling.product, tiling.width
    columns = -(-product.columns // width) * width
    seconds = 2.0 * product.rows * columns * product.inner * tiling.item * OPERATION_BYTE
    if tiling.by_columns:
        return share(product.columns, width, seconds, threads, PART)
    blocks = max(1, min(threads, product.columns // width))
    shared = share(blocks * tiling.strips, 1, seconds, threads, PART)
    return shared if shared.several else share(tiling.strips, 1, seconds, 1, PART)


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
