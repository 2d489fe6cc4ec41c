"""What is known of plugins without running them: one JSON file in the user's configuration folder.

``plugins.json`` holds the plugins that are registered, and those that once were, with what each declares.  It is
written whole or not at all.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

from dagprop.errors import PluginError, Problem
from dagprop.ops.declared import KINDS
from dagprop.record import record

VERSION = 1


@record
class Plugin:
    """A plugin, as far as it is known without running it.

    Attributes
    ----------
    name : str
        Of a file its name without ``.py``, of an installed package that of its entry point.
    file : str or None
        The absolute path of a registered file.
    distribution, version, module : str or None
        Of an installed package.
    sha256 : str or None
        Of the file, or of the module's file.
    declares : mapping
        For each kind the names that it declares, each with the first line of its description.
    enabled : bool
        False for one that was removed or switched off.
    error : str or None
        Why it could not be loaded when that was last tried.
    """

    name: str
    file: str | None = None
    distribution: str | None = None
    version: str | None = None
    module: str | None = None
    sha256: str | None = None
    declares: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    enabled: bool = True
    error: str | None = None

    @property
    def key(self) -> str:
        """What no two plugins have in common."""
        return self.file or f"{self.distribution}:{self.name}"

    @property
    def argument(self) -> str:
        """What ``dagprop plugins add`` is given to register it."""
        return self.file or str(self.distribution)

    @property
    def add_command(self) -> str:
        """What brings it into use."""
        return f"dagprop plugins add {shlex.quote(self.argument)}"

    @property
    def remove_command(self) -> str:
        """What takes it out of use."""
        return f"dagprop plugins remove {shlex.quote(self.name)}"

    @property
    def place(self) -> str:
        """Where it comes from, to be read."""
        return self.file or f"the package {self.distribution} {self.version}"

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"


def memory_file() -> Path:
    """Return where the file is: in ``DAGPROP_CONFIG_DIR``, or in the user's configuration folder."""
    folder = os.environ.get("DAGPROP_CONFIG_DIR")
    if not folder:
        import platformdirs  # takes longer to load than the file to read

        folder = platformdirs.user_config_dir("dagprop", appauthor=False)
    return Path(folder) / "plugins.json"


def remembered() -> tuple[Plugin, ...]:
    """Return every plugin that is remembered, those that were removed as well.

    Raises
    ------
    PluginError
        If the file cannot be read or is not as dagprop writes it (DP506).
    """
    file = memory_file()
    try:
        document = json.loads(file.read_bytes())
        if type(document) is not dict or document.get("version") != VERSION:
            raise TypeError(f'"version" is not {VERSION}')
        if type(document.get("plugins", [])) is not list:
            raise TypeError('"plugins" is no list')
        return tuple(_plugin(entry) for entry in document.get("plugins", ()))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "msg", None) or str(error)
        message = f"the list of registered plugins cannot be read: {reason}"
        hint = "mend it, or delete it and add the plugins again: dagprop plugins add"
        line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
        raise PluginError(Problem("DP506", message, hint, file=str(file), line=line, column=column)) from error


def remember(plugins: Iterable[Plugin]) -> None:
    """Write plugins into the file, each in the place of what is remembered of it.

    Raises
    ------
    PluginError
        If the file cannot be read (DP506) or written (DP603).
    """
    with _alone():
        found = {plugin.key: plugin for plugin in remembered()}
        _write({**found, **{plugin.key: plugin for plugin in plugins}}.values())


def forget_plugin(plugin: Plugin) -> None:
    """Take a plugin out of the file.

    Raises
    ------
    PluginError
        As for :func:`remember`.
    """
    with _alone():
        _write(known for known in remembered() if known.key != plugin.key)


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other processes from writing between our reading and our writing, where the system can."""
    with ExitStack() as stack:
        with suppress(ImportError, OSError):  # whether the folder can be written is said by who writes the file
            import fcntl

            folder = memory_file().parent
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _write(plugins: Iterable[Plugin]) -> None:
    entries = [
        {key: value for key, value in asdict(plugin).items() if value is not None}
        for plugin in sorted(plugins, key=lambda plugin: (plugin.name, plugin.key))
    ]
    text = json.dumps({"version": VERSION, "plugins": entries}, indent=2, ensure_ascii=False) + "\n"
    import tempfile

    file = memory_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".plugins-", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(temporary, file)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        message = f"the list of registered plugins cannot be written: {error.strerror or error}"
        hint = "the environment variable DAGPROP_CONFIG_DIR names another folder for it"
        raise PluginError(Problem("DP603", message, hint, file=str(file))) from error


_TEXTS = ("name", "file", "distribution", "version", "module", "sha256", "error")


def _plugin(entry: Any) -> Plugin:
    """Return the plugin that an entry of the file stands for."""
    if type(entry) is not dict or type(entry.get("name")) is not str:
        raise TypeError("an entry is no object with a name")
    if not isinstance(entry.get("enabled", True), bool) or not {"file", "distribution"} & set(entry):
        raise TypeError(f"the entry {json.dumps(entry['name'])} has no source, or is neither enabled nor not")
    for key in _TEXTS:
        if not isinstance(entry.get(key), str | None):
            raise TypeError(f"{json.dumps(key)} of the entry {json.dumps(entry['name'])} is not text")
    declares = entry.get("declares", {})
    if type(declares) is not dict or not all(_is_texts(names) for names in declares.values()):
        raise TypeError(f'"declares" of the entry {json.dumps(entry["name"])} is not as it was written')
    known = {key: value for key, value in entry.items() if key in Plugin.__dataclass_fields__}
    return Plugin(**{**known, "declares": {kind: names for kind, names in declares.items() if kind in KINDS}})


def _is_texts(names: Any) -> bool:
    return type(names) is dict and all(type(text) is str for text in names.values())
