"""The lines of array code for what NumPy computes, one instruction a time."""

from __future__ import annotations

from math import prod

from dagprop.backends.arrays.buffers import Placement
from dagprop.backends.arrays.code_text import NUMPY_NAMES, REDUCTIONS
from dagprop.backends.arrays.lowering import Lowered
from dagprop.program.records import Instruction


class ArrayLines:
    """The lines so far: those that run once, and those of a step.

    Parameters
    ----------
    lowered : Lowered
    placement : Placement
    """

    def __init__(self, lowered: Lowered, placement: Placement) -> None:
        self.lowered = lowered
        self.placement = placement
        self.once: list[str] = []
        self.step: list[str] = []
        self.result = {number: f"v{number}" for number in lowered.outputs.values()}
        """The names of the outputs."""

    def memory_name(self, root: int) -> str:
        """Return the array in which a root lies."""
        placement = self.placement
        if root in placement.place:
            return f"m{placement.place[root]}"
        return f"v{placement.written.get(root, root)}"

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
        """Whether a value is computed where an operand lies."""
        place = self.placement.place
        root = self.lowered.roots[operand]
        return root in place and place[root] == place.get(number) and operand in self.lowered.gapless

    def scratch(self, number: int, shape: tuple[int, ...]) -> None:
        """Write where what an instruction needs in between lies."""
        self.once.append(f"t{number} = m{self.placement.scratch[number]}[:{prod(shape)}].reshape({shape})")

    def reduction(self, number: int, instruction: Instruction, operand: str) -> list[str]:
        """Return the lines of a reduction along axes."""
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
        """Return the lines that find the first largest number."""
        self.scratch(number, instruction.shape)
        axis, keepdims = instruction.parameters
        where = axis if axis is None else axis[0]
        return [
            f"argmax({operand}, {where}, t{number}, keepdims={keepdims})",
            f'copyto(v{number}, t{number}, "unsafe")',
        ]

    def one_hot(self, number: int, instruction: Instruction, operand: str) -> list[str]:
        """Return the lines that make rows with a 1 of the indices of classes."""
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
