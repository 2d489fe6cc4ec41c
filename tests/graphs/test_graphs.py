"""Every network in graphs/ runs, back-propagates and learns with no flags, and teaches what its page says."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dagprop
from dagprop.graph.definitions import expand
from dagprop.ops.registry import vocabulary

FOLDER = Path(__file__).parent.parent.parent / "graphs"
FILES = sorted(FOLDER.glob("*.json"))
CHAIN = FOLDER / "four-layer-chain.json"


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_it_has_no_problem_and_explains_itself(path):
    graph, problems = dagprop.check_file(path)
    assert problems == []
    assert graph.name == path.stem
    assert graph.doc


def test_it_runs_and_back_propagates_its_own_sample(path):
    graph = dagprop.load(path)
    values = dagprop.forward(graph)
    result = dagprop.backprop(graph)
    assert set(result.values) == set(values)
    assert np.isfinite(result.loss)
    assert any(np.any(result.gradients[id] != 0) for id in dagprop.initial_parameters(graph))


def test_it_learns(path):
    graph = dagprop.load(path)
    result = dagprop.train(graph, epochs=max(2, graph.train.epochs // 10))
    assert result.history[-1].loss < result.history[0].loss


def test_its_page_explains_it(path):
    assert f"`{path.name}`" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_chain_gives_the_numbers_of_the_lecture():
    loss, gradients = dagprop.value_and_grad(dagprop.load(CHAIN))
    assert loss == pytest.approx(0.0728573, abs=5e-8)
    expected = {"w3": -0.0289632, "w2": -0.0183488, "w1": 0.00415645, "b1": 0.0083129}
    assert gradients == {id: pytest.approx(value, abs=5e-8) for id, value in expected.items()}


def test_the_composed_chain_expands_to_the_same_nodes():
    neurons, chain = dagprop.load(FOLDER / "four-layer-chain-neurons.json"), dagprop.load(CHAIN)
    assert dagprop.value_and_grad(neurons) == dagprop.value_and_grad(chain)
    composed = expand(neurons, vocabulary())
    names = {f"unit{layer}/{part}": f"{part}{layer}" for layer in (1, 2, 3) for part in "af"}
    plain = {
        names.get(id, id): replace(
            node,
            id=names.get(id, id),
            inputs=tuple(reference and names.get(reference, reference) for reference in node.inputs),
            origin=(),
        )
        for id, node in composed.nodes.items()
    }
    expanded = expand(chain, vocabulary()).nodes
    assert list(plain) == list(expanded)
    for id, node in expanded.items():
        assert (plain[id].op, plain[id].inputs) == (node.op, node.inputs)
        assert plain[id].attributes == node.attributes


def test_exclusive_or_is_learnt_from_every_start():
    graph = dagprop.load(FOLDER / "xor.json")
    assert [dagprop.train(graph, seed=seed).history[-1].accuracy for seed in range(5)] == [1.0] * 5


def test_the_spirals_are_told_apart():
    assert dagprop.train(dagprop.load(FOLDER / "two-spirals.json")).history[-1].accuracy > 0.95


def test_the_line_is_the_least_squares_line():
    x, y = np.loadtxt(FOLDER / "data/line.csv", delimiter=",", skiprows=1, unpack=True)
    result = dagprop.train(dagprop.load(FOLDER / "line.json"))
    assert result.parameters["w"] == pytest.approx(x @ y / (x @ x), abs=0.05)


def test_irises_are_told_apart():
    assert dagprop.train(dagprop.load(FOLDER / "iris.json")).test.accuracy >= 0.9


def test_digits_are_read():
    result = dagprop.train(dagprop.load(FOLDER / "digits.json"))
    assert result.test.accuracy >= 0.96
    assert sum(result.samples.values()) == 1797


def test_computed_data_is_what_its_script_makes():
    specification = importlib.util.spec_from_file_location("make", FOLDER / "data/make.py")
    make = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(make)
    assert (FOLDER / "data/line.csv").read_text(encoding="utf-8") == make.line()
    assert (FOLDER / "data/two-spirals.csv").read_text(encoding="utf-8") == make.two_spirals()


def test_every_data_file_names_its_source():
    page = (FOLDER / "data/README.md").read_text(encoding="utf-8")
    assert all(f"`{file.name}`" in page for file in (FOLDER / "data").glob("*.csv"))
