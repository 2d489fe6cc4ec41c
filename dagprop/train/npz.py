"""NPZ archives, read and written with care: nothing in one is ever executed, and equal contents give equal bytes."""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
"""How a ZIP file, full or empty, begins."""


class NpzError(Exception):
    """An archive cannot be read; the text says why."""


@contextmanager
def open_npz(stream: BinaryIO) -> Iterator[Any]:
    """Open an archive; its ``files`` are the names, and ``archive[name]`` is the array, or bytes if it is none.

    Raises
    ------
    NpzError
        If anything, also inside the ``with`` block, shows that the archive is damaged or holds pickled objects.
    """
    # What a damaged archive raises depends on the byte that is wrong.
    damages = (ValueError, EOFError, KeyError, MemoryError, NotImplementedError, RuntimeError, OSError, OverflowError)
    try:
        if stream.read(4) not in MAGIC:
            raise NpzError("it is not an NPZ archive")
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as archive:
            yield archive
    except (*damages, zipfile.BadZipFile, zlib.error, SyntaxError, TypeError, tokenize.TokenError) as error:
        pickled = "allow_pickle" in str(error)
        reason = "it holds pickled Python objects, which are never loaded" if pickled else "it is damaged"
        raise NpzError(reason) from error


def npz_bytes(arrays: Mapping[str, Any], texts: Mapping[str, str] | None = None) -> bytes:
    """Return an archive of arrays, and of texts under their own file names, without any time stamp."""
    entries = {name: text.encode() for name, text in (texts or {}).items()}
    for name, array in arrays.items():
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.asarray(array, order="C"), allow_pickle=False)
        entries[f"{name}.npy"] = stream.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            # A ZipInfo of its own has the fixed date 1980-01-01; the other two depend on the operating system.
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()
