"""A network as one long equation, and as a list of substitutions that lead to it.

Each value is written as its forward rule writes it; activations are written by their names.  In the long equation the
formula of a value stands in the place of its name, unless it would be written again and again or the equation would
grow too long: such a value keeps its name, and has an equation of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagprop.backends.leaf_values import actual_shape
from dagprop.errors import DagpropError
from dagprop.explain.formula import (
    Apply,
    Formula,
    Name,
    Number,
    Shape,
    fold,
    name_counts,
    substitute,
)
from dagprop.explain.rule_formulas import forward_formulas, op_formula
from dagprop.graph.records import SAMPLE_AXIS
from dagprop.ops.contract import Op
from dagprop.plan.network import Network
from dagprop.plan.outputs import prediction_outputs
from dagprop.plan.records import ForwardStep
from dagprop.plan.steps import plan

LENGTH = 100
"""So many names, numbers and signs stand in one equation at most, unless a single rule writes more."""

SHORT = 6
"""A value of no more parts is written again at each of its uses."""

_PRIMES = (1_000_003, 1_000_033, 1_000_037, 1_000_039, 1_000_081, 1_000_099)
"""What symbolic sizes are while rules are recorded: numbers that no rule has by itself."""

_NAMED_BY_THEMSELVES = "dagprop.ops.activations"
"""The family of built-in ops that are written by name; all other built-in ops are written out."""


@dataclass(frozen=True, slots=True, eq=False)
class Substitution:
    """A value and what it is equal to.

    Attributes
    ----------
    reference : str
    formula : Formula
    """

    reference: str
    formula: Formula


@dataclass(frozen=True, slots=True, eq=False)
class Activation:
    """An op that is written by its name.

    Attributes
    ----------
    left : Formula
        The op, on x.
    form : Formula or None
        What that is; None where the rule writes no more than the name.
    attributes : mapping from str to value
        What is fixed.
    doc : str
        What it is called in full.
    """

    left: Formula
    form: Formula | None
    attributes: Mapping[str, Any]
    doc: str


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """A network, written as equations.

    Attributes
    ----------
    network : Network
    roots : tuple of str
        What the network computes: its loss, or without one its outputs.
    nested : tuple of Substitution
        The long equations, of the roots first, and then of the values that kept their names, from the roots down.
    substitutions : tuple of Substitution
        One for each value that is computed, in the order of the forward pass.
    activations : tuple of Activation
        In the order in which they occur first.
    """

    network: Network
    roots: tuple[str, ...]
    nested: tuple[Substitution, ...]
    substitutions: tuple[Substitution, ...]
    activations: tuple[Activation, ...]

    def __str__(self) -> str:
        from dagprop.explain.printer import Printer

        printer = Printer()
        return "\n".join(f"{printer(Name(line.reference))} = {printer(line.formula)}" for line in self.nested)


def equations(network: Network, length: int = LENGTH) -> Equations:
    """Return a network written as equations.

    Parameters
    ----------
    network : Network
    length : int
        So many names, numbers and signs stand in one equation at most, unless a single rule writes more.
    """
    roots = (network.graph.loss,) if network.graph.loss else prediction_outputs(network)
    steps = plan(network, tuple(name for id in network.order for name in network.outputs[id])).forward
    variants = _variants(network, steps)
    substitutions = tuple(_substitutions(network, steps, variants))
    activations = tuple(_activation(network, *variant) for variant in variants.values())
    return Equations(network, roots, _nested(substitutions, roots, length), substitutions, activations)


# The substitutions.


Variant = tuple[ForwardStep, bool]
"""The first step of an activation with some attributes, and whether the op occurs with others too."""


def _variants(network: Network, steps: tuple[ForwardStep, ...]) -> dict[str, Variant]:
    """Return the activations of a network, each op once for each choice of its attributes."""
    first: dict[str, ForwardStep] = {}
    for step in steps:
        if _is_named(network, step):
            first.setdefault(_variant_key(step), step)
    times = Counter(step.op for step in first.values())
    return {key: (step, times[step.op] > 1) for key, step in first.items()}


def _is_named(network: Network, step: ForwardStep) -> bool:
    """Whether a step is written by the name of its op: an activation, or what a plugin has in its place."""
    signature = network.ops[step.op].signature
    if len(signature.inputs) != 1 or signature.variadic or len(step.outputs) != 1:
        return False
    (operand,) = step.inputs
    module = network.ops[step.op].forward.__module__
    ours = module.startswith("dagprop.ops.") and module != _NAMED_BY_THEMSELVES
    return not ours and operand is not None and network.shapes[operand] == network.shapes[step.outputs[0]]


def _variant_key(step: ForwardStep) -> str:
    return f"{step.op} {dict(step.attributes)!r}"


def _called(step: ForwardStep, several: bool, operand: Formula) -> Apply:
    """Return an activation by its name; with its attributes only where they tell it from another."""
    texts = tuple(f"{name} = {value}" for name, value in step.attributes.items()) if several else ()
    return Apply(step.op, (operand,), texts, operand.shape)


def _substitutions(
    network: Network, steps: tuple[ForwardStep, ...], variants: Mapping[str, Variant]
) -> list[Substitution]:
    writer = _Writer(network)
    found = []
    for step in steps:
        variant = variants.get(_variant_key(step))
        if variant and _is_named(network, step):
            formulas = [_called(step, variant[1], Name(str(step.inputs[0]), writer.shapes[str(step.inputs[0])]))]
            writer.shapes[step.outputs[0]] = formulas[0].shape
            found.append(Substitution(step.outputs[0], writer.tidy(formulas[0])))
            continue
        for reference, formula in zip(step.outputs, forward_formulas(step, writer.shapes), strict=True):
            writer.shapes[reference] = formula.shape
            found.append(Substitution(reference, writer.tidy(formula)))
    return found


class _Writer:
    """Shapes in numbers, and how what they left in a formula becomes names again.

    Where each value is one number a sample, formulas are those of one sample: a vector of samples is a number in them.
    """

    def __init__(self, network: Network) -> None:
        leaves = [id for id in network.order if network.node(id).is_leaf]
        symbols = dict.fromkeys(
            symbol for id in leaves for size in network.shapes[id] for symbol in re.findall(r"[A-Za-z_]\w*", str(size))
        )
        primes = (*_PRIMES, *range(1_000_101, 1_000_101 + 2 * len(symbols), 2))
        self.sizes = dict(zip(symbols, primes, strict=False))
        self.shapes: dict[str, Shape] = {id: actual_shape(network.shapes[id], self.sizes) for id in leaves}
        self.samples = self.sizes.get(SAMPLE_AXIS)
        self.one_number_a_sample = all(shape in ((), (SAMPLE_AXIS,)) for shape in network.shapes.values())

    def tidy(self, formula: Formula) -> Formula:
        """Return a formula with names for symbolic sizes, and with the sums over the samples marked as such."""
        return fold(formula, self._tidied) if self.sizes else formula

    def _tidied(self, part: Formula, changed: tuple[Formula, ...]) -> Formula:
        shape = () if self.one_number_a_sample else part.shape
        match part:
            case Name(reference):
                return Name(reference, shape)
            case Number(value):
                return self._size(value)
            case Apply(function, operands, parameters) if function in ("sum", "prod", "max", "min"):
                axes = parameters[0]
                over_samples = operands[0].shape[:1] == (self.samples,) and (
                    axes == (0,) or (axes is None and len(operands[0].shape) == 1)
                )
                marked = ((0,), *parameters[1:], True) if over_samples else parameters
                return Apply(function, changed, marked, shape)
            case Apply(function, _, parameters):
                return Apply(function, changed, parameters, shape)
        return part

    def _size(self, value: float) -> Formula:
        """Return a number; one that a symbolic size is a factor of, as the product of the rest and its name."""
        names: list[Formula] = []
        for symbol, size in self.sizes.items():
            while value and value % size == 0:
                value /= size
                names.append(Name(symbol))
        factors = names if value == 1 and names else [Number(value), *names]
        result = factors[0]
        for factor in factors[1:]:
            result = Apply("multiply", (result, factor))
        return result


def _activation(network: Network, step: ForwardStep, several: bool) -> Activation:
    op = network.ops[step.op]
    doc = op.signature.doc.partition("\n")[0].partition(", ")[0].rstrip(".")
    left = _called(step, several, Name("x"))
    form = _form(network, op, step)
    alone = form is None or (isinstance(form, Apply) and form.function == op.name)
    return Activation(left, None if alone else form, dict(step.attributes), doc)


def _form(network: Network, op: Op, step: ForwardStep) -> Formula | None:
    """Return the formula of an activation: of a number, with names for its numeric attributes, if its rule allows."""
    numeric = {attribute.name for attribute in op.signature.attributes if attribute.kind == "number"}
    named = {name: Name(name) if name in numeric else value for name, value in step.attributes.items()}
    writer = _Writer(network)
    shapes = network.shapes[str(step.inputs[0])]
    for attributes, shape in ((named, ()), (step.attributes, ()), (step.attributes, shapes)):
        try:
            return writer.tidy(op_formula(op, attributes, "x", actual_shape(shape, writer.sizes)))
        except (DagpropError, TypeError, ValueError, LookupError, ArithmeticError):
            continue  # the rule needs axes, or the number itself
    return None


# The long equations.


def _nested(substitutions: tuple[Substitution, ...], roots: tuple[str, ...], length: int) -> tuple[Substitution, ...]:
    formulas = {line.reference: line.formula for line in substitutions}
    needed = {name for name in roots if name in formulas}
    counts: dict[str, Counter[str]] = {}
    sizes: dict[str, int] = {}
    times: Counter[str] = Counter()
    for name in reversed(formulas):
        if name in needed:
            counts[name], sizes[name] = name_counts(formulas[name])
            times.update(counts[name])
            needed.update(inner for inner in counts[name] if inner in formulas)
    written: dict[str, Formula] = {}
    kept: dict[str, set[str]] = {}
    for name in formulas:
        if name not in needed:
            continue
        inner = {
            operand: count
            for operand, count in counts[name].items()
            if operand in written and operand not in roots and (times[operand] == 1 or sizes[operand] <= SHORT)
        }
        size = sizes[name] + sum((sizes[operand] - 1) * count for operand, count in inner.items())
        for operand in sorted(inner, key=lambda operand: sizes[operand], reverse=True):
            if size <= length:
                break
            size -= (sizes[operand] - 1) * inner.pop(operand)
        sizes[name] = size
        written[name] = substitute(formulas[name], {operand: written[operand] for operand in inner})
        kept[name] = {operand for operand in counts[name] if operand in written and operand not in inner}
        kept[name] = kept[name].union(*(kept[operand] for operand in inner))
    shown = {name for name in roots if name in written}
    for name in reversed(formulas):
        if name in shown:
            shown.update(kept[name])
    order = [*dict.fromkeys(name for name in roots if name in shown)]
    order += [name for name in reversed(formulas) if name in shown and name not in roots]
    return tuple(Substitution(name, written[name]) for name in order)
