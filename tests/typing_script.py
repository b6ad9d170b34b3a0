"""A user's script for the type checker (see test_packaging.py); it also runs."""
from typing import TYPE_CHECKING

import numpy as np

import minigrad
from minigrad import Tensor, nn, optim
from minigrad.data import DataLoader, TensorDataset

if not TYPE_CHECKING:  # a checker knows reveal_type by itself
    def reveal_type(value):
        return value


class Network(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(4, width)
        self.output = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(x).tanh()
        return minigrad.log_softmax(self.output(hidden), dim=1)


def tensors() -> Tensor:
    x = minigrad.randn(5, 4)
    w = minigrad.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], requires_grad=True)
    total = (x @ w).tanh().sum()
    reveal_type(total)
    total.backward()
    reveal_type(2.0 * x[1:, None] - minigrad.exp(x).mean(dim=0, keepdim=True))
    with minigrad.no_grad():
        w -= 0.1
    shape: tuple[int, ...] = w.shape
    value: float = total.item()
    array = np.asarray(x.numpy())
    print(shape, value, array.dtype, x.to("cpu").dtype)
    return total


def train(epochs: int) -> list[float]:
    minigrad.manual_seed(0)
    x = minigrad.randn(32, 4)
    labels = minigrad.randint(0, 3, (32,))
    network = Network(8)
    loss_function = nn.NLLLoss()
    optimizer = optim.Adam(network.parameters(), lr=1e-2)
    losses: list[float] = []
    for _ in range(epochs):
        for inputs, targets in DataLoader(TensorDataset(x, labels), batch_size=8, shuffle=True):
            optimizer.zero_grad()
            loss = loss_function(network(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.item()))
    return losses


@minigrad.no_grad()
def evaluate(network: nn.Module, x: Tensor) -> int:
    return int(network(x).argmax(dim=1).sum().item())


if __name__ == "__main__":
    tensors()
    print(train(2)[-1], evaluate(nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()), minigrad.ones(2, 4)))
