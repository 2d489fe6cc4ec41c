"""Kernels: groups of instructions in every shape, order and memory."""

from __future__ import annotations

import gc
import math
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagprop.backends.arrays.code import array_code
from dagprop.backends.arrays.fusion import LONGEST_SUM, fuse
from dagprop.backends.arrays.groups import MOST, Group
from dagprop.backends.arrays.kernel_code import form
from dagprop.backends.arrays.lowering import lower
from dagprop.backends.arrays.program import ArrayProgram, bind
from dagprop.backends.interpreter import interpret
from dagprop.backends.llvm.engine import machine_code
from dagprop.backends.trainer import NotCompiledError
from dagprop.program.records import BOOLEAN, ELEMENTWISE, Instruction, Program
from tests.backends.test_array_program import assert_agree, instruction

DTYPES = ("float64", "float32")


def limit(array):
    """Return the size of the largest finite number."""
    return max(1.0, np.abs(array).max(initial=0, where=np.isfinite(array)))


def both_agree(program, inputs):
    """Compare the kernels of a program with the interpreter."""
    expected = interpret(program, inputs)
    compiled = ArrayProgram(program, runs=math.inf)
    for _ in range(2):
        for name, found in compiled.run(inputs).items():
            value = expected[name]
            np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-12 * limit(value), err_msg=name)


UNARY = ("negative", "abs", "sign", "sqrt", "exp", "tanh", "erf", "floor", "isfinite", "sin")
OF_TRUTH = ("real", "logical_not")
BINARY = ("add", "subtract", "multiply", "maximum", "minimum", "less", "equal", "logical_and", "logical_or")
CHOICES = st.lists(st.tuples(*[st.integers(0, 999)] * 4), min_size=2, max_size=14)
SIZES = st.sampled_from([0, 1, 2, 3, 10, 17, 33])


