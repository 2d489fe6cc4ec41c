"""What all tests share."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent

# The same examples every time, however slow the machine: a test that fails must fail for everybody.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("same")


@pytest.fixture(autouse=True, scope="session")
def ctrl_c() -> None:
    """Have Ctrl-C do what it does by default, also where a shell starts the tests in the background and ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the plugins of whoever runs it; gives the folder of a configuration of its own."""
    folder = tmp_path_factory.mktemp("configuration")
    monkeypatch.setenv("DAGPROP_CONFIG_DIR", str(folder))
    monkeypatch.setenv("DAGPROP_PLUGINS", "")
    monkeypatch.setenv("DAGPROP_PLUGIN_SECONDS", "20")
    return folder


@pytest.fixture
def plugins_in_use(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a test use the plugins that it registers or installs, and no others; gives the configuration's folder."""
    from importlib import metadata

    monkeypatch.delenv("DAGPROP_PLUGINS")
    if metadata.entry_points(group="dagprop.plugins"):
        pytest.skip("plugins are installed in this environment")
    return configuration


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
