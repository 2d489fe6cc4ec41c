"""What is too long is shortened in the middle, and nothing is lost count of."""

from __future__ import annotations

import pytest

from dagprop.cli.long_texts import integer_text, middle_shortened


@pytest.mark.parametrize("most", range(3, 9))
@pytest.mark.parametrize("count", range(12))
def test_the_middle_is_left_out(count, most):
    items = [str(number) for number in range(count)]
    shown = middle_shortened(items, most)
    if count <= most:
        assert shown == items
        return
    assert len(shown) == most
    (gap,) = (place for place, text in enumerate(shown) if "more" in text)
    assert shown[:gap] == items[:gap] and shown[gap + 1 :] == items[count - (most - gap - 1) :]
    assert shown[gap] == f"… ({count - most + 1} more) …"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (-7, "-7"),
        (2**60, "1152921504606846976"),
        (10**39, "1" + "0" * 39),
        (10**40, "about 1.00000e+40"),
    ],
)
def test_whole_numbers_are_exact_up_to_forty_digits(number, text):
    assert integer_text(number) == text


def test_whole_numbers_of_any_length_have_a_text():
    assert integer_text(3**20_000) == "about 2.66130e+9542"
