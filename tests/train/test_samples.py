"""The split and the order of the samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagprop.errors import DataError
from dagprop.train.samples import batches, split_samples
from dagprop.train.seeds import generator

shares = st.floats(0, 0.45)
seeds = st.integers(0, 2**40)


@given(st.integers(10, 300), shares, shares, seeds)
def test_every_sample_is_in_exactly_one_part(rows, validation, test, seed):
    split = split_samples(rows, validation, test, seed)
    parts = (split.train, split.validation, split.test)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(rows))
    assert all((np.diff(part) > 0).all() for part in parts)  # in the order of the data
    for part, share in ((split.validation, validation), (split.test, test)):
        assert abs(len(part) - share * rows) <= 1
        assert bool(len(part)) == (share > 0)


@given(st.integers(1, 100), st.integers(1, 120), st.booleans(), seeds, st.integers(1, 50))
def test_batches_hold_every_sample_once(rows, batch_size, shuffle, seed, epoch):
    samples = np.arange(rows) * 2
    found = list(batches(samples, batch_size, shuffle, seed, epoch))
    assert [len(batch) for batch in found[:-1]] == [batch_size] * (len(found) - 1)
    assert 1 <= len(found[-1]) <= batch_size
    together = np.concatenate(found)
    np.testing.assert_array_equal(np.sort(together) if shuffle else together, samples)


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        return np.concatenate(list(batches(np.arange(50), 7, True, seed, epoch))).tolist()

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (1, 2)}) == 4


def test_the_test_samples_do_not_depend_on_the_validation_share():
    np.testing.assert_array_equal(split_samples(90, 0.0, 0.2, 5).test, split_samples(90, 0.3, 0.2, 5).test)


@pytest.mark.parametrize(("rows", "validation", "test"), [(1, 0.5, 0), (3, 0.5, 0.5), (2, 0.1, 0.1), (0, 0, 0)])
def test_something_must_be_left_to_train_on(rows, validation, test):
    with pytest.raises(DataError, match=r"leaves none to train on \[DP405\]"):
        split_samples(rows, validation, test, 0)


def test_each_purpose_has_its_own_numbers():
    purposes = [(), ("w",), ("b",), ("shuffle", 1), ("shuffle", 2), ("split",)]
    assert len({generator(0, *purpose).integers(2**60) for purpose in purposes}) == len(purposes)
