"""What training can be taught: optimisers, learning-rate schedules, metrics and initialisers, each one function.

As with ops, the names of the arguments say what a rule needs, and what stands behind ``*`` are settings with defaults,
which a graph file may choose.  A rule refuses settings by raising a ``ValueError`` that says what is wrong with them.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

from dagprop.errors import quote, suggest
from dagprop.graph.signature import AttributeSignature
from dagprop.ops.arguments import Place, attribute_of, is_name, place_of, wrong
from dagprop.ops.declared import Declaration, declare, declared, identity_of
from dagprop.record import record

RuleKind = Literal["optimizer", "schedule", "metric", "initializer"]

Function = Callable[..., Any]

FAMILIES = ("optimizers", "schedules", "initializers")
"""The modules of what dagprop brings."""


@record
class Contract:
    """What a rule of a kind may and must ask for.

    Attributes
    ----------
    gives : tuple of str
        The arguments that it can be given, before ``*``.
    needs : tuple of str
        Those of them without which it makes no sense.
    by_name : tuple of str
        The arguments that it can be given behind ``*``.
    remembers : bool
        Whether other arguments before ``*`` are what it remembers from step to step.
    """

    gives: tuple[str, ...]
    needs: tuple[str, ...]
    by_name: tuple[str, ...] = ()
    remembers: bool = False


CONTRACTS: dict[RuleKind, Contract] = {
    "optimizer": Contract(
        ("xp", "parameter", "gradient"), ("parameter", "gradient"), ("learning_rate", "step"), remembers=True
    ),
    "schedule": Contract(("learning_rate", "epoch", "epochs"), ()),
    "metric": Contract(("xp", "prediction", "target"), ("prediction", "target")),
    "initializer": Contract(("shape", "random"), ()),
}

TAKEN_COLUMNS = ("epoch", "loss", "accuracy", "samples", "learning_rate")
"""What results have a column of already; no metric may have such a name."""


@record(eq=False)
class TrainingRule:
    """An optimiser, a schedule, a metric or an initialiser.

    Attributes
    ----------
    kind : {"optimizer", "schedule", "metric", "initializer"}
    name : str
    function : callable
    arguments : tuple of str
        What it asks for, without its settings.
    memories : tuple of str
        Of an optimiser: what it remembers for each parameter, in the order in which it gives it back.
    settings : tuple of AttributeSignature
    doc : str
    place : (str, int)
        The file and line of the declaration.
    """

    kind: RuleKind
    name: str
    function: Function
    arguments: tuple[str, ...]
    memories: tuple[str, ...]
    settings: tuple[AttributeSignature, ...]
    doc: str
    place: Place

    @property
    def defaults(self) -> dict[str, Any]:
        """The settings with their defaults."""
        return {setting.name: setting.default for setting in self.settings}

    def __call__(self, settings: Mapping[str, Any], **given: Any) -> Any:
        """Return what the rule gives, of what it could be given and its settings."""
        return self.function(**{name: given[name] for name in self.arguments}, **settings)


def optimizer(name: str) -> Callable[[Function], TrainingRule]:
    """Declare an optimiser: how a parameter changes in a step of training.

    The rule may ask for ``xp``, ``parameter`` and ``gradient``, in this order, and then for what it remembers from step
    to step: arrays of the parameter's shape that are zeros at first.  Behind ``*`` it may ask for ``learning_rate`` and
    ``step``, the number of the step from 1; all else there are settings.  It returns the new parameter, and behind it
    the new memories in their order.

    Parameters
    ----------
    name : str
        What graph files call it.

    Raises
    ------
    PluginError
        If the declaration is wrong (DP503), or the name is taken (DP502).

    Examples
    --------
    >>> from dagprop import optimizer
    >>> @optimizer("heavy_ball")
    ... def heavy_ball(parameter, gradient, velocity, *, learning_rate, momentum=0.9):
    ...     velocity = momentum * velocity + gradient
    ...     return parameter - learning_rate * velocity, velocity
    """
    return _declaring("optimizer", name)


def schedule(name: str) -> Callable[[Function], TrainingRule]:
    """Declare a learning-rate schedule, a function of plain numbers to the learning rate of an epoch.

    The rule may ask for ``learning_rate``, that of the training, ``epoch``, counted from 1, and ``epochs``, how many
    there are; what stands behind ``*`` are settings.

    Parameters
    ----------
    name : str
        What graph files call it.

    Raises
    ------
    PluginError
        If the declaration is wrong (DP503), or the name is taken (DP502).

    Examples
    --------
    >>> from dagprop import schedule
    >>> @schedule("halving")
    ... def halving(learning_rate, epoch, *, every=10):
    ...     return learning_rate * 0.5 ** ((epoch - 1) // every)
    """
    return _declaring("schedule", name)


def metric(name: str) -> Callable[[Function], TrainingRule]:
    """Declare a metric: a number that says how good predictions are.

    The rule may ask for ``xp``, ``prediction`` and ``target``; what stands behind ``*`` are settings.  It returns a
    number for each sample, or one for all: what is reported is the mean.

    Parameters
    ----------
    name : str
        What graph files call it.

    Raises
    ------
    PluginError
        If the declaration is wrong (DP503), or the name is taken (DP502).

    Examples
    --------
    >>> from dagprop import metric
    >>> @metric("largest_error")
    ... def largest_error(xp, prediction, target):
    ...     return xp.max(xp.abs(prediction - target))
    """
    return _declaring("metric", name)


def initializer(name: str) -> Callable[[Function], TrainingRule]:
    """Declare an initialiser: what a parameter starts with.

    The rule may ask for ``shape``, a tuple of numbers, and ``random``, a generator of NumPy that is seeded for this
    parameter; what stands behind ``*`` are settings.  It returns an array of this shape.

    Parameters
    ----------
    name : str
        What graph files call it.

    Raises
    ------
    PluginError
        If the declaration is wrong (DP503), or the name is taken (DP502).

    Examples
    --------
    >>> from dagprop import initializer
    >>> @initializer("rademacher")
    ... def rademacher(shape, random, *, scale=1.0):
    ...     return scale * random.choice([-1.0, 1.0], shape)
    """
    return _declaring("initializer", name)


def rules(kind: RuleKind) -> dict[str, TrainingRule]:
    """Return what of a kind is declared, by name: what dagprop brings first."""
    _load_families()
    return {name: declaration.value for name, declaration in declared(kind).items()}


def _declaring(kind: RuleKind, name: str) -> Callable[[Function], TrainingRule]:
    def declare_rule(function: Function) -> TrainingRule:
        new = _read(kind, name, function)
        shipped = function.__module__.startswith(f"{__package__}.")
        if not shipped:
            _load_families()  # so that a clash with what dagprop brings is the newcomer's error
        declare(kind, name, Declaration(new, *new.place, identity_of(function), shipped))
        return new

    return declare_rule


@cache
def _load_families() -> None:
    for family in FAMILIES:
        importlib.import_module(f"{__package__}.{family}")


def _read(kind: RuleKind, name: str, function: Function) -> TrainingRule:
    """Return the rule that a function declares by its arguments.

    Raises
    ------
    PluginError
        If the name or the arguments are not as the contract asks (DP503).
    """
    what, place, contract = f"{kind} {quote(str(name))}", place_of(function), CONTRACTS[kind]
    if not is_name(name):
        article = "an" if kind[0] in "aeiou" else "a"
        raise wrong(what, place, f"the name of {article} {kind} has letters, digits and _ and starts with no digit")
    if kind == "metric" and (name in TAKEN_COLUMNS or name.startswith("validation_")):
        raise wrong(what, place, "results have something of this name already", "give the metric another name")
    if not inspect.isfunction(function):
        raise wrong(what, place, "the rule must be a function")
    arguments: list[str] = []
    memories: list[str] = []
    settings: list[AttributeSignature] = []
    for parameter in inspect.signature(function, eval_str=False).parameters.values():
        argument, called = parameter.name, quote(parameter.name)
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            hint = "give each argument a name: what it needs, then * and its settings"
            raise wrong(what, place, f"the rule has {called} with * or **, or before /", hint)
        given = contract.by_name if parameter.kind is parameter.KEYWORD_ONLY else contract.gives
        if argument in given:
            arguments.append(argument)
            if parameter.default is not parameter.empty:
                raise wrong(what, place, f"{called} is always given and has no default", "only settings have defaults")
        elif argument in (*contract.gives, *contract.by_name):
            side = "before" if parameter.kind is parameter.KEYWORD_ONLY else "behind"
            raise wrong(what, place, f"{called} stands on the wrong side of *", f"write it {side} the *")
        elif parameter.kind is parameter.KEYWORD_ONLY:
            settings.append(_setting(what, place, contract, parameter))
        elif contract.remembers and parameter.default is parameter.empty:
            memories.append(argument)
        else:
            raise wrong(what, place, f"the rule asks for an unknown {called}", _hint(contract, argument))
    for argument in contract.needs:
        if argument not in arguments:
            near = next((memory for memory in memories if suggest(memory, (argument,))), None)
            hint = f"rename {quote(near)}" if near else f"it may ask for: {', '.join(contract.gives)}"
            raise wrong(what, place, f"the rule does not ask for {quote(argument)}", hint)
    doc = inspect.getdoc(function) or ""
    return TrainingRule(kind, name, function, (*arguments, *memories), tuple(memories), tuple(settings), doc, place)


def _setting(what: str, place: Place, contract: Contract, parameter: inspect.Parameter) -> AttributeSignature:
    """Return the setting that a keyword-only argument declares."""
    called = quote(parameter.name)
    if parameter.name == "name":
        raise wrong(what, place, 'a setting cannot be called "name"', "in a graph file this key names the rule itself")
    if parameter.default is parameter.empty:
        hint = (
            suggest(parameter.name, contract.by_name) or f"write {parameter.name}=... with the value that it mostly has"
        )
        raise wrong(what, place, f"the setting {called} has no default", hint)
    return attribute_of(what, place, parameter, "setting")


def _hint(contract: Contract, argument: str) -> str:
    hint = "a setting stands behind *, with a default"
    near = suggest(argument, contract.gives)
    return near or f"it may ask for: {', '.join(contract.gives)}; {hint}"
