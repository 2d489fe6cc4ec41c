"""What all tests share."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent

# The same examples every time, however slow the machine: a test that fails must fail for everybody.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("same")


@pytest.fixture(autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the plugins of whoever runs it; gives the folder of the configuration."""
    folder = tmp_path_factory.mktemp("configuration")
    monkeypatch.setenv("DAGPROP_CONFIG_DIR", str(folder))
    monkeypatch.delenv("DAGPROP_PLUGINS", raising=False)
    return folder


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture
def write_graph(tmp_path: Path) -> Callable[..., Path]:
    """Write a graph file: ``write_graph({"x": {...}}, loss="L")``; gives its path."""

    def write(nodes: dict[str, Any], **keys: Any) -> Path:
        path = tmp_path / "graph.json"
        path.write_text(json.dumps({"dagprop": 1, "nodes": nodes, **keys}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def load_graph(write_graph: Callable[..., Path]) -> Callable[..., Any]:
    """Write a graph file and load it."""

    def load(nodes: dict[str, Any], **keys: Any) -> Any:
        from dagprop import api

        return api.load(write_graph(nodes, **keys))

    return load


@pytest.fixture
def own_ops() -> Iterator[None]:
    """Forget, after the test, the ops that it declared."""
    from dagprop.ops.declared import isolated

    with isolated():
        yield
