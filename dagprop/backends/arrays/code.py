"""Array code: a program as straight Python over arrays that are there before it runs.

The text lays out all memory and all views, and then defines ``step``, which computes: one NumPy call a line, each with
its result as ``out``, so that no array is made in a step (but by ``erf``, which NumPy does not have).
Names are numbered as in the program: ``v7`` is %7.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dagprop.backends.arrays.buffers import place_values
from dagprop.backends.arrays.code_text import line, printable, view
from dagprop.backends.arrays.epilogue_groups import epilogue_of, next_to_products, readers_of
from dagprop.backends.arrays.fusion import fuse
from dagprop.backends.arrays.groups import Group, Unit, pays
from dagprop.backends.arrays.kernel_code import form, kernel, module_text
from dagprop.backends.arrays.kernel_shares import kernel_share
from dagprop.backends.arrays.lines import ArrayLines
from dagprop.backends.arrays.lowering import SUBTRACT_COLUMN_SUMS, SUBTRACT_PRODUCT, VIEWS, Lowered, lower
from dagprop.backends.arrays.product_code import product_text
from dagprop.backends.arrays.product_tiles import Product, Tiling
from dagprop.backends.arrays.products import largest_left, own_products, product_share, read_by_row
from dagprop.backends.arrays.shares import Share
from dagprop.backends.llvm.code import TYPES
from dagprop.backends.llvm.engine import registers
from dagprop.program.records import Instruction, Program
from dagprop.record import record


@record
class ArrayCode:
    """What runs.

    Attributes
    ----------
    python : str
        Given ``inputs``, the arrays of the inputs in order, it makes the function ``step``; the tuple ``outputs``, the
        arrays of the outputs in order; and the dict ``rows``: by name, where the addresses of the rows of an input
        are read that is not read in its array.  Its names beyond Python's are those that
        :mod:`dagprop.backends.arrays.program` gives it.
    llvm : str
        The module of the kernels that it calls; empty if it calls none.
    largest : float
        How many operations the largest product of matrices takes that NumPy computes.
    seconds : float
        How long one thread takes for the kernels that several share, about.
    """

    python: str
    llvm: str
    largest: float
    seconds: float


def array_code(
    program: Program,
    outputs: Collection[str] | None = None,
    updates: Mapping[str, str] | None = None,
    steps: float = 0,
    threads: int = 1,
    sampled: Collection[str] = (),
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
    threads : int
        How many may share a kernel.
    sampled : collection of str
        The inputs that are rows of a larger array each time: some may be read there.
    """
    lowered = lower(program, outputs, updates)
    if steps and pays(lowered, units := fuse(lowered), steps):
        products, threads = own_products(lowered, steps, threads)
        products |= read_by_row(lowered, products, [lowered.inputs[name] for name in sampled if name in lowered.inputs])
        return _Writer(lowered, next_to_products(lowered, units), products, threads).code()
    return _Writer(lowered, list(lowered.instructions), {}, 1).code()


