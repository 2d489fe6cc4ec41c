"""What of an update is known before a step is taken out of the program, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from dagprop.backends.interpreter import interpret
from dagprop.program.coefficients import split_coefficients
from dagprop.program.trace import update_program
from dagprop.program.update import LEARNING_RATE, STEP, UpdateRule


def rule(function, *arguments, memories=()):
    return UpdateRule("rule", function, ("parameter", "gradient", *arguments, *memories), memories, {})


def of_a_truth(xp, parameter, gradient, learning_rate, step):
    """The choice is between what is no coefficient, its condition of one."""
    return xp.where(step > 3, parameter, parameter - learning_rate * gradient)


RULES = {
    "plain": (rule(lambda parameter, gradient, learning_rate: parameter - learning_rate * gradient, "learning_rate"),
              [LEARNING_RATE], 0),
    "powers": (rule(lambda parameter, gradient, learning_rate, step:
                    parameter - learning_rate / (1 - 0.9**step) * gradient, "learning_rate", "step"), [], 1),
    "both": (rule(lambda parameter, gradient, learning_rate, step:
                  parameter * (1 - 0.1 * learning_rate) - gradient / step, "learning_rate", "step"), [None], 1),
    "truth": (rule(of_a_truth, "xp", "learning_rate", "step"), [LEARNING_RATE], 1),
    "nothing": (rule(lambda parameter, gradient: parameter - 0.5 * gradient), [], 0),
}  # fmt: skip


@pytest.mark.parametrize("shape", [(), (2, 3)])
@pytest.mark.parametrize("name", RULES)
def test_the_parts_together_give_what_the_whole_gives(name, shape):
    made, fixed, varying = RULES[name]
    whole = update_program(made, [shape], "float64")
    split = split_coefficients(whole)
    assert len(split.fixed) == len(fixed) and len(split.varying) == varying
    assert all(wanted is None or wanted == found for wanted, found in zip(fixed, split.fixed, strict=True))
    random = np.random.default_rng(0)
    arrays = {name: random.normal(size=shape) for name in ("0 parameter", "0 gradient")}
    for step in (1.0, 3.0, 4.0):
        rates = {LEARNING_RATE: np.array(0.25), STEP: np.array(step)}
        found = interpret(split.program, {**arrays, **interpret(split.coefficients, rates)})
        expected = interpret(whole, {**arrays, **rates})
        np.testing.assert_array_equal(found["0 parameter"], expected["0 parameter"])
    assert not {LEARNING_RATE, STEP} & split.program.inputs.keys() - {*split.fixed, *split.varying}


def test_a_coefficient_is_worked_out_once_for_all_shapes():
    made, *_ = RULES["powers"]
    split = split_coefficients(update_program(made, [(), (3,), (2, 2)], "float32"))
    assert len(split.varying) == 1
    assert split.coefficients.dtype == "float64" and split.program.dtype == "float32"
