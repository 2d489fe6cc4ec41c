"""Whether the plugins that a graph requires are there."""

from __future__ import annotations

import shlex

from dagprop.errors import PluginError
from dagprop.ops.declared import declarations
from dagprop.ops.plugins import Origin, origin_of
from dagprop.ops.providers.nearby import plugin_nearby


def lacking_plugin(name: str, near: str | None = None) -> tuple[str, str] | None:
    """Return why a plugin cannot be used, and what to do about it; None where it can.

    Parameters
    ----------
    name : str
        Of a plugin, or of the package that brings it.
    near : str, optional
        A graph file, near which the file of the plugin may lie.
    """
    if any(name in (origin.plugin, origin.distribution) for origin in _loaded()):
        return None
    # Loaded only here: it asks the system what is installed.
    from dagprop.ops.providers.known import known_plugins, known_quickly

    try:
        if any(known.plugin.file and known.plugin.name == name for known in known_quickly()):
            return None
        having = [known for known in known_plugins() if name in (known.plugin.name, known.plugin.distribution)]
    except PluginError as error:
        return f"and {error.problems[0].message} ({error.problems[0].file})", str(error.problems[0].hint)
    if any(known.status == "ok" for known in having):
        return None
    if having:
        return f"which cannot be used: {having[0].why}", having[0].remedy
    file = plugin_nearby(name, near)
    if file:
        file = shlex.quote(file)
        return "which is not loaded", f"add --plugin {file}; or, for all later runs: dagprop plugins add {file}"
    hint = f"add --plugin with its file, as in --plugin plugins/{name}.py; or register it: dagprop plugins add FILE"
    return "which is neither loaded nor registered nor installed", hint


def _loaded() -> list[Origin]:
    return [origin for _, _, found in declarations() if (origin := origin_of(found)) is not None]
