"""Ctrl-C between steps, and never within one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[Callable[[], bool]]:
    """Note a Ctrl-C instead of raising KeyboardInterrupt; gives the function that says whether there was one.

    Where the signal is not ours to handle (another thread, a handler of the host), nothing changes.
    """
    asked = False

    def note(*_: object) -> None:
        nonlocal asked
        asked = True

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
