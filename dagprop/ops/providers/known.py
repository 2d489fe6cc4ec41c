"""Which plugins there are, and which of them may be used now: registered, installed, chosen by ``DAGPROP_PLUGINS``."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from dagprop.errors import PluginError, Problem, quote, suggest
from dagprop.ops.providers.memory import Plugin, remember, remembered
from dagprop.record import record

CHOICE = "DAGPROP_PLUGINS"
"""The environment variable that says which plugins may be used: names and files; empty for none."""


@record
class Known:
    """A plugin, and whether it may be used.

    Attributes
    ----------
    plugin : Plugin
    status : {"ok", "removed", "off", "missing", "changed", "broken", "conflict"}
        The last only once it has been compared with others (:mod:`dagprop.ops.providers.inspect`).
    why : str
        Unless it is ok: what is in the way.
    remedy : str
        Unless it is ok: what to do about it.
    """

    plugin: Plugin
    status: str = "ok"
    why: str = ""
    remedy: str = ""


def chosen() -> tuple[str, ...] | None:
    """Return what ``DAGPROP_PLUGINS`` names; None where it is not set."""
    text = os.environ.get(CHOICE)
    if text is None:
        return None
    return tuple(item.strip() for item in re.split(f"[,{re.escape(os.pathsep)}]", text) if item.strip())


def is_file_name(text: str) -> bool:
    """Whether a plugin is named by its file, and not by its name."""
    return text.endswith(".py") or "/" in text or os.sep in text


def known_quickly() -> list[Known]:
    """Return what is remembered and may be used, without a look at what is installed.

    Raises
    ------
    PluginError
        If the memory cannot be read (DP506).
    """
    return [known for known in map(judge, remembered()) if known.status == "ok"]


def known_plugins() -> list[Known]:
    """Return every plugin that is registered or installed, by name; what was never seen before is tried first.

    Raises
    ------
    PluginError
        If the memory cannot be read (DP506).
    """
    memory = {plugin.key: plugin for plugin in remembered()}
    found = {key: plugin for key, plugin in memory.items() if plugin.file}
    if chosen() != ():
        found.update((plugin.key, plugin) for plugin in _installed(memory))
        found.update((plugin.key, plugin) for plugin in _chosen_files(memory))
    gone = [
        Known(plugin, "missing", "it is not installed any more", f"pip install {plugin.distribution}")
        for key, plugin in memory.items()
        if key not in found
    ]
    return sorted([*map(judge, found.values()), *gone], key=lambda known: (known.plugin.name, known.plugin.key))


def is_in_use(plugin: Plugin) -> bool:
    """Whether a plugin is wanted: it was not removed, and ``DAGPROP_PLUGINS`` does not leave it out."""
    choice = chosen()
    return plugin.enabled if choice is None else _is_named(plugin, choice)


def judge(plugin: Plugin) -> Known:
    """Return whether a plugin may be used; that of an installed package is still installed."""
    choice = chosen()
    named = _is_named(plugin, choice or ())
    if plugin.file and not Path(plugin.file).is_file():
        remedy = f"put it back, or forget it: {plugin.remove_command}"
        return Known(plugin, "missing", "its file is not there any more", remedy)
    if choice is not None and not named:
        return Known(plugin, "off", f"{CHOICE} does not name it", f"{CHOICE}={','.join([*choice, plugin.name])}")
    if not plugin.enabled and not (plugin.file and named):
        was = "it was removed" if plugin.file else "it is switched off"
        return Known(plugin, "removed", was, plugin.add_command)
    if plugin.file and not named and file_hash(plugin.file) != plugin.sha256:
        remedy = f"look at it, then accept it: {plugin.add_command}"
        return Known(plugin, "changed", "its file has changed since it was added", remedy)
    if plugin.error:
        again = f"mend it, then: {plugin.add_command}"
        off = f"update it, or switch it off: {plugin.remove_command}"
        return Known(plugin, "broken", plugin.error, again if plugin.file else off)
    return Known(plugin)


def file_hash(path: str) -> str:
    """Return the SHA-256 of a file, "" where it cannot be read."""
    import hashlib

    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def choice_problems(plugins: list[Known]) -> list[Problem]:
    """Return a warning for each name in ``DAGPROP_PLUGINS`` that is no plugin's."""
    names = {name for known in plugins for name in (known.plugin.name, known.plugin.distribution) if name}
    problems = []
    for item in chosen() or ():
        if is_file_name(item) and not Path(item).is_file():
            message = f"{CHOICE} names the file {quote(item)}, which is not there"
            problems.append(Problem("DP501", message, warning=True))
        elif not is_file_name(item) and item not in names:
            hint = suggest(item, names) or "dagprop plugins list shows the plugins there are"
            problems.append(Problem("DP501", f"{CHOICE} names {quote(item)}, which is no plugin", hint, warning=True))
    return problems


def _is_named(plugin: Plugin, choice: tuple[str, ...]) -> bool:
    names = {plugin.name, plugin.distribution}
    return any(item in names or (is_file_name(item) and plugin.file == os.path.abspath(item)) for item in choice)


def _installed(memory: dict[str, Plugin]) -> list[Plugin]:
    """Return the installed plugins; one that is new or has changed is tried, and remembered."""
    from dagprop.ops.providers.installed import installed
    from dagprop.ops.providers.probe import is_probing, probed

    found: list[Plugin] = []
    new: list[Plugin] = []
    for plugin in installed():
        old = memory.get(plugin.key)
        same = old and (old.version, old.module, old.sha256) == (plugin.version, plugin.module, plugin.sha256)
        if old and same:
            found.append(old)
        else:
            new.append(replace(plugin, enabled=old.enabled if old else True))
    wanted = [] if is_probing() else [plugin for plugin in new if judge(plugin).status == "ok"]
    tried = probed(wanted)
    if tried:
        with suppress(PluginError):  # then it is tried again the next time
            remember(tried)
    return [*found, *tried, *(plugin for plugin in new if plugin not in wanted)]


def _chosen_files(memory: dict[str, Plugin]) -> list[Plugin]:
    """Return the files that ``DAGPROP_PLUGINS`` names, as they are now."""
    from dagprop.ops.providers.probe import is_probing, probed

    found: list[Plugin] = []
    new: list[Plugin] = []
    for item in chosen() or ():
        path = os.path.abspath(item)
        if is_file_name(item) and Path(path).is_file():
            plugin = Plugin(Path(path).stem, path, sha256=file_hash(path))
            old = memory.get(plugin.key)
            (found if old and old.sha256 == plugin.sha256 else new).append(old or plugin)
    return found + ([] if is_probing() else probed([replace(p, sha256=file_hash(str(p.file))) for p in new]))
