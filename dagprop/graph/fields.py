"""The small parts of a graph file: texts, lists of texts, ids, references, and keys that are not known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeGuard

from dagprop.errors import Problem, quote, suggest
from dagprop.graph.records import join_reference, split_reference
from dagprop.graph.signature import describe, is_number

Path = tuple[str | int, ...]
"""Where something stands in a JSON document: ``("nodes", "h1", "inputs", 0)``."""

DEEPEST_JSON = 100
"""How many lists and objects may stand inside each other."""

LONGEST_INTEGER = 300
"""Digits of a whole number; one of 309 digits does not fit a float64."""

NODE_KEYS = ("op", "inputs", "tex", "doc", "repeat")
"""The keys of a node that are not attributes of its op; no op may have an attribute of such a name."""

ID_PATTERN = "[A-Za-z_][A-Za-z0-9_]*"
"""What an id looks like, as a regular expression."""

ID = re.compile(ID_PATTERN)
REFERENCE = re.compile(ID_PATTERN + r"(?::[0-9]{1,6})?")


def freeze(value: Any) -> Any:
    """Return a JSON value as immutable tuples and mappings."""
    if isinstance(value, (list, tuple)):
        return tuple([freeze(item) if isinstance(item, (list, tuple, dict)) else item for item in value])
    if isinstance(value, dict):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    return value


def normalise(reference: str) -> str:
    """Return the one spelling of a reference: ``n:0`` is ``n``."""
    return join_reference(*split_reference(reference)) if REFERENCE.fullmatch(reference) else reference


def check_id(name: str, path: Path, problems: list[Problem], what: str = "id") -> None:
    """Report a name that has characters which ids may not have."""
    if not ID.fullmatch(name):
        hint = "letters a to z, digits and _ are allowed, and a digit cannot come first"
        proposal = re.sub(r"[^A-Za-z0-9_]+", "_", name)
        proposal = proposal if ID.fullmatch(proposal) else f"_{proposal}"
        hint = hint if len(proposal.strip("_")) == 0 else f"{hint}: for example {quote(proposal)}"
        problems.append(Problem("DP103", f"{quote(name)} is not a valid {what}", hint, None, path, at_key=True))


def read_extensions(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the ``x-*`` keys with their values."""
    return MappingProxyType({key: freeze(value) for key, value in data.items() if key.startswith("x-")})


def report_unknown_keys(
    data: Mapping[str, Any], known: tuple[str, ...], path: Path, what: str, problems: list[Problem], own: bool = True
) -> None:
    """Report the keys that are not known; ``own`` says whether ``x-*`` keys are allowed."""
    for key in data:
        if key not in known and not (own and key.startswith("x-")):
            hint = suggest(key, known) or f"the keys of {what} are: {', '.join(known)}" + (
                '; keys of your own start with "x-"' if own else ""
            )
            problems.append(Problem("DP102", f"{what} has no key {quote(key)}", hint, None, (*path, key), at_key=True))


def read_text(data: object, path: Path, problems: list[Problem]) -> str | None:
    """Return a text, or None where it is none, which is reported."""
    if isinstance(data, str):
        return data
    problems.append(Problem("DP008", f"{quote(path[-1])} must be text, is {describe(data)}", path=path))
    return None


def read_texts(data: object, path: Path, problems: list[Problem]) -> tuple[str, ...]:
    """Return a list of texts, or an empty one where something in it is none, which is reported."""
    if not isinstance(data, list):
        hint = f"write [{quote(data)}]" if isinstance(data, str) else None
        problems.append(Problem("DP008", f"{quote(path[-1])} must be a list, is {describe(data)}", hint, None, path))
        return ()
    for position, item in enumerate(data):
        if not isinstance(item, str):
            hint = f"write {quote(item)}" if is_number(item) else None
            message = f"{quote(path[-1])} must be a list of texts, has {describe(item)}"
            problems.append(Problem("DP008", message, hint, None, (*path, position)))
    return tuple(data) if all(isinstance(item, str) for item in data) else ()


def read_references(data: object, path: Path, problems: list[Problem]) -> tuple[str, ...]:
    """Return a list of references, each in its one spelling."""
    return tuple(normalise(text) for text in read_texts(data, path, problems))


def is_object(data: object, path: Path, problems: list[Problem]) -> TypeGuard[dict[str, Any]]:
    """Whether a value is an object; reports it if it is not."""
    if isinstance(data, dict):
        return True
    problems.append(Problem("DP008", f"{quote(path[-1])} must be an object, is {describe(data)}", path=path))
    return False
