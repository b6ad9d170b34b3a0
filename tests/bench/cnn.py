"""One training step of a small convolutional network on digits: minigrad, PyTorch, and by hand in NumPy.

    python -m tests.bench.cnn [--rounds 25]

Two 3 x 3 convolutions (16 and 32 channels), batch norm after the first, ReLU, pooling by 2 twice, a linear layer, cross
entropy, SGD with momentum, float32, 32 images of 8 x 8. Prints medians in microseconds and, in brackets, the ratio to
PyTorch in the same round. One thread.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import torch

import minigrad

from .command import heading, parser_of
from .steps import table
from .timing import interleaved

N, LR, MOMENTUM, EPS = 32, 0.05, 0.9, 1e-5
Arrays = dict[str, np.ndarray]


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.standard_normal((N, 1, 8, 8), dtype=np.float32), rng.integers(0, 10, N)


def weights() -> Arrays:
    rng = np.random.default_rng(2)
    shapes = {"0.weight": (16, 1, 3, 3), "0.bias": (16,), "1.weight": (16,), "1.bias": (16,), "4.weight": (32, 16, 3, 3),
              "4.bias": (32,), "8.weight": (10, 128), "8.bias": (10,)}  # fmt: skip
    return {name: 0.1 * rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def with_framework(m: Any, tensor: Callable) -> Callable[[], Any]:
    """The same words for both: m is minigrad or torch."""
    nn = m.nn
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip
    model.load_state_dict({name: tensor(array) for name, array in weights().items()}, strict=False)
    x, labels = map(tensor, data())
    loss_of = nn.CrossEntropyLoss()
    optimizer = m.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


# --------------------------------------------------------------------------------------- by hand, with channels last


def columns(x: np.ndarray) -> np.ndarray:
    """What each pixel of (N, H, W, C) sees through 3 x 3, zeros outside: (N * H * W, 9 * C)."""
    n, h, w, c = x.shape
    padded = np.zeros((n, h + 2, w + 2, c), x.dtype)
    padded[:, 1:-1, 1:-1] = x
    a, b, d, e = padded.strides
    return np.lib.stride_tricks.as_strided(padded, (n, h, w, 3, 3, c), (a, b, d, b, d, e)).reshape(n * h * w, 9 * c)


def spread(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The adjoint of columns."""
    n, h, w, c = shape
    g = g.reshape(n, h, w, 3, 3, c)
    padded = np.zeros((n, h + 2, w + 2, c), g.dtype)
    for i in range(3):
        for j in range(3):
            padded[:, i : i + h, j : j + w] += g[:, :, :, i, j]
    return padded[:, 1:-1, 1:-1]


def pooled(x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """(the largest of each 2 x 2, where each of the four won): (N, H, W, C) to (N, H / 2, W / 2, C)."""
    parts = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    y = np.maximum(np.maximum(parts[0], parts[1]), np.maximum(parts[2], parts[3]))
    won, free = [], np.ones(y.shape, bool)
    for part in parts:
        here = (part == y) & free
        free &= ~here
        won.append(here)
    return y, won


def unpooled(g: np.ndarray, won: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    gx = np.empty(shape, g.dtype)
    for k, here in enumerate(won):
        gx[:, k // 2 :: 2, k % 2 :: 2] = g * here
    return gx


def by_hand() -> Callable[[], float]:
    x, labels = data()
    p = {k: v.copy() for k, v in weights().items()}
    velocity = {k: np.zeros_like(v) for k, v in p.items()}
    first = columns(x.transpose(0, 2, 3, 1))  # the input has no gradient, and stays
    taps = {k: p[k].transpose(2, 3, 1, 0).reshape(-1, p[k].shape[0]).copy() for k in ("0.weight", "4.weight")}
    p.update(taps)
    velocity.update({k: np.zeros_like(v) for k, v in taps.items()})
    rows = np.arange(N)
    ones, ones2 = np.ones(N * 64, np.float32), np.ones(N * 16, np.float32)

    def step() -> float:
        a = first.dot(p["0.weight"])
        a += p["0.bias"]
        a -= ones.dot(a) / len(a)
        inverse = 1 / np.sqrt(ones.dot(a * a) / len(a) + np.float32(EPS))
        a *= inverse
        b = a * p["1.weight"]
        b += p["1.bias"]
        b = np.maximum(b, 0)
        c, won = pooled(b.reshape(N, 8, 8, 16))
        seen = columns(c)
        d = seen.dot(p["4.weight"])
        d += p["4.bias"]
        d = np.maximum(d, 0)
        e, won2 = pooled(d.reshape(N, 4, 4, 32))
        flat = e.transpose(0, 3, 1, 2).reshape(N, 128)
        z = flat.dot(p["8.weight"].T) + p["8.bias"]
        z -= z.max(axis=1, keepdims=True)
        q = np.exp(z)
        total = q.sum(axis=1, keepdims=True)
        loss = -(z[rows, labels] - np.log(total[:, 0])).mean()
        q /= total
        q[rows, labels] -= 1
        q /= N
        g = {"8.weight": q.T.dot(flat), "8.bias": q.sum(axis=0)}
        ge = q.dot(p["8.weight"]).reshape(N, 32, 2, 2).transpose(0, 2, 3, 1)
        gd = unpooled(ge, won2, (N, 4, 4, 32)).reshape(-1, 32) * (d > 0)
        g["4.weight"], g["4.bias"] = seen.T.dot(gd), ones2.dot(gd)
        gc = spread(gd.dot(p["4.weight"].T), c.shape)
        gb = unpooled(gc, won, (N, 8, 8, 16)).reshape(-1, 16) * (b > 0)
        g["1.weight"], g["1.bias"] = ones.dot(gb * a), ones.dot(gb)
        ga = gb * p["1.weight"]
        ga = (ga - ones.dot(ga) / len(a) - a * (ones.dot(ga * a) / len(a))) * inverse
        g["0.weight"], g["0.bias"] = first.T.dot(ga), ones.dot(ga)
        for name, value in g.items():
            v = velocity[name]
            v *= np.float32(MOMENTUM)
            v += value
            p[name] -= np.float32(LR) * v
        return float(loss)

    return step


def main() -> None:
    rounds = parser_of(__doc__).parse_args().rounds
    torch.set_num_threads(1)
    print(heading("us per step, and the ratio to PyTorch", "torch"))

    def contenders() -> dict[str, Callable[[], Any]]:
        return {
            "by hand": by_hand(), "minigrad": with_framework(minigrad, minigrad.tensor),
            "PyTorch": with_framework(torch, torch.tensor),
        }  # fmt: skip

    losses = {name: [float(getattr(loss, "detach", lambda: loss)()) for loss in (step() for _ in range(5))]
              for name, step in contenders().items()}  # fmt: skip
    for name, values in losses.items():  # a contender that computes something else has no place in the table
        np.testing.assert_allclose(values, losses["PyTorch"], rtol=1e-3, err_msg=name)
    times = interleaved(contenders(), rounds)
    print(table([("digits CNN, batch 32, SGD", times)], list(times), "PyTorch", 1e-6, ".0f"))


if __name__ == "__main__":
    main()
