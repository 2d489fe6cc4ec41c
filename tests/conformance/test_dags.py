"""Graphs that are hard on a scheduler: random ones, diamonds, fan-out, tied weights."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

import dagprop
from tests.conformance.neutral import to_document, write_file

DAGS = json.loads((Path(__file__).parent.parent / "data/dags_sample.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("dag", DAGS, ids=lambda dag: dag["name"])
def test_value_and_gradients(dag, tmp_path):
    graph = dagprop.load(write_file(tmp_path, to_document(dag["graph"])))
    value, gradients = dagprop.value_and_grad(graph, wrt=dag["grads"])
    assert value == pytest.approx(dag["value"], rel=1e-9, abs=1e-9)
    for id, expected in dag["grads"].items():
        np.testing.assert_allclose(gradients[id], expected, rtol=1e-9, atol=1e-9, err_msg=id)


@pytest.mark.parametrize("dag", DAGS, ids=lambda dag: dag["name"])
def test_the_order_in_the_file_means_nothing(dag, tmp_path):
    document = to_document(dag["graph"])
    expected = dagprop.value_and_grad(dagprop.load(write_file(tmp_path, document)), wrt=dag["grads"])
    nodes = list(document["nodes"].items())
    for seed in range(5):
        random.Random(seed).shuffle(nodes)
        graph = dagprop.load(write_file(tmp_path, {**document, "nodes": dict(nodes)}))
        value, gradients = dagprop.value_and_grad(graph, wrt=dag["grads"])
        assert value == pytest.approx(expected[0], rel=1e-12)
        for id in dag["grads"]:
            # Sums are taken in another order, so the last bits may differ.
            np.testing.assert_allclose(gradients[id], expected[1][id], rtol=1e-12, atol=1e-12)
