"""Trying a plugin in a process of its own, where nothing that it does can harm: what it declares, or why it fails."""

from __future__ import annotations

import faulthandler
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dagprop.errors import DagpropError, Problem, quote
from dagprop.ops.guard import late_text, time_limit
from dagprop.ops.providers.installed import module_file
from dagprop.ops.providers.memory import Plugin
from dagprop.record import record

PROBING = "DAGPROP_PROBING"
"""Set in the process that tries a plugin, so that none is tried from there."""

SPARE = 5.0
"""Seconds that a process has beyond the time of the plugin: for Python and dagprop to start, and to report."""


@record
class Finding:
    """What came of trying a plugin: what it declares, by kind and name, or what is wrong with it."""

    declares: Mapping[str, Mapping[str, str]]
    problems: tuple[Problem, ...] = ()


def probe(plugin: Plugin) -> Finding:
    """Run a plugin in a process of its own."""
    file = plugin.file or module_file(str(plugin.module))
    with tempfile.TemporaryDirectory(prefix="dagprop-") as folder:
        report, crash = Path(folder, "report.json"), Path(folder, "crash.txt")
        source = [plugin.file] if plugin.file else [str(plugin.module), plugin.name, file or ""]
        try:
            status = subprocess.run(
                [sys.executable, "-P", "-m", __name__, str(report), str(crash), *source],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={
                    **os.environ,
                    PROBING: "1",
                    "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
                },
                timeout=time_limit() + SPARE,
                check=False,
            ).returncode
            what = (
                f"it ends the process with the exit code {status}"
                if status >= 0
                else f"it crashes ({_signal(-status)})"
            )
        except subprocess.TimeoutExpired:
            what = late_text(time_limit())
        try:
            told = json.loads(report.read_bytes())
            return Finding(told["declares"], tuple(_problem(entry) for entry in told["problems"]))
        except (OSError, ValueError, KeyError, TypeError):
            if _was_late(crash):
                what = late_text(time_limit())
            line = _crash_line(crash, file)
            message = f"the plugin {quote(plugin.file or plugin.name)} could not be loaded: {what}"
            return Finding({}, (Problem("DP501", message, file=file, line=line),))


def probe_all(plugins: Sequence[Plugin]) -> list[Finding]:
    """Try several plugins, a few at a time."""
    from concurrent.futures import ThreadPoolExecutor

    if len(plugins) < 2:
        return [probe(plugin) for plugin in plugins]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 2)) as pool:
        return list(pool.map(probe, plugins))


def probed(plugins: Sequence[Plugin]) -> list[Plugin]:
    """Return plugins with what they declare now; one that cannot be loaded keeps what it once did, with the reason."""
    findings = probe_all(plugins)
    return [
        replace(p, declares=found.declares or p.declares, error="\n".join(map(str, found.problems)) or None)
        for p, found in zip(plugins, findings, strict=True)
    ]


def is_probing() -> bool:
    """Whether this is a process that tries a plugin."""
    return PROBING in os.environ


def _problem(entry: Mapping[str, str | int | None]) -> Problem:
    known = {key: entry[key] for key in ("code", "message", "hint", "node", "file", "line", "column")}
    return Problem(**known)  # type: ignore[arg-type]


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _was_late(crash: Path) -> bool:
    """Whether the process was ended because the plugin did not end."""
    return crash.is_file() and crash.read_bytes().startswith(b"Timeout")


def _crash_line(crash: Path, file: str | None) -> int | None:
    """Return the line of a file in which Python was when it crashed."""
    if not file or not crash.is_file():
        return None
    found = re.search(rf'File "{re.escape(file)}", line (\d+)', crash.read_text(encoding="utf-8", errors="replace"))
    return int(found[1]) if found else None


def _report(arguments: Sequence[str]) -> None:
    """Run the plugin that the arguments name and write down what it declares: the whole life of the process."""
    from dagprop.ops.declared import declarations
    from dagprop.ops.plugins import Origin, load_module, load_plugin, origin_of
    from dagprop.ops.providers.describe import first_line

    report, crash, source, *module = arguments
    told: dict[str, object] = {"declares": {}, "problems": []}
    with open(crash, "w", encoding="utf-8") as stream:
        faulthandler.enable(stream)
        faulthandler.dump_traceback_later(time_limit() + SPARE / 2, exit=True, file=stream)
        try:
            if module:
                load_module(source, Origin(module[0]), module[1] or None)
            else:
                load_plugin(source)
            declares: dict[str, dict[str, str]] = {}
            for kind, name, found in declarations():
                origin = origin_of(found)
                if origin is not None and origin.plugin == (module[0] if module else Path(source).stem):
                    declares.setdefault(kind, {})[name] = first_line(found.value)
            told["declares"] = declares
        except DagpropError as error:
            told["problems"] = [problem.to_json() for problem in error.problems]
        Path(report).write_text(json.dumps(told), encoding="utf-8")
        os._exit(0)  # threads that the plugin has started do not keep the process


if __name__ == "__main__":
    _report(sys.argv[1:])
