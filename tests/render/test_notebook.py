"""Values show themselves in notebooks: in a real one, run by nbconvert, and asked one by one."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbconvert.preprocessors import ExecutePreprocessor

import dagprop

ROOT = Path(__file__).parent.parent.parent

CELLS = {
    "graph": "graph",
    "run": "dagprop.backprop(graph)",
    "derivation": "dagprop.derive(graph)",
    "equations": "dagprop.equation(graph)",
    "training": "dagprop.train(graph, epochs=3)",
}
FORMS = {
    "graph": {"text/latex": r"\sigma(w_{3}", "image/svg+xml": "</svg>"},
    "run": {"text/html": "0.0728573"},
    "derivation": {"text/latex": r"\underbrace", "text/html": "0.0289632"},
    "equations": {"text/latex": r"\sigma(w_{3}", "text/html": "<math"},
    "training": {"text/html": "3 epochs of 1 samples"},
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Return the forms that each cell of a notebook shows, by their MIME types."""
    folder = tmp_path_factory.mktemp("notebook")
    first = 'import dagprop\ngraph = dagprop.load("graphs/four-layer-chain.json")'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in (first, *CELLS.values())])
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
    notebook.metadata.update(kernel)
    executor = ExecutePreprocessor(timeout=120, kernel_name="python3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(folder))
        executor.preprocess(notebook, {"metadata": {"path": str(ROOT)}})
    return {name: cell.outputs[0].data for name, cell in zip(CELLS, notebook.cells[1:], strict=True)}


@pytest.mark.parametrize(
    ("name", "form", "text"), [(name, form, text) for name, forms in FORMS.items() for form, text in forms.items()]
)
def test_a_notebook_shows_it(outputs, name, form, text):
    assert text in outputs[name][form]


def test_a_derivation_prints_itself():
    derivation = dagprop.derive(dagprop.load(ROOT / "graphs/four-layer-chain.json"))
    assert repr(derivation) == "<Derivation of L by w3, w2, w1, b1>"
    assert "∂L/∂w3 = ∂L/∂f3 · ∂f3/∂a3 · ∂a3/∂w3\n       = -(y - f3) · f3(1 - f3) · f2\n" in str(derivation)
    assert repr(dagprop.equation(derivation.network.graph)) == "<Equations of L>"


def test_values_stay_what_they_were():
    graph = dagprop.load(ROOT / "graphs/line.json")
    assert repr(graph) == "<Graph 'line': 5 nodes, loss L>"
    assert not hasattr(graph, "__dict__")


def test_nothing_of_it_is_loaded_before_a_notebook_asks():
    code = "import dagprop, sys; dagprop.load('graphs/line.json'); sys.exit('dagprop.render.notebook' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
