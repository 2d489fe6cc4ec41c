"""What is wrong with a node in itself: its op, its inputs, its attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dagprop.errors import Problem, quote
from dagprop.graph.arrays import check_leaf, find_array_faults
from dagprop.graph.fields import NODE_KEYS, Path
from dagprop.graph.other_names import OTHER_NAMES
from dagprop.graph.placeholders import AXIS_SIZE, find_placeholders
from dagprop.graph.records import LEAVES, Definition, Node
from dagprop.graph.references import Scope, check_reference
from dagprop.graph.signature import InputSignature, Signature, check_attribute


def check_node(node: Node, scope: Scope) -> Iterator[Problem]:
    """Yield what is wrong with a node: op, inputs, references, attributes, repeat."""
    path = (*scope.path, node.id)
    for reference in node.references:
        if reference not in scope.nodes:
            yield from _check_references(node, path, scope)
            break
    inside = scope.definition is not None
    if inside and node.op.startswith("$"):
        yield from _check_placeholder(node, node.op, (*path, "op"), scope)
        for key, value in node.attributes.items():
            yield from _check_placeholders(node, value, (*path, key), scope)
        return
    meaning = scope.ops.get(node.op)
    if meaning is None:
        if node.op:
            yield _unknown_op(node, (*path, "op"), scope)
        return
    if not (scope.reported and (*path, "inputs") in scope.reported):
        yield from check_inputs(node, meaning, path, scope)
    if isinstance(meaning, Definition):
        yield from _check_call(node, meaning, path, scope)
        return
    if node.repeat is not None:
        message = f'"repeat" is for definitions, and {quote(node.op)} is an op'
        yield Problem("DP102", message, "write the nodes one by one", node.id, (*path, "repeat"), at_key=True)
    yield from check_attributes(node, meaning, path, scope)
    update = node.attributes.get("update") if node.op == "state" else None
    if isinstance(update, str) and not update.startswith("$"):
        yield from _check_reference(node, update, (*path, "update"), scope)


def _check_references(node: Node, path: Path, scope: Scope) -> Iterator[Problem]:
    """Yield the problem of each reference of a node that names no value."""
    given = node.inputs.items() if isinstance(node.inputs, Mapping) else enumerate(node.inputs)
    for key, reference in given:
        if reference is not None:
            yield from _check_reference(node, reference, (*path, "inputs", key), scope)


def _check_reference(node: Node, reference: str, path: Path, scope: Scope) -> Iterator[Problem]:
    """Yield what is wrong with a reference that is not simply the id of a node."""
    problem = check_reference(reference, scope)
    if problem is not None:
        code, message, hint = problem
        yield Problem(code, message, hint, node.id, path)


def _unknown_op(node: Node, path: Path, scope: Scope) -> Problem:
    ours = OTHER_NAMES.get(node.op.lower())
    hint = f"here it is called {quote(ours)}" if ours in scope.ops else scope.suggest(node.op, scope.ops)
    if node.op.startswith("$"):
        hint = "only inside a definition does $ stand for an attribute"
    elif hint is None:
        hint = "`dagprop ops list` shows every op; an op of a plugin file needs --plugin FILE.py"
    return Problem("DP101", f"unknown op {quote(node.op)}", hint, node.id, path, unknown=node.op)


# ---------------------------------------------------------------------------------------------- inputs


def inputs_of(meaning: Signature | Definition) -> tuple[InputSignature, ...]:
    """Return the inputs that an op or a definition takes."""
    if isinstance(meaning, Signature):
        return meaning.inputs
    return tuple([InputSignature(name, name in meaning.optional) for name in meaning.inputs])


def check_inputs(node: Node, meaning: Signature | Definition, path: Path, scope: Scope) -> Iterator[Problem]:
    """Yield the inputs that are missing and those that the op does not have."""
    expected, given = inputs_of(meaning), node.inputs
    if type(given) is tuple and len(given) == len(expected) and None not in given and not _variadic(expected):
        return
    place, hint = (*path, "inputs"), _describe_inputs(expected)
    if isinstance(given, Mapping):
        if _variadic(expected):
            yield Problem("DP105", f"{quote(node.op)} takes its inputs as a list", 'write ["a", "b"]', node.id, place)
            return
        names = [signature.name for signature in expected]
        for name in given:
            if name not in names:
                near = scope.suggest(name, names) or hint
                message = f"{quote(node.op)} has no input {quote(name)}"
                yield Problem("DP106", message, near, node.id, (*place, name), at_key=True)
        for signature in expected:
            if not signature.optional and signature.name not in given:
                message = f"{quote(node.op)} needs the input {quote(signature.name)}"
                yield Problem("DP105", message, hint, node.id, place)
        return
    fixed = len(expected) - _variadic(expected)
    for position, signature in enumerate(expected[:fixed]):
        reference = given[position] if position < len(given) else None
        if reference is None and not signature.optional:
            message = f"{quote(node.op)} needs the input {quote(signature.name)}"
            yield Problem("DP105", message, hint, node.id, (*place, position))
    if _variadic(expected):
        for position in range(fixed, len(given)):
            if given[position] is None:
                yield Problem("DP105", f"{quote(node.op)} needs a node here", None, node.id, (*place, position))
        if len(given) - fixed < 2:
            count = "none" if len(given) <= fixed else "one"
            message = f"{quote(node.op)} needs two or more inputs, {count} is given"
            yield Problem("DP105", message, None, node.id, place)
    elif len(given) > fixed:
        takes = "no inputs" if fixed == 0 else "1 input" if fixed == 1 else f"{fixed} inputs"
        message = f"{quote(node.op)} takes {takes}, {len(given)} {'is' if len(given) == 1 else 'are'} given"
        yield Problem("DP106", message, hint if fixed else None, node.id, (*place, fixed))


def _variadic(expected: tuple[InputSignature, ...]) -> bool:
    return bool(expected) and expected[-1].variadic


def _describe_inputs(expected: tuple[InputSignature, ...]) -> str:
    names = [
        f"{signature.name}{' (may be left out)' if signature.optional else ''}"
        f"{' (two or more)' if signature.variadic else ''}"
        for signature in expected
    ]
    if not names:
        return "it takes no inputs"
    return f"its input is: {names[0]}" if len(names) == 1 else f"its inputs are: {', '.join(names)}"


# ---------------------------------------------------------------------------------------------- attributes


def check_attributes(node: Node, signature: Signature, path: Path, scope: Scope) -> Iterator[Problem]:
    """Yield what is wrong with the attributes of an op: unknown, missing, of the wrong type, ragged."""
    healthy = True
    for key, value in node.attributes.items():
        attribute = signature.attribute(key)
        if attribute is None:
            names = [attribute.name for attribute in signature.attributes]
            yield _unknown_attribute(node, key, names, inputs_of(signature), (*path, key), scope)
            continue
        if _has_placeholders(value, scope):
            healthy = False
            yield from _check_placeholders(node, value, (*path, key), scope)
            continue
        wrong = check_attribute(attribute, value)
        if wrong is not None:
            healthy = False
            yield Problem("DP108", f"{quote(key)} {wrong}", None, node.id, (*path, key))
        elif attribute.kind == "array" and value is not None:
            for fault in find_array_faults(value):
                healthy = False
                yield Problem("DP302", fault.message, None, node.id, (*path, key, *fault.position))
        elif attribute.kind == "initializer" and isinstance(value, Mapping) and not isinstance(value.get("name"), str):
            hint = 'write {"name": "normal", "std": 0.1}'
            yield Problem("DP108", f'{quote(key)} needs a "name" that is text', hint, node.id, (*path, key))
    for attribute in signature.attributes:
        if attribute.required and attribute.name not in node.attributes:
            message = f"{quote(node.op)} needs the attribute {quote(attribute.name)}"
            yield Problem("DP107", message, None, node.id, path)
    if healthy and node.op in LEAVES:
        yield from check_leaf(node, path)


def _unknown_attribute(
    node: Node, key: str, names: list[str], inputs: tuple[InputSignature, ...], path: Path, scope: Scope
) -> Problem:
    if key in [signature.name for signature in inputs]:
        hint: str | None = f'it is an input: write "inputs": {{{quote(key)}: ...}}'
    else:
        hint = scope.suggest(key, [*names, *NODE_KEYS])
    if hint is None:
        hint = f"its attributes are: {', '.join(names)}" if names else "it has no attributes"
        hint += '; keys of your own start with "x-"'
    return Problem("DP102", f"{quote(node.op)} has no attribute {quote(key)}", hint, node.id, path, at_key=True)


def _check_call(node: Node, definition: Definition, path: Path, scope: Scope) -> Iterator[Problem]:
    """Yield what is wrong with the attributes of a call of a definition, without looking inside the definition."""
    for key, value in node.attributes.items():
        if key not in definition.attributes:
            names = list(definition.attributes)
            yield _unknown_attribute(node, key, names, inputs_of(definition), (*path, key), scope)
        elif value is None:
            yield Problem("DP108", f"{quote(key)} must have a value, is null", None, node.id, (*path, key))
        else:
            yield from _check_placeholders(node, value, (*path, key), scope)
    for name, default in definition.attributes.items():
        if default is None and name not in node.attributes:
            message = f"{quote(node.op)} needs the attribute {quote(name)}"
            yield Problem("DP107", message, None, node.id, path)
    if node.repeat is not None:
        if isinstance(node.repeat, str):
            yield from _check_placeholder(node, node.repeat, (*path, "repeat"), scope)
        if len(definition.outputs) > len(definition.inputs):
            message = (
                f"{quote(node.op)} cannot be repeated: its {len(definition.outputs)} outputs "
                f"do not fit into {len(definition.inputs)} inputs of the next copy"
            )
            yield Problem("DP110", message, None, node.id, (*path, "repeat"))


def _has_placeholders(value: object, scope: Scope) -> bool:
    """Whether something in a value is replaced before the value is used, or should be."""
    return any(text.startswith("$") or scope.definition is not None for _, text in find_placeholders(value))


def _check_placeholders(node: Node, value: object, path: Path, scope: Scope) -> Iterator[Problem]:
    for inner, text in find_placeholders(value):
        if text.startswith("$") or scope.definition is not None:
            yield from _check_placeholder(node, text, (*path, *inner), scope)


def _check_placeholder(node: Node, text: str, path: Path, scope: Scope) -> Iterator[Problem]:
    """Yield the problem of a ``"$units"`` or ``"x[-1]"`` that stands for nothing."""
    if scope.definition is None:
        hint = "only inside a definition does $ stand for an attribute"
        yield Problem("DP108", f"{quote(text)} stands for nothing here", hint, node.id, path)
    elif text.startswith("$"):
        names = list(scope.definition.attributes)
        if text[1:] not in names:
            hint = scope.suggest(text[1:], names) or f"its attributes are: {', '.join(names) or 'none'}"
            yield Problem("DP110", f"the definition has no attribute {quote(text[1:])}", hint, node.id, path)
    elif (match := AXIS_SIZE.fullmatch(text)) and match[1] not in scope.definition.inputs:
        hint = (
            scope.suggest(match[1], scope.definition.inputs)
            or f"its inputs are: {', '.join(scope.definition.inputs) or 'none'}"
        )
        yield Problem("DP110", f"the definition has no input {quote(match[1])}", hint, node.id, path)
