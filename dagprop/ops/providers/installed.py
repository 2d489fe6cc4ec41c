"""Plugins that are installed packages: the entry points of the group ``dagprop.plugins``."""

from __future__ import annotations

import hashlib
import sys
from importlib import metadata  # the reason why this module is loaded only where something is not known otherwise
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from dagprop.ops.providers.memory import Plugin

GROUP = "dagprop.plugins"
"""The group of entry points in which installed plugins are found."""


def installed() -> tuple[Plugin, ...]:
    """Return every installed plugin, without what it declares, which only running it tells."""
    found: dict[str, Plugin] = {}
    for point in metadata.entry_points(group=GROUP):
        distribution = point.dist
        if distribution is not None and distribution.name:
            module = point.value.partition(":")[0].strip()
            file = module_file(module)
            digest = hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else None
            name = normal_name(distribution.name)
            plugin = Plugin(point.name, None, name, distribution.version, module, digest)
            found.setdefault(plugin.key, plugin)
    return tuple(found[key] for key in sorted(found))


def is_distribution(name: str) -> bool:
    """Whether a package of that name is installed."""
    try:
        metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        return False
    return True


def normal_name(name: str) -> str:
    """Return the name of a package as indices compare it: ``My_Plugin`` is ``my-plugin``."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)


def module_file(module: str) -> str | None:
    """Return the file of a module without running any package around it, or None where it cannot be told."""
    package, *inner = module.split(".")
    try:
        spec = find_spec(package) if package not in sys.modules else sys.modules[package].__spec__
        path = package
        for name in inner:
            if spec is None or spec.submodule_search_locations is None:
                return None
            path = f"{path}.{name}"
            spec = PathFinder.find_spec(path, spec.submodule_search_locations)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec is not None and spec.origin and Path(spec.origin).is_file() else None
