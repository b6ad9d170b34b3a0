"""The steps in minigrad, as a user would write them."""

from __future__ import annotations

from typing import Callable

import minigrad as mg
from minigrad import nn, optim

from .problem import LR, Problem, data, weights

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}


def build(problem: Problem) -> Callable[[], object]:
    x, labels = (mg.tensor(a) for a in data(problem))
    layers: list[nn.Module] = []
    for w, b in weights(problem):
        linear = nn.Linear(w.shape[1], w.shape[0])
        linear.load_state_dict({"weight": mg.tensor(w), "bias": mg.tensor(b)})
        layers += [linear, ACTIVATIONS[problem.activation]()]
    model = nn.Sequential(*layers[:-1])
    loss_function = nn.CrossEntropyLoss()
    optimizer = getattr(optim, problem.rule)(model.parameters(), lr=LR[problem.rule])

    def step() -> object:
        optimizer.zero_grad()
        loss = loss_function(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def build_chain(ops: int, backward: bool = True) -> Callable[[], object]:
    x, a, b = (mg.linspace(lo, 1, 8, requires_grad=True) for lo in (0.1, 0.5, 0.2))
    ones = mg.ones(8)
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
