"""Plugin files: Python files that declare ops and more, named on the command line and never by a graph file."""

from __future__ import annotations

import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path
from types import CodeType, ModuleType

from dagprop.errors import PluginError, Problem, error_text, quote
from dagprop.ops.declared import KINDS, all_or_none, declared
from dagprop.ops.registry import ops


def load_plugin(path: str) -> tuple[str, ...]:
    """Run a plugin file and return the names of what it declares.

    Loading the same file again replaces its declarations.  A file that fails leaves none behind.  What it prints goes
    to the standard error, so that it cannot mix with the output of a command.

    Parameters
    ----------
    path : str
        A Python file.

    Raises
    ------
    PluginError
        If the file cannot be read, is not Python, raises or exits, or declares nothing (DP501); or if it declares
        something wrongly (DP503) or something that exists (DP502).
    """
    code = _compile(path)
    # The module's name is the file's place, so that two plugins of the same file name do not get into each other's way.
    module = ModuleType(f"dagprop_plugin:{Path(path).resolve()}")
    module.__file__ = path
    ops()  # what dagprop ships is there before
    before = _values()
    with all_or_none(), redirect_stdout(sys.stderr):
        _execute(code, module, path)
        names = tuple(name for (kind, name), value in _values().items() if before.get((kind, name)) is not value)
        if not names:
            hint = 'a plugin declares ops with @op("name"), where op comes from: from dagprop import op'
            raise _failed(path, "it declares nothing", 1, hint)
    return names


def _values() -> dict[tuple[str, str], object]:
    return {
        (kind, name): declaration.value
        for kind in KINDS
        for name, declaration in declared(kind).items()
        if not declaration.shipped
    }


def _compile(path: str) -> CodeType:
    try:
        return compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    except OSError as error:
        raise _failed(path, error.strerror or str(error)) from error
    except SyntaxError as error:
        raise _failed(path, f"{type(error).__name__}: {error.msg}", error.lineno or 1) from error
    except Exception as error:  # null bytes are a ValueError in Python 3.11, deep nesting may be a MemoryError
        raise _failed(path, f"{type(error).__name__}: {error}", 1) from error


def _execute(code: CodeType, module: ModuleType, path: str) -> None:
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)
    except BaseException as error:
        del sys.modules[module.__name__]
        if isinstance(error, (PluginError, KeyboardInterrupt)):
            raise
        lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == path]
        what = "it exits" if isinstance(error, SystemExit) else error_text(error)
        raise _failed(path, what, lines[-1] if lines else 1) from error


def _failed(path: str, what: str, line: int | None = None, hint: str | None = None) -> PluginError:
    return PluginError(
        Problem("DP501", f"the plugin {quote(path)} could not be loaded: {what}", hint, file=path, line=line)
    )
