"""What the printers of formulas ask of names, shapes, axes and keys."""

from __future__ import annotations

from math import prod

from dagprop.explain.formula import Apply, Formula, Name, Shape
from dagprop.ops import registry
from dagprop.program.records import ELEMENTWISE


def reads_as_function(formula: Formula) -> bool:
    """Whether a formula is a node that has the name of a function: before a bracket it would look like a call."""
    return isinstance(formula, Name) and (formula.reference in ELEMENTWISE or formula.reference in registry.ops())


def partial_text(of: str, by: str) -> str:
    """Return ∂of/∂by as text; a name that has a stroke or another sign in it stands in brackets."""
    return "/".join(f"∂({name})" if set(name) & set("/ +-·=") else f"∂{name}" for name in (of, by))


def same_but_ones(old: Shape, new: Shape) -> bool:
    """Whether shapes differ only in axes of size 1, which mathematics does not write."""
    return [size for size in old if size != 1] == [size for size in new if size != 1]


def axes_text(reduction: Apply) -> str:
    """Return the axes of a reduction: nothing for all, ``n`` for the samples, numbers for the others."""
    axes, _, *samples = reduction.parameters
    if samples and samples[0] and axes == (0,):
        return "n"
    if not isinstance(axes, tuple) or len(axes) == len(reduction.operands[0].shape):
        return ""
    return ",".join(map(str, axes))


def is_array(formula: Formula) -> bool:
    """Whether a formula has several entries of its own, and is not one number that stands for all of them."""
    while isinstance(formula, Apply) and formula.function in ("broadcast_to", "reshape"):
        (formula,) = formula.operands
    return prod(formula.shape) > 1


def key_text(key: object) -> str:
    """Return the index of a part of an array as Python writes it."""
    items = key if isinstance(key, tuple) else (key,)
    texts = []
    for item in items:
        if isinstance(item, tuple):
            texts.append(":".join("" if bound is None else str(bound) for bound in item[1:3]))
        else:
            texts.append("..." if item is Ellipsis else str(item))
    return ", ".join(texts)
