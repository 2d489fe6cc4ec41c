"""What stands for something else inside a definition: ``"$units"`` is an attribute, ``"x[-1]"`` the size of an axis."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dagprop.graph.fields import ID_PATTERN

AXIS_SIZE = re.compile(rf"({ID_PATTERN})\[(-?[0-9]{{1,3}})\]")


def find_placeholders(value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield path and text of each placeholder in the value of an attribute."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            if item.startswith("$") or AXIS_SIZE.fullmatch(item):
                yield path, item
        elif isinstance(item, (tuple, list)):
            inner = [pair for pair in enumerate(item) if isinstance(pair[1], (str, tuple, list, Mapping))]
            waiting.extend(((*path, index), element) for index, element in reversed(inner))
        elif isinstance(item, Mapping):
            waiting.extend(((*path, key), element) for key, element in reversed(list(item.items())))


def substitute(value: Any, replace: Callable[[str], Any]) -> Any:
    """Return the value with each placeholder replaced."""
    if isinstance(value, str):
        return replace(value) if value.startswith("$") or AXIS_SIZE.fullmatch(value) else value
    if isinstance(value, tuple):
        return tuple([substitute(item, replace) if isinstance(item, (str, tuple, Mapping)) else item for item in value])
    if isinstance(value, Mapping):
        return MappingProxyType({key: substitute(item, replace) for key, item in value.items()})
    return value
