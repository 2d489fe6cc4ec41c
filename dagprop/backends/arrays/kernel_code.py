"""The kernel of a group in LLVM's language: a loop over the rows, and in it one over the columns for each pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import inf

from dagprop.backends.arrays.code_text import printable
from dagprop.backends.arrays.groups import Group, Member
from dagprop.backends.arrays.kernel_values import KernelLines, Scope
from dagprop.backends.arrays.lowering import SUBTRACT_COLUMN_SUMS, Lowered
from dagprop.backends.arrays.narrow_loops import loop_hint, with_loop_hints
from dagprop.backends.arrays.shares import Share, body_head, entry_text
from dagprop.backends.llvm.code import TYPES, declarations, number
from dagprop.backends.llvm.vector_lines import vector_declarations
from dagprop.backends.llvm.vector_math import vector_functions
from dagprop.program.records import Instruction
from dagprop.record import record


@record
class Kernel:
    """A function in LLVM's language.

    Attributes
    ----------
    name, text : str
    arguments : tuple of str
        The names of the arrays whose addresses it is given.
    checks : bool
        Whether it says if every index was a class: it returns 1 if one was not, else 0.
    """

    name: str
    text: str
    arguments: tuple[str, ...]
    checks: bool


def module_text(functions: Sequence[str], dtype: str) -> str:
    """Return the module of the functions of some kernels and products."""
    kind = TYPES[dtype]
    end = {"double": "f64", "float": "f32"}[kind]
    bodies = "\n".join(functions)
    pure = "memory(none) nounwind willreturn"
    lines = [line for line in declarations(kind) if "@llvm." in line]
    lines += [f"declare {kind} @llvm.{name}.{end}({kind}, {kind}) {pure}" for name in ("maximum", "minimum")]
    lines += vector_declarations(bodies)
    lines.append("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    lines.append("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    return with_loop_hints("\n".join([*lines, "", vector_functions(kind, bodies) + bodies]), kind)


def form(text: str) -> tuple[object, ...]:
    """Return what functions have in common that differ only in their comments and in the names within them."""
    code = "\n".join([line for line in text.splitlines() if line[:1] != ";"])
    parts = _NAME.split(code)
    places: dict[str, int] = {}
    return tuple(parts[::2]), tuple([places.setdefault(name, len(places)) for name in parts[1::2]])


_NAME = re.compile(r"(?:%|^(?=[\w.]+:))([\w.]+)", re.MULTILINE)


def kernel(name: str, lowered: Lowered, group: Group, memory: Callable[[int], str], share: Share) -> Kernel:
    """Return the kernel of a group.

    Parameters
    ----------
    name : str
    lowered : Lowered
    group : Group
    memory : callable
        Gives the name of the array in which a root lies.  What has the same name shares its memory, and nothing else.
    share : Share
        Of its columns: those of the group, or all its numbers, if the rows can be taken as one.
    """
    return _Writer(name, lowered, group, memory, share).kernel()


class _Writer(KernelLines):
    """The loops of a kernel."""

    def __init__(self, name: str, lowered: Lowered, group: Group, memory: Callable[[int], str], share: Share) -> None:
        super().__init__(lowered, group, memory, share.columns)
        self.name = name
        # Code for a known number of columns is better.
        self.start: str = "%from" if share.several else "0"
        self.end: str | int = "%to" if share.several else self.columns
        self.hint = loop_hint(self.end, self.kind)
        self.crossing = self._crossing()
        self.by_row: dict[int, str] = {}
        """The values of a row that stay known for the passes behind."""

    def kernel(self) -> Kernel:
        """Write all."""
        members = self.group.members
        checks = any(self.instruction(number).primitive == "one_hot" for number in members)
        singles = [n for n, member in members.items() if member.kind == "single" and member.reduces]
        self.label("rows")
        self.line("%row = phi i64 [ 0, %entry ], [ %row.next, %row.end ]")
        if checks:
            self.line("%wrong = phi i1 [ false, %entry ], [ %wrong.next, %row.end ]")
        for single in singles:
            zero = number(0.0, self.kind)
            self.line(f"%before{single} = phi {self.kind} [ {zero}, %entry ], [ %total{single}, %row.end ]")
        self.wrong = "%wrong"
        self.line("br label %section0")
        for place in range(self.group.passes):
            self.section(place)
            self.line(f"br label %pass{place}")
            self.one_pass(place)
        self.section(self.group.passes)
        if checks:
            self.line(f"%wrong.next = or i1 {self.wrong}, false")
        self.line("br label %row.end")
        self.label("row.end")
        self.loop_end("%row", self.rows, "rows", "done")
        self.label("done")
        self.epilogue()
        self.line(f"%answer = zext i1 {'%wrong.next' if checks else 'false'} to i32")
        self.line("ret i32 %answer")
        origins = dict.fromkeys(self.instruction(number_).origin for number_ in members)
        comments = [f"; {printable(origin)}" for origin in origins if origin]
        arguments = tuple(self.arguments)
        start = [*comments, body_head(self.name, arguments), "entry:", *self.entry(), "  br label %rows"]
        text = "\n".join([*start, *self.lines, "}", "", entry_text(self.name, arguments)])
        return Kernel(self.name, text, arguments, checks)

    def entry(self) -> list[str]:
        """Return the lines that make room for a row of what is needed in between."""
        lines = []
        for name in [f"t{n}" for n in self.crossing] + [f"s{n}" for n in self.sums()]:
            lines.append(f"  %{name} = alloca {self.kind}, i64 {self.columns}, align 64")
        size = self.columns * (8 if self.kind == "double" else 4)
        for number_ in self.sums():
            lines.append(f"  call void @llvm.memset.p0.i64(ptr %s{number_}, i8 0, i64 {size}, i1 false)")
        return lines

    def sums(self) -> list[int]:
        """Return the members that are sums over the rows, one for each column."""
        return [n for n, member in self.group.members.items() if member.kind == "row" and member.reduces]

    def section(self, place: int) -> None:
        """Write what is computed once a row, before a pass."""
        self.label(f"section{place}")
        scope = Scope("%row", "0", self.by_row, {})
        for number_, member in self.group.members.items():
            instruction = self.instruction(number_)
            if instruction.primitive == "one_hot" and member.phase == place:
                self.check(number_, instruction, scope)
            if member.kind == "column" and member.in_pass and member.available == place:
                self.store(number_, scope)
            if member.in_pass or member.phase != place:
                if member.kind == "single" and member.reduces and member.in_pass and member.available == place:
                    self.fadd(f"%total{number_}", f"%before{number_}", f"%v{number_}")
                continue
            if member.kind == "column":
                self.compute(number_, instruction, scope)
                self.store(number_, scope)
            elif member.kind == "single" and member.reduces:
                self.fadd(f"%total{number_}", f"%before{number_}", self.real(number_, 0, scope))

    def one_pass(self, place: int) -> None:
        """Write the loop over the columns."""
        label, column = f"pass{place}", f"%c{place}"
        self.label(label)
        self.line(f"{column} = phi i64 [ {self.start}, %section{place} ], [ {column}.next, %{label} ]")
        members = {n: member for n, member in self.group.members.items() if member.in_pass}
        for number_, member in members.items():
            if member.phase == place and member.reduces and member.kind != "row":
                start = {"sum": 0.0, "max": -inf, "min": inf}[self.instruction(number_).primitive]
                value = number(start, self.kind)
                self.line(f"%v{number_}.so = phi {self.kind} [ {value}, %section{place} ], [ %v{number_}, %{label} ]")
        scope = Scope("%row", column, dict(self.by_row), {})
        for number_, member in members.items():
            instruction = self.instruction(number_)
            if member.phase == place and member.reduces:
                self.accumulate(number_, member, instruction, scope)
            elif member.phase == place or (member.phase < place and instruction.primitive == "one_hot"):
                self.compute(number_, instruction, scope)
            elif number_ in self.crossing and member.phase < place:
                scope.names[number_] = self.load_row(number_, column)
        for number_, member in members.items():
            if member.phase == place and member.kind == "full":
                self.store(number_, scope)
                if number_ in self.crossing:
                    value = self.real_name(scope.names[number_], self.instruction(number_).boolean)
                    self.line(f"store {self.kind} {value}, ptr {self.element(f't{number_}', column, self.kind)}")
        self.loop_end(column, self.end, label, f"section{place + 1}", self.hint)
        for number_, member in members.items():
            if member.phase == place and member.reduces and member.kind != "row":
                self.by_row[number_] = f"%v{number_}"

    def accumulate(self, number_: int, member: Member, instruction: Instruction, scope: Scope) -> None:
        """Write how one more full value is taken into a reduction."""
        value = self.real(number_, len(instruction.operands) - 1, scope)
        if member.kind == "row":
            place = self.element(f"s{number_}", scope.column, self.kind)
            before, after = self.new(), self.new()
            self.line(f"{before} = load {self.kind}, ptr {place}")
            self.fadd(after, before, value)
            self.line(f"store {self.kind} {after}, ptr {place}")
        elif instruction.primitive == "sum":
            self.fadd(f"%v{number_}", f"%v{number_}.so", value)
        else:
            name = f"@llvm.{instruction.primitive}imum.{'f64' if self.kind == 'double' else 'f32'}"
            self.line(f"%v{number_} = call {self.kind} {name}({self.kind} %v{number_}.so, {self.kind} {value})")

    def epilogue(self) -> None:
        """Write what is known when all rows are done."""
        singles = Scope("0", "0", {}, {})
        for number_, member in self.group.members.items():
            if member.kind == "single":
                if member.reduces:
                    singles.names[number_] = f"%total{number_}"
                else:
                    self.compute(number_, self.instruction(number_), singles)
                self.store(number_, singles)
        rows = {n: member for n, member in self.group.members.items() if member.kind == "row"}
        if not rows:
            return
        self.line("br label %sums")
        self.label("sums")
        self.line(f"%c = phi i64 [ {self.start}, %done ], [ %c.next, %sums ]")
        scope = Scope("0", "%c", dict(singles.names), {})
        for number_, member in rows.items():
            instruction = self.instruction(number_)
            if member.reduces:
                name = self.new()
                self.line(f"{name} = load {self.kind}, ptr {self.element(f's{number_}', '%c', self.kind)}")
                scope.names[number_] = name
                if instruction.primitive == SUBTRACT_COLUMN_SUMS:
                    old, rate = (self.real(number_, position, scope) for position in (0, 1))
                    scaled, scope.names[number_] = self.new(), self.new()
                    self.line(f"{scaled} = fmul {self.kind} {name}, {rate}")
                    self.line(f"{scope.names[number_]} = fsub {self.kind} {old}, {scaled}")
            else:
                self.compute(number_, instruction, scope)
            self.store(number_, scope)
        self.loop_end("%c", self.end, "sums", "end", self.hint)
        self.label("end")

    def _crossing(self) -> list[int]:
        """Return the full members that a later pass than their own needs."""
        members = self.group.members
        found: dict[int, None] = {}
        for number_, member in members.items():
            for operand in self.instruction(number_).operands if member.in_pass else ():
                source = members.get(operand)
                again = self.instruction(operand).primitive == "one_hot"  # sooner computed once more than read
                if source and source.kind == "full" and source.phase < member.phase and not again:
                    found[operand] = None
        return list(found)
