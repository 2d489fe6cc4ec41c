"""What LLVM is told of loops over few columns, and that it has nothing to say to that."""

import math

import pytest

from dagprop.backends.arrays import narrow_loops
from dagprop.backends.arrays.narrow_loops import NARROW, loop_hint, with_loop_hints
from dagprop.backends.arrays.program import ArrayProgram
from dagprop.backends.llvm.engine import machine_code
from dagprop.program.recorder import Recorder
from dagprop.program.symbols import Symbol, symbolic_namespace


@pytest.mark.parametrize("kind", ["float", "double"])
def test_each_narrow_loop_has_a_hint_of_its_own(kind, monkeypatch):
    monkeypatch.setattr(narrow_loops, "registers", lambda: (32, 64))
    length = 64 // (4 if kind == "float" else 8)
    hints = {size: loop_hint(size, kind) for size in (1, 2, 3, length - 1, length, length + 1, 4 * length + 1, "%to")}
    assert [size for size, hint in hints.items() if hint == NARROW] == [3, length - 1, length + 1]
    text = with_loop_hints(f"first{NARROW}\nsecond{NARROW}\n", kind)
    assert f'"llvm.loop.vectorize.width", i32 {length}' in text
    assert text.startswith("first, !llvm.loop !2\nsecond, !llvm.loop !3\n")
    assert all(f"!{node} = distinct !{{!{node}, !0, !1}}" in text for node in (2, 3))
    assert with_loop_hints("none", kind) == "none"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 7, 10, 17, 33])
def test_nothing_is_printed_when_loops_cannot_be_as_they_were_asked_for(columns, dtype, capfd):
    recorder = Recorder()
    x = Symbol(recorder, recorder.input("x", (7, columns)))
    xp = symbolic_namespace(recorder)
    shares = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    shares = shares / xp.sum(shares, axis=-1, keepdims=True)
    outputs = {"shares": shares.number, "sums": xp.sum(xp.where(x > 0.0, shares, 0.5), axis=0).number}
    machine_code.cache_clear()
    ArrayProgram(recorder.program(["x"], outputs, dtype), runs=math.inf)
    assert capfd.readouterr() == ("", "")
