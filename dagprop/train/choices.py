"""Choices: what a graph file, an option or a call names, found among what is declared, with its settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dagprop.errors import GraphError, Problem, quote, suggest
from dagprop.graph.records import Choice, Graph, TrainSettings
from dagprop.graph.signature import check_attribute
from dagprop.train.contract import RuleKind, TrainingRule, rules

KEYS: dict[str, RuleKind] = {"optimizer": "optimizer", "schedule": "schedule", "metrics": "metric"}
"""The keys of ``train`` that choose something, and its kind."""


def chosen(kind: RuleKind, choice: Choice) -> tuple[TrainingRule, dict[str, Any]]:
    """Return what a choice names, and all its settings.

    Raises
    ------
    GraphError
        If the choice is wrong (DP011).
    """
    problem = check_choice(kind, choice)
    if problem is not None:
        raise GraphError(Problem("DP011", problem))
    name, given = _parts(choice)
    rule = rules(kind)[name]
    return rule, {**rule.defaults, **given}


def check_choice(kind: RuleKind, choice: object, **given: Any) -> str | None:
    """Return what is wrong with a choice, or None.

    Parameters
    ----------
    kind : {"optimizer", "schedule", "metric", "initializer"}
    choice : object
        What should be a name, or an object with ``name`` and settings.
    **given
        What the rule is given when its settings are tried, in place of the smallest that there is.
    """
    if not isinstance(choice, str) and not (isinstance(choice, Mapping) and isinstance(choice.get("name"), str)):
        return f"{'init' if kind == 'initializer' else kind} must be a name, or an object with a name and its settings"
    name, settings = _parts(choice)
    known = rules(kind)
    if name not in known:
        from dagprop.ops.providers.provide import provide  # who has it, if anybody

        provided = provide([name], (kind,))
        known = rules(kind)
        if name not in known:
            return f"unknown {kind} {quote(name)}; {provided.hint(name) or _hint(kind, name, known)}"
    rule = known[name]
    signatures = {setting.name: setting for setting in rule.settings}
    for key, value in settings.items():
        if key not in signatures:
            hint = suggest(key, signatures) or f"it has: {', '.join(signatures) or 'none'}"
            return f"the {kind} {quote(name)} has no setting {quote(key)}; {hint}"
        wrong = check_attribute(signatures[key], value)
        if wrong is not None:
            return f"the setting {quote(key)} of the {kind} {quote(name)} {wrong}"
    try:
        _TRIALS[kind](rule, {**rule.defaults, **settings}, given)
    except ValueError as error:
        if settings and not _fails(kind, rule, given):
            return f"the settings of the {kind} {quote(name)} are wrong: {error}"
    except (Exception, SystemExit):  # a rule is anybody's code
        pass
    return None  # what else is wrong is no matter of settings: whoever runs the rule says what it is


def _fails(kind: RuleKind, rule: TrainingRule, given: Mapping[str, Any]) -> bool:
    """Whether a rule fails with its own settings too."""
    try:
        _TRIALS[kind](rule, rule.defaults, given)
    except (Exception, SystemExit):  # a rule is anybody's code
        return True
    return False


def _hint(kind: RuleKind, name: str, known: Mapping[str, TrainingRule]) -> str:
    if kind == "metric" and name == "accuracy":
        return "the accuracy is there by itself where the target is a class"
    if near := suggest(name, known):
        return near
    there = f"there are: {', '.join(known)}" if known else "none is declared"
    return f"{there}; plugins bring more: --plugin FILE.py"


def _parts(choice: Choice) -> tuple[str, dict[str, Any]]:
    """Return the name and the settings of a choice."""
    if isinstance(choice, str):
        return choice, {}
    return choice["name"], {key: value for key, value in choice.items() if key != "name"}


def _try_update(rule: TrainingRule, settings: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    from dagprop.backends.numpy_namespace import numpy_namespace

    numbers = {name: np.ones(1) for name in ("parameter", "gradient", *rule.memories)}
    with np.errstate(all="ignore"):
        rule(settings, xp=numpy_namespace, learning_rate=0.1, step=np.float64(1), **numbers)


_TRIALS: dict[RuleKind, Callable[[TrainingRule, Mapping[str, Any], Mapping[str, Any]], object]] = {
    "optimizer": _try_update,
    "schedule": lambda rule, settings, given: rule(settings, learning_rate=0.1, epoch=1, epochs=1),
    # What a metric can be given depends on the network.
    "metric": lambda rule, settings, given: None,
    "initializer": lambda rule, settings, given: rule(
        settings, **{"shape": (1, 1), "random": np.random.default_rng(0), **given}
    ),
}
"""How the settings of each kind are tried: on the smallest that there is."""


def choice_problems(graph: Graph) -> list[Problem]:
    """Return what is wrong with what ``train`` of a graph file chooses (DP011)."""
    return [
        Problem("DP011", message, path=("train", key, *place)) for key, place, message in wrong_choices(graph.train)
    ]


def wrong_choices(settings: TrainSettings) -> list[tuple[str, tuple[int, ...], str]]:
    """Return, for each choice that is wrong, its key, its position where there are several, and what is wrong."""
    default = TrainSettings()
    found: list[tuple[str, tuple[int, ...], str]] = []
    for key, kind in KEYS.items():
        value = getattr(settings, key)
        if value == getattr(default, key):
            continue
        names: list[str] = []
        for position, choice in enumerate(value if key == "metrics" else (value,)):
            place = (position,) if key == "metrics" else ()
            problem = check_choice(kind, choice)
            if problem is None:
                name = _parts(choice)[0]
                problem = f"the metric {quote(name)} is there twice" if name in names else None
                names.append(name)
            if problem is not None:
                found.append((key, place, problem))
    return found


def read_choice(text: str) -> Choice:
    """Return the choice that a text of the command line makes: ``NAME`` or ``NAME:SETTING=VALUE,SETTING=VALUE``.

    Raises
    ------
    ValueError
        If it is not of this form.
    """
    name, colon, rest = text.partition(":")
    if not name.strip().isidentifier() or (colon and not rest.strip()):
        raise ValueError(_FORM.format(quote(text)))
    choice: dict[str, Any] = {"name": name.strip()}
    for part in rest.split(",") if colon else ():
        setting, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not setting.isidentifier() or setting == "name":
            raise ValueError(_FORM.format(quote(text)))
        if setting in choice:
            raise ValueError(f"the setting {quote(setting)} is given twice")
        choice[setting] = _value(value)
    return choice if len(choice) > 1 else choice["name"]


_FORM = "{} is not of the form NAME or NAME:SETTING=VALUE,SETTING=VALUE"


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # a text needs no quotes


def choice_text(choice: Choice) -> str:
    """Return a choice as the command line takes it."""
    name, settings = _parts(choice)
    values = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in settings.items()]
    return f"{name}:{','.join(values)}" if values else name
