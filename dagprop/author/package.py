"""A plugin as a package that ``pip install`` takes: found by its entry point, with tests and a page."""

from __future__ import annotations

import json
import re

from dagprop.author.choose import Rules
from dagprop.author.new_op import NewOp
from dagprop.author.plugin_file import example_node, plugin_text
from dagprop.errors import PluginError, Problem, quote
from dagprop.ops.providers.installed import GROUP


def package_files(package: str, new: NewOp, rules: Rules | None) -> dict[str, str]:
    """Return the files of a package, by path; the module comes first.

    Parameters
    ----------
    package : str
        The name of the package, which is that of the folder.
    new : NewOp
    rules : Rules or None

    Raises
    ------
    PluginError
        If the name is none (DP511).
    """
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", package):
        message = f"the name of a package has letters, digits, - and _: {quote(package)}"
        raise PluginError(Problem("DP511", message, f"as in --package dagprop-{new.name}"))
    module = re.sub(r"\W", "_", package.lower())
    if module[:1].isdigit():
        module = f"_{module}"
    path = f"{package}/{module}.py"
    return {
        path: plugin_text(new, rules, path),
        f"{package}/pyproject.toml": _pyproject(package, module, new),
        f"{package}/tests/test_{module}.py": _tests(module, new),
        f"{package}/README.md": _readme(package, new),
    }


def _pyproject(package: str, module: str, new: NewOp) -> str:
    return f"""[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = {json.dumps(package)}
version = "0.1.0"
description = {json.dumps(new.doc.splitlines()[0], ensure_ascii=False)}
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["dagprop"]

[project.optional-dependencies]
test = ["pytest>=8"]

[project.entry-points."{GROUP}"]
{new.name} = "{module}"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""


def _tests(module: str, new: NewOp) -> str:
    points = (-2.2, -0.6, 0.4, 1.7)
    nodes: dict[str, object] = {
        name: {"op": "parameter", "value": [round(point + 0.3 * position, 1) for point in points]}
        for position, name in enumerate(new.inputs)
    }
    nodes["y"] = {"op": new.op, "inputs": list(new.inputs)}
    graph = json.dumps({"dagprop": 1, "nodes": nodes}, indent=4)
    return f'''"""The rules are right, and keep what the op contract promises."""

import json
import subprocess
import sys

import dagprop
import {module}

GRAPH = {graph}


def test_the_derivatives_are_right(tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH))
    assert dagprop.check_gradients(dagprop.load(path)).ok


def test_everything_that_dagprop_checks():
    command = [sys.executable, "-m", "dagprop.cli.main", "plugins", "check", {module}.__file__]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
'''


def _readme(package: str, new: NewOp) -> str:
    return f"""# {package}

{new.doc}

```bash
pip install {package}
```

After that every graph of dagprop may have a node such as

```json
{example_node(new)}
```

Work on it: `pip install -e '.[test]' && pytest`.
"""
