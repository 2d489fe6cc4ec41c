"""LLVM: from text to functions that can be called."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, Literal

from dagprop.backends.trainer import NotCompiledError
from dagprop.record import record

Effort = Literal["quick", "code", "all"]
"""How much is done for good machine code: the first that comes; registers and instructions are chosen with care; before
that, improvements are looked for in the whole module.  The results are the same, bit by bit.
"""

KEPT = 32
"""How many modules are kept, so that the same network is not compiled twice in a row."""


@record(eq=False)
class MachineCode:
    """A compiled module; what lies at an address in it lives as long as it does, or one of its functions.

    Attributes
    ----------
    functions : mapping from str to callable
    """

    functions: Mapping[str, Callable[..., Any]]
    _engine: Any

    def address(self, name: str) -> int:
        """Return where a function lies in memory."""
        return int(self._engine.get_function_address(name))


@lru_cache(maxsize=KEPT)
def machine_code(
    text: str,
    signatures: tuple[tuple[str, str], ...],
    library: tuple[str, ...],
    effort: Effort,
    unroll: bool = True,
) -> MachineCode:
    """Compile a module for the machine that this runs on.

    Parameters
    ----------
    text : str
        In LLVM's language.
    signatures : tuple of (str, str)
        The functions to call, each with a letter an argument: p pointer, i integer of 64 bits.
    library : tuple of str
        The functions of the C library that it calls.
    effort : Effort
    unroll : bool
        Whether loops may be written out several times over, which takes longer to compile.

    Raises
    ------
    NotCompiledError
        If llvmlite is not there, or the process lacks a function.
    """
    llvm, target = _llvm()
    for name in library:
        llvm.add_symbol(name, _library_address(name))
    module = llvm.parse_assembly(text)
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=0 if effort == "quick" else 2,
        jit=True,
    )
    if effort == "all":
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        options.loop_unrolling = options.loop_interleaving = unroll
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    functions: dict[str, Any] = {
        name: ctypes.CFUNCTYPE(None, *(_LETTERS[letter] for letter in letters))(engine.get_function_address(name))
        for name, letters in signatures
    }
    for function in functions.values():
        function.needed = engine  # whoever keeps a function alone keeps its code
    return MachineCode(functions, engine)


@cache
def registers() -> tuple[int, int]:
    """Return how many vector registers this machine has, and of how many bytes; without LLVM, what most have."""
    try:
        features = _llvm()[0].get_host_cpu_features()
    except NotCompiledError:
        features = {}
    if features.get("avx512f"):
        return 32, 64
    if features.get("neon"):
        return 32, 16
    return 16, 32 if features.get("avx") else 16


def addresses(arrays: Sequence[Any]) -> Any:
    """Return an array of the addresses of the numbers of NumPy arrays, which must outlive it."""
    return (ctypes.c_void_p * max(len(arrays), 1))(*(array.ctypes.data for array in arrays))


_LETTERS: dict[str, Any] = {"p": ctypes.c_void_p, "i": ctypes.c_int64}


@cache
def _library_address(name: str) -> int:
    """Return where a function of the C library lies in this process."""
    for library in ("ucrtbase",) if os.name == "nt" else (None, "libm.so.6"):
        with suppress(OSError, AttributeError):
            return ctypes.cast(getattr(ctypes.CDLL(library), name), ctypes.c_void_p).value or 0
    raise NotCompiledError(f"the C library of this system has no {name}")


@cache
def _llvm() -> tuple[Any, Any]:
    """Return llvmlite, made ready, and the target."""
    try:
        import llvmlite.binding as llvm
    except (ImportError, OSError, RuntimeError) as error:
        raise NotCompiledError(f"llvmlite cannot be loaded: {error}") from error
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm, llvm.Target.from_default_triple()
