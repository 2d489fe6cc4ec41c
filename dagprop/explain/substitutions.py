"""Each value of a network by its forward rule, one equation a value; activations are written by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import count
from typing import Any

from dagprop.backends.leaf_values import actual_shape
from dagprop.explain.formula import Apply, Formula, Name, Number, Shape, fold
from dagprop.explain.rule_formulas import forward_or_name, op_formula
from dagprop.graph.records import SAMPLE_AXIS
from dagprop.ops.contract import Op
from dagprop.plan.network import Network
from dagprop.plan.records import ForwardStep
from dagprop.plan.steps import plan
from dagprop.record import record

_FIRST_SIZE = 1_000_003
"""What a symbolic size is while rules are recorded, and the next ones are near: numbers that no rule has by itself."""

_NAMED_BY_THEMSELVES = "dagprop.ops.activations"
"""The family of built-in ops that are written by name; all other built-in ops are written out."""


@record(eq=False)
class Substitution:
    """A value and what it is equal to.

    Attributes
    ----------
    reference : str
    formula : Formula
    """

    reference: str
    formula: Formula


@record(eq=False)
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


def substitutions_of(network: Network) -> tuple[tuple[Substitution, ...], tuple[Activation, ...]]:
    """Return what each computed value is equal to, in the order of the forward pass, and the activations in that."""
    steps = plan(network, tuple(name for id in network.order for name in network.outputs[id])).forward
    variants = _variants(network, steps)
    substitutions = tuple(_substitutions(network, steps, variants))
    return substitutions, tuple(_activation(network, *variant) for variant in variants.values())


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
    texts = tuple(f"{name} = {str(value).removesuffix('.0')}" for name, value in step.attributes.items() if several)
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
        for reference, formula in zip(step.outputs, _written_out(network, step, writer), strict=True):
            writer.shapes[reference] = formula.shape
            found.append(Substitution(reference, writer.tidy(formula)))
    return found


def _written_out(network: Network, step: ForwardStep, writer: _Writer) -> tuple[Formula, ...]:
    results = [actual_shape(network.shapes[reference], writer.sizes) for reference in step.outputs]
    return forward_or_name(step, writer.shapes, results)


class _Writer:
    """Shapes in numbers, and how what they left in a formula becomes names again.

    Where each value is one number a sample, formulas are those of one sample: a vector of samples is a number in them.
    """

    def __init__(self, network: Network) -> None:
        leaves = [id for id in network.order if network.node(id).is_leaf]
        symbols = dict.fromkeys(
            symbol for id in leaves for size in network.shapes[id] for symbol in re.findall(r"[A-Za-z_]\w*", str(size))
        )
        self.sizes = dict(zip(symbols, count(_FIRST_SIZE, 2), strict=False))
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
        except (Exception, SystemExit):
            continue  # a rule is anybody's code: it may need axes, or the number itself
    return None
