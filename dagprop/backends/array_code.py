"""Array code: a program as straight Python over arrays that are there before it runs.

The text defines ``prepare``, which lays out all memory and all views, and ``step``, which computes: one NumPy call a
line, each with its result as ``out``, so that no array is made in a step (but by ``erf``, which NumPy does not have).
Names are numbered as in the program: ``v7`` is %7.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod

from dagprop.backends.array_buffers import Placement, place_values
from dagprop.backends.array_lowering import SUBTRACT_COLUMN_SUMS, SUBTRACT_PRODUCT, VIEWS, Lowered, lower
from dagprop.backends.code_text import NUMPY_NAMES, REDUCTIONS, line, printable, view
from dagprop.backends.fusion import fuse
from dagprop.backends.groups import Group, Unit, pays
from dagprop.backends.kernel_code import kernel, module_text
from dagprop.backends.llvm_code import TYPES
from dagprop.backends.llvm_engine import registers
from dagprop.backends.product_code import Product, product_text
from dagprop.backends.products import largest_left, own_products
from dagprop.program.records import Instruction, Program
from dagprop.record import record


@record
class ArrayCode:
    """What runs.

    Attributes
    ----------
    python : str
        It defines ``prepare(inputs)``: for the arrays of the inputs, in order, it returns the function ``step`` and a
        tuple with the arrays of the outputs, in order.  Its names beyond Python's are those that
        :mod:`dagprop.backends.array_program` gives it.
    llvm : str
        The module of the kernels that it calls; empty if it calls none.
    largest : float
        How many operations the largest product of matrices takes that NumPy computes.
    """

    python: str
    llvm: str
    largest: float


def array_code(
    program: Program,
    outputs: Collection[str] | None = None,
    updates: Mapping[str, str] | None = None,
    steps: float = 0,
) -> ArrayCode:
    """Return the code that computes a program.

    Parameters
    ----------
    program : Program
    outputs : collection of str, optional
        The names of the outputs that are wanted; by default all.
    updates : mapping from str to str, optional
        The inputs that are to take on the value of an output at the end of each step.
    steps : float
        How often it will run: neighbours are fused to kernels if that saves more time than it takes to compile them.
    """
    lowered = lower(program, outputs, updates)
    if steps and pays(units := fuse(lowered), steps):
        return _Writer(lowered, units, own_products(lowered, steps)).code()
    return _Writer(lowered, list(lowered.instructions), {}).code()


class _Writer:
    """The lines so far: those that run once, and those of a step."""

    def __init__(self, lowered: Lowered, units: list[Unit], products: Mapping[int, Product]) -> None:
        self.lowered = lowered
        self.units = units
        self.products = products
        self.placement: Placement = place_values(lowered, units)
        self.once: list[str] = []
        self.step: list[str] = []
        self.kernels: list[str] = []
        self.functions: dict[Product, str] = {}
        self.result = {number: f"v{number}" for number in lowered.outputs.values()}

    def code(self) -> ArrayCode:
        lowered = self.lowered
        for position, (name, number) in enumerate(lowered.inputs.items()):
            self.once.append(line(f"v{number} = inputs[{position}]", name))
        for number, (dtype, size) in enumerate(self.placement.buffers):
            self.once.append(f'm{number} = empty({size}, "{dtype}")')
        inside = {
            number for unit in self.units if isinstance(unit, Group) for number in unit.members.keys() - unit.stored
        }
        for unit in self.units:
            if isinstance(unit, Group):
                self.group(unit)
            elif lowered.roots[unit] not in inside:
                self.instruction(unit, lowered.instructions[unit])
        self.updates()
        results = [f"        {self.result[number]},  # {printable(name)}" for name, number in lowered.outputs.items()]
        python = "\n".join(
            [
                "def prepare(inputs):",
                *(f"    {text}" for text in self.once),
                "",
                "    def step():",
                *(f"        {text}" for text in self.step or ["pass"]),
                "",
                "    return step, (",
                *results,
                "    )",
                "",
            ]
        )
        kind = TYPES[lowered.dtype]
        functions = [product_text(name, product, kind, registers()) for product, name in self.functions.items()]
        llvm = module_text(self.kernels + functions, lowered.dtype) if self.kernels or functions else ""
        return ArrayCode(python, llvm, largest_left(lowered, self.products))

    def group(self, group: Group) -> None:
        """Write the call of the kernel of a group, with a line for each step of the plan that it does."""
        made = kernel(f"k{len(self.kernels)}", self.lowered, group, self.memory_name)
        self.kernels.append(made.text)
        for number in group.members:
            if number in self.placement.place or number in self.placement.written:
                self.memory(number, self.lowered.instructions[number])
            elif number in group.stored:
                self.once.append(f"v{number} = v{self.lowered.roots[number]}")
        self.once.append(f'{made.name} = kernel("{made.name}", {", ".join(made.arguments)})')
        origins = dict.fromkeys(self.lowered.instructions[number].origin for number in group.members)
        call = f"{made.name}()"
        if made.checks:
            call = f"if {call}: {self.complaints(group)}"
        first, *others = origins
        self.step.append(line(call, first))
        self.step += [line("", origin) for origin in others]

    def complaints(self, group: Group) -> str:
        """Return the calls that say which class index is none."""
        members = ((number, self.lowered.instructions[number]) for number in group.members)
        return "; ".join(
            f"one_hot(v{instruction.operands[0]}, {instruction.shape[-1]})"
            for number, instruction in members
            if instruction.primitive == "one_hot"
        )

    def memory_name(self, root: int) -> str:
        """Return the array in which a root lies."""
        placement = self.placement
        if root in placement.place:
            return f"m{placement.place[root]}"
        return f"v{placement.written.get(root, root)}"

    def instruction(self, number: int, instruction: Instruction) -> None:
        """Write what an instruction needs to be there, and what it does."""
        name, operands = f"v{number}", [f"v{operand}" for operand in instruction.operands]
        primitive, parameters = instruction.primitive, instruction.parameters
        if primitive == "input":
            return
        if primitive == "constant":
            self.once.append(f'{name} = constant("{parameters[0].hex()}", "{self.lowered.dtype}")')
        elif primitive in (SUBTRACT_PRODUCT, SUBTRACT_COLUMN_SUMS):
            self.once.append(f"{name} = {operands[0]}")
            made = f"{primitive}({', '.join(operands)})"
            if number in self.products:
                target, rate, *sides = operands
                made = self.own_product(number, target, *sides, rate)
            self.once.append(f"f{number} = {made}")
            self.step.append(line(f"f{number}()", instruction.origin))
        elif primitive in VIEWS:
            self.once.append(f"{name} = {view(instruction, operands[0])}")
        elif self.lowered.roots[number] != number:
            self.once.append(f"{name} = {operands[0]}.reshape({instruction.shape})")
        else:
            self.memory(number, instruction)
            if number in self.products:
                self.once.append(f"f{number} = {self.own_product(number, name, *operands)}")
            lines = self.once if number in self.placement.fixed else self.step
            for code in self.computation(number, instruction, operands):
                lines.append(line(code, instruction.origin))

    def own_product(self, number: int, *arrays: str) -> str:
        """Return the code that binds a function to arrays; all products of the same sizes share it."""
        name = self.functions.setdefault(self.products[number], f"p{len(self.functions)}")
        return f'kernel("{name}", {", ".join(arrays)})'

    def memory(self, number: int, instruction: Instruction) -> None:
        """Write where a value lies."""
        if number in self.placement.written:
            self.once.append(f"v{number} = v{self.placement.written[number]}")
        else:
            size = prod(instruction.shape)
            self.once.append(f"v{number} = m{self.placement.place[number]}[:{size}].reshape({instruction.shape})")

    def computation(self, number: int, instruction: Instruction, operands: list[str]) -> list[str]:
        """Return the lines that compute a value into its memory."""
        primitive, parameters, out = instruction.primitive, instruction.parameters, f"v{number}"
        arguments = ", ".join(operands)
        if primitive in ("maximum", "minimum"):
            return [f"{primitive}({arguments}, out={out})"]
        if primitive in NUMPY_NAMES:
            return [f"{NUMPY_NAMES[primitive]}({arguments}, {out})"]
        if primitive in REDUCTIONS:
            return self.reduction(number, instruction, operands[0])
        match primitive:
            case "matmul" if number in self.products:
                return [f"f{number}()"]
            case "matmul":
                return [f"matmul({arguments}, {out})"]
            case "where":
                condition, chosen, otherwise = operands
                return [
                    *([f"copyto({out}, {otherwise})"] if not self.same_memory(number, instruction.operands[2]) else []),
                    f"copyto({out}, {chosen}, where={condition})",
                ]
            case "real" | "copy":
                return [f"copyto({out}, {arguments})"]
            case "reshape":
                source = self.lowered.instructions[instruction.operands[0]]
                return [f"copyto({out}.reshape({source.shape}), {arguments})"]
            case "erf" | "erfc":
                return [f"copyto({out}, {primitive}({arguments}))"]
            case "concat":
                return [f"concatenate(({arguments},), {parameters[0]}, {out})"]
            case "argmax":
                return self.argmax(number, instruction, operands[0])
            case "one_hot":
                return self.one_hot(number, instruction, operands[0])
        raise NotImplementedError(primitive)

    def same_memory(self, number: int, operand: int) -> bool:
        place = self.placement.place
        root = self.lowered.roots[operand]
        return root in place and place[root] == place.get(number) and operand in self.lowered.gapless

    def scratch(self, number: int, shape: tuple[int, ...]) -> None:
        """Write where what an instruction needs in between lies."""
        self.once.append(f"t{number} = m{self.placement.scratch[number]}[:{prod(shape)}].reshape({shape})")

    def reduction(self, number: int, instruction: Instruction, operand: str) -> list[str]:
        axis, keepdims = instruction.parameters
        function = f"{REDUCTIONS[instruction.primitive]}.reduce"
        source = self.lowered.instructions[instruction.operands[0]]
        if number in self.placement.scratch:  # NumPy compares whole rows at once, but the numbers of a row one by one
            shape = source.shape[::-1]
            self.scratch(number, shape)
            self.once.append(f"i{number} = {operand}.transpose()")
            self.once.append(f"r{number} = v{number}.reshape(-1)")
            return [f"copyto(t{number}, i{number})", f"{function}(t{number}, 0, None, r{number})"]
        counted = instruction.primitive in ("sum", "prod") and source.boolean
        dtype = f'"{self.lowered.dtype}"' if counted else None
        if axis in (None, (0,)) and len(source.shape) == 1:
            axis = 0
        return [f"{function}({operand}, {axis}, {dtype}, v{number}, {keepdims})"]

    def argmax(self, number: int, instruction: Instruction, operand: str) -> list[str]:
        self.scratch(number, instruction.shape)
        axis, keepdims = instruction.parameters
        where = axis if axis is None else axis[0]
        return [
            f"argmax({operand}, {where}, t{number}, keepdims={keepdims})",
            f'copyto(v{number}, t{number}, "unsafe")',
        ]

    def one_hot(self, number: int, instruction: Instruction, operand: str) -> list[str]:
        size = instruction.shape[-1]
        self.once.append(f"i{number} = {operand}[..., None]")
        self.once.append(f'c{number} = classes({size}, "{self.lowered.dtype}")')
        self.once.append(f"t{number} = v{number}.reshape(-1)")
        # Each index has its 1, or one of them is none: then the other function says which.
        return [
            f"equal(i{number}, c{number}, v{number})",
            f"if add.reduce(t{number}) != {prod(instruction.shape[:-1])}: one_hot({operand}, {size})",
        ]

    def updates(self) -> None:
        """Write the new values of inputs that could not be computed there: first what an update would change."""
        written = self.placement.written
        left = {old: new for old, new in self.lowered.updates.items() if written.get(new) != old and new != old}
        targets = set(self.lowered.updates)
        for number in self.result:
            if self.lowered.roots[number] in targets:
                self.result[number] = f"o{number}"
                self.once.append(f"o{number} = empty_like(v{number})")
                self.step.insert(0, f"copyto(o{number}, v{number})")
        for old, new in left.items():
            if self.lowered.roots[new] in targets or new in written:
                self.once.append(f"t{old} = empty_like(v{new})")
                self.step.append(f"copyto(t{old}, v{new})")
        for old, new in left.items():
            source = "t" if self.lowered.roots[new] in targets or new in written else "v"
            self.step.append(f"copyto(v{old}, {source}{old if source == 't' else new})")
