"""What is multiplied, and how the result is cut into tiles."""

from __future__ import annotations

from dagprop.record import record

AT_HAND = 1 << 18
"""So many bytes are still in the cache when they are read again soon, and where their pages lie is still known."""

LONGEST_PACKED = 1024
"""Of a matrix that has to be packed, no more numbers along the inner axis find room on the stack."""


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
    by_row : bool
        Whether the left matrix is given by the addresses of its rows, which may lie anywhere; or if it is a transpose,
        by those of the rows that it is the transpose of.
    """

    rows: int
    columns: int
    inner: int
    left: tuple[int, int]
    right: tuple[int, int]
    subtracts: bool
    by_row: bool = False

    @property
    def left_transposed(self) -> bool:
        """Whether neighbours in memory are those of a column of the left matrix, and not of a row."""
        return self.left[1] != 1

    @property
    def right_transposed(self) -> bool:
        """The same of the right matrix: it has to be packed then."""
        return self.right[1] != 1


@record
class Tiling:
    """A product, cut into tiles that find room in the registers of a processor.

    Attributes
    ----------
    product : Product
    kind : {"double", "float"}
    registers : (int, int)
        How many vector registers the processor has, and of how many bytes.
    """

    product: Product
    kind: str
    registers: tuple[int, int]

    @property
    def item(self) -> int:
        """Bytes of a number."""
        return 8 if self.kind == "double" else 4

    @property
    def width(self) -> int:
        """The columns of a tile, but for what is left at the end: those of two registers."""
        return 2 * self.registers[1] // self.item

    @property
    def by_columns(self) -> bool:
        """Whether one stretch of the columns is computed after the other, and not one strip of the rows.

        It is where the cache does not hold the right matrix from strip to strip, or where it has to be packed.
        """
        product = self.product
        return product.right_transposed or product.inner * product.columns * self.item > AT_HAND

    @property
    def heights(self) -> list[tuple[int, int, int]]:
        """Start, end and size of the strips that the rows are cut into: all of about the same height."""
        # Two registers a row; what is left holds a stretch of the right matrix and a number of the left one.
        count = -(-self.product.rows // ((self.registers[0] - 4) // 2))
        low = self.product.rows // count
        high = (self.product.rows - low * count) * (low + 1)
        return _some((0, high, low + 1), (high, self.product.rows, low))

    @property
    def strips(self) -> int:
        """How many strips there are."""
        return sum((end - start) // size for start, end, size in self.heights)

    @property
    def widths(self) -> list[tuple[int, int, int]]:
        """Start, end and size of the stretches that the columns are cut into: as wide as may be, then the rest."""
        return stretches(self.product.columns, self.width)

    def columns_of_block(self, blocks: int) -> int:
        """Return how many columns each of some blocks has; what is left belongs to the last."""
        return self.product.columns // blocks // self.width * self.width


def stretches(size: int, longest: int) -> list[tuple[int, int, int]]:
    """Return start, end and size of the parts that an axis is cut into: as long as may be, then the rest."""
    whole = size // longest * longest
    return _some((0, whole, longest), (whole, size, size - whole))


def _some(*parts: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    return [part for part in parts if part[0] < part[1]]
