"""A product of two matrices of known sizes in LLVM's language, for matrices that a cache of the processor holds.

A library packs its operands first, so that it is good at products of every size; where one of them is a batch of a few
rows, packing takes as long as multiplying.  Here nothing is packed but a right matrix that lies transposed.  The result
is computed tile by tile: a tile stays in the registers of the processor while the loop over the inner axis adds to each
of its rows a number of the left matrix times a stretch of a row of the right one (Goto and van de Geijn, 2008, "Anatomy
of high-performance matrix multiplication", without its outer loops).
"""

from __future__ import annotations

import re
from collections.abc import Callable

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


def product_text(name: str, product: Product, kind: str, registers: tuple[int, int]) -> str:
    """Return the function that multiplies; it is given result, left, right, and if it subtracts, the rate.

    Parameters
    ----------
    name : str
    product : Product
    kind : {"double", "float"}
    registers : (int, int)
        How many vector registers the processor has, and of how many bytes.
    """
    return _Writer(product, kind, registers).text(name)


def vector_declarations(text: str) -> list[str]:
    """Return the declarations of the functions on vectors that products call."""
    found: set[str] = set()
    for name, length, kind in re.findall(r"@(llvm\.[\w.]+\.v(\d+)f\d\d(?:\.p0)?)\(.*x (float|double)>", text):
        vector, mask = f"<{length} x {kind}>", f"<{length} x i1>"
        if ".load." in name:
            found.add(f"declare {vector} @{name}(ptr, i32, {mask}, {vector})")
        elif ".store." in name:
            found.add(f"declare void @{name}({vector}, ptr, i32, {mask})")
        else:
            found.add(f"declare {vector} @{name}({vector}, {vector}, {vector})")
    return sorted(found)


class _Writer:
    """The lines so far."""

    def __init__(self, product: Product, kind: str, registers: tuple[int, int]) -> None:
        self.product, self.kind = product, kind
        self.item = 8 if kind == "double" else 4
        self.packs = product.right[1] != 1
        count, size = registers
        self.widest = 2 * size // self.item
        self.block = min(8, self.widest)
        # Two registers a row; what is left holds a stretch of the right matrix and a number of the left one.
        self.highest = (count - 4) // 2
        self.lines: list[str] = []
        self.count = 0

    def text(self, name: str) -> str:
        """Return all."""
        arguments = ["%result", "%left", "%right", *(["%rate"] if self.product.subtracts else [])]
        if self.product.subtracts:
            self.line(f"%rate.value = load {self.kind}, ptr %rate")
        across = _widths(self.product.columns, self.widest)
        down = _heights(self.product.rows, self.highest)
        if self.packs:
            self.line(f"%packed = alloca {self.kind}, i64 {self.product.inner * self.widest}, align 64")
        if self.packs or self.product.inner * self.product.columns * self.item > AT_HAND:
            self.loops(across, lambda j, width: self.panel(down, j, width))
        else:
            self.loops(down, lambda i, height: self.loops(across, lambda j, width: self.tile(i, j, height, width)))
        rows, columns, inner = self.product.rows, self.product.columns, self.product.inner
        comment = f"; {'result - rate * ' if self.product.subtracts else ''}{rows}x{inner} @ {inner}x{columns}"
        head = f"define i32 @{name}({', '.join(f'ptr noalias {argument}' for argument in arguments)}) {{"
        return "\n".join([comment, head, "entry:", *self.lines, "  ret i32 0", "}", ""])

    def loops(self, stretches: list[tuple[int, int, int]], body: Callable[[str, int], None]) -> None:
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
            place = self.element("%result", self.sum(self.times(self.sum(i, str(row)), product.columns), j))
            value = f"{total}.next"
            if product.subtracts:
                before, scaled, value = self.load(place, width, length), self.new("%x"), self.new("%x")
                self.line(f"{scaled} = fmul {full} {rate}, {total}.next")
                self.line(f"{value} = fsub {full} {before}, {scaled}")
            self.store(value, place, width, length)

    def begin(self, loop: str) -> None:
        """Begin a loop: its variables begin with what they are in the block before."""
        self.line(f"br label %{loop}.before")
        self.label(f"{loop}.before")
        self.line(f"br label %{loop}")
        self.label(loop)

    def end(self, loop: str, step: int, end: int) -> None:
        """End a loop whose variable has the name of the loop and ``.at``."""
        self.line(f"%{loop}.next = add nuw nsw i64 %{loop}.at, {step}")
        self.line(f"%{loop}.more = icmp ult i64 %{loop}.next, {end}")
        self.line(f"br i1 %{loop}.more, label %{loop}, label %{loop}.behind")
        self.label(f"{loop}.behind")

    def vector(self, length: int) -> str:
        """Return the type of a vector."""
        return f"<{length} x {self.kind}>"

    def load(self, place: str, count: int, length: int) -> str:
        """Write how so many neighbours are read into a vector, which may be longer."""
        name, full = self.new("%x"), self.vector(length)
        if count == length:
            self.line(f"{name} = load {full}, ptr {place}, align {self.item}")
        else:
            mask = _mask(count, length)
            function = f"{full} @llvm.masked.load.v{length}f{8 * self.item}.p0"
            self.line(f"{name} = call {function}(ptr {place}, i32 {self.item}, {mask}, {full} zeroinitializer)")
        return name

    def store(self, value: str, place: str, count: int, length: int) -> None:
        """Write how so many neighbours are written from a vector, which may be longer."""
        full = self.vector(length)
        if count == length:
            self.line(f"store {full} {value}, ptr {place}, align {self.item}")
        else:
            function = f"void @llvm.masked.store.v{length}f{8 * self.item}.p0"
            self.line(f"call {function}({full} {value}, ptr {place}, i32 {self.item}, {_mask(count, length)})")

    def spread(self, number: str, length: int) -> str:
        """Return a vector that has one number everywhere."""
        first, name, full = self.new("%x"), self.new("%x"), self.vector(length)
        self.line(f"{first} = insertelement {full} poison, {self.kind} {number}, i64 0")
        self.line(f"{name} = shufflevector {full} {first}, {full} poison, <{length} x i32> zeroinitializer")
        return name

    def element(self, array: str, index: str) -> str:
        """Return where an element lies."""
        name = self.new("%x")
        self.line(f"{name} = getelementptr inbounds {self.kind}, ptr {array}, i64 {index}")
        return name

    def times(self, index: str, factor: int) -> str:
        """Return an index times a number."""
        name = self.new("%x")
        self.line(f"{name} = mul nuw nsw i64 {index}, {factor}")
        return name

    def sum(self, a: str, b: str) -> str:
        """Return the sum of two indices."""
        name = self.new("%x")
        self.line(f"{name} = add nuw nsw i64 {a}, {b}")
        return name

    def new(self, name: str) -> str:
        """Return a name that nothing has."""
        self.count += 1
        return f"{name}{self.count}"

    def label(self, name: str) -> None:
        """Begin a block."""
        self.lines.append(f"{name}:")

    def line(self, text: str) -> None:
        """Add a line."""
        self.lines.append(f"  {text}")


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


def _mask(count: int, length: int) -> str:
    """Return which elements of a vector are meant: the first ones."""
    return f"<{length} x i1> <{', '.join(['i1 true'] * count + ['i1 false'] * (length - count))}>"
