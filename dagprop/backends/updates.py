"""The update of parameters with NumPy: what every compiled form of it must agree with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dagprop.backends.numpy_namespace import numpy_namespace
from dagprop.backends.reference import Array, Values, as_array, code_place
from dagprop.errors import ComputationError, DagpropError, Problem, error_text, quote
from dagprop.program.update import UpdateRule


def update(
    rule: UpdateRule, variables: Mapping[str, Array], gradients: Mapping[str, Array], learning_rate: float, step: int
) -> Values:
    """Return the new values of parameters, and of what the rule remembers for each.

    Parameters
    ----------
    rule : UpdateRule
    variables : mapping from str to array
        The parameters and their memories.
    gradients : mapping from str to array
        Of the parameters that are trained.
    learning_rate : float
    step : int
        The number of the step, counted from 1.

    Raises
    ------
    ComputationError
        If the rule fails (DP701) or gives what does not fit (DP703).
    """
    new: Values = {}
    for id, gradient in gradients.items():
        names = (id, *rule.memory_ids(id))
        # A rule that wrote into these would change what others, such as the caller of a training, hold.
        parameter, *memories = (read_only(variables[name]) for name in names)
        with np.errstate(all="ignore"):
            try:
                # A number of NumPy overflows to infinity, as in compiled code; one of Python would be an error.
                results = rule(
                    numpy_namespace, parameter, read_only(gradient), memories, learning_rate, np.float64(step)
                )
            except DagpropError:
                raise
            except (Exception, SystemExit) as error:  # a rule is anybody's code
                message = f"the rule of the optimizer {quote(rule.name)} failed: {error_text(error)}"
                hint = failure_hint(rule.function, error)
                raise ComputationError(Problem("DP701", message, hint, node=id)) from error
            for name, what, result in zip(names, ("parameter", *rule.memories), results, strict=True):
                new[name] = _fitting(rule, id, what, result, parameter)
    return new


def failure_hint(function: Callable[..., Any], error: BaseException) -> str:
    """Return what to say to who wrote a rule that fails: where it is, and how to leave alone what it is given."""
    place = f"it fails at {code_place(function, error)}"
    writes = "read-only" in str(error)
    return f"a rule may not change its arguments, write x = x + y for x += y; {place}" if writes else place


def read_only(array: Array) -> Array:
    """Return a view of an array that cannot be written to."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _fitting(rule: UpdateRule, id: str, what: str, result: object, parameter: Array) -> Array:
    try:
        array = as_array(result, parameter.dtype)
        if array.shape == parameter.shape:
            return array
        given = f"of shape {array.shape} for a parameter of shape {parameter.shape}"
    except TypeError as error:
        given = f"that is no array: {error}"
    message = f"the optimizer {quote(rule.name)} gives a new {what} {given}"
    raise ComputationError(Problem("DP703", message, f"the rule is at {code_place(rule.function)}", node=id))
