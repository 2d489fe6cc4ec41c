"""The lines of a kernel that compute, read and store single values, wherever in its loops they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dagprop.backends.arrays.groups import Group
from dagprop.backends.arrays.layouts import Access
from dagprop.backends.arrays.lowering import Lowered
from dagprop.backends.llvm.code import TYPES, number, operation, plain
from dagprop.backends.llvm.vector_math import VECTOR_FUNCTIONS
from dagprop.program.records import BOOLEAN, Instruction


@dataclass(slots=True)
class Scope:
    """A place in the code, with the names of what has been computed or read in it.

    Attributes
    ----------
    row, column : str
        The indices there; 0 where there is none.
    """

    row: str
    column: str
    names: dict[int, str]
    loaded: dict[Access, str]


class KernelLines:
    """The lines so far, and the arrays that they name.

    Parameters
    ----------
    lowered : Lowered
    group : Group
    memory : callable
        Gives the name of the array in which a root lies.
    columns : int
        How many numbers a row has.
    """

    def __init__(self, lowered: Lowered, group: Group, memory: Callable[[int], str], columns: int) -> None:
        self.lowered, self.group, self.memory = lowered, group, memory
        self.kind = TYPES[lowered.dtype]
        self.columns = columns
        self.rows = group.rows * group.columns // max(columns, 1)
        self.lines: list[str] = []
        self.arguments: dict[str, None] = {}
        self.count = 0
        self.wrong = "false"
        """Whether an index so far was no class."""

    def compute(self, number_: int, instruction: Instruction, scope: Scope) -> None:
        """Write an elementwise operation."""
        primitive, operands, result = plain(instruction), range(len(instruction.operands)), self.new()
        if primitive == "one_hot":
            index, column, found = self.real(number_, 0, scope), self.new(), self.new()
            self.line(f"{column} = uitofp i64 {scope.column} to {self.kind}")
            self.line(f"{found} = fcmp oeq {self.kind} {index}, {column}")
            self.line(f"{result} = uitofp i1 {found} to {self.kind}")
        elif primitive == "real":
            result = self.real(number_, 0, scope)
        elif primitive in VECTOR_FUNCTIONS:
            value = self.real(number_, 0, scope)
            self.line(f"{result} = call {self.kind} @vector.{primitive}({self.kind} {value})")
        else:
            if primitive.startswith("logical_"):
                given = [self.truth(number_, position, scope) for position in operands]
            elif primitive == "where":
                convert = self.truth if instruction.boolean else self.real
                given = [self.truth(number_, 0, scope), *(convert(number_, position, scope) for position in (1, 2))]
            else:
                given = [self.real(number_, position, scope) for position in operands]
            kind = "i1" if primitive == "where" and instruction.boolean else self.kind
            for line in operation(primitive, result, given, kind):
                self.line(line)
            if primitive in BOOLEAN and not instruction.boolean:
                result = self.real_name(result, True)
        scope.names[number_] = result

    def check(self, number_: int, instruction: Instruction, scope: Scope) -> None:
        """Write the question whether the index of a row is a class."""
        index, size = self.real(number_, 0, scope), instruction.shape[-1]
        end = "f64" if self.kind == "double" else "f32"
        whole, same, low, high, both, fine, wrong, all_wrong = (self.new() for _ in range(8))
        self.line(f"{whole} = call {self.kind} @llvm.floor.{end}({self.kind} {index})")
        self.line(f"{same} = fcmp oeq {self.kind} {whole}, {index}")
        self.line(f"{low} = fcmp oge {self.kind} {index}, {number(0.0, self.kind)}")
        self.line(f"{high} = fcmp olt {self.kind} {index}, {number(float(size), self.kind)}")
        self.line(f"{both} = and i1 {low}, {high}")
        self.line(f"{fine} = and i1 {both}, {same}")
        self.line(f"{wrong} = xor i1 {fine}, true")
        self.line(f"{all_wrong} = or i1 {self.wrong}, {wrong}")
        self.wrong = all_wrong

    def operand(self, number_: int, position: int, scope: Scope) -> tuple[str, bool]:
        """Return the name of an operand, and whether it is a truth."""
        instruction = self.instruction(number_)
        operand = instruction.operands[position]
        source = self.instruction(operand)
        if source.primitive == "constant":
            return number(source.parameters[0], self.kind), False
        member = self.group.same.get(operand, operand)
        if member in self.group.members:
            return scope.names[member], self.instruction(member).boolean
        access = self.group.reads[number_, position]
        if access not in scope.loaded:
            scope.loaded[access] = self.load(access, source.boolean, scope)
        return scope.loaded[access], source.boolean

    def real(self, number_: int, position: int, scope: Scope) -> str:
        """Return an operand as a number."""
        return self.real_name(*self.operand(number_, position, scope))

    def truth(self, number_: int, position: int, scope: Scope) -> str:
        """Return an operand as true or false."""
        name, boolean = self.operand(number_, position, scope)
        return name if boolean else self.truth_name(name)

    def real_name(self, name: str, boolean: bool) -> str:
        """Return a number for a truth."""
        if not boolean:
            return name
        result = self.new()
        self.line(f"{result} = uitofp i1 {name} to {self.kind}")
        return result

    def truth_name(self, name: str) -> str:
        """Return a truth for a number."""
        result = self.new()
        self.line(f"{result} = fcmp une {self.kind} {name}, {number(0.0, self.kind)}")
        return result

    def load(self, access: Access, boolean: bool, scope: Scope) -> str:
        """Write how a number is read from an array."""
        index = self.index(access.offset, (scope.row, access.row_stride), (scope.column, access.column_stride))
        place = self.element(self.argument(access.root), index, "i8" if boolean else self.kind)
        name = self.new()
        self.line(f"{name} = load {'i8' if boolean else self.kind}, ptr {place}")
        if not boolean:
            return name
        truth = self.new()
        self.line(f"{truth} = icmp ne i8 {name}, 0")
        return truth

    def load_row(self, number_: int, column: str) -> str:
        """Write how a full value of an earlier pass is read."""
        name = self.new()
        self.line(f"{name} = load {self.kind}, ptr {self.element(f't{number_}', column, self.kind)}")
        return self.truth_name(name) if self.instruction(number_).boolean else name

    def store(self, number_: int, scope: Scope) -> None:
        """Write how a member gets into its memory, if it has any."""
        if number_ not in self.group.stored:
            return
        member, boolean = self.group.members[number_], self.instruction(number_).boolean
        strides = {"full": (self.columns, 1), "column": (1, 0), "row": (0, 1), "single": (0, 0)}[member.kind]
        index = self.index(0, (scope.row, strides[0]), (scope.column, strides[1]))
        place = self.element(self.argument(self.lowered.roots[number_]), index, "i8" if boolean else self.kind)
        name = scope.names[number_]
        if boolean:
            byte = self.new()
            self.line(f"{byte} = zext i1 {name} to i8")
            name = byte
        self.line(f"store {'i8' if boolean else self.kind} {name}, ptr {place}")

    def index(self, offset: int, *terms: tuple[str, int]) -> str:
        """Return offset + Σ index·stride."""
        result = str(offset)
        for index, stride in terms:
            if index == "0" or not stride:
                continue
            if stride != 1:
                product = self.new()
                self.line(f"{product} = mul nsw i64 {index}, {stride}")
                index = product
            if result == "0":
                result = index
            else:
                total = self.new()
                self.line(f"{total} = add nsw i64 {result}, {index}")
                result = total
        return result

    def element(self, array: str, index: str, kind: str) -> str:
        """Write where an element of an array lies."""
        name = self.new()
        self.line(f"{name} = getelementptr inbounds {kind}, ptr %{array}, i64 {index}")
        return name

    def argument(self, root: int) -> str:
        """Return the array that holds a root."""
        name = self.memory(root)
        self.arguments.setdefault(name)
        return name

    def fadd(self, result: str, a: str, b: str) -> None:
        """Write a sum whose terms may be taken in any order."""
        self.line(f"{result} = fadd reassoc nsz {self.kind} {a}, {b}")

    def loop_end(self, index: str, size: int | str, label: str, behind: str, hint: str = "") -> None:
        """Write the end of a loop that goes from 0 to a size, and what LLVM is told of it."""
        self.line(f"{index}.next = add nuw nsw i64 {index}, 1")
        self.line(f"{index}.more = icmp ult i64 {index}.next, {size}")
        self.line(f"br i1 {index}.more, label %{label}, label %{behind}{hint}")

    def instruction(self, number_: int) -> Instruction:
        """Return the instruction of a member or operand."""
        return self.lowered.instructions[number_]

    def new(self) -> str:
        """Return a name that nothing has."""
        self.count += 1
        return f"%x{self.count}"

    def label(self, name: str) -> None:
        """Begin a block."""
        self.lines.append(f"{name}:")

    def line(self, text: str) -> None:
        """Add a line."""
        self.lines.append(f"  {text}")