class _Drawn:
    """A program, drawn operation by operation."""

    def __init__(self, rows, columns):
        shapes = {"a": (rows, columns), "b": (rows, columns), "row": (columns,), "column": (rows, 1)}
        shapes |= {"flat": (rows,), "one": (), "turned": (columns, rows)}
        self.columns = columns
        self.instructions = [instruction("input", (), (name,), shape) for name, shape in shapes.items()]
        self.inputs = {name: number for number, name in enumerate(shapes)}
        for number, one in enumerate(tuple(self.instructions)):
            if one.shape:  # in memory that may be used again, which that of inputs may not
                self.add("concat", (number,), (0,), one.shape)
        self.limit = 4 * max(rows, columns, 1) ** 2

    def add(self, primitive, operands, parameters, shape, boolean=False):
        self.instructions.append(Instruction(primitive, operands, parameters, tuple(shape), boolean, primitive))

    def draw(self, kind, first, second, third):
        """Add an operation that fits, if any does."""
        count = len(self.instructions)
        # Late values are more likely, so that chains grow.
        x = count - 1 - first % min(count, 6) if kind % 3 else first % count
        shape, boolean = self.instructions[x].shape, self.instructions[x].boolean
        match kind % 8:
            case 0 | 1 | 2:
                self.binary(BINARY[second % len(BINARY)], x, third)
            case 3:
                primitives = OF_TRUTH if boolean else UNARY
                primitive = primitives[second % len(primitives)]
                if primitive in ("sqrt", "exp"):  # what is not bounded would only overflow
                    self.add("tanh" if primitive == "exp" else "abs", (x,), (), shape)
                    x = len(self.instructions) - 1
                self.add(primitive, (x,), (), shape, primitive in BOOLEAN)
            case 4 | 5:
                self.reduction(("sum", "max", "min")[second % 3], x, third)
            case 6:
                self.view(x, second, third)
            case 7:
                self.where(x, second, third)

    def partners(self, x):
        """Return what can be broadcast together with a value, and the shape."""
        for y, other in enumerate(self.instructions):
            try:
                shape = np.broadcast_shapes(self.instructions[x].shape, other.shape)
            except ValueError:
                continue
            if len(shape) <= 3 and math.prod(shape) <= self.limit:
                yield y, shape

    def binary(self, primitive, x, choice):
        found = list(self.partners(x))
        y, shape = found[choice % len(found)]
        boolean = self.instructions[x].boolean and self.instructions[y].boolean
        logical = primitive.startswith("logical_")
        if (logical and not boolean) or (primitive == "subtract" and boolean):
            return
        self.add(primitive, (x, y), (), shape, primitive in BOOLEAN or boolean)

    def where(self, x, second, third):
        conditions = [number for number, one in enumerate(self.instructions) if one.boolean]
        if not conditions:
            return
        found = list(self.partners(x))
        y, shape = found[second % len(found)]
        condition = conditions[third % len(conditions)]
        try:
            shape = np.broadcast_shapes(shape, self.instructions[condition].shape)
        except ValueError:
            return
        if self.instructions[x].boolean == self.instructions[y].boolean and math.prod(shape) <= self.limit:
            self.add("where", (condition, x, y), (), shape, self.instructions[x].boolean)

    def reduction(self, primitive, x, choice):
        one = self.instructions[x]
        if not one.shape or not math.prod(one.shape) or (one.boolean and primitive != "sum"):
            return
        last = len(one.shape) - 1
        axes = [(last,), (0,), tuple(range(len(one.shape)))][choice % 3]
        keepdims = bool(choice // 3 % 2)
        sizes = [1 if axis in axes else size for axis, size in enumerate(one.shape)]
        shape = sizes if keepdims else [size for axis, size in enumerate(one.shape) if axis not in axes]
        self.add(primitive, (x,), (axes, keepdims), shape)

    def view(self, x, second, third):
        one = self.instructions[x]
        if second % 4 == 0 and len(one.shape) == 2:
            return self.add("permute_dims", (x,), ((1, 0),), one.shape[::-1], one.boolean)
        if second % 4 == 1 and len(one.shape) == 2:
            return self.add("index", (x,), ((("slice", None, None, -1),),), one.shape, one.boolean)
        if second % 4 == 2 and len(one.shape) < 3:
            return self.add("index", (x,), ((Ellipsis, None),), (*one.shape, 1), one.boolean)
        wide = [shape for _, shape in self.partners(x)]
        shape = wide[third % len(wide)]
        if second % 8 == 3:
            return self.add("reshape", (x,), ((math.prod(one.shape),),), (math.prod(one.shape),), one.boolean)
        return self.add("broadcast_to", (x,), (shape,), shape, one.boolean)


@given(choices=CHOICES, rows=SIZES, columns=SIZES, kept=st.integers(0, 2**14 - 1), updated=st.integers(0, 127))
@settings(max_examples=150)
def test_random_programs(choices, rows, columns, kept, updated):
    drawn = _Drawn(rows, columns)
    start = len(drawn.instructions)
    for choice in choices:
        drawn.draw(*choice)
    outputs = {f"y{n}": n for n in range(start, len(drawn.instructions)) if kept >> (n - start) & 1}
    outputs["last"] = len(drawn.instructions) - 1
    updates = {}
    for name, number in drawn.inputs.items():
        shape = drawn.instructions[number].shape
        fitting = [n for n, one in enumerate(drawn.instructions) if one.shape == shape and not one.boolean]
        if updated >> number & 1:
            drawn.add("maximum", (number, fitting[-1]), (), shape)
            outputs[f"new {name}"] = len(drawn.instructions) - 1
            updates[name] = f"new {name}"
    program = Program(tuple(drawn.instructions), drawn.inputs, outputs, "float64")
    generator = np.random.default_rng(rows + 40 * columns)
    inputs = {
        name: generator.integers(-2, 3, drawn.instructions[number].shape).astype(float)
        for name, number in drawn.inputs.items()
    }
    both_agree(program, inputs)
    # What is kept is not overwritten, so once more with nothing kept but the new values.
    wanted = [*updates.values(), "last"]
    arrays = {name: array.copy() for name, array in inputs.items()}
    step, results, _ = bind(array_code(program, wanted, updates, math.inf), list(arrays.values()))
    names = [name for name in program.outputs if name in wanted]
    expected = {name: array.copy() for name, array in inputs.items()}
    for _ in range(2):
        step()
        values = interpret(program, expected)
        expected.update({name: values[new] for name, new in updates.items()})
        for name, found in zip(names, results, strict=True):
            np.testing.assert_allclose(found, values[name], rtol=1e-12, atol=1e-12 * limit(values[name]))
        for name, found in arrays.items():
            np.testing.assert_allclose(found, expected[name], rtol=1e-12, atol=1e-12 * limit(expected[name]))


def test_memory_is_used_again_only_when_all_have_read_it():
    shape = (5, 4)
    program = Program(
        (
            instruction("input", (), ("a",), shape),
            instruction("input", (), ("b",), (4, 5)),
            instruction("sin", (0,), (), shape),
            instruction("sin", (1,), (), (4, 5)),
            instruction("permute_dims", (3,), ((1, 0),), shape),
            # From here on one group, whose first result would fit where the second pass reads.
            instruction("negative", (2,), (), shape),
            instruction("max", (5,), ((1,), True), (5, 1)),
            instruction("add", (2, 6), (), shape),
            instruction("add", (4, 7), (), shape),
        ),
        {"a": 0, "b": 1},
        {"first": 5, "second": 7, "third": 8},
        "float64",
    )
    generator = np.random.default_rng(0)
    both_agree(program, {"a": generator.random(shape), "b": generator.random((4, 5))})


TRUTHS = (
    instruction("input", (), ("a",), (4, 3)),
    instruction("input", (), ("class",), ()),
    instruction("greater", (0, 1), (), (4, 3), True),
    instruction("less", (0, 1), (), (4, 3), True),
    instruction("greater_equal", (0, 1), (), (4, 3), True),
)


@pytest.mark.parametrize("primitive", ["add", "multiply", "maximum", "minimum", "equal", "logical_or"])
@pytest.mark.parametrize("operands", [(2, 4), (3, 4), (2, 3)])
def test_what_is_made_of_truths_is_a_truth_as_a_number_too(primitive, operands):
    number = instruction("real", (5,), (), (4, 3)), instruction("multiply", (6, 0), (), (4, 3))
    made = instruction(primitive, operands, (), (4, 3), True)
    program = Program((*TRUTHS, made, *number), {"a": 0, "class": 1}, {"y": 7}, "float64")
    both_agree(program, {"a": np.linspace(-1.0, 3.0, 12).reshape(4, 3), "class": np.array(1.0)})


def test_a_class_that_all_rows_share():
    program = Program(
        (
            *TRUTHS[:2],
            instruction("broadcast_to", (1,), ((4,),), (4,)),
            instruction("one_hot", (2,), (3,), (4, 3)),
            instruction("multiply", (3, 0), (), (4, 3)),
        ),
        {"a": 0, "class": 1},
        {"y": 4},
        "float64",
    )
    both_agree(program, {"a": np.linspace(1.0, 2.0, 12).reshape(4, 3), "class": np.array(2.0)})


SOFTMAX = (
    instruction("input", (), ("x",), (7, 10)),
    instruction("input", (), ("b",), (10,)),
    instruction("input", (), ("i",), (7,)),
    instruction("add", (0, 1), (), (7, 10)),
    instruction("max", (3,), ((1,), True), (7, 1)),
    instruction("subtract", (3, 4), (), (7, 10)),
    instruction("exp", (5,), (), (7, 10)),
    instruction("sum", (6,), ((1,), True), (7, 1)),
    instruction("log", (7,), (), (7, 1)),
    instruction("subtract", (5, 8), (), (7, 10)),
    instruction("one_hot", (2,), (10,), (7, 10)),
    instruction("multiply", (9, 10), (), (7, 10)),
    instruction("sum", (11,), ((1,), False), (7,)),
    instruction("negative", (12,), (), (7,)),
    instruction("sum", (13,), ((0,), False), ()),
    instruction("divide", (6, 7), (), (7, 10)),
    instruction("subtract", (15, 10), (), (7, 10)),
    instruction("sum", (16,), ((0,), False), (10,)),
)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_and_cross_entropy_are_one_group(dtype):
    program = Program(SOFTMAX, {"x": 0, "b": 1, "i": 2}, {"loss": 14, "d": 16, "db": 17}, dtype)
    units = [unit for unit in fuse(lower(program)) if isinstance(unit, Group)]
    assert [(len(unit.members), unit.passes, sorted(unit.stored)) for unit in units] == [(15, 3, [14, 16, 17])]
    generator = np.random.default_rng(0)
    inputs = {"x": 30 * generator.standard_normal((7, 10)), "b": generator.random(10), "i": np.arange(7.0)}
    inputs = {name: array.astype(dtype) for name, array in inputs.items()}
    found, expected = ArrayProgram(program, runs=math.inf).run(inputs), interpret(program, inputs)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12 if dtype == "float64" else 1e-5, atol=1e-6)
    for wrong in (-1.0, 10.0, 0.5, np.nan, np.inf):
        inputs["i"][3] = wrong
        with pytest.raises(ValueError, match="is not a whole number from 0 to 9"):
            ArrayProgram(program, runs=math.inf).run(inputs)


