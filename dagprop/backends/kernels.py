"""Kernels as functions that can be called: compiled, and with their arrays bound to them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial

from dagprop.backends.llvm_engine import machine_code
from dagprop.backends.reference import Array

Kernel = Callable[[], int]


def kernel_binder(text: str) -> Callable[..., Kernel]:
    """Compile a module of kernels.

    Parameters
    ----------
    text : str
        Of :func:`~dagprop.backends.kernel_code.module_text`.

    Returns
    -------
    callable
        Is given the name of a kernel and its arrays, and returns what runs it on them, without arguments.

    Raises
    ------
    NotCompiledError
        If LLVM is not there.
    """
    code = machine_code(text, (), (), "all", unroll=False)

    def kernel(name: str, *arrays: Array) -> Kernel:
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, *(ctypes.c_void_p for _ in arrays))
        # A pointer made in this way keeps its array alive; the code lives as long as this function.
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
        return partial(prototype(code.address(name)), *pointers)

    return kernel
