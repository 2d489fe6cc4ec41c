"""A product of two matrices of known sizes in LLVM's language, for matrices that a cache of the processor holds.

A library packs its operands first, so that it is good at products of every size; where one of them is a batch of a few
rows, packing takes as long as multiplying.  Here nothing is packed but a right matrix that lies transposed.  The result
is computed tile by tile: a tile stays in the registers of the processor while the loop over the inner axis adds to each
of its rows a number of the left matrix times a stretch of a row of the right one (Goto and van de Geijn, 2008, "Anatomy
of high-performance matrix multiplication", without its outer loops).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dagprop.backends.arrays.epilogue import Epilogue
from dagprop.backends.arrays.shares import body_head, entry_text
from dagprop.backends.llvm.vector_lines import VectorLines
from dagprop.record import record

AT_HAND = 1 << 18
"""So many bytes of the right matrix are still in the cache when the next rows of the left one need them."""


@record
class Product:
    """What is multiplied.

    Attributes
    ----------
    rows, columns, inner : int
        The sizes of rows by inner times inner by columns.
    left, right : (int, int)
        How many elements apart the rows of each matrix are, and its columns.
    subtracts : bool
        Whether the product, times a rate, is subtracted from what is there already.
    """

    rows: int
    columns: int
    inner: int
    left: tuple[int, int]
    right: tuple[int, int]
    subtracts: bool


def product_text(
    name: str,
    product: Product,
    kind: str,
    registers: tuple[int, int],
    shared: bool = False,
    epilogue: Epilogue | None = None,
) -> str:
    """Return the function that multiplies; it is given result, left, right, and if it subtracts, the rate.

    With an epilogue it is given left, right, and the arrays of the epilogue.

    Parameters
    ----------
    name : str
    product : Product
    kind : {"double", "float"}
    registers : (int, int)
        How many vector registers the processor has, and of how many bytes.
    shared : bool
        Whether it computes those columns that it is asked for, of those that a
        :class:`~dagprop.backends.arrays.shares.Share` cuts.
    epilogue : Epilogue, optional
        What is made of the product before it is stored.
    """
    return _Writer(product, kind, registers, shared, epilogue).text(name)


class _Writer(VectorLines):
    """The lines so far."""

    def __init__(
        self, product: Product, kind: str, registers: tuple[int, int], shared: bool, epilogue: Epilogue | None
    ) -> None:
        super().__init__(kind)
        self.product, self.shared, self.epilogue = product, shared, epilogue
        self.packs = product.right[1] != 1
        count, size = registers
        self.widest = 2 * size // self.item
        self.block = min(8, self.widest)
        # Two registers a row; what is left holds a stretch of the right matrix and a number of the left one.
        self.highest = (count - 4) // 2

    def text(self, name: str) -> str:
        """Return all."""
        arguments = ["result", "left", "right", *(["rate"] if self.product.subtracts else [])]
        if self.epilogue:
            arguments = ["left", "right", *self.epilogue.names]
        if self.product.subtracts:
            self.line(f"%rate.value = load {self.kind}, ptr %rate")
        down = _heights(self.product.rows, self.highest)
        if self.packs:
            self.line(f"%packed = alloca {self.kind}, i64 {self.product.inner * self.widest}, align 64")
        if self.packs or self.product.inner * self.product.columns * self.item > AT_HAND:
            self.columns(lambda j, width: self.panel(down, j, width))
        else:
            self.loops(down, lambda i, height: self.columns(lambda j, width: self.tile(i, j, height, width)))
        rows, columns, inner = self.product.rows, self.product.columns, self.product.inner
        comment = f"; {'result - rate * ' if self.product.subtracts else ''}{rows}x{inner} @ {inner}x{columns}"
        lines = [comment, body_head(name, arguments), "entry:", *self.lines, "  ret i32 0", "}", ""]
        return "\n".join([*lines, entry_text(name, arguments)])

    def columns(self, body: Callable[[str, int], None]) -> None:
        """Write the loops over the columns: over all, or over those that are asked for."""
        across = _widths(self.product.columns, self.widest)
        if not self.shared:
            self.loops(across, body)
            return
        (_, whole, width), *rest = across
        inside, end = self.new("%x"), self.new("%x")
        self.line(f"{inside} = icmp ult i64 %to, {whole}")
        self.line(f"{end} = select i1 {inside}, i64 %to, i64 {whole}")
        self.loops([("%from", end, width)], body)
        if rest:
            last = self.new("rest")
            self.line(f"%{last}.asked = icmp eq i64 %to, {self.product.columns}")
            self.line(f"br i1 %{last}.asked, label %{last}, label %{last}.done")
            self.label(last)
            self.loops(rest, body)
            self.line(f"br label %{last}.done")
            self.label(f"{last}.done")

    def loops(self, stretches: Sequence[tuple[int | str, int | str, int]], body: Callable[[str, int], None]) -> None:
        """Write a loop for each stretch of an axis that is cut into equal parts."""
        for start, end, size in stretches:
            loop = self.new("loop")
            self.begin(loop)
            self.line(f"%{loop}.at = phi i64 [ {start}, %{loop}.before ], [ %{loop}.next, %{loop}.end ]")
            body(f"%{loop}.at", size)
            self.line(f"br label %{loop}.end")
            self.label(f"{loop}.end")
            self.end(loop, size, end)

    def panel(self, down: list[tuple[int, int, int]], j: str, width: int) -> None:
        """Write what computes the columns of a stretch, from the column j on."""
        if self.packs:
            self.loops(_widths(self.product.inner, self.block), lambda k, height: self.pack(k, j, height, width))
        self.loops(down, lambda i, height: self.tile(i, j, height, width))

    def pack(self, k: str, j: str, height: int, width: int) -> None:
        """Write how some rows of the right matrix are packed: its columns lie in memory as its rows should."""
        size = self.block
        for first in range(0, width, size):
            block = ["zeroinitializer"] * size
            for place in range(min(size, width - first)):
                start = self.times(self.sum(j, str(first + place)), self.product.right[1])
                block[place] = self.load(self.element("%right", self.sum(start, k)), height, size)
            for row, value in enumerate(self.transposed(block)[:height]):
                index = self.sum(self.times(self.sum(k, str(row)), self.widest), str(first))
                self.store(value, self.element("%packed", index), size, size)

    def transposed(self, block: list[str]) -> list[str]:
        """Return the columns of a square whose rows are vectors: halves change places, then quarters, and so on."""
        size, full = len(block), self.vector(len(block))
        distance = size // 2
        while distance:
            upper = [size + e - distance if e & distance else e for e in range(size)]
            lower = [size + e if e & distance else e + distance for e in range(size)]
            for row in (row for row in range(size) if not row & distance):
                pair = f"{full} {block[row]}, {full} {block[row + distance]}"
                for place, chosen in ((row, upper), (row + distance, lower)):
                    block[place] = self.new("%x")
                    mask = ", ".join(f"i32 {e}" for e in chosen)
                    self.line(f"{block[place]} = shufflevector {pair}, <{size} x i32> <{mask}>")
            distance //= 2
        return block

    def tile(self, i: str, j: str, height: int, width: int) -> None:
        """Write what computes the tile whose first element is (i, j)."""
        product, loop = self.product, self.new("tile")
        length = 1 << (width - 1).bit_length()
        full = self.vector(length)
        left = self.element("%left", self.times(i, product.left[0]))
        right, apart = ("%packed", self.widest) if self.packs else (self.element("%right", j), product.right[0])
        self.begin(loop)
        self.line(f"%{loop}.at = phi i64 [ 0, %{loop}.before ], [ %{loop}.next, %{loop} ]")
        self.line(f"%{loop}.left = phi ptr [ {left}, %{loop}.before ], [ %{loop}.left.next, %{loop} ]")
        self.line(f"%{loop}.right = phi ptr [ {right}, %{loop}.before ], [ %{loop}.right.next, %{loop} ]")
        sums = [f"%{loop}.{row}" for row in range(height)]
        for total in sums:
            self.line(f"{total} = phi {full} [ zeroinitializer, %{loop}.before ], [ {total}.next, %{loop} ]")
        stretch = self.load(f"%{loop}.right", width, length)
        multiply = f"call {full} @llvm.fmuladd.v{length}f{8 * self.item}"
        for row, total in enumerate(sums):
            number = self.new("%x")
            self.line(f"{number} = load {self.kind}, ptr {self.element(f'%{loop}.left', str(row * product.left[0]))}")
            factor = self.spread(number, length)
            self.line(f"{total}.next = {multiply}({full} {factor}, {full} {stretch}, {full} {total})")
        self.line(f"%{loop}.left.next = getelementptr {self.kind}, ptr %{loop}.left, i64 {product.left[1]}")
        self.line(f"%{loop}.right.next = getelementptr {self.kind}, ptr %{loop}.right, i64 {apart}")
        self.end(loop, 1, product.inner)
        rate = self.spread("%rate.value", length) if product.subtracts else ""
        for row, total in enumerate(sums):
            if self.epilogue:
                self.epilogue.write(self, f"{total}.next", self.sum(i, str(row)), j, width, length)
                continue
            place = self.element("%result", self.sum(self.times(self.sum(i, str(row)), product.columns), j))
            value = f"{total}.next"
            if product.subtracts:
                before, scaled, value = self.load(place, width, length), self.new("%x"), self.new("%x")
                self.line(f"{scaled} = fmul {full} {rate}, {total}.next")
                self.line(f"{value} = fsub {full} {before}, {scaled}")
            self.store(value, place, width, length)


def _widths(size: int, widest: int) -> list[tuple[int, int, int]]:
    """Return start, end and size of the parts that the columns are cut into: as wide as may be, then the rest."""
    whole = size // widest * widest
    stretches = [(0, whole, widest), (whole, size, size - whole)]
    return [stretch for stretch in stretches if stretch[0] < stretch[1]]


def _heights(size: int, highest: int) -> list[tuple[int, int, int]]:
    """Return start, end and size of the parts that the rows are cut into: all of about the same height."""
    count = -(-size // highest)
    low = size // count
    high = (size - low * count) * (low + 1)
    stretches = [(0, high, low + 1), (high, size, low)]
    return [stretch for stretch in stretches if stretch[0] < stretch[1]]
