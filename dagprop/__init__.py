"""dagprop: back-propagation you can read.

A network is a JSON file, an op is two formulas, and a plan of named steps is what runs.  See :mod:`dagprop.api` for the
functions.  Importing this package loads neither NumPy nor NetworkX; the first use of a name does.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dagprop.graph.collector import paused_collector

if TYPE_CHECKING:
    from dagprop.api import (
        TrainResult,
        animate,
        backprop,
        check_file,
        check_gradients,
        cost,
        depends,
        derive,
        draw,
        equation,
        flow,
        forward,
        initial_parameters,
        load,
        load_weights,
        paths,
        predict,
        save_weights,
        train,
        value_and_grad,
        vjp,
    )
    from dagprop.backends.edges import Backprop
    from dagprop.check.records import GradientCheck
    from dagprop.cli.plugin_commands import command
    from dagprop.errors import (
        CheckpointError,
        ComputationError,
        DagpropError,
        DataError,
        GraphError,
        PluginError,
    )
    from dagprop.explain.dependency import Dependency
    from dagprop.explain.equation import Equations
    from dagprop.graph.records import Graph
    from dagprop.ops.layers import definition
    from dagprop.ops.registry import op
    from dagprop.train.contract import initializer, metric, optimizer, schedule

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(
        ("CheckpointError", "ComputationError", "DagpropError", "DataError", "GraphError", "PluginError"),
        "dagprop.errors",
    ),
    "Backprop": "dagprop.backends.edges",
    "Dependency": "dagprop.explain.dependency",
    "Equations": "dagprop.explain.equation",
    "GradientCheck": "dagprop.check.records",
    "Graph": "dagprop.graph.records",
    "command": "dagprop.cli.plugin_commands",
    "definition": "dagprop.ops.layers",
    "op": "dagprop.ops.registry",
    **dict.fromkeys(("initializer", "metric", "optimizer", "schedule"), "dagprop.train.contract"),
}

__all__ = [
    "Backprop",
    "CheckpointError",
    "ComputationError",
    "DagpropError",
    "DataError",
    "Dependency",
    "Equations",
    "GradientCheck",
    "Graph",
    "GraphError",
    "PluginError",
    "TrainResult",
    "animate",
    "backprop",
    "check_file",
    "check_gradients",
    "command",
    "cost",
    "definition",
    "depends",
    "derive",
    "draw",
    "equation",
    "flow",
    "forward",
    "initial_parameters",
    "initializer",
    "load",
    "load_weights",
    "metric",
    "op",
    "optimizer",
    "paths",
    "predict",
    "save_weights",
    "schedule",
    "train",
    "value_and_grad",
    "vjp",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'dagprop' has no attribute {name!r}")
    with paused_collector():  # what importing makes stays: to look through it for cycles takes long and finds none
        home = importlib.import_module(_HOME.get(name, "dagprop.api"))
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


class _Package(ModuleType):
    """The package, where ``dagprop.train`` is the function although a folder has the same name.

    Importing a module of that folder would otherwise put the folder in the function's place.
    """

    @property
    def train(self) -> Any:
        return __getattr__("train")

    @train.setter
    def train(self, folder: ModuleType) -> None:
        pass


sys.modules[__name__].__class__ = _Package
