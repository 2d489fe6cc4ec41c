"""What has been declared: one table for ops, and for everything else that dagprop and its plugins bring.

A name of a kind has one provider: a second is an error that names both.  What dagprop ships declares itself when its
module is imported and stays; what a plugin declares can be taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, NoReturn, get_args

from dagprop.errors import PluginError, Problem, quote

Kind = Literal["op", "definition", "optimizer", "schedule", "metric", "initializer", "command"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""What can be declared; each kind has names of its own, but for those that graphs use alike."""

GRAPH_KINDS: tuple[Kind, ...] = ("op", "definition")
"""What the nodes of a graph name."""


class Declaration(NamedTuple):
    """Something with a name, and where it comes from.

    Attributes
    ----------
    value : object
        What the kind is made of: an :class:`~dagprop.ops.contract.Op`, a definition, ...
    provider : str
        The file that declares it.
    line : int
        In that file.
    identity : object
        What is declared again with an equal identity replaces the first: a notebook cell that is run twice.
    shipped : bool
        Whether dagprop itself declares it.
    """

    value: Any
    provider: str
    line: int
    identity: object
    shipped: bool = False


_tables: dict[Kind, dict[str, Declaration]] = {kind: {} for kind in KINDS}
_generation = 0


def declare(kind: Kind, name: str, new: Declaration) -> None:
    """Enter a declaration.

    Raises
    ------
    PluginError
        If something else provides this name (DP502).
    """
    for other in GRAPH_KINDS if kind in GRAPH_KINDS else (kind,):
        taken = _tables[other].get(name)
        if taken is not None and taken.identity != new.identity:
            refuse_second_provider(kind, name, new, taken)
    _tables[kind][name] = new
    _count_change()


def refuse_second_provider(kind: Kind, name: str, new: Declaration, taken: Declaration | None) -> NoReturn:
    """Raise the error of a name that is taken, by dagprop itself where ``taken`` is None (DP502)."""
    if taken is not None and taken.provider == new.provider:
        message = f"{kind} {quote(name)} is declared twice, in lines {taken.line} and {new.line}"
    else:
        other = "dagprop" if taken is None or taken.shipped else taken.provider
        message = f"{kind} {quote(name)} is declared by {new.provider} and by {other}"
    raise PluginError(Problem("DP502", message, "give one of them another name", file=new.provider, line=new.line))


def identity_of(function: Any) -> tuple[str | int, ...]:
    """Return what makes a declaration the same one again: a notebook cell that is run twice.

    In a file the line counts as well: there, a second declaration of a name is a mistake.
    """
    module, name = function.__module__, function.__qualname__
    return (module, name) if module == "__main__" else (module, name, function.__code__.co_firstlineno)


def declared(kind: Kind) -> Mapping[str, Declaration]:
    """Return what of a kind is declared, by name."""
    return _tables[kind]


def declarations() -> Iterator[tuple[Kind, str, Declaration]]:
    """Yield everything that is declared."""
    for kind, table in _tables.items():
        for name, declaration in table.items():
            yield kind, name, declaration


def forget(unwanted: Callable[[Declaration], bool]) -> None:
    """Take back declarations that dagprop does not ship."""
    for table in _tables.values():
        for name in [name for name, found in table.items() if not found.shipped and unwanted(found)]:
            del table[name]
    _count_change()


def generation() -> int:
    """Return a number that grows with each declaration: what was made of them holds while it stays."""
    return _generation


@contextmanager
def isolated() -> Iterator[None]:
    """Forget, on leaving the block, everything that was declared inside it."""
    before = _snapshot()
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def all_or_none() -> Iterator[None]:
    """Forget, if the block raises, everything that was declared inside it."""
    before = _snapshot()
    try:
        yield
    except BaseException:
        _restore(before)
        raise


def _snapshot() -> dict[Kind, dict[str, Declaration]]:
    return {kind: dict(table) for kind, table in _tables.items()}


def _restore(before: Mapping[Kind, Mapping[str, Declaration]]) -> None:
    for kind, table in _tables.items():
        # What dagprop ships is declared once, when its module is imported: it stays.
        shipped = {name: declaration for name, declaration in table.items() if declaration.shipped}
        table.clear()
        table.update({**shipped, **before[kind]})
    _count_change()


def _count_change() -> None:
    global _generation
    _generation += 1
