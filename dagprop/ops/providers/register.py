"""Registering plugins for later runs, and taking them back."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dagprop.errors import MissingDependencyError, PluginError, Problem, quote, suggest
from dagprop.ops.declared import GRAPH_KINDS
from dagprop.ops.providers.installed import GROUP, installed, is_distribution, normal_name
from dagprop.ops.providers.known import Known, file_hash, is_file_name, known_plugins
from dagprop.ops.providers.memory import Plugin, forget_plugin, remember
from dagprop.ops.providers.nearby import file_meant, plugin_nearby, plugins_nearby
from dagprop.ops.providers.probe import probe


def add_plugin(argument: str) -> list[Plugin]:
    """Register a plugin file, or the plugins of an installed package, once they have been tried.

    Nothing is downloaded.  A file that is registered already is accepted as it is now.

    Raises
    ------
    PluginError
        If there is no such file or plugin (DP507), it cannot be loaded (DP501, DP503), or declares a name that dagprop
        or another plugin has (DP502).
    MissingDependencyError
        If no such package is installed (DP801).
    """
    added = []
    for plugin in _sources(argument):
        finding = probe(plugin)
        if finding.problems:
            raise PluginError(*finding.problems)
        tried = replace(plugin, declares=finding.declares)
        clashes = list(conflicts(tried, known_plugins()))
        if clashes:
            raise PluginError(*clashes)
        added.append(tried)
    remember(added)
    return added


def remove_plugin(name: str) -> Known:
    """Take a plugin out of use; it is remembered, so that a graph that needs it can say so.

    One whose file or package is not there any more is forgotten.

    Raises
    ------
    PluginError
        If there is no plugin of that name (DP507).
    """
    known = find_plugin(name)
    if known.status == "missing":
        forget_plugin(known.plugin)
    else:
        remember([replace(known.plugin, enabled=False)])
    return known


def find_plugin(name: str) -> Known:
    """Return the plugin of a name, of a file, or of a package.

    Raises
    ------
    PluginError
        If there is none, or more than one (DP507).
    """
    plugins = known_plugins()
    found = [known for known in plugins if _is_called(known.plugin, name)]
    if len(found) > 1:
        active = [known for known in found if known.status != "removed"]
        found = active if len(active) == 1 else found
    if len(found) > 1:
        names = ", ".join(known.plugin.argument for known in found)
        raise PluginError(Problem("DP507", f"several plugins are called {quote(name)}", f"name one of: {names}"))
    if not found:
        file = plugin_nearby(name)
        near = suggest(name, [known.plugin.name for known in plugins])
        hint = (
            f"dagprop plugins add {shlex.quote(file)}"
            if file
            else near or "dagprop plugins list shows the plugins there are"
        )
        raise PluginError(Problem("DP507", f"no plugin {quote(name)} is registered or installed", hint))
    return found[0]


def conflicts(plugin: Plugin, others: Iterable[Known]) -> Iterable[Problem]:
    """Yield an error for each name that a plugin has in common with another one that is in use."""
    for other in others:
        if other.status != "ok" or other.plugin.key == plugin.key:
            continue
        for kind, names in plugin.declares.items():
            for name in names:
                kinds = GRAPH_KINDS if kind in GRAPH_KINDS else (kind,)
                if any(name in other.plugin.declares.get(each, ()) for each in kinds):
                    message = f"{kind} {quote(name)} is declared by {plugin} and by {other.plugin}"
                    hint = f"switch one off: {other.plugin.remove_command}"
                    yield Problem("DP502", message, hint, file=plugin.file)


def _is_called(plugin: Plugin, name: str) -> bool:
    if is_file_name(name):
        return plugin.file == os.path.abspath(name)
    return name == plugin.name or (plugin.distribution is not None and normal_name(name) == plugin.distribution)


def _sources(argument: str) -> list[Plugin]:
    """Return the plugins that are meant, not tried so far."""
    path = os.path.abspath(argument)
    if is_file_name(argument) or os.path.exists(path):
        if not Path(path).is_file():
            folder = Path(path).is_dir()
            what = "is a folder" if folder else "is not there"
            hint = f"name a .py file; a package is installed first: pip install {argument}" if folder else None
            raise PluginError(
                Problem("DP507", f"the plugin file {quote(argument)} {what}", hint or file_meant(argument))
            )
        return [Plugin(Path(path).stem, path, sha256=file_hash(path))]
    everything = installed()
    found = [plugin for plugin in everything if _is_called(plugin, argument)]
    if found:
        return found
    if any(known.plugin.file and _is_called(known.plugin, argument) for known in known_plugins()):
        return _sources(str(find_plugin(argument).plugin.file))
    if is_distribution(argument):
        message = f"the package {quote(argument)} is installed and has no plugin: no entry point of {GROUP}"
        raise PluginError(Problem("DP507", message, "its author declares one in its pyproject.toml"))
    gone = [known.plugin for known in known_plugins() if not known.plugin.file and _is_called(known.plugin, argument)]
    if gone:
        message = f"the package {quote(gone[0].distribution)} is not installed any more"
        raise MissingDependencyError(Problem("DP801", message, f"pip install {gone[0].distribution}"))
    file = plugin_nearby(argument)
    names = [name for plugin in everything for name in (plugin.name, str(plugin.distribution))]
    near = suggest(argument, [*names, *plugins_nearby()]) or f"install it first: pip install {argument}"
    hint = f"dagprop plugins add {shlex.quote(file)}" if file else near
    raise MissingDependencyError(Problem("DP801", f"no package {quote(argument)} is installed", hint))
