"""Plugins as they are now: tried again, and compared with each other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from dagprop.errors import PluginError
from dagprop.ops.providers.known import Known, judge
from dagprop.ops.providers.memory import remember
from dagprop.ops.providers.probe import probed
from dagprop.ops.providers.register import conflicts


def inspected(plugins: Sequence[Known]) -> list[Known]:
    """Return plugins with what trying those that may be used has shown; that is remembered."""
    wanted = [known.plugin for known in plugins if known.status in ("ok", "broken")]
    tried = {plugin.key: plugin for plugin in probed([replace(plugin, error=None) for plugin in wanted])}
    # Of a file no failure is remembered: its next use tries it again, when it may have been mended.
    seen = [tried[plugin.key] for plugin in wanted if tried[plugin.key] != plugin]
    changed = [plugin for plugin in seen if not (plugin.file and plugin.error)]
    if changed:
        with suppress(PluginError):  # what is listed is true all the same
            remember(changed)
    found = [judge(tried[p.plugin.key]) if p.plugin.key in tried else p for p in plugins]
    return [_with_conflicts(known, found) if known.status == "ok" else known for known in found]


def _with_conflicts(known: Known, others: Sequence[Known]) -> Known:
    clash = next(iter(conflicts(known.plugin, others)), None)
    return known if clash is None else replace(known, status="conflict", why=clash.message, remedy=str(clash.hint))
