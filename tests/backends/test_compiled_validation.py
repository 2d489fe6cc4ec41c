"""The validation of a compiled training is compiled, and says what the reference says."""

from __future__ import annotations

import numpy as np
import pytest

from dagprop import api
from dagprop.backends.scalar import program as scalar_program
from dagprop.train import evaluation
from dagprop.train.samples import split_samples

SAMPLES = 40
GENERATOR = np.random.default_rng(5)
LINE = {
    "x": {"op": "input"},
    "y": {"op": "input"},
    "w": {"op": "parameter", "value": 0.5},
    "h": {"op": "tanh", "inputs": ["wx"]},
    "wx": {"op": "multiply", "inputs": ["w", "x"]},
    "e": {"op": "half_squared_error", "inputs": ["h", "y"]},
}
CLASSES = {
    "x": {"op": "input", "shape": ["N", 3]},
    "y": {"op": "input"},
    "w": {"op": "parameter", "shape": [3, 4]},
    "h": {"op": "matmul", "inputs": ["x", "w"]},
    "e": {"op": "cross_entropy", "inputs": ["h", "y"]},
}
NUMBERS = {"x": GENERATOR.normal(size=SAMPLES), "y": GENERATOR.normal(size=SAMPLES)}
LABELS = {"x": GENERATOR.normal(size=(SAMPLES, 3)), "y": GENERATOR.integers(0, 4, SAMPLES)}
MEAN = {"L": {"op": "mean", "inputs": ["e"]}}


@pytest.fixture(params=["whole", "machine"])
def how(request, monkeypatch):
    if request.param == "machine":
        monkeypatch.setattr(scalar_program, "COMPILED_SIZE", 0)


@pytest.fixture
def reference_runs(monkeypatch):
    """The number of samples of each run of the reference back end for an evaluation."""
    found = []
    real = evaluation.run

    def run(plan, leaves):
        found.append(len(leaves["x"]))
        return real(plan, leaves)

    monkeypatch.setattr(evaluation, "run", run)
    return found


def histories(graph, data, **options):
    """Return the validation of each epoch by the reference and compiled."""
    trained = [api.train(graph, data, backend=backend, **options) for backend in ("reference", "auto")]
    return [[(record.validation_loss, record.validation_accuracy) for record in one.history] for one in trained]


@pytest.mark.usefixtures("how")
@pytest.mark.parametrize(
    ("nodes", "loss", "data", "batch_size"),
    [
        (LINE, "e", NUMBERS, 1),
        (LINE, "e", NUMBERS, 6),
        ({**LINE, **MEAN}, "L", NUMBERS, 6),
        (CLASSES, "e", LABELS, 6),
        ({**CLASSES, **MEAN}, "L", LABELS, 1),
    ],
)
@pytest.mark.parametrize("chunk", [3, 4096])
def test_validation_is_compiled(load_graph, reference_runs, monkeypatch, nodes, loss, data, batch_size, chunk):
    monkeypatch.setattr(evaluation, "CHUNK", chunk)
    graph = load_graph(nodes, loss=loss)
    expected, found = histories(graph, data, epochs=3, batch_size=batch_size, validation=0.25)
    assert sum(reference_runs) == 3 * 10  # of the reference training alone
    for (loss, accuracy), (own_loss, own_accuracy) in zip(expected, found, strict=True):
        assert own_loss == pytest.approx(loss, rel=1e-12)
        assert own_accuracy == (None if accuracy is None else pytest.approx(accuracy, abs=1e-15))


@pytest.mark.usefixtures("how")
def test_samples_that_are_combined_are_validated_together(load_graph, reference_runs):
    graph = load_graph({**LINE, "m": {"op": "max", "inputs": ["e"]}}, loss="m")
    expected, found = histories(graph, NUMBERS, epochs=2, batch_size=1, validation=0.25)
    assert reference_runs == [10] * 4  # one by one each sample would be the largest
    assert found == [(pytest.approx(loss, rel=1e-12), None) for loss, _ in expected]


@pytest.mark.parametrize(("loss", "batch_size"), [("z", 1), ("L", 5)])
def test_a_validation_loss_that_is_not_finite_is_that_of_the_reference(load_graph, reference_runs, loss, batch_size):
    quotient = {"z": {"op": "divide", "inputs": ["e", "y"]}, "L": {"op": "mean", "inputs": ["z"]}}
    graph = load_graph({**LINE, **quotient} if loss == "L" else {**LINE, "z": quotient["z"]}, loss=loss)
    targets = np.ones(SAMPLES)
    targets[split_samples(SAMPLES, 0.25, 0, 0).validation[0]] = 0.0
    data = {"x": NUMBERS["x"], "y": targets}
    expected, found = histories(graph, data, epochs=2, batch_size=batch_size, validation=0.25)
    np.testing.assert_equal(found, expected)
    assert not np.isfinite(expected[0][0]) and reference_runs == [10] * 4
