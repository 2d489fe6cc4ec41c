"""The checks of declarations: what is right passes, and what is wrong is named with its place."""

from __future__ import annotations

import numpy as np
import pytest

import dagprop
from dagprop.ops.declared import isolated
from dagprop.ops.plugins import load_plugin
from dagprop.train.checks import check_declaration
from dagprop.train.contract import CONTRACTS, rules
from tests.ops.samples import PLUGINS


def load_all():
    for path in PLUGINS:
        load_plugin(str(path))


with isolated():
    load_all()
    DECLARED = [(kind, name) for kind in CONTRACTS for name in rules(kind)]


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize(("kind", "name"), DECLARED)
def test_what_dagprop_and_its_plugins_bring_is_right(kind, name):
    load_all()
    assert check_declaration(kind, name) == []
    assert rules(kind)[name].doc


def test_there_is_a_worked_example_of_each_kind():
    assert {kind for kind, name in DECLARED if rules(kind).get(name) is None} == set(CONTRACTS)


def writes(parameter, gradient, velocity, *, learning_rate):
    velocity += gradient
    return parameter - learning_rate * velocity, velocity


def decides(parameter, gradient, *, learning_rate):
    return parameter - learning_rate * gradient if np.all(gradient > 0) else parameter


def writes_target(prediction, target):
    target -= prediction
    return target


counts = iter(range(10**9))

WRONG = [
    ("optimizer", writes, "may not change its arguments"),
    ("optimizer", decides, "cannot be recorded"),
    ("optimizer", lambda parameter, gradient, *, learning_rate: parameter + learning_rate * gradient, "is not smaller"),
    ("optimizer", lambda parameter, gradient: parameter, "is not smaller after 300 steps"),
    ("optimizer", lambda xp, parameter, gradient: xp.sum(parameter), "gives a new parameter of shape"),
    ("optimizer", lambda parameter, gradient, memory: parameter - 0.1 * gradient, "returns 1 value instead of"),
    ("optimizer", lambda xp, parameter, gradient: parameter - xp.sinus(gradient), "xp has no"),
    ("optimizer", lambda parameter, gradient: parameter - next(counts) * gradient, "compiled, it gives"),
    ("schedule", lambda learning_rate, epoch: learning_rate - 0.1 * epoch, "not a finite number from 0"),
    ("schedule", lambda epoch, epochs: 1 / (epochs - epoch), "failed for epoch"),
    ("schedule", lambda learning_rate: next(counts), "it gives other learning rates"),
    ("metric", lambda prediction, target: None, "gives no numbers"),
    ("metric", lambda xp, prediction, target: xp.log(prediction - 1), "it gives nan"),
    ("metric", lambda xp, prediction, target: xp.no_such_function(prediction), "xp has no"),
    ("metric", writes_target, "may not change its arguments"),
    ("initializer", lambda shape: np.random.default_rng().normal(size=shape), "with the same seed it gives other"),
    ("initializer", lambda shape, random: random.normal(size=shape[::-1]), "for the shape (2, 3)"),
    ("initializer", lambda shape: np.full(shape, np.nan), "not finite"),
    ("initializer", lambda shape: [0.0] * len(shape), "for the shape ()"),
]


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize(("kind", "rule", "message"), WRONG)
def test_what_is_wrong_is_named_with_its_place(kind, rule, message):
    getattr(dagprop, kind)("wrong")(rule)
    problems = check_declaration(kind, "wrong")
    text = "\n".join(map(str, problems))
    assert message in text and '"wrong"' in text
    assert all((problem.file, problem.line) == rules(kind)["wrong"].place for problem in problems)
