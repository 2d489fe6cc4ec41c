"""Threads that share kernels: every column is done once, and all numbers are those that one thread computes."""

from __future__ import annotations

import ctypes
import threading
import time
from dataclasses import replace

import llvmlite.binding
import numpy as np
import pytest

import dagprop
from dagprop.backends.arrays import batch_rows, groups, kernel_shares, products, team, team_code
from dagprop.backends.arrays import trainer as array_trainer
from dagprop.backends.arrays.batch_rows import row_taker
from dagprop.backends.arrays.shares import share
from dagprop.backends.arrays.team import Team
from dagprop.backends.arrays.trainer import ArrayTrainer
from dagprop.backends.llvm.engine import addresses, machine_code
from tests.backends.test_array_program import training_task

COUNT = """
define i32 @count(ptr %arguments, i64 %from, i64 %to) {
entry:
  %counts = load ptr, ptr %arguments
  br label %column
column:
  %c = phi i64 [ %from, %entry ], [ %c.next, %column ]
  %at = getelementptr i64, ptr %counts, i64 %c
  %before = load i64, ptr %at
  %after = add i64 %before, 1
  store i64 %after, ptr %at
  %c.next = add i64 %c, 1
  %more = icmp ult i64 %c.next, %to
  br i1 %more, label %column, label %done
done:
  ret i32 0
}
"""


@pytest.mark.parametrize("helpers", [0, 1, 3])
def test_every_column_is_done_once(helpers):
    code = machine_code(COUNT, (), (), "quick")
    mine = Team(helpers + 1)
    mine.call_helpers(np.inf)
    counts = [np.zeros(columns, np.int64) for columns in (7, 64, 3, 1000)]
    shared = [
        mine.share(code.address("count"), addresses([array]), len(array), part)
        for array, part in zip(counts, (2, 1, 3, 9), strict=True)
    ]
    for _ in range(3000):
        for call in shared:
            call()
    for array in counts:
        assert (array == 3000).all()


def helpers():
    return [thread for thread in threading.enumerate() if thread.name == team.HELPER]


def wait_until_they_are_gone():
    end = time.monotonic() + 60
    while helpers() and time.monotonic() < end:
        time.sleep(0.01)


def test_helpers_are_gone_when_there_is_nothing_to_do():
    wait_until_they_are_gone()
    mine = Team(3)
    assert not mine.call_helpers(0.0) and not helpers()
    assert mine.call_helpers(1.0)
    wait_until_they_are_gone()
    assert not helpers()
    mine.call_helpers(1.0)
    assert helpers(), "and they come again"


def test_no_helper_is_called_where_threads_are_given_too_small_a_stack():
    wait_until_they_are_gone()
    before = threading.stack_size(1 << 16)
    try:
        assert not Team(2).call_helpers(1.0) and not helpers()
    finally:
        threading.stack_size(before)


def test_helpers_go_soon_where_others_take_the_processor_for_long():
    """A helper lets others have it thousands of times before it goes: on a crowded machine that took minutes."""
    clock = iter(range(100))
    calls = []
    functions = {
        "crowd": ctypes.CFUNCTYPE(ctypes.c_int)(lambda: calls.append(0) or 0),
        "watch": ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(lambda _: 1000 + next(clock)),
    }
    text = team_code.team_text().replace("@sched_yield(", "@crowd(").replace("@time(", "@watch(")
    for name, function in functions.items():
        llvmlite.binding.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
    code = machine_code.__wrapped__(text, team_code.SIGNATURES, (), "quick")  # not kept: the functions are not either
    mine = Team(2)
    code.functions["help"](mine._address)
    assert len(calls) == 3, "a second passes each time: with the first it begins, and behind the second it is enough"


@pytest.mark.parametrize(
    ("columns", "unit", "seconds", "threads", "part"),
    [
        (256, 32, 1.0, 1, 256),  # alone
        (256, 32, 1.0, 2, 32),
        (250, 32, 1.0, 2, 32),  # the last part has what is left
        (256, 32, 2.5e-6, 2, 128),
        (256, 32, 1e-6, 2, 256),  # not worth it
        (40, 32, 1.0, 2, 40),
        (1000, 1, 1.0, 2, 125),
        (10, 20, 1.0, 4, 10),
    ],
)
def test_how_columns_are_shared(columns, unit, seconds, threads, part):
    found = share(columns, unit, seconds, threads, 1e-6)
    assert (found.columns, found.part, found.several) == (columns, part, part < columns)


def test_a_team_has_the_threads_that_the_library_may_have(monkeypatch):
    for allowed, expected in ((1, None), (3, 3), (500, team.MOST)):
        monkeypatch.setattr(team, "numpy_blas", lambda allowed=allowed: type("B", (), {"get_threads": lambda: allowed}))
        found = team.team()
        assert (found and found.size) == expected
    monkeypatch.setattr(team, "numpy_blas", lambda: None)
    assert team.team() is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_are_those_that_numpy_takes(dtype, monkeypatch):
    monkeypatch.setattr(batch_rows, "PART", 1e-9)
    mine = Team(3)
    mine.call_helpers(np.inf)
    generator = np.random.default_rng(0)
    source, batch = generator.normal(size=(50, 3, 7)).astype(dtype), np.zeros((20, 3, 7), dtype)
    take = row_taker(source, batch, mine)
    for _ in range(50):
        numbers = generator.integers(0, 50, 20)
        take(numbers)
        np.testing.assert_array_equal(batch, source[numbers])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["digits", "iris", "residual"])
def test_any_number_of_threads_gives_the_same_bits(root, monkeypatch, name, dtype):
    monkeypatch.setattr(groups, "START", -np.inf)
    for module in (products, kernel_shares, batch_rows):
        monkeypatch.setattr(module, "PART", 1e-9)  # whatever can be shared is
    monkeypatch.setattr(kernel_shares, "LINE", 1)
    monkeypatch.setattr(team, "WORTH", 0.0)
    task = training_task(dagprop.load(root / f"graphs/{name}.json"), 60, 24, dtype)
    found = []
    for size in (1, 2, 5):
        monkeypatch.setattr(array_trainer, "team", lambda size=size: Team(size) if size > 1 else None)
        trainer = ArrayTrainer(replace(task, steps=np.inf))
        variables, losses = task.variables, []
        batches = [np.arange(start, min(start + 24, 60)) for start in range(0, 60, 24)]
        for epoch in range(3):
            outcome = trainer.epoch(variables, batches, 0.1, 1 + 3 * epoch)
            variables = outcome.variables
            losses.append(outcome.losses)
        found.append((losses, {id: array.copy() for id, array in variables.items()}))
        shared = sum(step.compiled.seconds for step in trainer._steps.values())
        assert bool(shared) == (size > 1)
    for losses, variables in found[1:]:
        np.testing.assert_array_equal(losses, found[0][0])
        for id, array in variables.items():
            np.testing.assert_array_equal(array, found[0][1][id], err_msg=id)
