"""What goes into pictures of histories, surfaces, regions and ops, before anybody draws it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from dagprop import api
from dagprop.errors import DagpropError, DataError, GraphError
from dagprop.explain.coordinates import Coordinate, find_coordinate, split_names
from dagprop.explain.op_curve import op_curve
from dagprop.explain.regions import decision_regions
from dagprop.explain.surface import loss_surface
from dagprop.ops.plugins import load_plugin
from dagprop.ops.registry import ops
from dagprop.plan.network import prepare
from dagprop.render.explained_figures import op_figure, regions_figure, surface_figure
from dagprop.render.figure import figure_data
from dagprop.render.history_figure import MOST_LINES, history_figure
from dagprop.train.data import data_from_arrays, load_data
from dagprop.train.history import History


def history(name, **columns):
    lists = {key.replace("__", ":"): np.array(values, float) for key, values in columns.items()}
    return History(name, np.arange(1.0, 1 + len(next(iter(lists.values())))), lists)


TRAINED = history("a/run.csv", loss=[3, 1], accuracy=[0.5, 1], validation_loss=[4, 2], norm__w=[1, 2], norm__b=[5, 6])


def lines(panel):
    return [(s.name, s.style, s.x.tolist(), s.y.tolist()) for s in panel.series]


def test_one_history():
    figure = history_figure([TRAINED])
    assert figure.title == "run"
    assert [panel.y_label for panel in figure.panels] == ["loss", "accuracy", "parameter norms"]
    assert lines(figure.panels[0]) == [("training", "line", [1, 2], [3, 1]), ("validation", "dashed", [1, 2], [4, 2])]
    assert lines(figure.panels[2]) == [("w", "line", [1, 2], [1, 2]), ("b", "line", [1, 2], [5, 6])]
    assert not any(panel.log for panel in figure.panels)


def test_several_histories_lie_over_each_other_under_their_names():
    other = history("b/other.jsonl", loss=[9, 8, 7])
    figure = history_figure([TRAINED, other], shown=["loss"], log=True)
    (panel,) = figure.panels
    assert lines(panel) == [
        ("run: training", "line", [1, 2], [3, 1]),
        ("run: validation", "dashed", [1, 2], [4, 2]),
        ("other: training", "line", [1, 2, 3], [9, 8, 7]),
    ]
    assert [series.colour for series in panel.series] == [0, 0, 1] and panel.log
    same = history_figure([TRAINED, history("b/run.csv", loss=[1])], shown=["loss"]).panels[0]
    assert {series.name.partition(":")[0] for series in same.series} == {"a/run.csv", "b/run.csv"}


@pytest.mark.parametrize("shown", ["parameter norms", "parameter_norms", "parameter-norms"])
def test_panels_and_parameters_can_be_chosen(shown):
    (panel,) = history_figure([TRAINED], shown=[shown], wrt=["b"]).panels
    assert [series.name for series in panel.series] == ["b"]


def test_of_very_many_parameters_the_first_are_drawn_and_the_others_counted():
    many = history("h", **{f"norm__w{number}": [1.0] for number in range(MOST_LINES + 3)})
    figure = history_figure([many])
    assert len(figure.panels[0].series) == MOST_LINES and "3 more lines" in figure.note


def test_accuracies_and_values_are_never_logarithmic():
    figure = history_figure([history("h", loss=[1], accuracy=[1], gradient_norm__w=[1], value__w=[1])], log=True)
    assert {panel.y_label: panel.log for panel in figure.panels} == {
        **{"loss": True, "accuracy": False, "gradient norms": True, "parameters": False}
    }


@pytest.mark.parametrize("choice", [{"shown": ["los"]}, {"wrt": ["v"]}, {"shown": ["norm:w"]}])
def test_what_no_history_has_is_refused(choice):
    with pytest.raises(DataError, match="DP409"):
        history_figure([TRAINED], **choice)


def test_a_history_without_columns_is_refused():
    with pytest.raises(DataError, match="nothing to draw"):
        history_figure([History("h", np.array([1.0]), {})])


# Names of single numbers


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("w1,w2", ["w1", "w2"]),
        ("hidden/w[0,2], b", ["hidden/w[0,2]", "b"]),
        ("w[0,1],v[2,3,4],", ["w[0,1]", "v[2,3,4]"]),
        ("", []),
    ],
)
def test_commas_in_brackets_separate_nothing(text, names):
    assert split_names(text) == names


SHAPES = {"w": (), "v": (3,), "m": (2, 3), "one": (1, 1)}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("w", Coordinate("w")),
        ("v[2]", Coordinate("v", (2,))),
        ("m[1, 2]", Coordinate("m", (1, 2))),
        ("one", Coordinate("one", (0, 0))),
    ],
)
def test_coordinates(name, found):
    assert find_coordinate(name, SHAPES, "parameter") == found
    assert find_coordinate(str(found), SHAPES, "parameter") == found


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *[("u", "DP104"), ("v", "DP011"), ("v[3]", "DP011"), ("v[-1]", "DP011"), ("v[0,0]", "DP011"), ("v[]", "DP011")],
        *[("m[0,3]", "DP011"), ("m[0", "DP011"), ("m[0]]", "DP011"), ("w[0]", "DP011"), ("", "DP104")],
    ],
)
def test_coordinates_that_are_none(name, code):
    with pytest.raises(GraphError, match=code):
        find_coordinate(name, SHAPES, "parameter")


# Surfaces


def surface_of(graph, names, ranges=None, points=5, data=None, **more):
    network = prepare(graph)
    data = data or load_data(graph, network)
    shapes = {id: network.shapes[id] for id in network.graph.parameters()}
    found = [find_coordinate(name, shapes, "parameter") for name in names]
    return loss_surface(network, data, graph.train, {}, found, ranges or [None] * len(found), points, **more)


def test_a_contour_is_the_loss_and_the_path_that_of_gradient_descent(root):
    graph = api.load(root / "graphs/two-weight-perceptron.json")
    surface = surface_of(graph, ["w1", "w2"], [(-2.0, 2.0), (-1.0, 1.0)], points=5)
    first, second = surface.axes
    assert first.tolist() == [-2, -1, 0, 1, 2] and second.tolist() == [-1, -0.5, 0, 0.5, 1]
    # x1 = 1, x2 = 2, y = 1
    assert surface.losses == pytest.approx(0.5 * (first[np.newaxis] + 2 * second[:, np.newaxis] - 1) ** 2, abs=1e-15)
    w = np.array([0.5, -0.5])
    path = [w]
    for _ in range(20):
        w = w - 0.1 * (w[0] + 2 * w[1] - 1) * np.array([1, 2])
        path.append(w)
    assert surface.path == pytest.approx(np.array(path), abs=1e-14)
    assert surface.whole and surface.each_step
    (panel,) = surface_figure(surface, "title").panels
    assert panel.field.values is surface.losses and (panel.x_label, panel.y_label) == ("w1", "w2")
    assert panel.series[0].x.tolist() == surface.path[:, 0].tolist() and panel.series[0].style == "path"


def test_a_curve_is_the_loss_and_the_path_lies_on_it(root):
    graph = api.load(root / "graphs/line.json")
    rows = np.loadtxt(root / "graphs/data/line.csv", delimiter=",", skiprows=1)
    surface = surface_of(graph, ["w"], points=11)

    def loss(w):
        return (0.5 * (np.multiply.outer(w, rows[:, 0]) - rows[:, 1]) ** 2).mean(axis=-1)

    assert surface.losses == pytest.approx(loss(surface.axes[0]), rel=1e-12)
    assert surface.path.shape == (1 + 20 * 30, 1) and surface.path[0] == 0
    assert surface.path_losses == pytest.approx(loss(surface.path[:, 0]), rel=1e-12)
    assert surface.axes[0][0] < surface.path.min() and surface.axes[0][-1] > surface.path.max()
    assert surface.path[-1, 0] == pytest.approx(float(api.train(graph).parameters["w"]), rel=1e-12)


def test_the_other_parameters_are_held_as_trained(root):
    graph = api.load(root / "graphs/xor.json")
    graph = type(graph)(**{**_fields(graph), "train": type(graph.train)(epochs=30, batch_size=4, learning_rate=0.5)})
    trained = api.train(graph)
    first, second = (float(trained.parameters["hidden/w"][index]) for index in ((0, 3), (1, 2)))
    surface = surface_of(
        graph, ["hidden/w[0,3]", "hidden/w[1,2]"], [(first, first + 1), (second - 1, second)], points=2
    )
    values = api.value_and_grad(graph, parameters=trained.parameters)[0]
    assert surface.losses[1, 0] == pytest.approx(values, rel=1e-12)
    assert surface.path[-1].tolist() == pytest.approx([first, second], rel=1e-12)
    assert not surface.whole and "held as trained" in surface_figure(surface, "").note


def _fields(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_of_very_many_steps_the_path_has_a_point_for_each_epoch(root):
    graph = api.load(root / "graphs/line.json")
    graph = type(graph)(**{**_fields(graph), "train": type(graph.train)(epochs=100, batch_size=1, learning_rate=0.05)})
    surface = surface_of(graph, ["w"], points=2)
    assert len(surface.path) == 101 and not surface.each_step
    assert surface.path[-1, 0] == float(api.train(graph).parameters["w"])


def test_a_surface_without_a_path_trains_nothing(root, monkeypatch):
    monkeypatch.setattr("dagprop.explain.surface.train_network", None)
    graph = api.load(root / "graphs/line.json")
    surface = surface_of(graph, ["w"], points=3, with_path=False)
    assert surface.axes[0].tolist() == [-1, 0, 1] and surface.path.shape == (0, 1)
    assert [series.style for series in surface_figure(surface, "").panels[0].series] == ["line"]


def test_only_the_samples_that_are_learnt_from_count(load_graph):
    nodes = {
        "x": {"op": "input"},
        "w": {"op": "parameter", "value": 1.0},
        "L": {"op": "multiply", "inputs": ["w", "x"]},
    }
    graph = load_graph(nodes, loss="L", train={"epochs": 1, "test": 0.5, "learning_rate": 0.1})
    x = np.arange(10.0)
    surface = surface_of(graph, ["w"], [(0.0, 1.0)], 2, data_from_arrays(prepare(graph), {"x": x}), with_path=False)
    total = surface.losses[1] * 5  # the sum of the five that are left
    assert total == pytest.approx(round(total)) and surface.losses[1] != pytest.approx(x.mean())


# Regions

PLANE = {
    "x": {"op": "input", "shape": ["N", 2]},
    "y": {"op": "input"},
    "w": {"op": "parameter", "value": [1.0, -1.0]},
    "logit": {"op": "matmul", "inputs": ["x", "w"]},
    "L": {"op": "binary_cross_entropy_with_logits", "inputs": ["logit", "y"]},
}


def test_two_classes_are_parted_where_the_logit_is_0(load_graph):
    network = prepare(load_graph(PLANE, loss="L"))
    data = data_from_arrays(network, {"x": [[0, 1], [2, 1], [1, 3]], "y": [0, 1, 0]})
    regions = decision_regions(network, data, {})
    assert regions.names == ("x[0]", "x[1]") and regions.labels == ("class 0", "class 1") and regions.held == {}
    across, up = np.meshgrid(regions.x, regions.y)
    assert (regions.classes == (across - up > 0)).all()
    assert regions.ahead[1] == pytest.approx(across - up) and regions.ahead[0] == pytest.approx(up - across)
    assert regions.samples.tolist() == [[0, 1], [2, 1], [1, 3]] and regions.targets.tolist() == [0, 1, 0]
    assert (regions.x[0], regions.x[-1], regions.y[0], regions.y[-1]) == pytest.approx((-0.2, 2.2, 0.8, 3.2))
    (panel,) = regions_figure(regions, "").panels
    assert [(s.name, s.x.tolist()) for s in panel.series] == [("class 0", [0, 1]), ("class 1", [2])]


def three_classes(load_graph):
    nodes = {
        "a": {"op": "input"},
        "x": {"op": "input", "shape": ["N", 3]},
        "kind": {"op": "input"},
        "w": {"op": "parameter", "value": [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]},
        "logits": {"op": "matmul", "inputs": ["x", "w"]},
        "L": {"op": "cross_entropy", "inputs": ["logits", "kind"]},
    }
    return prepare(load_graph(nodes, loss="L"))


def test_of_several_classes_the_largest_logit_wins_and_other_inputs_are_held_at_their_mean(load_graph):
    network = three_classes(load_graph)
    x = [[0, 5, 1], [4, 5, 2], [2, 5, 6.0]]
    regions = decision_regions(
        network, data_from_arrays(network, {"a": [0, 0, 0], "x": x, "kind": [0, 1, 2]}), {}, ["x[2]", "x[0]"]
    )
    assert regions.names == ("x[2]", "x[0]") and regions.held == {"x[1]": 5.0}
    third, first = np.meshgrid(regions.x, regions.y)
    expected = np.stack([first, np.full_like(first, 5.0), third]).argmax(axis=0)
    assert (regions.classes == expected).all() and set(expected.flat) == {1, 2}
    for number in range(3):
        assert ((regions.ahead[number] > 0) <= (expected == number)).all()
    assert "x[1] = 5" in regions_figure(regions, "").note


def test_columns_of_the_data_have_names(root):
    graph = api.load(root / "graphs/iris.json")
    network = prepare(graph)
    parameters = api.initial_parameters(graph)
    regions = decision_regions(network, load_data(graph, network), parameters, ["petal_length", "flower[3]"])
    assert regions.names == ("petal_length", "petal_width") and regions.labels == ("setosa", "versicolor", "virginica")
    assert set(regions.held) == {"sepal_length", "sepal_width"} and len(regions.samples) == 150
    assert np.bincount(regions.targets).tolist() == [50, 50, 50]


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ([], "DP011"),
        (["x[0]"], "DP011"),
        (["x[0]", "x[0]"], "DP011"),
        (["x[0]", "z"], "DP104"),
        (["x[0]", "x[3]"], "DP011"),
    ],
)
def test_a_plane_has_two_inputs(load_graph, chosen, code):
    network = three_classes(load_graph)
    data = data_from_arrays(network, {"a": [0], "x": [[0, 1, 2.0]], "kind": [0]})
    with pytest.raises(GraphError, match=code):
        decision_regions(network, data, {}, chosen)


def test_what_is_no_classifier_has_no_regions(root):
    graph = api.load(root / "graphs/two-weight-perceptron.json")
    with pytest.raises(GraphError, match="no classifier"):
        decision_regions(prepare(graph), load_data(graph, prepare(graph)), {})


# Ops

CURVES = {
    "sigmoid": ({}, None, lambda x: 1 / (1 + np.exp(-x)), (-6, 6)),
    "tanh": ({}, None, np.tanh, (-6, 6)),
    "elu": ({"alpha": 2}, None, lambda x: np.where(x > 0, x, 2 * np.expm1(x)), (-3, -0.5)),
    "log": ({}, None, np.log, (0.5, 3)),
    "half_squared_error": ({"prediction": 3}, "target", lambda x: 0.5 * (3 - x) ** 2, (-6, 6)),
    "multiply": ({"xs1": -2}, None, lambda x: -2 * x, (-6, 6)),
    "power": ({"base": 2.0}, "exponent", lambda x: 2.0**x, (-3, 3)),
    "snake": ({"a": 2}, None, lambda x: x + np.sin(2 * x) ** 2 / 2, (-6, 6)),
}


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_the_op_and_its_derivative(name, root, own_ops):
    load_plugin(str(root / "plugins/snake.py"))
    settings, over, formula, ends = CURVES[name]
    curve = op_curve(name, settings, ends, over)
    assert (curve.x[0], curve.x[-1]) == ends
    assert curve.values == pytest.approx(formula(curve.x), rel=1e-12, abs=1e-12)
    h = 1e-5
    slope = (formula(curve.x + h) - formula(curve.x - h)) / (2 * h)
    assert curve.derivatives == pytest.approx(slope, rel=1e-6, abs=1e-8)
    assert curve.settings == settings
    figure = op_figure(curve)
    assert [s.name for s in figure.panels[0].series] == [f"{name}({curve.over})", f"derivative by {curve.over}"]


@pytest.mark.parametrize("name", sorted(ops()))
def test_every_op_is_drawn_or_refused_by_its_rules(name):
    if any(rule.kind == "derivative" for rule in ops()[name].rules.values()):
        curve = op_curve(name, {})
        assert curve.values.shape == curve.derivatives.shape == curve.x.shape
    else:
        with pytest.raises(GraphError, match="DP301"):
            op_curve(name, {})


def test_where_an_op_is_not_defined_there_is_a_gap():
    value, derivative = op_figure(op_curve("log", {}, (-1.0, 1.0))).panels[0].series
    assert np.isnan(value.y[value.x <= 0]).all() and np.isfinite(value.y[value.x > 0]).all()
    assert np.isnan(derivative.y[derivative.x <= 0]).all()


@pytest.mark.parametrize(
    ("name", "settings", "over", "code"),
    [
        ("sigmoid", {"beta": 1}, None, "DP102"),
        ("leaky_relu", {"alpha": "steep"}, None, "DP108"),
        ("half_squared_error", {"target": "high"}, None, "DP108"),
        ("half_squared_error", {"target": [1, 2]}, None, "DP301"),
        ("sigmoid", {}, "y", "DP106"),
        ("dense", {}, None, "DP301"),
        ("none", {}, None, "DP301"),
    ],
)
def test_what_an_op_does_not_take_is_refused(name, settings, over, code):
    with pytest.raises(DagpropError, match=code) as error:
        op_curve(name, settings, over=over)
    assert 'node "y"' not in str(error.value)


def test_everything_shown_is_listed_as_json():
    data = figure_data(op_figure(op_curve("tanh", {}, (0.0, 1.0))))
    assert math.tanh(1) == data["panels"][0]["series"][0]["y"][-1]
    assert json.dumps(data, default=lambda array: array.tolist())
