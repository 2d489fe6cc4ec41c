"""The lines of a product in LLVM's language: those of a tile, and those that pack what lies transposed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dagprop.backends.arrays.epilogue import Epilogue, Stretch
from dagprop.backends.arrays.product_tiles import Tiling
from dagprop.backends.llvm.vector_lines import VectorLines

LINE = 64
"""Bytes of a line of the cache."""


def vector_length(count: int) -> int:
    """Return the length of a vector that holds so many numbers: a power of two."""
    return 1 << (count - 1).bit_length()


class ProductLines(VectorLines):
    """The lines so far.

    Parameters
    ----------
    tiling : Tiling
    packs_left : bool
        Whether the left matrix, which lies transposed, is packed strip by strip.
    epilogue : Epilogue, optional
    """

    def __init__(self, tiling: Tiling, packs_left: bool, epilogue: Epilogue | None) -> None:
        super().__init__(tiling.kind)
        self.tiling, self.product, self.epilogue = tiling, tiling.product, epilogue
        self.packs_left, self.packs_right = packs_left, tiling.product.right_transposed
        self.block = min(8, tiling.width)
        self.left_apart = vector_length(tiling.heights[0][2])
        """How many elements apart the columns of a strip are that is packed."""

    def room(self) -> None:
        """Write what makes room for what is packed."""
        for name, apart, packs in (
            ("left", self.left_apart, self.packs_left),
            ("right", self.tiling.width, self.packs_right),
        ):
            if packs:
                self.line(f"%{name}.packed = alloca {self.kind}, i64 {self.product.inner * apart}, align 64")
        if self.epilogue:
            self.epilogue.room(self, self.tiling.width)

    def loops(self, parts: Sequence[tuple[int | str, int | str, int]], body: Callable[[str, int], None]) -> None:
        """Write a loop for each part of an axis that is cut into pieces of one size: start, end and that size."""
        for start, end, size in parts:
            loop = self.new("loop")
            self.begin(loop)
            self.line(f"%{loop}.at = phi i64 [ {start}, %{loop}.before ], [ %{loop}.next, %{loop}.end ]")
            body(f"%{loop}.at", size)
            self.line(f"br label %{loop}.end")
            self.label(f"{loop}.end")
            self.end(loop, size, end)

    def pack_right(self, k: str, j: str, height: int, width: int) -> None:
        """Write how some rows of the right matrix are packed: its columns lie in memory as its rows should."""
        size = self.block
        for first in range(0, width, size):
            block = ["zeroinitializer"] * size
            for place in range(min(size, width - first)):
                start = self.times(self.sum(j, str(first + place)), self.product.right[1])
                block[place] = self.load(self.element("%right", self.sum(start, k)), height, size)
            for row, value in enumerate(self.transposed(block)[:height]):
                index = self.sum(self.times(self.sum(k, str(row)), self.tiling.width), str(first))
                self.store(value, self.element("%right.packed", index), size, size)

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

    def pack_left(self, i: str, height: int) -> None:
        """Write how a strip of a left matrix is packed that lies transposed: its columns, one behind the other."""
        loop = self.new("pack")
        self.begin(loop)
        self.line(f"%{loop}.at = phi i64 [ 0, %{loop}.before ], [ %{loop}.next, %{loop} ]")
        value = self.load(self.left_column(i, f"%{loop}.at"), height, self.left_apart)
        place = self.element("%left.packed", self.times(f"%{loop}.at", self.left_apart))
        self.store(value, place, self.left_apart, self.left_apart)
        self.end(loop, 1, self.product.inner)

    def left_column(self, i: str, k: str) -> str:
        """Return where a column of a left matrix that lies transposed has the number in row i; the next ones follow."""
        start = self.address(k) if self.product.by_row else self.element("%left", self.times(k, self.product.left[1]))
        return self.element(start, i)

    def address(self, row: str) -> str:
        """Write how the address of a row is read."""
        place, name = self.new("%x"), self.new("%x")
        self.line(f"{place} = getelementptr inbounds ptr, ptr %left, i64 {row}")
        self.line(f"{name} = load ptr, ptr {place}")
        return name

    def tile(self, i: str, j: str, height: int, width: int) -> None:
        """Write what computes the tile whose first element is (i, j)."""
        product, loop, length = self.product, self.new("tile"), vector_length(width)
        full = self.vector(length)
        right, apart = "%right.packed", self.tiling.width
        if not self.packs_right:
            right, apart = self.element("%right", j), product.right[0]
        starts = self.left_starts(i, height)
        if product.subtracts:
            self.fetch_early(i, j, height, width)
        self.begin(loop)
        self.line(f"%{loop}.at = phi i64 [ 0, %{loop}.before ], [ %{loop}.next, %{loop} ]")
        self.line(f"%{loop}.right = phi ptr [ {right}, %{loop}.before ], [ %{loop}.right.next, %{loop} ]")
        sums = [f"%{loop}.{row}" for row in range(height)]
        for total in sums:
            self.line(f"{total} = phi {full} [ zeroinitializer, %{loop}.before ], [ {total}.next, %{loop} ]")
        stretch = self.load(f"%{loop}.right", width, length)
        multiply = f"call {full} @llvm.fmuladd.v{length}f{8 * self.item}"
        places = self.left_places(starts, i, height, f"%{loop}.at")
        for place, total in zip(places, sums, strict=True):
            number = self.new("%x")
            self.line(f"{number} = load {self.kind}, ptr {place}")
            factor = self.spread(number, length)
            self.line(f"{total}.next = {multiply}({full} {factor}, {full} {stretch}, {full} {total})")
        self.line(f"%{loop}.right.next = getelementptr {self.kind}, ptr %{loop}.right, i64 {apart}")
        self.end(loop, 1, product.inner)
        totals = [f"{total}.next" for total in sums]
        if self.epilogue:
            self.epilogue.tile(self, totals, i, Stretch(j, width, length))
            return
        rate = self.spread("%rate.value", length) if product.subtracts else ""
        for row, total in enumerate(totals):
            place, value = self.result_place(i, row, j), total
            if product.subtracts:
                before, scaled, value = self.load(place, width, length), self.new("%x"), self.new("%x")
                self.line(f"{scaled} = fmul {full} {rate}, {total}")
                self.line(f"{value} = fsub {full} {before}, {scaled}")
            self.store(value, place, width, length)

    def left_starts(self, i: str, height: int) -> list[str]:
        """Return the addresses of the rows of a strip, if the left matrix is given by them, and not transposed."""
        if not self.product.by_row or self.product.left_transposed:
            return []
        return [self.address(self.sum(i, str(row))) for row in range(height)]

    def left_places(self, starts: list[str], i: str, height: int, k: str) -> list[str]:
        """Return where the numbers of the left matrix lie that are in the rows of a strip, and column k."""
        if starts:
            return [self.element(start, k) for start in starts]
        down, across = self.product.left
        if self.packs_left:
            first, down = self.element("%left.packed", self.times(k, self.left_apart)), 1
        elif self.product.by_row:
            first = self.left_column(i, k)
        else:
            first = self.element("%left", self.sum(self.times(i, down), self.times(k, across)))
        return [self.element(first, str(row * down)) for row in range(height)]

    def fetch_early(self, i: str, j: str, height: int, width: int) -> None:
        """Write that the processor may bring the tile of the result into its cache, as it is read behind the loop."""
        for row in range(height):
            start = self.result_place(i, row, j)
            for first in range(0, width, LINE // self.item):
                place = self.element(start, str(first))
                self.line(f"call void @llvm.prefetch.p0(ptr {place}, i32 1, i32 3, i32 1)")

    def result_place(self, i: str, row: int, j: str) -> str:
        """Return where the result has column j of a row of the strip that begins with row i."""
        return self.element("%result", self.sum(self.times(self.sum(i, str(row)), self.product.columns), j))
