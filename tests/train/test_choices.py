"""What is chosen by name and settings: in graph files, on the command line, from Python."""

from __future__ import annotations

import json

import pytest

import dagprop
from dagprop.errors import GraphError
from dagprop.graph.write import dumps
from dagprop.train.choices import check_choice, choice_text, read_choice
from tests.ops.samples import PLUGINS

LINE = {
    "x": {"op": "input", "value": [1.0, 2.0]},
    "w": {"op": "parameter", "value": 0.5},
    "p": {"op": "multiply", "inputs": ["w", "x"]},
    "L": {"op": "half_squared_error", "inputs": ["p", "x"]},
}


@pytest.fixture
def plugins(own_ops):
    """All plugins."""
    from dagprop.ops.plugins import load_plugin

    for path in PLUGINS:
        load_plugin(str(path))


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("kind", "choice", "message"),
    [
        ("optimizer", "sgd", None),
        ("optimizer", {"name": "adam", "beta1": 0}, None),
        ("schedule", {"name": "cosine", "floor": 0.01}, None),
        ("optimizer", "adma", 'unknown optimizer "adma"; did you mean "adam"?'),
        ("optimizer", {"name": "adam", "beta": 1}, 'the optimizer "adam" has no setting "beta"; did you mean "beta2"?'),
        (
            "optimizer",
            {"name": "adam", "beta1": "a"},
            'the setting "beta1" of the optimizer "adam" must be a number, is the text "a"',
        ),
        (
            "optimizer",
            {"name": "adam", "beta1": 1.5},
            'the settings of the optimizer "adam" are wrong: beta1 and beta2 must be from 0 to 1, without 1',
        ),
        (
            "schedule",
            {"name": "cosine", "floor": -1},
            'the settings of the schedule "cosine" are wrong: floor must not be negative',
        ),
        ("schedule", "linear", 'unknown schedule "linear"; there are: constant, cosine; plugins bring more: '),
        ("metric", "accuracy", 'unknown metric "accuracy"; the accuracy is there by itself where the target is a'),
        ("metric", ["mean_absolute_error"], "metric must be a name, or an object with a name and its settings"),
        ("optimizer", {"beta1": 0.5}, "optimizer must be a name, or an object with a name and its settings"),
    ],
)
def test_what_is_wrong_with_a_choice_is_said(kind, choice, message):
    found = check_choice(kind, choice)
    assert found == message or (message is not None and found.startswith(message))


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("adam", "adam"),
        ("adam:beta1=0.8", {"name": "adam", "beta1": 0.8}),
        ("a: b = 1e-3 , c=true,d=word,e=-2", {"name": "a", "b": 1e-3, "c": True, "d": "word", "e": -2}),
    ],
)
def test_the_command_line_writes_a_choice_without_quotes(text, choice):
    assert read_choice(text) == choice
    assert read_choice(choice_text(choice)) == choice


OTHER_FORMS = ("", ":", "adam:", "adam(beta1=1)", "adam:beta1", "adam:=1", '{"name": "adam"}', "a:name=b")


@pytest.mark.parametrize("text", OTHER_FORMS)
def test_another_form_is_refused(text):
    with pytest.raises(ValueError, match="is not of the form NAME or NAME:SETTING=VALUE"):
        read_choice(text)


def test_a_setting_is_given_once():
    with pytest.raises(ValueError, match='"beta1" is given twice'):
        read_choice("adam:beta1=1,beta1=2")


def test_mistakes_in_a_file_are_reported_together_with_their_places(write_graph):
    train = {"optimizer": "sdg", "schedule": {"name": "constant", "x": 1}, "metrics": ["mae", 1]}
    path = write_graph(LINE, loss="L", train=train)
    with pytest.raises(GraphError) as caught:
        dagprop.load(path)
    text = path.read_text(encoding="utf-8")
    wrong_type = [problem for problem in caught.value.problems if "metrics" in problem.message]
    assert len(wrong_type) == 1 and "a list of names" in wrong_type[0].message
    places = {problem.message.partition(";")[0]: problem.column for problem in caught.value.problems}
    assert places['unknown optimizer "sdg"'] == text.index('"sdg"') + 1
    assert places['the schedule "constant" has no setting "x"'] == text.index('{"name": "constant"') + 1
    assert {problem.code for problem in caught.value.problems} == {"DP011"}


def test_a_metric_is_named_once(write_graph, plugins):
    path = write_graph(LINE, loss="L", train={"metrics": ["mean_absolute_error", {"name": "mean_absolute_error"}]})
    with pytest.raises(GraphError, match='the metric "mean_absolute_error" is there twice'):
        dagprop.load(path)


def test_metrics_without_anything_to_compare_are_found_in_the_file(write_graph, plugins):
    nodes = {"w": {"op": "parameter", "value": 2.0}, "L": {"op": "exp", "inputs": ["w"]}}
    path = write_graph(nodes, loss="L", train={"metrics": ["mean_absolute_error"]})
    with pytest.raises(GraphError, match="the metrics need a prediction and its target") as caught:
        dagprop.load(path)
    assert caught.value.problems[0].column == path.read_text(encoding="utf-8").index('["mean_absolute_error"]') + 1


def test_choices_are_written_back(load_graph, plugins):
    train = {"optimizer": {"name": "adam", "beta1": 0.5}, "schedule": "cosine", "metrics": ["mean_absolute_error"]}
    graph = load_graph(LINE, loss="L", train=train)
    assert json.loads(dumps(graph))["train"] == train
    assert '"optimizer"' not in dumps(load_graph(LINE, loss="L", train={"optimizer": "sgd"}))


@pytest.mark.usefixtures("plugins")
def test_python_takes_the_same(load_graph):
    graph = load_graph(LINE, loss="L")
    given = {"name": "adam", "beta1": 0.5}
    result = dagprop.train(graph, optimizer=given, schedule="cosine", metrics=["mean_absolute_error"], epochs=2)
    given["beta1"] = 0.1
    assert result.settings.optimizer == {"name": "adam", "beta1": 0.5}
    with pytest.raises(GraphError) as caught:
        dagprop.train(graph, optimizer="adma", schedule="cosin", metrics=["mae"])
    assert len(caught.value.problems) == 3
    with pytest.raises(GraphError, match='"optimizer" must be a name, or an object'):
        dagprop.train(graph, optimizer=3)
    with pytest.raises(GraphError, match='"metrics" must be a list of names'):
        dagprop.train(graph, metrics="mean_absolute_error")


def test_a_rule_that_fails_anyhow_is_no_matter_of_its_settings(own_ops):
    @dagprop.schedule("broken")
    def broken(learning_rate, *, floor=0.0):
        raise ValueError("not implemented")

    assert check_choice("schedule", "broken") is None
    assert check_choice("schedule", {"name": "broken", "floor": 1}) is None
