"""Lines of LLVM's language that work on vectors: neighbours in a row of a matrix."""

from __future__ import annotations

import re


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


class VectorLines:
    """The lines so far.

    Parameters
    ----------
    kind : {"double", "float"}
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.item = 8 if kind == "double" else 4
        """Bytes of a number."""
        self.lines: list[str] = []
        self.count = 0

    def begin(self, loop: str) -> None:
        """Begin a loop: its variables begin with what they are in the block before."""
        self.line(f"br label %{loop}.before")
        self.label(f"{loop}.before")
        self.line(f"br label %{loop}")
        self.label(loop)

    def end(self, loop: str, step: int, end: int | str) -> None:
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


def _mask(count: int, length: int) -> str:
    """Return which elements of a vector are meant: the first ones."""
    return f"<{length} x i1> <{', '.join(['i1 true'] * count + ['i1 false'] * (length - count))}>"