@pytest.mark.parametrize("primitive", [name for name in ELEMENTWISE if ELEMENTWISE[name] < 3 and name != "real"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_special_numbers(primitive, dtype):
    count = ELEMENTWISE[primitive]
    if primitive.startswith("logical_"):
        pytest.skip("it works on truths")
    special = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, np.nan, 1e-310, 3e38, -7.0, 0.5], dtype)
    shape = (len(special), len(special))
    two = instruction("input", (), ("a",), shape), instruction("input", (), ("b",), shape)
    again = instruction(primitive, (0, 1)[:count], (), shape, primitive in BOOLEAN)
    sign = instruction("maximum", (2, 2), (), shape, primitive in BOOLEAN)
    program = Program((*two, again, sign), {"a": 0, "b": 1}, {"y": 2, "z": 3}, dtype)
    a, b = np.meshgrid(special, special)
    with np.errstate(all="ignore"):
        expected = interpret(program, {"a": a, "b": b})
    found = ArrayProgram(program, runs=math.inf).run({"a": a, "b": b})
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("values", [[1.0, np.nan, 3.0], [-np.inf, -np.inf, -np.inf], [np.inf, 1.0, -np.inf]])
def test_the_largest_of_special_numbers(values):
    start = instruction("input", (), ("a",), (2, 3)), instruction("negative", (0,), (), (2, 3))
    ends = (instruction(name, (1,), ((1,), True), (2, 1)) for name in ("max", "min", "sum"))
    program = Program((*start, *ends), {"a": 0}, {"max": 2, "min": 3, "sum": 4}, "float64")
    inputs = {"a": np.array([values, [1.0, 2.0, 3.0]])}
    expected = interpret(program, inputs)
    for name, found in ArrayProgram(program, runs=math.inf).run(inputs).items():
        np.testing.assert_array_equal(found, expected[name])


