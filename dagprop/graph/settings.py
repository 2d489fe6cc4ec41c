"""The keys ``dtype``, ``data`` and ``train`` of a graph file as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from dagprop.errors import Problem, quote, suggest
from dagprop.graph.fields import Path, freeze, is_object, read_text, read_texts, report_unknown_keys
from dagprop.graph.records import DTYPES, EMPTY, DataSource, TrainSettings
from dagprop.graph.signature import describe, is_integer, is_number
from dagprop.record import record

DATA_KEYS = ("file", "columns", "classes")


@record(eq=False)
class TrainKey:
    """What a key of ``train`` may be.

    Attributes
    ----------
    kind : str
        ``integer``, ``number``, ``boolean``; ``share``, a number less than 1; ``choice``, a name or an object with a
        name and settings, or ``choices``, a list of such.
    doc : str
        What it is for.
    minimum : int
        Its least value.
    exclusive : bool
        Whether it must be greater than ``minimum``.
    """

    kind: str
    doc: str
    minimum: int = 0
    exclusive: bool = False

    @property
    def expected(self) -> str:
        """What the value must be, in words."""
        if self.kind == "boolean":
            return "true or false"
        if self.kind == "choice":
            return 'a name, or an object with a "name" and settings'
        if self.kind == "choices":
            return 'a list of names, or of objects with a "name" and settings'
        if self.kind == "share":
            return f"a share of the samples: {self.minimum} or more, less than 1"
        what = "a whole number" if self.kind == "integer" else "a number"
        return f"{what} greater than {self.minimum}" if self.exclusive else f"{what}, {self.minimum} or more"

    def fits(self, value: Any) -> bool:
        """Whether a value is as expected."""
        if self.kind == "boolean":
            return isinstance(value, bool)
        if self.kind == "choice":
            return isinstance(value, str) or (isinstance(value, Mapping) and isinstance(value.get("name"), str))
        if self.kind == "choices":
            return isinstance(value, (list, tuple)) and all(TRAIN_KEYS["optimizer"].fits(item) for item in value)
        if not (is_integer(value) if self.kind == "integer" else is_number(value)):
            return False
        at_least = value > self.minimum if self.exclusive else value >= self.minimum
        return bool(at_least and (self.kind != "share" or value < 1))


TRAIN_KEYS = {
    "epochs": TrainKey("integer", "Passes over the training samples"),
    "batch_size": TrainKey("integer", "Samples a step", minimum=1),
    "learning_rate": TrainKey("number", "The η of θ ← θ − η ∂L/∂θ, and of other optimizers", exclusive=True),
    "shuffle": TrainKey("boolean", "Whether each epoch has an order of its own"),
    "seed": TrainKey("integer", "Of the initial parameters, the split and the shuffling"),
    "validation": TrainKey("share", "The share of the samples that is kept out to watch the training"),
    "test": TrainKey("share", "The share of the samples that is kept out to judge the result"),
    "optimizer": TrainKey("choice", "How a parameter changes in a step"),
    "schedule": TrainKey("choice", "How the learning rate changes from epoch to epoch"),
    "metrics": TrainKey("choices", "What is measured beside the loss"),
}

TRAIN_RANGES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    name: (key.expected, key.fits) for name, key in TRAIN_KEYS.items()
}
"""What the keys of ``train`` may be: in words, and as a test."""


def read_dtype(data: object, path: Path, problems: list[Problem]) -> str | None:
    """Return the type of every value, or None where there is no such type, which is reported."""
    if isinstance(data, str) and data in DTYPES:
        return data
    message = f'"dtype" must be {" or ".join(quote(dtype) for dtype in DTYPES)}, is {describe(data)}'
    problems.append(Problem("DP011", message, suggest(data, DTYPES) if isinstance(data, str) else None, path=path))
    return None


def read_train(data: object, path: Path, problems: list[Problem]) -> TrainSettings | None:
    """Return the settings of the training, those that are wrong left at their defaults."""
    if not is_object(data, path, problems):
        return None
    report_unknown_keys(data, tuple(TRAIN_RANGES), path, '"train"', problems, own=False)
    settings = {}
    for key, (expected, fits) in TRAIN_RANGES.items():
        if key in data and fits(data[key]):
            settings[key] = freeze(data[key])
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
    seen: set[str] = set()
    for position, name in enumerate(names):
        if key == "classes" and name in seen:
            problems.append(Problem("DP112", f"the label {quote(name)} is there twice", None, None, (*path, position)))
        seen.add(name)
    return names
