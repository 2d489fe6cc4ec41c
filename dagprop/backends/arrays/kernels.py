"""Kernels as functions that can be called: compiled, and with their arrays bound to them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial

from dagprop.backends.arrays.team import Team
from dagprop.backends.llvm.engine import addresses, machine_code
from dagprop.backends.reference import Array

Kernel = Callable[[], object]


def kernel_binder(text: str, team: Team | None = None) -> Callable[..., Kernel]:
    """Compile a module of kernels.

    Parameters
    ----------
    text : str
        Of :func:`~dagprop.backends.arrays.kernel_code.module_text`.
    team : Team, optional
        That shares those kernels whose columns are cut into parts.

    Returns
    -------
    callable
        Is given the name of a kernel, how many columns it has, how many of them are done at a time, and its arrays;
        returns what runs it on them, without arguments.

    Raises
    ------
    NotCompiledError
        If LLVM is not there.
    """
    code = machine_code(text, (), (), "all", unroll=False)
    prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)

    def kernel(name: str, columns: int, part: int, *arrays: Array) -> Kernel:
        address, pointers = code.address(name), addresses(arrays)
        pointers.needed = (code, arrays)  # live as long as what is returned
        if team is not None and part < columns:
            return team.share(address, pointers, columns, part)
        return partial(prototype(address), pointers, 0, columns)

    return kernel
