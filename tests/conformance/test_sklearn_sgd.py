"""Two complete trainings by scikit-learn's multilayer perceptron, step by step."""

import json
from pathlib import Path

import numpy as np
import pytest

import dagprop

DATA = Path(__file__).parent.parent / "data"
RUNS = json.loads((DATA / "sklearn_sgd_sample.json").read_text(encoding="utf-8"))
TIGHT = {"rtol": 1e-9, "atol": 1e-9}


def graph_file(run, weights, folder):
    """Write the perceptron as a graph file: a matmul and an add a layer."""
    layers = len(run["hidden"]) + 1
    x, y = weights["X"], weights["Y"]
    nodes = {
        "x": {"op": "input", "shape": ["N", x.shape[1]]},
        "y": {"op": "input", "shape": ["N", y.shape[1]]},
    }
    last = "x"
    for layer in range(layers):
        nodes[f"W{layer}"] = {"op": "parameter", "shape": list(weights[f"W{layer}_init"].shape)}
        nodes[f"b{layer}"] = {"op": "parameter", "shape": list(weights[f"b{layer}_init"].shape)}
        nodes[f"p{layer}"] = {"op": "matmul", "inputs": [last, f"W{layer}"]}
        nodes[f"a{layer}"] = {"op": "add", "inputs": [f"p{layer}", f"b{layer}"]}
        last = f"a{layer}"
        if layer + 1 < layers:
            last = f"f{layer}"
            nodes[last] = {"op": run["activation"], "inputs": [f"a{layer}"]}
    if run["kind"] == "clf":
        nodes["L"] = {"op": "cross_entropy", "inputs": {"logits": last, "target": "y"}}
    else:
        nodes["E"] = {"op": "half_squared_error", "inputs": {"prediction": last, "target": "y"}}
        nodes["L"] = {"op": "mean", "inputs": ["E"]}
    settings = {"epochs": run["epochs"], "batch_size": run["batch"], "learning_rate": run["lr"], "shuffle": False}
    path = folder / "graph.json"
    path.write_text(json.dumps({"dagprop": 1, "nodes": nodes, "loss": "L", "train": settings}), encoding="utf-8")
    return path


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run["name"])
def test_every_step_of_scikit_learn(run, tmp_path):
    with np.load(DATA / "sklearn_sgd_sample.npz") as archive:
        arrays = {name.split("/")[1]: archive[name] for name in archive.files if name.startswith(run["name"] + "/")}
    graph = dagprop.load(graph_file(run, arrays, tmp_path))
    feeds = {"x": arrays["X"], "y": arrays["Y"]}
    start = {name.removesuffix("_init"): value for name, value in arrays.items() if name.endswith("_init")}

    batch = {id: values[: run["batch"]] for id, values in feeds.items()}
    loss, gradients = dagprop.value_and_grad(graph, batch, start)
    np.testing.assert_allclose(loss, arrays["loss"][0], **TIGHT)
    assert set(gradients) == set(start)
    for id, gradient in gradients.items():
        np.testing.assert_allclose(gradient, arrays[f"{id}_grad0"], **TIGHT)

    result = dagprop.train(graph, feeds, parameters=start)
    assert len(result.step_losses) == run["steps"]
    np.testing.assert_allclose(result.step_losses, arrays["loss"], **TIGHT)
    for id in start:
        np.testing.assert_allclose(result.parameters[id], arrays[f"{id}_final"], **TIGHT)
    assert (result.history[-1].accuracy is not None) == (run["kind"] == "clf")
