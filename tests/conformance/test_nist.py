"""NIST's certified nonlinear regressions: residual sum of squares, and standard deviations through the Jacobian."""

import json
from pathlib import Path

import numpy as np
import pytest

import dagprop
from tests.conformance.neutral import to_document, write_file

PROBLEMS = json.loads((Path(__file__).parent.parent / "data/nist_strd_sample.json").read_text(encoding="utf-8"))


@pytest.fixture(params=PROBLEMS, ids=lambda problem: problem["name"])
def problem(request):
    return request.param


@pytest.fixture
def graph(problem, tmp_path):
    return dagprop.load(write_file(tmp_path, to_document(problem["graph"])))


def test_residual_sum_of_squares(problem, graph):
    rss, _ = dagprop.value_and_grad(graph)
    assert rss == pytest.approx(problem["rss_certified"], rel=1e-8)


def test_standard_deviations(problem, graph):
    names = list(problem["graph"]["params"])
    model = problem["graph"]["model"]
    rows = [dagprop.vjp(graph, None, None, {model: unit}, names) for unit in np.eye(problem["n"])]
    jacobian = np.array([[row[name] for name in names] for row in rows])
    scale = np.linalg.norm(jacobian, axis=0)
    inverse = np.linalg.inv((jacobian / scale).T @ (jacobian / scale))
    deviations = np.sqrt(problem["rss_certified"] / problem["dof"] * np.diag(inverse)) / scale
    np.testing.assert_allclose(deviations, problem["sd_certified"], rtol=1e-6)


def test_gradients_far_from_the_minimum(problem, graph):
    for start in problem["starts"]:
        parameters = dict(zip(problem["graph"]["params"], start["params"], strict=True))
        rss, gradients = dagprop.value_and_grad(graph, parameters=parameters)
        assert rss == pytest.approx(start["rss"], rel=1e-9)
        np.testing.assert_allclose(list(gradients.values()), start["grad"], rtol=1e-9)
