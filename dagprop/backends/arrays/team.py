"""Threads that help with the kernels of a training.

Waking a sleeping thread takes longer than most kernels.  So helpers look for work without a pause, let others have the
processor if there is none for a while, and are gone if there is none for long: behind the last epoch.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import Any

import numpy as np

from dagprop.backends.arrays.blas import numpy_blas
from dagprop.backends.arrays.team_code import CLOCK, HELPERS, SIGNATURES, SIZE, YIELD, team_text
from dagprop.backends.llvm.engine import MachineCode, machine_code

MOST = 8
"""More threads would wait for each other longer than they help, with the products that are not left to a library."""

WORTH = 2e-3
"""Seconds of shared work in an epoch from which on helpers are called."""

STACK = 1 << 22
"""Bytes of stack that a helper may need: what a kernel keeps of a row, and what a product packs, lie there."""


def team() -> Team | None:
    """Return a team of as many threads as the user lets NumPy's library have, or None if that is one."""
    library = numpy_blas()
    size = min(library.get_threads() if library else 1, MOST)
    return Team(size) if size > 1 and hasattr(os, YIELD) else None


HELPER = "dagprop helper"
"""The name of such threads."""


class Team:
    """The memory in which a thread and its helpers find each other.

    Parameters
    ----------
    size : int
        How many threads it has, with the one that leads.

    Attributes
    ----------
    size : int
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._memory = np.zeros(SIZE // 8 + 8, np.int64)
        start = -self._memory.ctypes.data % 64 // 8
        self._address = self._memory[start:].ctypes.data
        self._helpers = self._memory[start + HELPERS // 8 :][:1]

    def share(self, function: int, arguments: Any, columns: int, size: int) -> Callable[[], object]:
        """Return what computes some columns of a kernel together, each time that it is called.

        Parameters
        ----------
        function : int
            The address of the kernel.
        arguments : ctypes array
            Of pointers.
        columns : int
        size : int
            How many columns a part has; what is left is part of the last one.

        Raises
        ------
        NotCompiledError
            If LLVM is not there.
        """
        arguments.team = self  # its memory lives as long as what is returned
        return partial(_code().functions["share"], self._address, function, arguments, columns, size, columns // size)

    def call_helpers(self, seconds: float) -> bool:
        """Have helpers from now on, if there is so much shared work to do that it is worth it; say whether it is.

        They are gone when there has been nothing to do for some milliseconds, or a second or two on a crowded machine.
        """
        if seconds < WORTH or 0 < threading.stack_size() < STACK:  # 0 is what the system gives, which is enough
            return False
        with suppress(RuntimeError):  # where the system allows no more threads, it goes without them
            for _ in range(int(self._helpers[0]), self.size - 1):
                threading.Thread(target=self._help, name=HELPER, daemon=True).start()
        return True

    def _help(self) -> None:
        _code().functions["help"](self._address)


@cache
def _code() -> MachineCode:
    """Return the functions of teams, which are never let go: some helper may still be in them."""
    return machine_code(team_text(), SIGNATURES, (YIELD, CLOCK), "all")
