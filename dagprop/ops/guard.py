"""What keeps a plugin that is being loaded from taking the program with it: hangs, exits and floods of output."""

from __future__ import annotations

import faulthandler
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from types import FrameType
from typing import Any, NoReturn, TextIO

SECONDS = 10.0
"""How long a plugin may take to load, unless the environment variable ``DAGPROP_PLUGIN_SECONDS`` says otherwise."""

MOST_OUTPUT = 10_000
"""Characters that a plugin may print while it is loaded."""

AGAIN = 0.5
"""Seconds after which code that has swallowed the end of its time is stopped again."""

LAST = 3.0
"""Seconds after which the program ends with code that swallows the end of its time again and again."""


class Stopped(BaseException):
    """Raised inside the code of a plugin, where it is stopped; no ``except Exception`` swallows it."""


def time_limit() -> float:
    """Return how many seconds a plugin may take to load."""
    try:
        seconds = float(os.environ.get("DAGPROP_PLUGIN_SECONDS", SECONDS))
    except ValueError:
        return SECONDS
    return seconds if 0 < seconds < 1e6 else SECONDS


@contextmanager
def guarded(last_words: Callable[[FrameType, str], str]) -> Iterator[None]:
    """Stop what runs in the block, with the traceback of where it is, when it hangs, prints without end or exits.

    What it prints goes to the standard error, so that it cannot mix with the output of a command, and it has nothing to
    read: what stands in the standard input is meant for the command.

    Parameters
    ----------
    last_words : callable
        What is said, from where the block is and what is wrong, where it lets nothing stop it: then the program ends.
    """
    output = _Bounded(sys.stderr)
    streams = redirect_stdout(output), redirect_stderr(output), _no_input(), _files_apart()
    state = _as_it_was(), _threads_end()
    seconds = time_limit()
    ends = _ended_after(seconds, last_words)
    with ExitStack() as stack:
        for keeper in (*streams, *state, _crashes_told(seconds), ends, _exits_stop(), _stopped_after(seconds)):
            stack.enter_context(keeper)
        yield


class _Bounded(io.TextIOBase):
    """A text stream that hands on what is written, up to a limit."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._left = MOST_OUTPUT

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._left -= len(text)
        if self._left < 0:
            raise Stopped(f"it prints more than {MOST_OUTPUT} characters")
        if self._stream is not None:
            self._stream.write(text)
        return len(text)


@contextmanager
def _no_input() -> Iterator[None]:
    stream, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = stream


@contextmanager
def _files_apart() -> Iterator[None]:
    """Keep what does not go through Python's streams apart as well: other programs, and writing to descriptor 1."""
    with ExitStack() as stack:
        with suppress(OSError):  # of what is closed there is nothing to keep
            nothing = os.open(os.devnull, os.O_RDONLY)
            stack.callback(os.close, nothing)
            for number, other in ((0, nothing), (1, 2)):
                saved = os.dup(number)
                stack.callback(os.close, saved)
                _flush()
                os.dup2(other, number)
                stack.callback(os.dup2, saved, number)
        stack.callback(_flush)
        yield


def _flush() -> None:
    with suppress(AttributeError, OSError, ValueError):  # there is none, or it is closed
        sys.__stdout__.flush()  # type: ignore[union-attr]


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Go back to the working folder, which the paths of a command line start from, and to how deep calls may go."""
    folder, depth = os.getcwd(), sys.getrecursionlimit()
    try:
        yield
    finally:
        os.chdir(folder)
        sys.setrecursionlimit(depth)


@contextmanager
def _threads_end() -> Iterator[None]:
    """Let threads that are left running end with the program, which would wait for them."""
    start = threading.Thread.start

    def start_as_daemon(thread: threading.Thread) -> None:
        thread.daemon = True
        start(thread)

    threading.Thread.start = start_as_daemon  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]


@contextmanager
def _crashes_told(seconds: float) -> Iterator[None]:
    """Let Python name the line where it is if it crashes, or hangs in code of C: nothing can catch that."""
    if faulthandler.is_enabled() or sys.__stderr__ is None:
        yield
        return
    with suppress(OSError, ValueError):  # a standard error that is closed, or no file
        faulthandler.enable(sys.__stderr__)
        faulthandler.dump_traceback_later(seconds + LAST + AGAIN, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        faulthandler.disable()


@contextmanager
def _exits_stop() -> Iterator[None]:
    """Turn ``os._exit``, which nothing can catch, into what can be caught."""
    leave, process = os._exit, os.getpid()
    guarding = True

    def stop(status: int) -> NoReturn:
        if guarding and os.getpid() == process:  # a process that the plugin has forked may end as it likes
            raise Stopped("it exits")
        leave(status)

    os._exit = stop
    try:
        yield
    finally:
        os._exit = leave
        guarding = False


@contextmanager
def _ended_after(seconds: float, last_words: Callable[[FrameType, str], str]) -> Iterator[None]:
    """End the program, if it must be: a plugin may swallow every exception, and switch signals off."""
    guarded_thread, leave, stream = threading.get_ident(), os._exit, sys.__stderr__
    ended = threading.Event()

    def wait() -> None:
        if not ended.wait(seconds + LAST):
            with suppress(Exception):  # whatever the plugin has done to the stream
                print(last_words(sys._current_frames()[guarded_thread], late_text(seconds)), file=stream, flush=True)
            leave(2)

    threading.Thread(target=wait, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def late_text(seconds: float) -> str:
    """Return what is wrong with a plugin that hangs."""
    return f"it has not ended after {seconds:g} s"


@contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    message = late_text(seconds)
    main = threading.current_thread() is threading.main_thread()
    with _alarm(seconds, message) if main and hasattr(signal, "setitimer") else _watch(seconds, message):
        yield


@contextmanager
def _alarm(seconds: float, message: str) -> Iterator[None]:
    """Stop the main thread by a signal, which also wakes it where it waits."""

    def ring(*_: Any) -> NoReturn:
        raise Stopped(message)

    handler = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


@contextmanager
def _watch(seconds: float, message: str) -> Iterator[None]:
    """Stop a thread that has no signals, at its next step of Python."""
    import ctypes

    thread = ctypes.c_ulong(threading.get_ident())
    ended = threading.Event()
    late = type("Late", (Stopped,), {"__str__": lambda self: message})

    def wait() -> None:
        pause = seconds
        while not ended.wait(pause):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(late))
            pause = AGAIN

    threading.Thread(target=wait, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
