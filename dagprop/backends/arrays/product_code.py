"""A product of two matrices of known sizes in LLVM's language, for matrices that a cache of the processor holds.

A library packs its operands first, so that it is good at products of every size; where one of them is a batch of a few
rows, packing takes as long as multiplying.  Here little is packed but a right matrix that lies transposed.  The result
is computed tile by tile: a tile stays in the registers of the processor while the loop over the inner axis adds to each
of its rows a number of the left matrix times a stretch of a row of the right one (Goto and van de Geijn, 2008, "Anatomy
of high-performance matrix multiplication", without its outer loops).
"""

from __future__ import annotations

from collections.abc import Callable

from dagprop.backends.arrays.epilogue import Epilogue, Stretch
from dagprop.backends.arrays.product_lines import ProductLines, vector_length
from dagprop.backends.arrays.product_tiles import AT_HAND, LONGEST_PACKED, Tiling, stretches
from dagprop.backends.arrays.shares import Share, body_head, entry_text


def product_text(name: str, tiling: Tiling, share: Share, epilogue: Epilogue | None = None) -> str:
    """Return the function that multiplies; it is given result, left, right, and if it subtracts, the rate.

    With an epilogue it is given left, right, and the arrays of the epilogue.

    Parameters
    ----------
    name : str
    tiling : Tiling
    share : Share
        Of the columns, if one stretch of them is computed after the other.  Else of the strips: those of a block of the
        columns, then those of the next block, and so on.
    epilogue : Epilogue, optional
        What is made of the product before it is stored.
    """
    return _Writer(tiling, share, epilogue).text(name)


class _Writer(ProductLines):
    """The loops over tiles."""

    def __init__(self, tiling: Tiling, share: Share, epilogue: Epilogue | None) -> None:
        self.share = share
        self.blocks = 1 if tiling.by_columns else share.columns // tiling.strips
        super().__init__(tiling, self._left_is_packed(tiling), epilogue)

    def _left_is_packed(self, tiling: Tiling) -> bool:
        """Whether it pays to pack a strip of the left matrix: if it is read several times, from all over the memory."""
        product = tiling.product
        tiles = product.columns // self.blocks // tiling.width
        spread = product.inner * product.left[1] * tiling.item > AT_HAND
        several = tiles > 1 and not tiling.by_columns
        return product.left_transposed and spread and several and product.inner <= LONGEST_PACKED

    def text(self, name: str) -> str:
        """Return all."""
        product = self.product
        arguments = ["result", "left", "right", *(["rate"] if product.subtracts else [])]
        if self.epilogue:
            arguments = ["left", "right", *self.epilogue.names]
        if product.subtracts:
            self.line(f"%rate.value = load {self.kind}, ptr %rate")
        self.room()
        if self.tiling.by_columns:
            self.columns(self.panel, ("%from", "%to") if self.share.several else None)
        else:
            self.strips()
        rows, columns, inner = product.rows, product.columns, product.inner
        comment = f"; {'result - rate * ' if product.subtracts else ''}{rows}x{inner} @ {inner}x{columns}"
        lines = [comment, body_head(name, arguments), "entry:", *self.lines, "  ret i32 0", "}", ""]
        return "\n".join([*lines, entry_text(name, arguments)])

    def columns(self, body: Callable[[str, int], None], ends: tuple[str, str] | None) -> None:
        """Write the loops over the columns: over all, or from one to another."""
        if ends is None:
            self.loops(self.tiling.widths, body)
            return
        (start, end), ((_, whole, width), *rest) = ends, self.tiling.widths
        inside, first_end = self.new("%x"), self.new("%x")
        self.line(f"{inside} = icmp ult i64 {end}, {whole}")
        self.line(f"{first_end} = select i1 {inside}, i64 {end}, i64 {whole}")
        self.loops([(start, first_end, width)], body)
        if rest:
            last = self.new("rest")
            self.line(f"%{last}.asked = icmp eq i64 {end}, {self.product.columns}")
            self.line(f"br i1 %{last}.asked, label %{last}, label %{last}.done")
            self.label(last)
            self.loops(rest, body)
            self.line(f"br label %{last}.done")
            self.label(f"{last}.done")

    def panel(self, j: str, width: int) -> None:
        """Write what computes the columns of a stretch, from the column j on."""
        if self.packs_right:
            parts = stretches(self.product.inner, self.block)
            self.loops(parts, lambda k, height: self.pack_right(k, j, height, width))
        stretch = Stretch(j, width, vector_length(width))
        if self.epilogue:
            self.epilogue.begin(self, stretch.length)
        self.loops(self.tiling.heights, lambda i, height: self.tile(i, j, height, width))
        if self.epilogue:
            self.epilogue.end(self, stretch)

    def strips(self) -> None:
        """Write the loop over the strips that are asked for."""
        loop, strip, ends = self.new("strips"), self.new("%x"), None
        self.begin(loop)
        self.line(f"%{loop}.at = phi i64 [ %from, %{loop}.before ], [ %{loop}.next, %{loop}.end ]")
        self.line(f"{strip} = urem i64 %{loop}.at, {self.tiling.strips}")
        if self.blocks > 1:
            block, last, end = (self.new("%x") for _ in range(3))
            columns, size = self.product.columns, self.tiling.columns_of_block(self.blocks)
            self.line(f"{block} = udiv i64 %{loop}.at, {self.tiling.strips}")
            self.line(f"{last} = icmp eq i64 {block}, {self.blocks - 1}")
            start = self.times(block, size)
            self.line(f"{end} = select i1 {last}, i64 {columns}, i64 {self.sum(start, str(size))}")
            ends = start, end
        (_, high, height), *low = self.tiling.heights
        self.line(f"%{loop}.is.high = icmp ult i64 {strip}, {high // height}")
        self.line(f"br i1 %{loop}.is.high, label %{loop}.high, label %{loop}.{'low' if low else 'end'}")
        self.label(f"{loop}.high")
        self.strip(self.times(strip, height), height, ends)
        self.line(f"br label %{loop}.end")
        for first, _, lower in low:  # the rows before the first of them are no multiple of their height
            self.label(f"{loop}.low")
            self.strip(self.sum(self.times(strip, lower), str(first - high // height * lower)), lower, ends)
            self.line(f"br label %{loop}.end")
        self.label(f"{loop}.end")
        self.end(loop, 1, "%to")

    def strip(self, i: str, height: int, ends: tuple[str, str] | None) -> None:
        """Write what computes some columns of the rows of a strip, from the row i on."""
        if self.packs_left:
            self.pack_left(i, height)
        self.columns(lambda j, width: self.tile(i, j, height, width), ends)
