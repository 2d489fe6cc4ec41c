"""Python's collector of reference cycles, switched off while a large graph is built up."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Do not look for reference cycles meanwhile.

    The records of a graph of 100,000 nodes have none; to look through them again and again as they become more takes
    longer than to make them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
