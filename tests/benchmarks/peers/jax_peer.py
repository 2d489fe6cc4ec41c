"""JAX: a compiled step called from Python, and a whole epoch compiled with lax.scan."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from tests.benchmarks.problems import Chain, Epoch, Mlp

Loss = Callable[[Any, Any, Any], Any]


def _chain_loss(parameters: Any, x: Any, y: Any) -> Any:
    w1, b1, w2, w3 = parameters
    f1 = jax.nn.sigmoid(w1 * x + b1)
    f3 = jax.nn.sigmoid(w3 * jax.nn.sigmoid(w2 * f1))
    return 0.5 * (f3 - y) ** 2


def _mlp_loss(parameters: Any, x: Any, y: Any) -> Any:
    for weight, bias in parameters[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = parameters[-1]
    scores = jax.nn.log_softmax(x @ weight + bias)
    return -jnp.take_along_axis(scores, y[:, None], axis=1).mean()


def _step(loss_of: Loss, rate: float, parameters: Any, batch: tuple[Any, Any]) -> tuple[Any, Any]:
    loss, gradients = jax.value_and_grad(loss_of)(parameters, *batch)
    return jax.tree.map(lambda value, gradient: value - rate * gradient, parameters, gradients), loss


def _by_step(loss_of: Loss, rate: float, parameters: Any, x: Any, y: Any) -> Epoch:
    step = jax.jit(partial(_step, loss_of, rate), donate_argnums=0)
    batches = [(jnp.asarray(a), jnp.asarray(b)) for a, b in zip(x, y, strict=True)]

    def epoch() -> float:
        nonlocal parameters
        losses = []
        for batch in batches:
            parameters, loss = step(parameters, batch)
            losses.append(loss)
        return float(sum(map(float, losses))) / len(losses)

    return epoch


def _by_epoch(loss_of: Loss, rate: float, parameters: Any, x: Any, y: Any) -> Epoch:
    scan = jax.jit(lambda start, data: jax.lax.scan(partial(_step, loss_of, rate), start, data), donate_argnums=0)
    data = jnp.asarray(x), jnp.asarray(y)

    def epoch() -> float:
        nonlocal parameters
        parameters, losses = scan(parameters, data)
        return float(losses.mean())

    return epoch


def _chain(problem: Chain) -> tuple[Any, ...]:
    jax.config.update("jax_enable_x64", True)
    return _chain_loss, problem.rate, tuple(map(jnp.float64, problem.start)), *problem.data()


def _mlp(problem: Mlp) -> tuple[Any, ...]:
    x, y = problem.data()
    start = [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in problem.start()]
    batched = x.reshape(problem.steps, problem.batch, -1), y.reshape(problem.steps, problem.batch)
    return _mlp_loss, problem.rate, start, *batched


def chain_by_step(problem: Chain) -> Epoch:
    """One call of compiled code a sample."""
    return _by_step(*_chain(problem))


def chain_by_epoch(problem: Chain) -> Epoch:
    """One call of compiled code an epoch."""
    return _by_epoch(*_chain(problem))


def mlp_by_step(problem: Mlp) -> Epoch:
    """One call of compiled code a batch."""
    return _by_step(*_mlp(problem))


def mlp_by_epoch(problem: Mlp) -> Epoch:
    """One call of compiled code an epoch."""
    return _by_epoch(*_mlp(problem))