LAYERS = (
    instruction("input", (), ("x",), (4, 5)),
    instruction("input", (), ("w",), (5, 5)),
    instruction("input", (), ("u",), (5, 5)),
    instruction("input", (), ("b",), (5,)),
    *(
        made
        for at, weights in ((4, 1), (8, 2), (12, 1))
        for made in (
            instruction("matmul", (at - 1 if at > 4 else 0, weights), (), (4, 5)),
            instruction("add", (at, 3), (), (4, 5)),
            instruction("tanh", (at + 1,), (), (4, 5)),
            instruction("multiply", (at + 2, at + 1 if at < 12 else at + 2), (), (4, 5)),
        )
    ),
)


def test_layers_that_are_alike_share_a_kernel():
    program = Program(LAYERS, {"x": 0, "w": 1, "u": 2, "b": 3}, {"y": 15, "first": 7}, "float64")
    code = array_code(program, steps=math.inf)
    assert [code.python.count(f'kernel("{name}"') for name in ("p0", "p1", "k0", "k1", "k2")] == [3, 0, 2, 1, 0]
    assert [code.llvm.count(f"define i32 @{name}(") for name in ("p0", "k0", "k1")] == [1, 1, 1]
    generator = np.random.default_rng(0)
    both_agree(program, {name: generator.standard_normal(LAYERS[at].shape) for name, at in program.inputs.items()})


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("; a\n%x = fadd %a, %b", "; b\n%y = fadd %m.1, %m.2", True),
        ("%x = fadd %a, %b", "%x = fadd %b, %a", True),
        ("%x = fadd %a, %b", "%x = fadd %a, %a", False),
        ("%x = fadd %a, %b", "%x = fadd %a, 1.0", False),
        ("a:\nbr %a\nb:", "c:\nbr %c\nd:", True),
        ("a:\nbr %a\nb:", "a:\nbr %b\nb:", False),
    ],
)
def test_functions_are_alike_that_differ_in_names_alone(one, other, alike):
    assert (form(one) == form(other)) == alike


