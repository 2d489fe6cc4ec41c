"""PyTorch: tensors one step at a time, as its users write it, and with torch.compile."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from tests.benchmarks.problems import Chain, Epoch, Mlp

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

Compile = Callable[[Callable], Callable]


def chain(problem: Chain, compile: Compile = lambda function: function) -> Epoch:
    """Sample by sample, with torch.optim.SGD."""
    x, y = (list(torch.from_numpy(array)) for array in problem.data())
    w1, b1, w2, w3 = parameters = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in problem.start]
    optimizer = torch.optim.SGD(parameters, lr=problem.rate)

    @compile
    def loss_of(sample: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        f1 = torch.sigmoid(w1 * sample + b1)
        f3 = torch.sigmoid(w3 * torch.sigmoid(w2 * f1))
        return 0.5 * (f3 - target) ** 2

    return _epoch(list(zip(x, y, strict=True)), loss_of, optimizer)


def mlp(problem: Mlp, compile: Compile = lambda function: function) -> Epoch:
    """torch.nn.Linear and torch.optim.SGD."""
    x, y = (torch.from_numpy(array) for array in problem.data())
    layers: list[torch.nn.Module] = []
    for weight, bias in problem.start():
        linear = torch.nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=problem.rate)

    @compile
    def loss_of(batch: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(model(batch), classes)

    return _epoch(list(zip(x.split(problem.batch), y.split(problem.batch), strict=True)), loss_of, optimizer)


def _epoch(batches: list[tuple[torch.Tensor, ...]], loss_of: Callable, optimizer: torch.optim.Optimizer) -> Epoch:
    def epoch() -> float:
        total = torch.zeros((), dtype=torch.float64)
        for batch in batches:
            optimizer.zero_grad()
            loss = loss_of(*batch)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return float(total) / len(batches)

    return epoch


def compiled_chain(problem: Chain) -> Epoch:
    """The loss and its derivatives compiled."""
    return chain(problem, torch.compile)


def compiled_mlp(problem: Mlp) -> Epoch:
    """The loss and its derivatives compiled."""
    return mlp(problem, torch.compile)
