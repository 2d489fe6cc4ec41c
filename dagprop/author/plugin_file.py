"""The text of a plugin file: as one would write it by hand."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence

from dagprop.author.choose import Rules, Written
from dagprop.author.code import rule_lines
from dagprop.author.expression import Tree, is_constant, names_in, walk, written_out
from dagprop.author.new_op import NewOp
from dagprop.author.stable import REASONS

WIDTH = 120


def plugin_text(new: NewOp, rules: Rules | None, where: str) -> str:
    """Return the text of a plugin file.

    Parameters
    ----------
    new : NewOp
    rules : Rules or None
        None: a template, to be filled in.
    where : str
        What ``--plugin`` is given, for the docstring.
    """
    if rules is None:
        body, uses_math = _template(new), False
    else:
        body = _forward(new, rules.forward)
        for input, written in rules.derivatives.items():
            body += ["", "", f'@{new.function}.derivative("{input}")', *_rule(new, written.tree)]
        trees = [rules.forward.tree, *(written.tree for written in rules.derivatives.values())]
        uses_math = any("math." in line for tree in trees for line in rule_lines(tree, ()))
    imports = ["import math", ""] if uses_math else []
    head = _head(new, rules, where)
    return "\n".join([*head, "", *imports, "from dagprop import op", "", "", *body]) + "\n"


def example_node(new: NewOp) -> str:
    """Return a node of a graph file that uses the op."""
    return json.dumps({"op": new.op, "inputs": list(new.inputs), **new.attributes})


def _head(new: NewOp, rules: Rules | None, where: str) -> list[str]:
    first = f"The op {new.op}: a forward rule and one derivative rule per input."
    use = f"Try it: put ``{example_node(new)}`` into a graph and add ``--plugin {where}``."
    return [f'"""{first}', "", *textwrap.wrap(use, WIDTH, break_long_words=False, break_on_hyphens=False), '"""']


def _signature(new: NewOp) -> str:
    attributes = [f"{name}={default!r}" for name, default in new.attributes.items()]
    return ", ".join(["xp", *new.inputs, *(["*", *attributes] if attributes else [])])


def _forward(new: NewOp, written: Written) -> list[str]:
    lines = [f'@op("{new.op}")', f"def {new.function}({_signature(new)}):", *_doc(new)]
    lines += [_reason(name) for name in written.rules]
    return [*lines, *_indented(rule_lines(written.tree, (*new.inputs, *new.attributes)))]


def _doc(new: NewOp) -> list[str]:
    doc = new.doc.replace("\\", "\\\\").replace('"""', "'''")  # whatever is said, it stays a docstring
    doc = f"{doc} " if doc.endswith('"') else doc
    text = f'    """{doc}"""'
    if len(text) <= WIDTH and "\n" not in doc:
        return [text]
    lines = [line for part in doc.split("\n") for line in textwrap.wrap(part, WIDTH - 8) or [""]]
    return [f'    """{lines[0]}', *(f"    {line}".rstrip() for line in lines[1:]), '    """']


def _reason(name: str) -> str:
    """Return the comment that says why the forward rule is not as its author wrote it."""
    return f"    # Not as it was given, so that no digits are lost: {REASONS[name]}."


def _rule(new: NewOp, tree: Tree) -> list[str]:
    used = names_in(tree)
    known = [name for name in (*new.inputs, "y", *new.attributes) if name in used]
    xp = ["xp"] if _calls(tree) else []
    return [f"def _({', '.join([*xp, *known])}):", *_indented(rule_lines(tree, (*new.inputs, *new.attributes)))]


def _calls(tree: Tree) -> bool:
    """Whether a rule uses a function of ``xp``."""
    return any("xp." in line for line in rule_lines(tree, ())) and not all(
        is_constant(part) for part in walk(written_out(tree))
    )


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _template(new: NewOp) -> list[str]:
    first = new.inputs[0]
    head = [
        f'@op("{new.op}")',
        f"def {new.function}({_signature(new)}):",
        *_doc(new),
        "    # Inputs stand by position; attributes, which a graph file may set, behind * with their defaults.",
        "    # xp has the array functions that docs/functions.md lists: xp.exp, xp.where, xp.maximum, ...",
        "    # A rule never depends on values: xp.where(x > 0, a, b), and not if.",
    ]
    if new.pullback:
        rest = "".join(f" + 0 * xp.sum({name})" for name in new.inputs[1:])
        lines = [*head, f"    return {first} - xp.mean({first}, axis=-1, keepdims=True){rest}"]
        for position, name in enumerate(new.inputs):
            lines += ["", "", f'@{new.function}.pullback("{name}")']
            lines += ["def _(xp, g):" if position == 0 else f"def _(xp, {name}):"]
            lines += [f"    # From g = ∂L/∂y, in the shape of the output, to ∂L/∂{name}, in the shape of {name}."]
            lines += [
                "    return g - xp.mean(g, axis=-1, keepdims=True)"
                if position == 0
                else f"    return xp.zeros_like({name})"
            ]
        return lines
    factor = " * ".join([*new.inputs, *new.attributes])
    lines = [*head, f"    return {factor}"]
    for name in new.inputs:
        others = [other for other in (*new.inputs, *new.attributes) if other != name]
        lines += ["", "", f'@{new.function}.derivative("{name}")', f"def _({', '.join(others)}):"]
        lines += [f"    # ∂y/∂{name}.  Ask for what you need by name: xp, y (the output), inputs, attributes."]
        lines += [f"    return {' * '.join(others) or '1'}"]
    return lines