def test_long_sums_stay_with_numpy():
    for rows, columns, members in ((1, LONGEST_SUM, 3), (1, LONGEST_SUM + 1, 2)):
        shape = (rows, columns)
        start = instruction("input", (), ("a",), shape), instruction("exp", (0,), (), shape)
        more = instruction("negative", (1,), (), shape), instruction("sum", (2,), ((1,), True), (rows, 1))
        program = Program((*start, *more), {"a": 0}, {"y": 3}, "float32")
        (group,) = [unit for unit in fuse(lower(program)) if isinstance(unit, Group)]
        assert len(group.members) == members
        assert_agree(program, {"a": np.random.default_rng(0).random(shape).astype("float32")})


def test_kernels_are_made_where_they_pay():
    program = Program(SOFTMAX, {"x": 0, "b": 1, "i": 2}, {"loss": 14}, "float64")
    assert not array_code(program, steps=1000).llvm
    assert array_code(program, steps=1_000_000).llvm
    assert not array_code(program, steps=0).llvm
    chain = [instruction("exp", (number,), (), (2, 3)) for number in range(MOST + 1)]
    program = Program((instruction("input", (), ("x",), (2, 3)), *chain), {"x": 0}, {"y": MOST + 1}, "float64")
    assert not array_code(program, steps=math.inf).llvm, "compiling it would take minutes"


@pytest.mark.parametrize(
    ("primitive", "steps", "pays"), [("erfc", 200, True), ("erfc", 20, False), ("exp", 1e9, False)]
)
def test_a_function_that_numpy_lacks_is_a_kernel_even_alone(primitive, steps, pays):
    shape = (100, 200)
    start = instruction("input", (), ("x",), shape), instruction(primitive, (0,), (), shape)
    program = Program(start, {"x": 0}, {"y": 1}, "float64")
    code = array_code(program, steps=steps)
    assert bool(code.llvm) == pays
    assert (f"{primitive}(" in code.python) != pays
    both_agree(program, {"x": np.random.default_rng(0).standard_normal(shape)})


def test_without_llvm_numpy_computes(monkeypatch):
    def refuse(*arguments, **options):
        raise NotCompiledError("llvmlite cannot be loaded")

    monkeypatch.setattr("dagprop.backends.arrays.kernels.machine_code", refuse)
    program = Program(SOFTMAX, {"x": 0, "b": 1, "i": 2}, {"loss": 14}, "float64")
    inputs = {"x": np.ones((7, 10)), "b": np.zeros(10), "i": np.zeros(7)}
    found = ArrayProgram(program, runs=math.inf).run(inputs)["loss"]
    assert found == pytest.approx(7 * math.log(10))


def test_who_keeps_a_function_keeps_its_code():
    code = machine_code("define void @nothing_kept() { ret void }", (("nothing_kept", ""),), (), "quick")
    engine, function = weakref.ref(code._engine), code.functions["nothing_kept"]
    del code
    machine_code.cache_clear()  # as if many other modules had been compiled
    gc.collect()
    assert engine() is not None
    function()
    del function
    gc.collect()
    assert engine() is None
