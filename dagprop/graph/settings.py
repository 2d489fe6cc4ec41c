"""The keys ``data`` and ``train`` of a graph file as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from dagprop.errors import Problem, quote
from dagprop.graph.fields import Path, is_object, read_text, read_texts, report_unknown_keys
from dagprop.graph.records import EMPTY, DataSource, TrainSettings
from dagprop.graph.signature import describe, is_integer, is_number

DATA_KEYS = ("file", "columns", "classes")

TRAIN_RANGES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "epochs": ("a whole number, 0 or more", lambda value: is_integer(value) and value >= 0),
    "batch_size": ("a whole number, 1 or more", lambda value: is_integer(value) and value >= 1),
    "learning_rate": ("a number greater than 0", lambda value: is_number(value) and value > 0),
    "shuffle": ("true or false", lambda value: isinstance(value, bool)),
    "seed": ("a whole number, 0 or more", lambda value: is_integer(value) and value >= 0),
    "validation": ("a share of the samples: 0 or more, less than 1", lambda value: is_number(value) and 0 <= value < 1),
    "test": ("a share of the samples: 0 or more, less than 1", lambda value: is_number(value) and 0 <= value < 1),
}
"""What the keys of ``train`` may be: in words, and as a test."""


def read_train(data: object, path: Path, problems: list[Problem]) -> TrainSettings | None:
    """Return the settings of the training, those that are wrong left at their defaults."""
    if not is_object(data, path, problems):
        return None
    report_unknown_keys(data, tuple(TRAIN_RANGES), path, '"train"', problems, own=False)
    settings = {}
    for key, (expected, fits) in TRAIN_RANGES.items():
        if key in data and fits(data[key]):
            settings[key] = data[key]
        elif key in data:
            message = f"{quote(key)} must be {expected}, is {describe(data[key])}"
            problems.append(Problem("DP011", message, path=(*path, key)))
    if settings.get("validation", 0) + settings.get("test", 0) >= 1:
        message = '"validation" and "test" together must be less than 1: no sample is left to train on'
        problems.append(Problem("DP011", message, path=(*path, "test")))
    return TrainSettings(**settings)


def read_data(data: object, path: Path, problems: list[Problem]) -> DataSource | None:
    """Return where the data lies."""
    if not is_object(data, path, problems):
        return None
    report_unknown_keys(data, DATA_KEYS, path, '"data"', problems, own=False)
    file = None
    if "file" in data:
        file = read_text(data["file"], (*path, "file"), problems)
    else:
        hint = 'name the CSV or NPZ file: "file": "points.csv"'
        problems.append(Problem("DP009", 'the key "file" is missing', hint, path=path))
    tables: dict[str, Mapping[str, tuple[str, ...]]] = {"columns": EMPTY, "classes": EMPTY}
    for key in tables:
        if key in data and is_object(data[key], (*path, key), problems):
            tables[key] = MappingProxyType(
                {name: _read_names(key, value, (*path, key, name), problems) for name, value in data[key].items()}
            )
    return DataSource(file or "", tables["columns"], tables["classes"])


def _read_names(key: str, value: object, path: Path, problems: list[Problem]) -> tuple[str, ...]:
    """Return the columns of one input (one name or a list) or its class labels (a list)."""
    if key == "columns" and isinstance(value, str):
        return (value,)
    if isinstance(value, list) and not value:
        problems.append(Problem("DP008", f"the list of {key} of {quote(path[-1])} is empty", None, None, path))
    names = read_texts(value, path, problems)
    for position, name in enumerate(names):
        if key == "classes" and name in names[:position]:
            problems.append(Problem("DP112", f"the label {quote(name)} is there twice", None, None, (*path, position)))
    return names
