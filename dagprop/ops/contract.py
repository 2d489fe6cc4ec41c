"""The op contract: a forward rule, one derivative rule per input, and nothing else.

A rule is a plain function whose argument names say what it needs: ``xp`` (the array namespace), the op's inputs
(positional), its attributes (keyword-only, with their defaults); derivative rules may also ask for ``y`` (the output),
``g`` (∂L/∂y; pullbacks only).  The rule of a variadic input gives one result for all of them, or a tuple with one for
each.  A rule gets what it names and no more, so that the plan knows which values must live until the backward pass.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import field
from typing import Any, Literal

from dagprop.errors import PluginError, quote, suggest
from dagprop.graph.fields import NODE_KEYS
from dagprop.graph.signature import AttributeSignature, InputSignature, Signature
from dagprop.ops.arguments import Place, attribute_of, is_name, place_of, wrong
from dagprop.record import record

Rule = Callable[..., Any]

RESERVED = ("xp", "g", "y")
"""Names with a meaning of their own in rules; no input or attribute may have them."""


@record(eq=False)
class DerivativeRule:
    """How ∂L/∂y of an op becomes ∂L/∂x of one input.

    Attributes
    ----------
    kind : {"derivative", "pullback"}
        Whether the function returns the local derivative ∂y/∂x of an elementwise op, or is handed ``g`` = ∂L/∂y and
        returns ∂L/∂x.
    function : callable
    arguments : tuple of str
        What the function asks for by name.
    """

    kind: Literal["derivative", "pullback"]
    function: Rule
    arguments: tuple[str, ...]


@record(eq=False)
class Op:
    """An op: its signature, its forward rule and the derivative rules that were declared for it.

    Attributes
    ----------
    name : str
    signature : Signature
    forward : callable
        The forward rule.
    arguments : tuple of str
        What the forward rule asks for by name.
    rules : dict from str to DerivativeRule
        By input name; an input without a rule cannot be differentiated.
    provider : str
        Where the op comes from: a module, or the path of a plugin file.
    """

    name: str
    signature: Signature
    forward: Rule
    arguments: tuple[str, ...]
    provider: str
    rules: dict[str, DerivativeRule] = field(default_factory=dict)

    def derivative(self, *inputs: str) -> Callable[[Rule], Rule]:
        """Declare the local derivative ∂y/∂x of an elementwise op with respect to the named inputs.

        The engine multiplies what the function returns by ∂L/∂y, adds up what broadcasting repeated, and adds the
        contributions of several uses.

        Raises
        ------
        PluginError
            If the op has no such input, it has a rule already, or the function asks for an unknown name.
        """
        return self._declare("derivative", inputs)

    def pullback(self, *inputs: str) -> Callable[[Rule], Rule]:
        """Declare how ``g`` = ∂L/∂y becomes ∂L/∂x for the named inputs of an op that is not elementwise.

        Raises
        ------
        PluginError
            As :meth:`derivative` does.
        """
        return self._declare("pullback", inputs)

    def _declare(self, kind: Literal["derivative", "pullback"], inputs: tuple[str, ...]) -> Callable[[Rule], Rule]:
        names = [signature.name for signature in self.signature.inputs]
        known = {"xp", "y", *names, *(attribute.name for attribute in self.signature.attributes)}
        known |= {"g"} if kind == "pullback" else set()

        def declare(function: Rule) -> Rule:
            place = place_of(function)
            if not inputs:
                raise _wrong(self.name, place, f"{kind} needs the name of an input: {', '.join(names) or 'none'}")
            for name in inputs:
                if name not in names:
                    hint = suggest(name, names) or f"the inputs are: {', '.join(names) or 'none'}"
                    raise _wrong(self.name, place, f"{kind}({quote(name)}) names no input of the op", hint)
                if name in self.rules:
                    raise _wrong(self.name, place, f"input {quote(name)} has a derivative rule already")
            parameters = inspect.signature(function).parameters.values()
            arguments = tuple(parameter.name for parameter in parameters)
            if any(p.kind not in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
                hint = "leave out the *: a variadic input comes as one tuple, an attribute like any other argument"
                raise _wrong(self.name, place, f"the {kind} rule has an argument with * or behind *", hint)
            for argument in arguments:
                if argument not in known:
                    hint = suggest(argument, known) or f"a {kind} rule may ask for: {', '.join(sorted(known))}"
                    raise _wrong(self.name, place, f"the {kind} rule asks for an unknown {quote(argument)}", hint)
            for name in inputs:
                self.rules[name] = DerivativeRule(kind, function, arguments)
            return function

        return declare


def declare_op(name: str, forward: Rule) -> Op:
    """Return the op that a forward rule declares by its arguments.

    Raises
    ------
    PluginError
        If the name or the arguments are not as the contract asks.
    """
    place = place_of(forward)
    if not is_name(name):
        raise _wrong(str(name), place, "the name of an op has letters, digits and _ and starts with no digit")
    if not inspect.isfunction(forward):
        raise _wrong(name, place, "the forward rule must be a function")
    parameters = list(inspect.signature(forward, eval_str=False).parameters.values())
    inputs: list[InputSignature] = []
    attributes: list[AttributeSignature] = []
    for parameter in parameters:
        if parameter.name == "xp" and parameter is parameters[0]:
            continue
        if parameter.name in RESERVED:
            raise _wrong(
                name,
                place,
                f"{quote(parameter.name)} has a meaning of its own in rules",
                "give the input or attribute another name (xp comes first)",
            )
        if parameter.kind is parameter.KEYWORD_ONLY:
            attributes.append(_attribute(name, place, parameter))
        elif parameter.kind is parameter.VAR_POSITIONAL:
            inputs.append(InputSignature(parameter.name, variadic=True))
        elif parameter.kind is parameter.VAR_KEYWORD:
            raise _wrong(name, place, f"**{parameter.name} would accept anything", "name each attribute")
        elif parameter.default is parameter.empty:
            inputs.append(InputSignature(parameter.name))
        elif parameter.default is None:
            inputs.append(InputSignature(parameter.name, optional=True))
        else:
            raise _wrong(
                name,
                place,
                f"the default of the input {quote(parameter.name)} is not None",
                "an optional input defaults to None; an attribute stands behind *",
            )
    lines = inspect.getdoc(forward)
    signature = Signature(name, tuple(inputs), tuple(attributes), lines or "")
    return Op(name, signature, forward, tuple(parameter.name for parameter in parameters), place[0])


def _attribute(op: str, place: Place, parameter: inspect.Parameter) -> AttributeSignature:
    if parameter.name in NODE_KEYS:
        message = f"the attribute {quote(parameter.name)} has the name of a key that every node has"
        raise _wrong(op, place, message, "give it another name")
    return attribute_of(f"op {quote(op)}", place, parameter)


def _wrong(op: str, place: Place, message: str, hint: str | None = None) -> PluginError:
    return wrong(f"op {quote(op)}", place, message, hint)
