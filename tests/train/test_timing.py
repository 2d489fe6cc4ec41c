"""The times of steps, nodes and ops: how they are dealt out and added up."""

from __future__ import annotations

import pytest

from dagprop.plan.network import prepare
from dagprop.train.timing import Share, _parts, by_op


@pytest.mark.parametrize(("total", "parts"), [(1, [1, 0, 0]), (3, [1, 1, 1]), (8, [3, 3, 2])])
def test_steps_are_dealt_out_evenly(total, parts):
    assert _parts(total, 3) == parts


def test_the_op_that_takes_the_longest_comes_first(load_graph):
    nodes = {"w": {"op": "parameter", "value": 0.5}, "a": {"op": "sin", "inputs": ["w"]}}
    nodes |= {"b": {"op": "tanh", "inputs": ["a"]}, "c": {"op": "sin", "inputs": ["b"]}}
    times = {"a": Share(1.0, 2.0), "b": Share(5.0, 3.0), "c": Share(0.5, 0.5)}
    ops = by_op(prepare(load_graph(nodes)), times)
    assert list(ops.items()) == [("tanh", Share(5.0, 3.0, 1)), ("sin", Share(1.5, 2.5, 2))]
    assert sum(share.total for share in ops.values()) == sum(share.total for share in times.values())