class _Writer(ArrayLines):
    """The lines so far: those that run once, and those of a step."""

    def __init__(self, lowered: Lowered, units: list[Unit], products: Mapping[int, Product], threads: int) -> None:
        super().__init__(lowered, place_values(lowered, units))
        self.units = units
        self.products = products
        self.threads = threads
        self.readers = readers_of(lowered) if products else {}
        self.kind = TYPES[lowered.dtype]
        self.kernels: dict[str, str] = {}
        """The text of each, by name."""
        self.forms: dict[tuple[object, ...], str] = {}
        """The name of the kernel of each form."""
        self.seconds = 0.0
        self.functions: dict[Tiling, tuple[str, Share]] = {}
        self.by_row = {
            lowered.roots[lowered.instructions[number].operands[-2]]
            for number, product in products.items()
            if product.by_row
        }
        """The inputs that are given by the addresses of their rows."""

    def code(self) -> ArrayCode:
        lowered = self.lowered
        for position, (name, number) in enumerate(lowered.inputs.items()):
            self.once.append(line(f"v{number} = inputs[{position}]", name))
            if number in self.by_row:
                self.once.append(line(f"rows[{name!r}] = r{number} = addresses(v{number})", name))
        for number, (dtype, size) in enumerate(self.placement.buffers):
            self.once.append(f'm{number} = empty({size}, "{dtype}")')
        inside = {
            number for unit in self.units if isinstance(unit, Group) for number in unit.members.keys() - unit.stored
        }
        done: Unit | None = None
        for unit, following in zip(self.units, [*self.units[1:], None], strict=True):
            if isinstance(unit, Group):
                if unit is not done:
                    self.group(unit)
            elif unit in self.products and isinstance(following, Group) and self.with_epilogue(unit, following):
                done = following
            elif lowered.roots[unit] not in inside:
                self.instruction(unit, lowered.instructions[unit])
        self.updates()
        results = [f"    {self.result[number]},  # {printable(name)}" for name, number in lowered.outputs.items()]
        step = [f"    {text}" for text in self.step or ["pass"]]
        # All names are global: a function that takes thousands over from another one takes Python minutes to compile.
        python = "\n".join(["rows = {}", *self.once, "", "def step():", *step, "", "outputs = (", *results, ")", ""])
        functions = [
            *self.kernels.values(),
            *(product_text(name, tiling, share) for tiling, (name, share) in self.functions.items()),
        ]
        llvm = module_text(functions, lowered.dtype) if functions else ""
        return ArrayCode(python, llvm, largest_left(lowered, self.products), self.seconds)

    def with_epilogue(self, number: int, group: Group) -> bool:
        """Write the product and the group behind it as one kernel, if they can be one."""
        if self.products[number].subtracts or number in self.placement.fixed:
            return False
        name, tiling = f"e{len(self.kernels)}", self.tiling(number)
        epilogue = epilogue_of(self.lowered, self.readers, group, number, tiling.by_columns, self.memory_name)
        if epilogue is None:
            return False
        share = product_share(tiling, self.threads)
        name = self.define(name, product_text(name, tiling, share, epilogue))
        self.memory(number, self.lowered.instructions[number])
        arrays = (*self.sides(number), *epilogue.names)
        self.call_group((number, *group.members), group, self.bound(name, share, arrays), "")
        return True

    def group(self, group: Group) -> None:
        """Write the call of the kernel of a group, with a line for each step of the plan that it does."""
        share = kernel_share(self.lowered, group, self.threads)
        made = kernel(f"k{len(self.kernels)}", self.lowered, group, self.memory_name, share)
        name = self.define(made.name, made.text)
        bound = self.bound(name, share, made.arguments)
        self.call_group(tuple(group.members), group, bound, self.complaints(group) * made.checks)

    def define(self, name: str, text: str) -> str:
        """Add a kernel, if there is none that differs in names alone; return what it is called.

        The layers of a deep network are alike, and compiling takes longest of all.
        """
        known = self.forms.setdefault(form(text.replace(f"@{name}", "@")), name)
        self.kernels.setdefault(known, text)
        return known

    def call_group(self, numbers: Sequence[int], group: Group, bound: str, complaints: str) -> None:
        """Write the call of a kernel that does a group, and some instructions, with what is before it."""
        for number in group.members:
            if number in self.placement.place or number in self.placement.written:
                self.memory(number, self.lowered.instructions[number])
            elif number in group.stored:
                self.once.append(f"v{number} = v{self.lowered.roots[number]}")
        call = f"f{numbers[0]}"
        self.once.append(f"{call} = {bound}")
        first, *others = dict.fromkeys(self.lowered.instructions[number].origin for number in numbers)
        self.step.append(line(f"if {call}(): {complaints}" if complaints else f"{call}()", first))
        self.step += [line("", origin) for origin in others]

    def complaints(self, group: Group) -> str:
        """Return the calls that say which class index is none."""
        members = ((number, self.lowered.instructions[number]) for number in group.members)
        return "; ".join(
            f"one_hot(v{instruction.operands[0]}, {instruction.shape[-1]})"
            for number, instruction in members
            if instruction.primitive == "one_hot"
        )

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
                made = self.own_product(number, operands[0], operands[1])
            self.once.append(f"f{number} = {made}")
            self.step.append(line(f"f{number}()", instruction.origin))
        elif primitive in VIEWS:
            self.once.append(f"{name} = {view(instruction, operands[0])}")
        elif self.lowered.roots[number] != number:
            self.once.append(f"{name} = {operands[0]}.reshape({instruction.shape})")
        else:
            self.memory(number, instruction)
            if number in self.products:
                self.once.append(f"f{number} = {self.own_product(number, name)}")
            codes = [f"f{number}()"] if number in self.products else self.computation(number, instruction, operands)
            lines = self.once if number in self.placement.fixed else self.step
            lines += [line(code, instruction.origin) for code in codes]

    def own_product(self, number: int, result: str, *rate: str) -> str:
        """Return the code that binds a product to arrays; all of the same sizes have the same kernel."""
        tiling = self.tiling(number)
        name, share = self.functions.setdefault(
            tiling, (f"p{len(self.functions)}", product_share(tiling, self.threads))
        )
        return self.bound(name, share, (result, *self.sides(number), *rate))

    def tiling(self, number: int) -> Tiling:
        """Return how a product is cut into tiles."""
        return Tiling(self.products[number], self.kind, registers())

    def sides(self, number: int) -> tuple[str, str]:
        """Return what a product multiplies: two arrays, or addresses of rows and an array."""
        left, right = self.lowered.instructions[number].operands[-2:]
        return f"r{self.lowered.roots[left]}" if self.products[number].by_row else f"v{left}", f"v{right}"

    def bound(self, name: str, share: Share, arrays: Sequence[str]) -> str:
        """Return the code that binds a kernel to arrays, with its columns, and how many of them are done at a time."""
        self.seconds += share.seconds if share.several else 0.0
        return f'kernel("{name}", {share.columns}, {share.part}, {", ".join(arrays)})'
