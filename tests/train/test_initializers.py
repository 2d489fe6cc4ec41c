"""How parameters start: the distribution of each initialiser, and what is said of a wrong one."""

import math

import numpy as np
import pytest

from dagprop.errors import GraphError
from dagprop.plan.network import prepare
from dagprop.train.contract import rules
from dagprop.train.initializers import check_initializer, initial_values, initialize

SHAPE = (300, 200)


@pytest.mark.parametrize(
    ("spec", "mean", "deviation", "bound"),
    [
        ("zeros", 0, 0, 0),
        ("ones", 1, 0, 1),
        ({"name": "constant", "value": 2.5}, 2.5, 0, 2.5),
        ("normal", 0, 1, math.inf),
        ({"name": "normal", "mean": 3, "std": 0.5}, 3, 0.5, math.inf),
        ("uniform", 0, 1 / math.sqrt(3), 1),
        ({"name": "uniform", "low": 2, "high": 4}, 3, 1 / math.sqrt(3), 4),
        ("glorot_uniform", 0, math.sqrt(2 / 500), math.sqrt(6 / 500)),
        ("glorot_normal", 0, math.sqrt(2 / 500), math.inf),
        ("he_uniform", 0, math.sqrt(2 / 300), math.sqrt(6 / 300)),
        ("he_normal", 0, math.sqrt(2 / 300), math.inf),
        ("lecun_normal", 0, math.sqrt(1 / 300), math.inf),
    ],
)
def test_moments(spec, mean, deviation, bound):
    values = initialize(spec, SHAPE, np.random.default_rng(0))
    assert values.shape == SHAPE
    assert values.mean() == pytest.approx(mean, abs=5 * deviation / math.sqrt(values.size))
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert abs(values).max() <= bound
    if 0 < bound < math.inf:
        assert abs(values).max() > 0.99 * bound


@pytest.mark.parametrize(
    ("shape", "fan_in", "fan_out"), [((), 1, 1), ((7,), 7, 1), ((4, 5), 4, 5), ((3, 3, 4, 5), 36, 45), ((0, 2), 1, 2)]
)
def test_fans(shape, fan_in, fan_out):
    limit = math.sqrt(6 / (fan_in + fan_out))
    draws = np.concatenate(
        [np.ravel(initialize("glorot_uniform", shape, np.random.default_rng(s))) for s in range(200)]
    )
    assert (abs(draws) <= limit).all()
    if draws.size:
        assert abs(draws).max() > 0.95 * limit


@pytest.mark.parametrize("name", rules("initializer"))
def test_every_name_is_right_as_it_stands(name):
    assert check_initializer(name) is None
    assert check_initializer({"name": name}) is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("glorot", 'unknown initializer "glorot"; did you mean "glorot_normal"?'),
        (3, "init must be a name, or an object with a name and its settings"),
        ({"std": 1}, "init must be a name, or an object with a name and its settings"),
        ({"name": "normal", "sdt": 1}, 'the initializer "normal" has no setting "sdt"; did you mean "std"?'),
        ({"name": "zeros", "value": 1}, 'the initializer "zeros" has no setting "value"; it has: none'),
        (
            {"name": "normal", "std": "1"},
            'the setting "std" of the initializer "normal" must be a number, is the text "1"',
        ),
        ({"name": "normal", "std": -1}, 'the settings of the initializer "normal" are wrong: std must not be negative'),
        (
            {"name": "uniform", "low": 2},
            'the settings of the initializer "uniform" are wrong: low must not be above high',
        ),
    ],
)
def test_what_is_wrong_is_said_exactly(spec, message):
    assert check_initializer(spec) == message


def nodes_with(**parameters):
    return {
        **{id: {"op": "parameter", **keys} for id, keys in parameters.items()},
        "L": {"op": "sum", "inputs": [next(iter(parameters))]},
    }


def test_a_new_parameter_changes_the_start_of_no_other(load_graph):
    few = initial_values(prepare(load_graph(nodes_with(w={"shape": [5]}))), 3)
    many = initial_values(prepare(load_graph(nodes_with(v={"shape": [5]}, w={"shape": [5]}))), 3)
    np.testing.assert_array_equal(few["w"], many["w"])
    assert not np.array_equal(many["v"], many["w"])


def test_values_dtype_seed_and_choice(load_graph):
    nodes = {**nodes_with(w={"shape": [3]}, v={"value": [1, 2]}), "s": {"op": "state", "value": 4.0}}
    network = prepare(load_graph(nodes, dtype="float32"))
    start = initial_values(network, 0)
    assert {id: value.dtype for id, value in start.items()} == dict.fromkeys(("w", "v", "s"), np.dtype("float32"))
    np.testing.assert_array_equal(start["v"], [1, 2])
    assert start["s"] == 4
    assert not np.array_equal(start["w"], initial_values(network, 1)["w"])
    assert list(initial_values(network, 0, only=["v", "nothing"])) == ["v"]


def test_wrong_initializers_are_reported_together(load_graph):
    nodes = nodes_with(w={"shape": [3], "init": "one"}, v={"shape": [3], "init": "zero"})
    with pytest.raises(GraphError) as error:
        initial_values(prepare(load_graph(nodes)), 0)
    assert {problem.node for problem in error.value.problems} == {"w", "v"}
