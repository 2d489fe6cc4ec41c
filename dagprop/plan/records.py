"""What a plan is: named steps in order, each with the rule that it runs and where the rule finds its arguments.

A plan is a value: the same list is executed, compiled, drawn and printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from dagprop.record import record

Argument = tuple[Literal["namespace", "gradient", "value", "values", "constant"], Any]
"""Where one argument of a rule comes from.

``("namespace", None)``, ``("gradient", references of the outputs)``, ``("value", reference)``,
``("values", references)`` or ``("constant", the value itself)``.
"""


class ForwardStep(NamedTuple):  # as a frozen dataclass it would take four times as long to make: felt on large graphs
    """``outputs = op(inputs)``.

    Attributes
    ----------
    node, op : str
    rule : callable
    arguments : tuple of Argument
        The positional arguments of the rule.
    attributes : mapping
        Its keyword arguments.
    inputs : tuple of str or None
    outputs : tuple of str
        The values that the step gives.
    frees : tuple of str
        The values that nothing after this step needs.
    """

    node: str
    op: str
    rule: Callable[..., Any]
    arguments: tuple[Argument, ...]
    attributes: Mapping[str, Any]
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    frees: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.outputs)} = {self.op}({', '.join([name for name in self.inputs if name])})"


class BackwardStep(NamedTuple):
    """``gradient of target (+)= rule(gradient of outputs)``: one use of one value.

    Attributes
    ----------
    node, op : str
    position : int
        Which input of the node.
    input : str
        The name of that input.
    target : str
        The reference of the value that feeds it.
    kind : {"derivative", "pullback"}
    rule : callable
    arguments : tuple of Argument
    outputs : tuple of str
        The values of the node, whose gradients are propagated.
    part : int or None
        Which of the results of the rule belongs to the input, where the rule gives one for each of a variadic input.
    accumulate : bool
        Whether an earlier step has begun the gradient of the target.
    frees : tuple of str
        The values that nothing after this step needs.
    frees_gradients : tuple of str
        The gradients that nothing after this step needs.
    """

    node: str
    op: str
    position: int
    input: str
    target: str
    kind: Literal["derivative", "pullback"]
    rule: Callable[..., Any]
    arguments: tuple[Argument, ...]
    outputs: tuple[str, ...]
    part: int | None
    accumulate: bool
    frees: tuple[str, ...] = ()
    frees_gradients: tuple[str, ...] = ()

    def __str__(self) -> str:
        gradients = ", ".join([f"d_{name}" for name in self.outputs])
        return f"d_{self.target} {'+=' if self.accumulate else '='} {self.op}.d/{self.input} ({gradients})"


@record
class Plan:
    """Ordered steps; nothing is executed.

    Attributes
    ----------
    leaves : tuple of str
        The leaves whose values a run needs.
    forward : tuple of ForwardStep
    backward : tuple of BackwardStep
    outputs : tuple of str
        The values that a run gives back.
    seeds : tuple of str
        The values whose gradients the backward pass starts from.
    wrt : tuple of str
        The values whose gradients a run gives back.
    """

    leaves: tuple[str, ...]
    forward: tuple[ForwardStep, ...]
    backward: tuple[BackwardStep, ...]
    outputs: tuple[str, ...]
    seeds: tuple[str, ...]
    wrt: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(str(step) for step in (*self.forward, *self.backward))
