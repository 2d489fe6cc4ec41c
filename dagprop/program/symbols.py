"""Symbols: arrays that record what is done to them instead of doing it.

A symbol is used in a rule like an array; the namespace that a rule is handed with it has the same functions as any
other.  Shapes are worked out by :mod:`dagprop.plan.abstract`, so that there is one place that knows them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from dagprop.ops import namespace
from dagprop.ops.namespace import Namespace
from dagprop.plan.abstract import AbstractArray, abstract_namespace, shape_of
from dagprop.plan.sizes import broadcast, checked_axes, indexed
from dagprop.program.recorder import Recorder

OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "pow",
    "and": "logical_and",
    "or": "logical_or",
}
"""Operators that Python also tries from the right, and their primitives."""

COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}


class Symbol(AbstractArray):
    """The result of an instruction, to compute with.

    Parameters
    ----------
    recorder : Recorder
    number : int
        Of the instruction.
    """

    __slots__ = ("number", "recorder")

    def __init__(self, recorder: Recorder, number: int) -> None:
        self.shape = recorder.instructions[number].shape
        self.recorder = recorder
        self.number = number

    def __neg__(self) -> Symbol:
        return elementwise(self.recorder, "negative", self)

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return elementwise(self.recorder, "abs", self)

    def __invert__(self) -> Symbol:
        _need_truth(self)
        return elementwise(self.recorder, "logical_not", self)

    def __matmul__(self, other: object) -> Symbol:
        return _matmul(self.recorder, self, other)

    def __rmatmul__(self, other: object) -> Symbol:
        return _matmul(self.recorder, other, self)

    def __getitem__(self, key: object) -> Symbol:
        keys = key if isinstance(key, tuple) else (key,)
        shape = indexed(self.shape, keys)
        if all(item is None or item is Ellipsis or item == slice(None) for item in keys):
            return structural(self.recorder, "reshape", (self,), (shape,), shape)
        return structural(self.recorder, "index", (self,), (_frozen(keys),), shape)


def _need_truth(*operands: object) -> None:
    """Refuse the operators ~, & and | on numbers, as NumPy does.

    Raises
    ------
    TypeError
    """
    for operand in operands:
        truth = isinstance(operand, Symbol) and operand.recorder.instructions[operand.number].boolean
        if not truth and not isinstance(operand, bool):
            raise TypeError("~, & and | need true or false: compare first, or use xp.logical_not, _and, _or")


def _operator(primitive: str, reflected: bool) -> Callable[[Symbol, object], Symbol]:
    def apply(self: Symbol, other: object) -> Symbol:
        if primitive in ("logical_and", "logical_or"):
            _need_truth(self, other)
        return elementwise(self.recorder, primitive, *((other, self) if reflected else (self, other)))

    return apply


for _name, _primitive in OPERATORS.items():
    setattr(Symbol, f"__{_name}__", _operator(_primitive, reflected=False))
    setattr(Symbol, f"__r{_name}__", _operator(_primitive, reflected=True))
for _name, _primitive in COMPARISONS.items():
    setattr(Symbol, f"__{_name}__", _operator(_primitive, reflected=False))
Symbol.__hash__ = None  # type: ignore[assignment]  # it went with __eq__


def number_of(recorder: Recorder, value: object) -> int:
    """Return the number of the instruction for a symbol or a plain number.

    Raises
    ------
    TypeError
        If the value is neither.
    """
    if isinstance(value, Symbol):
        return value.number
    if isinstance(value, (int, float)):
        return recorder.constant(value)
    shape_of(value)  # refuses what is no array or number, and says why
    raise TypeError(f"expected a number or an array of xp, got {type(value).__name__}")


def elementwise(recorder: Recorder, primitive: str, *operands: object) -> Symbol:
    """Record an operation that works element by element, broadcasting."""
    numbers: list[int] = []
    shape: Any = ()
    for operand in operands:
        if isinstance(operand, Symbol):
            numbers.append(operand.number)
            other = operand.shape
        else:
            numbers.append(number_of(recorder, operand))
            other = ()
        if other != shape:
            shape = broadcast(shape, other) if shape and other else shape or other
    return Symbol(recorder, recorder.put(primitive, tuple(numbers), (), shape))


def structural(
    recorder: Recorder, primitive: str, operands: Sequence[object], parameters: tuple[Any, ...], shape: Any
) -> Symbol:
    """Record any other operation; its shape is known."""
    numbers = tuple(number_of(recorder, operand) for operand in operands)
    return Symbol(recorder, recorder.put(primitive, numbers, parameters, tuple(shape)))


def symbolic_namespace(recorder: Recorder) -> Namespace:
    """Return the ``xp`` that records in a recorder."""

    def shape(name: str, *arguments: Any, **options: Any) -> Any:
        return getattr(abstract_namespace, name)(*arguments, **options).shape

    def unary(name: str) -> Callable[[object], Symbol]:
        return lambda x: elementwise(recorder, name, x)

    def binary(name: str) -> Callable[[object, object], Symbol]:
        return lambda x1, x2: elementwise(recorder, name, x1, x2)

    def reduction(name: str) -> Callable[..., Symbol]:
        def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Symbol:
            result = shape(name, x, axis, keepdims)
            axes = None if axis is None else checked_axes(shape_of(x), axis)
            return structural(recorder, name, (x,), (axes, keepdims), result)

        return reduce

    def shaped(name: str, parameter: Callable[..., tuple[Any, ...]] | None = None) -> Callable[..., Symbol]:
        """Return an operation whose result has the elements of its operand, in another shape."""

        def change(x: Any, *arguments: Any, **options: Any) -> Symbol:
            result = shape(name, x, *arguments, **options)
            if parameter is None:
                return structural(recorder, "reshape", (x,), (result,), result)
            return structural(recorder, name, (x,), parameter(x, *arguments, **options), result)

        return change

    def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Symbol:
        return elementwise(recorder, "divide", simple["sum"](x, axis, keepdims), count(x, axis))

    def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Symbol:
        largest = simple["max"](x, axis, True)
        shift = simple["where"](simple["isfinite"](largest), largest, 0.0)
        result = simple["log"](simple["sum"](simple["exp"](x - shift), axis, True)) + shift
        kept: Symbol = result
        shorter = shape("sum", x, axis, keepdims)
        return structural(recorder, "reshape", (kept,), (shorter,), shorter)

    def filled(number: float) -> Callable[[Any], Symbol]:
        return lambda x: full_like(x, number)

    def full_like(x: Any, number: object) -> Symbol:
        return structural(recorder, "broadcast_to", (number,), (shape_of(x),), shape_of(x))

    def matrix_transpose(x: Any) -> Symbol:
        shape("matrix_transpose", x)
        axes = range(len(shape_of(x)))
        return simple["permute_dims"](x, (*axes[:-2], axes[-1], axes[-2]))  # type: ignore[no-any-return]

    def concat(arrays: Sequence[Any], axis: int = 0) -> Symbol:
        result = shape("concat", arrays, axis)
        return structural(recorder, "concat", arrays, (checked_axes(result, axis)[0],), result)

    def stack(arrays: Sequence[Any], axis: int = 0) -> Symbol:
        along = checked_axes(shape("stack", arrays, axis), axis)[0]
        return concat([simple["expand_dims"](array, along) for array in arrays], along)

    def one_hot(index: Any, size: int) -> Symbol:
        return structural(recorder, "one_hot", (index,), (size,), shape("one_hot", index, size))

    def count(x: Any, axis: Any = None) -> int:
        sizes = shape_of(x)
        return math.prod(int(sizes[i]) for i in checked_axes(sizes, axis))

    numbered = shaped("reshape")
    # The others are written with these.  They know these alone, and not all functions: that would be a circle, in which
    # a recorder would be kept until Python looks for circles.
    simple: dict[str, Any] = {
        **{name: unary(name) for name in namespace.UNARY},
        **{name: binary(name) for name in namespace.BINARY},
        **{name: reduction(name) for name in (*namespace.REDUCTIONS, "argmax")},
        **{name: shaped(name) for name in ("expand_dims", "squeeze")},
        # A name stands for the size that follows from the others: here all sizes are known.
        "reshape": lambda x, shape: numbered(x, [-1 if isinstance(size, str) else size for size in shape]),
        "permute_dims": shaped("permute_dims", lambda x, axes: (checked_axes(shape_of(x), axes),)),
        "broadcast_to": shaped("broadcast_to", lambda x, shape: (tuple(shape),)),
        "square": lambda x: elementwise(recorder, "multiply", x, x),
        "where": lambda condition, x1, x2: elementwise(recorder, "where", _truth(recorder, condition), x1, x2),
        "matmul": lambda x1, x2: _matmul(recorder, x1, x2),
    }
    members: dict[str, Any] = {
        **simple,
        **{name: getattr(math, name) for name in namespace.CONSTANTS},
        "zeros_like": filled(0.0),
        "ones_like": filled(1.0),
        "mean": mean,
        "logsumexp": logsumexp,
        "full_like": full_like,
        "matrix_transpose": matrix_transpose,
        "concat": concat,
        "stack": stack,
        "one_hot": one_hot,
        "count": count,
    }
    return Namespace("symbols", members)


def _truth(recorder: Recorder, condition: object) -> object:
    """Return a condition as true or false: a number is true where it is not 0."""
    number = number_of(recorder, condition)
    if recorder.instructions[number].boolean:
        return condition
    return elementwise(recorder, "not_equal", condition, 0.0)


def _matmul(recorder: Recorder, left: object, right: object) -> Symbol:
    truths = all(recorder.instructions[number_of(recorder, factor)].boolean for factor in (left, right))
    product = structural(recorder, "matmul", (left, right), (), abstract_namespace.matmul(left, right).shape)
    return elementwise(recorder, "not_equal", product, 0.0) if truths else product  # as in NumPy: or, of ands


def _frozen(keys: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a key of an array so that it can be looked up: slices as tuples that begin with "slice"."""
    return tuple(("slice", key.start, key.stop, key.step) if isinstance(key, slice) else key for key in keys)
