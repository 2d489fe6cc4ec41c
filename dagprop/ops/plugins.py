"""Running plugins: Python files and installed modules that declare ops and more, named by users, never by a graph.

What it takes to run one is imported with the first: most graphs need none, and ask this module only for origins.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, ModuleType

from dagprop.errors import PluginError, Problem, error_text, quote
from dagprop.ops.declared import Declaration, Kind, all_or_none, declarations, forget
from dagprop.ops.providers.nearby import file_meant
from dagprop.ops.registry import ops
from dagprop.record import record

HINT = 'a plugin declares an op with @op("name"), where op comes from: from dagprop import op'


@record
class Origin:
    """Where something that is declared comes from.

    Attributes
    ----------
    plugin : str
        The name of the plugin; of a file its name without ``.py``.
    sha256 : str or None
        Of the file that declares it.
    distribution, version : str or None
        Of the installed package, if it is one.
    """

    plugin: str
    sha256: str | None = None
    distribution: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return self.plugin if self.version is None else f"{self.plugin} {self.version} ({self.distribution})"


_origins: dict[str, Origin] = {}
"""For each file that a plugin has declared something in, what the plugin was."""


def origin_of(declaration: Declaration) -> Origin | None:
    """Return which plugin declares something; None for what dagprop ships."""
    if declaration.shipped:
        return None
    return _origins.get(declaration.provider) or Origin(Path(declaration.provider).stem)


def load_plugin(path: str, sha256: str | None = None) -> tuple[str, ...]:
    """Run a plugin file and return the names of what it declares.

    Loading the same file again replaces what it declares.  A file that fails leaves nothing behind.  What it prints
    goes to the standard error, so that it cannot mix with the output of a command.

    Parameters
    ----------
    path : str
        A Python file.
    sha256 : str, optional
        The only content that may be run.

    Raises
    ------
    PluginError
        If the file cannot be read, is not Python, raises, exits, hangs or prints without end, or declares nothing
        (DP501); or if it declares something wrongly (DP503) or under a name that is taken (DP502).
    """
    import shlex

    content = _read(path)
    found = _hash(content)
    if sha256 not in (None, found):
        hint = f"look at it, then accept it: dagprop plugins add {shlex.quote(path)}"
        raise _failed(path, "the file has changed since it was added", 1, hint)
    code = _compile(content, path)
    # The module's name is the file's place, so that two plugins of the same file name do not get into each other's way.
    place = Path(path).resolve()
    module = ModuleType(f"dagprop_plugin:{place}")
    module.__file__ = path
    earlier = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        with _declaring(path, Origin(Path(path).stem, found)) as names:
            forget(lambda declaration: Path(declaration.provider).resolve() == place)
            with _blaming(path, path):
                exec(code, module.__dict__)
    except BaseException:
        del sys.modules[module.__name__]
        if earlier is not None:
            sys.modules[module.__name__] = earlier
        raise
    return tuple(names)


def load_module(module: str, origin: Origin, file: str | None = None) -> tuple[str, ...]:
    """Import an installed module and return the names of what it declares.

    Parameters
    ----------
    module : str
    origin : Origin
    file : str, optional
        Where the module lies, to name in errors.

    Raises
    ------
    PluginError
        As for :func:`load_plugin`.
    """
    package = module.partition(".")[0]
    if module in sys.modules:  # imported before, and what it declared was forgotten: it has to run again
        for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
            del sys.modules[name]
    importlib.invalidate_caches()
    with _declaring(file or module, origin) as names, _blaming(origin.plugin, file):
        importlib.import_module(module)
    return tuple(names)


@contextmanager
def _declaring(file: str, origin: Origin) -> Iterator[list[str]]:
    """Note what is declared in the block, and refuse a plugin that declares nothing."""
    ops()  # what dagprop ships is there first, so that a clash is the plugin's error
    before: dict[tuple[Kind, str], Declaration] = {(kind, name): found for kind, name, found in declarations()}
    origins = dict(_origins)
    names: list[str] = []
    with all_or_none():
        yield names
        new = [
            (name, found)
            for kind, name, found in declarations()
            if before.get((kind, name)) is not found
            and not found.shipped
            # A layer may have brought in the plugin whose op it uses.
            and _origins.get(found.provider) is origins.get(found.provider)
        ]
        if not new:
            raise _failed(file, "it declares nothing", 1, HINT)
        names += [name for name, _ in new]
    for provider in {found.provider for _, found in new}:
        digest = origin.sha256 if provider == file and origin.sha256 else _file_hash(provider)
        _origins[provider] = Origin(origin.plugin, digest, origin.distribution, origin.version)


@contextmanager
def _blaming(name: str, file: str | None) -> Iterator[None]:
    """Guard the code of a plugin; what goes wrong in it is an error that names its line."""
    from traceback import walk_stack, walk_tb

    from dagprop.ops.guard import Stopped, guarded

    def last_words(frame: FrameType, what: str) -> str:
        return str(_blamed(name, file, Stopped(what), [*walk_stack(frame)][::-1]))

    try:
        with guarded(last_words):
            yield
    except (PluginError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise _blamed(name, file, error, walk_tb(error.__traceback__)) from error


def _blamed(name: str, file: str | None, error: BaseException, stack: Iterable[tuple[FrameType, int]]) -> PluginError:
    """Return the error of what went wrong in a plugin, with the innermost line of its own."""
    from dagprop.ops.guard import Stopped

    folder = os.path.dirname(file) if file and name != file else None  # of a package any file in its folder
    places = [(frame.f_code.co_filename, line) for frame, line in stack]
    own = [p for p in places if p[0] == file or (folder and p[0].startswith(folder + os.sep))]
    place = own[-1] if own else (file or name, 1)
    if isinstance(error, SyntaxError) and error.filename and folder:
        place = error.filename, error.lineno or 1
    hint = None
    if isinstance(error, Stopped):
        what = str(error)
    elif isinstance(error, SystemExit):
        what = "it exits"
    else:
        what = error_text(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        hint = f"install what it needs: {quote(error.name)} is not there"
    return _failed(name, what, place[1], hint, place[0])


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        hint = file_meant(path) if isinstance(error, FileNotFoundError) else None
        raise _failed(path, getattr(error, "strerror", None) or str(error), hint=hint) from error


def _compile(content: bytes, path: str) -> CodeType:
    try:
        return compile(content, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _failed(path, f"{type(error).__name__}: {error.msg}", error.lineno or 1) from error
    except Exception as error:  # null bytes are a ValueError in Python 3.11, deep nesting may be a MemoryError
        raise _failed(path, f"{type(error).__name__}: {error}", 1) from error


def _file_hash(path: str) -> str | None:
    try:
        return _hash(Path(path).read_bytes())
    except (OSError, ValueError):
        return None


def _hash(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def _failed(
    name: str, what: str, line: int | None = None, hint: str | None = None, file: str | None = None
) -> PluginError:
    message = f"the plugin {quote(name)} could not be loaded: {what}"
    return PluginError(Problem("DP501", message, hint, file=file or name, line=line))
