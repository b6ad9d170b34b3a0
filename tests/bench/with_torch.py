"""The steps in PyTorch."""

from __future__ import annotations

from typing import Callable

import torch
from torch import nn

from .problem import LR, Problem, data, weights

torch.set_num_threads(1)
ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}


def build(problem: Problem, **options: bool) -> Callable[[], object]:
    x, labels = (torch.from_numpy(a) for a in data(problem))
    layers: list[nn.Module] = []
    for w, b in weights(problem):
        linear = nn.Linear(w.shape[1], w.shape[0])
        linear.load_state_dict({"weight": torch.from_numpy(w), "bias": torch.from_numpy(b)})
        layers += [linear, ACTIVATIONS[problem.activation]()]
    model = nn.Sequential(*layers[:-1])
    loss_function = nn.CrossEntropyLoss()
    optimizer = getattr(torch.optim, problem.rule)(model.parameters(), lr=LR[problem.rule], **options)

    def step() -> object:
        optimizer.zero_grad()
        loss = loss_function(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def build_chain(ops: int, backward: bool = True) -> Callable[[], object]:
    x, a, b = (torch.linspace(lo, 1, 8, requires_grad=True) for lo in (0.1, 0.5, 0.2))
    ones = torch.ones(8)
    times = ops // 4

    def chain() -> object:
        x.grad = a.grad = b.grad = None
        y = x
        for _ in range(times):
            y = (y * a + b).tanh() - b
        if backward:
            y.backward(ones)
        return y

    return chain
