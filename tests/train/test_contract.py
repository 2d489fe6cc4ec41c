"""What training can be taught: what a declaration says, and what is said of a wrong one."""

from __future__ import annotations

import pytest

import dagprop
from dagprop.errors import PluginError
from dagprop.train.contract import rules

pytestmark = pytest.mark.usefixtures("own_ops")


def test_a_declaration_is_read_off_its_arguments():
    @dagprop.optimizer("rolling")
    def rolling(xp, parameter, gradient, speed, height, *, step, learning_rate, friction=0.5, nesterov: bool = False):
        """Roll down."""
        return parameter, speed, height

    assert rules("optimizer")["rolling"] is rolling
    assert (rolling.kind, rolling.name, rolling.doc) == ("optimizer", "rolling", "Roll down.")
    assert set(rolling.arguments) == {"xp", "parameter", "gradient", "speed", "height", "step", "learning_rate"}
    assert rolling.memories == ("speed", "height")
    assert rolling.defaults == {"friction": 0.5, "nesterov": False}
    assert [setting.kind for setting in rolling.settings] == ["number", "boolean"]
    assert rolling.place == (__file__, rolling.function.__code__.co_firstlineno)


def test_what_dagprop_brings_is_declared_in_the_same_way():
    assert list(rules("optimizer"))[:1] == ["sgd"]
    assert list(rules("schedule"))[:1] == ["constant"]
    assert rules("initializer")["normal"].defaults == {"mean": 0.0, "std": 1.0}


WRONG = [
    ("optimizer", lambda parameter, *, learning_rate: 0, 'does not ask for "gradient"', "it may ask for"),
    ("optimizer", lambda parameter, gradinet, *, learning_rate: 0, 'does not ask for "gradient"', 'rename "gradinet"'),
    ("optimizer", lambda parameter, gradient, learning_rate: 0, "wrong side of *", "write it behind the *"),
    ("optimizer", lambda parameter, gradient, *, xp: 0, "wrong side of *", "write it before the *"),
    ("optimizer", lambda parameter, gradient, *, learning_rat: 0, "no default", 'did you mean "learning_rate"?'),
    ("optimizer", lambda parameter, gradient, *, learning_rate=0.1: 0, "has no default", "only settings"),
    ("optimizer", lambda parameter, gradient, memory=0: 0, 'an unknown "memory"', "a setting stands behind *"),
    ("optimizer", lambda parameter, gradient, *memories: 0, '"memories" with * or **', "give each argument a name"),
    ("optimizer", lambda parameter, gradient, **settings: 0, '"settings" with * or **', "give each argument a name"),
    ("optimizer", lambda parameter, gradient, *, name=1: 0, 'cannot be called "name"', "names the rule itself"),
    ("optimizer", lambda parameter, gradient, *, size=None: 0, "a graph file cannot give", "annotation"),
    ("optimizer", lambda parameter, gradient, *, size=float("inf"): 0, "not a finite number", None),
    ("schedule", lambda learning_rate, epok: 0, 'an unknown "epok"', 'did you mean "epoch"?'),
    ("schedule", lambda learning_rate, step: 0, 'an unknown "step"', "it may ask for: learning_rate, epoch, epochs"),
    ("metric", lambda prediction: 0, 'does not ask for "target"', "it may ask for"),
    ("metric", lambda prediction, target, weights: 0, 'an unknown "weights"', "it may ask for"),
    ("initializer", lambda shape, rng: 0, 'an unknown "rng"', "it may ask for: shape, random"),
    ("initializer", "no function", "must be a function", None),
]


@pytest.mark.parametrize(("kind", "function", "message", "hint"), WRONG)
def test_a_wrong_declaration_is_refused_with_its_place(kind, function, message, hint):
    with pytest.raises(PluginError) as caught:
        getattr(dagprop, kind)("wrong")(function)
    (problem,) = caught.value.problems
    assert problem.code == "DP503"
    assert problem.message.startswith(f'{kind} "wrong": ') and message in problem.message
    assert hint is None or hint in (problem.hint or "")
    if callable(function):
        assert (problem.file, problem.line) == (__file__, function.__code__.co_firstlineno)
    assert "wrong" not in rules(kind)


@pytest.mark.parametrize("name", ["two words", "", "1st", "naïve", 3])
def test_a_name_has_letters_digits_and_underscores(name):
    with pytest.raises(PluginError, match="the name of a schedule has letters"):
        dagprop.schedule(name)(lambda epoch: 0.1)


@pytest.mark.parametrize("name", ["loss", "accuracy", "epoch", "samples", "learning_rate", "validation_f1"])
def test_a_metric_takes_no_column_that_is_there(name):
    with pytest.raises(PluginError, match="something of this name already"):
        dagprop.metric(name)(lambda prediction, target: 0.0)


@pytest.mark.parametrize(
    ("kind", "name", "rule"),
    [
        ("optimizer", "sgd", lambda parameter, gradient: parameter),
        ("schedule", "constant", lambda learning_rate: learning_rate),
        ("initializer", "zeros", lambda shape: 0),
    ],
)
def test_a_second_provider_is_an_error_that_names_both(kind, name, rule):
    with pytest.raises(PluginError, match=f"{name}.*is declared by .*test_contract.py and by dagprop") as caught:
        getattr(dagprop, kind)(name)(rule)
    assert caught.value.problems[0].code == "DP502"


def test_kinds_have_names_of_their_own():
    dagprop.schedule("sgd")(lambda learning_rate: learning_rate)
    assert {"sgd"} <= rules("schedule").keys() & rules("optimizer").keys()
