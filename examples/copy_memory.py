"""Name the first symbol of a sequence after T distractors: which networks can, up to which T, and why.

What to expect, within some two minutes: a table of how often each network is right, 12.5% being chance, and
copy_memory.png, the same as curves beside the size of the gradient |dL/dh| on its way back from the answer to the first
step. A tanh RNN remembers over 5 steps and fails from 20 or 40 on: its gradient shrinks by half at every step, so the
first step is never told. With orthogonal recurrent weights it shrinks more slowly, and some lags more are learned. An
LSTM carries its cell on by a product with its forget gate: with a bias of 4 that gate is 0.98 at first, the gradient
arrives, and every lag is learned. With PyTorch's own bias, around 0, the gate is 1/2, and of 80 steps 1/2^80 is left:
it stays at chance.

    python examples/copy_memory.py [STEPS [SEEDS]]

All networks have 64 hidden units and are trained by Adam for 600 steps of 32 sequences, or until they have it. Add one
to NETWORKS.
"""

import logging
import sys

import matplotlib
import numpy as np

import minigrad
from minigrad import nn, optim

logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # or it announces its first run on stderr
matplotlib.use("Agg")  # pictures go to files, not to a window
import matplotlib.pyplot as plt  # noqa: E402

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 600
SEEDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
SYMBOLS, FEATURES, HIDDEN, BATCH, LAGS = 8, 32, 64, 32, (5, 10, 20, 40, 80)
NETWORKS = {  # name: (how it is made, how its curve is drawn)
    "RNN": (lambda: nn.RNN(FEATURES, HIDDEN), {"color": "#d55e00", "ls": "--"}),
    "RNN, orthogonal": (
        lambda: nn.RNN(FEATURES, HIDDEN, recurrent_init="orthogonal"), {"color": "#e69f00", "ls": "-."}
    ),
    "LSTM": (lambda: nn.LSTM(FEATURES, HIDDEN), {"color": "#56b4e9", "ls": ":"}),
    "LSTM, forget bias 4": (lambda: nn.LSTM(FEATURES, HIDDEN, forget_bias=4.0), {"color": "#0072b2"}),
}


class Memory(nn.Module):
    """A sequence of symbols to the logits of what its first one was, read off the last state."""

    def __init__(self, recurrent):
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, FEATURES)
        self.recurrent = recurrent
        self.out = nn.Linear(HIDDEN, SYMBOLS)

    def forward(self, symbols):
        states, _ = self.recurrent(self.embedding(symbols))
        return self.out(states[-1])


def sequences(rng, lag, count):
    """(symbols (lag + 1, count), the first of each)."""
    symbols = rng.integers(0, SYMBOLS, (lag + 1, count))
    return minigrad.tensor(symbols), minigrad.tensor(symbols[0])


def trained(make, lag, seed):
    """How often a trained network is right on new sequences."""
    minigrad.manual_seed(seed)
    rng, model = np.random.default_rng(seed), Memory(make())
    optimizer, usual = optim.Adam(model.parameters(), lr=2e-3), 1.0
    for _ in range(STEPS):
        x, first = sequences(rng, lag, BATCH)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), first)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        usual += 0.1 * (loss.item() - usual)
        if usual < 0.002:
            break
    with minigrad.no_grad():
        x, first = sequences(rng, lag, 1000)
        return (model(x).argmax(1) == first).float().mean().item()


def gradient_over_time(make, lag=80):
    """|dL/dh| at every step back from the answer, in a new network that is run step by step, so that it can be seen."""
    minigrad.manual_seed(0)
    model = Memory(make())
    x, first = sequences(np.random.default_rng(0), lag, BATCH)
    states, state = [], None
    for t in range(lag + 1):
        _, state = model.recurrent(model.embedding(x[t : t + 1]), state)
        h, rest = (state[0], state[1:]) if isinstance(state, tuple) else (state, ())
        h.retain_grad()
        states.append(h)
        state = (h, *rest) if rest else h
    nn.functional.cross_entropy(model.out(states[-1][0]), first).backward()
    return [float(np.linalg.norm(h.grad.numpy())) for h in states[::-1]]


def draw(accuracy):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for name, (make, style) in NETWORKS.items():
        left.plot(LAGS, [100 * np.mean(accuracy[name][lag]) for lag in LAGS], marker="o", label=name, **style)
        right.semilogy(gradient_over_time(make), label=name, **style)
    left.axhline(100 / SYMBOLS, color="gray", lw=1)
    left.text(LAGS[0], 100 / SYMBOLS + 1.5, "chance", ha="left", color="gray")
    left.set(xlabel="distractors T", ylabel="right, %", title="the first symbol, after T distractors", ylim=(0, 104))
    right.set(xlabel="steps back from the answer", ylabel="|dL/dh|", title="the gradient on its way, before training")
    right.set_ylim(bottom=1e-16)
    left.legend(loc="center right")
    figure.savefig("copy_memory.png", dpi=110)


accuracy = {name: {} for name in NETWORKS}
print(f"{'right after T distractors':26}" + "".join(f"{f'T={lag}':>9}" for lag in LAGS))
for name, (make, _) in NETWORKS.items():
    for lag in LAGS:
        accuracy[name][lag] = [trained(make, lag, seed) for seed in range(SEEDS)]
    print(f"{name:26}" + "".join(f"{np.mean(accuracy[name][lag]):9.1%}" for lag in LAGS), flush=True)
print(f"\nmeans of {SEEDS} seeds; chance is {1 / SYMBOLS:.1%}")
draw(accuracy)
print("see copy_memory.png")
