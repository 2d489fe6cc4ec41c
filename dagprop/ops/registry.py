"""The registry: which op a name stands for.

There is one table of ops for the process.  The built-in families fill it when it is first asked for; :func:`op` adds
to it from a user's code or a plugin file.  A name has one provider: a second is an error that names both.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from dagprop.graph.document import parse_definition
from dagprop.graph.records import Definition
from dagprop.graph.signature import Signature
from dagprop.ops import declared
from dagprop.ops.contract import Op, Rule, declare_op
from dagprop.ops.declared import Declaration, declare, identity_of, refuse_second_provider
from dagprop.ops.leaves import LEAF_SIGNATURES

FAMILIES = ("arithmetic", "elementary", "activations", "linear_algebra", "reductions", "losses")
"""The modules of built-in rules, in reading order."""


def op(name: str) -> Callable[[Rule], Op]:
    """Declare an op; decorates its forward rule.

    Parameters
    ----------
    name : str
        What graph files call the op.

    Returns
    -------
    callable
        A decorator that gives the :class:`~dagprop.ops.contract.Op`, whose ``derivative`` and ``pullback`` declare the
        rules of its inputs.

    Raises
    ------
    PluginError
        If the declaration is wrong, or something else provides an op or definition of this name.

    Examples
    --------
    >>> from dagprop import op
    >>> @op("cube")
    ... def cube(xp, x):
    ...     return x * x * x
    >>> @cube.derivative("x")
    ... def _(x):
    ...     return 3 * x * x
    """

    def declare_rule(forward: Rule) -> Op:
        new = declare_op(name, forward)
        shipped = forward.__module__.startswith(f"{__package__}.")
        line = forward.__code__.co_firstlineno
        declaration = Declaration(new, new.provider, line, identity_of(forward), shipped)
        if not shipped:
            _load_families()  # so that a clash with a built-in op is the newcomer's error
        if name in LEAF_SIGNATURES:
            refuse_second_provider("op", name, declaration, None)
        declare("op", name, declaration)
        return new

    return declare_rule


def generation() -> int:
    """Return a number that grows with each declaration: what was made of the ops holds while it stays."""
    _load_families()
    return declared.generation()


def ops() -> Mapping[str, Op]:
    """Return every op that is declared, by name: the built-in ones first."""
    return _ops(generation())


@lru_cache(maxsize=1)
def _ops(generation: int) -> Mapping[str, Op]:
    return MappingProxyType({name: declaration.value for name, declaration in declared.declared("op").items()})


def definitions() -> Mapping[str, Definition]:
    """Return the definitions that dagprop ships and those of plugins, by name."""
    return _definitions(generation())


@lru_cache(maxsize=1)
def _definitions(generation: int) -> Mapping[str, Definition]:
    return MappingProxyType({name: found.value for name, found in declared.declared("definition").items()})


def vocabulary() -> Mapping[str, Signature | Definition]:
    """Return what each op name stands for, leaves and shipped definitions included."""
    return {**LEAF_SIGNATURES, **{name: op.signature for name, op in ops().items()}, **definitions()}


@cache
def _load_families() -> None:
    for family in FAMILIES:
        importlib.import_module(f"dagprop.ops.{family}")
    # Not importlib.resources, which takes longer to load than all that is read here.
    for file in sorted((Path(__file__).parent / "definitions").glob("*.json")):
        definition = parse_definition(file.stem, json.loads(file.read_text(encoding="utf-8")))
        declare("definition", file.stem, Declaration(definition, str(file), 1, str(file), shipped=True))
