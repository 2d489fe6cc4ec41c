"""Calls of machine code at the same time, each on a thread: Python's lock is let go of while such code runs.

The threads of OpenBLAS wait for each other by spinning, which takes many times as long where other programs use the
processor; these sleep.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

Call = Callable[[], object]


@cache
def _pool(count: int) -> Any:
    from concurrent.futures import ThreadPoolExecutor  # most trainings need none

    return ThreadPoolExecutor(count, "dagprop")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child process has none of the threads of its parent


def together(*calls: Call) -> Call:
    """Return what makes some calls at the same time, one of them on its own thread, and waits for all."""
    own, *others = calls
    submit = _pool(len(others)).submit

    def call() -> None:
        waiting = [submit(other) for other in others]
        try:
            own()
        finally:
            for one in waiting:
                one.result()

    return call
