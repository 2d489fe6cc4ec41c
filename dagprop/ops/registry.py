"""The registry: which op a name stands for.

There is one table of ops for the process.  The built-in families fill it when it is first asked for; :func:`op` adds
to it from a user's code or a plugin file.  A name has one provider: a second is an error that names both.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePath

from dagprop.errors import PluginError, Problem, quote
from dagprop.graph.document import parse_definition
from dagprop.graph.records import Definition
from dagprop.graph.signature import Signature
from dagprop.ops.contract import Op, Rule, declare_op
from dagprop.ops.leaves import LEAF_SIGNATURES

FAMILIES = ("arithmetic", "elementary", "activations", "linear_algebra", "reductions", "losses")
"""The modules of built-in rules, in reading order."""

_ops: dict[str, Op] = {}
_generation = 0


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

    def declare(forward: Rule) -> Op:
        new = declare_op(name, forward)
        if not forward.__module__.startswith(f"{__package__}."):
            _load_families()  # so that a clash with a built-in op is the newcomer's error
        taken = _ops.get(name)
        # The same function declared again (a notebook cell run twice) replaces the first; anything else is a clash.
        again = taken is not None and _identity(taken.forward) == _identity(forward)
        provider = taken.provider if taken and not again else None
        provider = provider or ("dagprop" if name in LEAF_SIGNATURES or name in _definitions() else None)
        if provider:
            raise PluginError(
                Problem(
                    "DP502",
                    f"op {quote(name)} is declared by {new.provider} and by {provider}",
                    "give one of them another name",
                    file=new.provider,
                    line=forward.__code__.co_firstlineno,
                )
            )
        _ops[name] = new
        _count_change()
        return new

    return declare


def generation() -> int:
    """Return a number that grows with each declaration: what was made of the ops holds while it stays."""
    _load_families()
    return _generation


def ops() -> Mapping[str, Op]:
    """Return every op that is declared, by name: the built-in ones first."""
    _load_families()
    return _ops


def definitions() -> Mapping[str, Definition]:
    """Return the definitions that dagprop ships, by name."""
    return _definitions()


def vocabulary() -> Mapping[str, Signature | Definition]:
    """Return what each op name stands for, leaves and shipped definitions included."""
    return {**LEAF_SIGNATURES, **{name: op.signature for name, op in ops().items()}, **definitions()}


def providers() -> frozenset[str]:
    """Return the names of what has declared ops: ``swish`` for the plugin file ``plugins/swish.py``."""
    return frozenset(PurePath(op.provider).stem for op in ops().values())


@contextmanager
def isolated() -> Iterator[None]:
    """Forget, on leaving the block, every op that was declared inside it."""
    before = dict(ops())
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def all_or_none() -> Iterator[None]:
    """Forget, if the block raises, every op that was declared inside it."""
    before = dict(ops())
    try:
        yield
    except BaseException:
        _restore(before)
        raise


def _restore(before: Mapping[str, Op]) -> None:
    _ops.clear()
    _ops.update(before)
    _count_change()


@cache
def _load_families() -> None:
    for family in FAMILIES:
        importlib.import_module(f"dagprop.ops.{family}")


@cache
def _definitions() -> Mapping[str, Definition]:
    # Not importlib.resources, which takes longer to load than all that is read here.
    files = sorted((Path(__file__).parent / "definitions").glob("*.json"))
    return {file.stem: parse_definition(file.stem, json.loads(file.read_text(encoding="utf-8"))) for file in files}


def _count_change() -> None:
    global _generation
    _generation += 1


def _identity(function: Rule) -> tuple[str, str]:
    return function.__module__, function.__qualname__
