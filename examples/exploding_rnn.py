"""A gradient explodes through time: recurrent weights scaled up, a loss that turns to NaN, and clipping that tames it.

What to expect, within half a minute: a ReLU network reads handwritten digits pixel by pixel, 64 steps. Its recurrent
weights are orthogonal, times a scale. A ReLU lets about half of the gradient's square through, so that on its way back
through 64 steps it shrinks by a quarter at each at scale 1, which trains, and grows by a tenth at each at scale 1.5:
the first gradient is fifty thousand times as large, one step of SGD throws the weights away, and the loss is NaN. With
the norm of the gradient clipped to 1 the same network from the same start learns: the direction was good, only the
length was not. A table tells it, and exploding_rnn.png shows both.

    python examples/exploding_rnn.py [UPDATES]

Change SCALE, or the clipping norm; with nn.RNN's default, nonlinearity="tanh", a state cannot grow beyond 1 and the
loss stays a number, but the gradient still explodes at first.
"""

import logging
import math
import sys

import matplotlib
import numpy as np

import minigrad
from minigrad import nn, optim
from minigrad.data import DataLoader, digits

logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # or it announces its first run on stderr
matplotlib.use("Agg")  # pictures go to files, not to a window
import matplotlib.pyplot as plt  # noqa: E402

UPDATES = int(sys.argv[1]) if len(sys.argv) > 1 else 400
SCALE, HIDDEN = 1.5, 64
RUNS = {  # name: (scale of the recurrent weights, norm that the gradient is clipped to, how it is drawn)
    "scale 1": (1.0, None, {"color": "#56b4e9", "ls": "--"}),
    f"scale {SCALE}": (SCALE, None, {"color": "#d55e00", "lw": 2.5}),
    f"scale {SCALE}, clipped to 1": (SCALE, 1.0, {"color": "#0072b2"}),
}


class PixelReader(nn.Module):
    """Images (N, 64), one pixel a step, to the logits of the digits, read off the last state."""

    def __init__(self, scale):
        super().__init__()
        self.recurrent = nn.RNN(1, HIDDEN, nonlinearity="relu", recurrent_init="orthogonal")
        self.out = nn.Linear(HIDDEN, 10)
        with minigrad.no_grad():
            self.recurrent.weight_hh_l0.mul_(scale)

    def forward(self, images):
        states, _ = self.recurrent(images.T.unsqueeze(2))
        return self.out(states[-1])


def run(scale, clip):
    """(losses, norms of the gradient) until the updates are done, or the loss is no number any more."""
    minigrad.manual_seed(0)
    model = PixelReader(scale)
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    losses, norms = [], []
    while True:
        for images, labels in DataLoader(digits("train"), batch_size=64, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), clip or math.inf).item()
            losses.append(loss.item())
            norms.append(norm)
            if len(losses) == UPDATES or not math.isfinite(losses[-1]):
                return losses, norms
            optimizer.step()


def draw(found):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name, (losses, norms) in found.items():
        style = RUNS[name][2]
        left.plot(smooth(losses), label=name, **style)
        right.semilogy(np.arange(1, len(norms) + 1), np.where(np.isfinite(norms), norms, np.nan), label=name, **style)
        if not math.isfinite(losses[-1]):
            for ax, values in ((left, losses), (right, norms)):
                last = max(i for i, v in enumerate(values) if math.isfinite(v))
                ax.annotate(f"NaN after {len(losses) - 1} updates", (last + 1, min(values[last], 4) if ax is left else
                            values[last]), xytext=(30, -10), textcoords="offset points", color=style["color"],
                            arrowprops={"arrowstyle": "->", "color": style["color"]})  # fmt: skip
    left.set(xlabel="updates", ylabel="loss", ylim=(0, 5), title="cross-entropy (mean of ten updates)")
    right.set(xlabel="updates", xscale="log", ylabel="norm", title="the gradient before it is clipped")
    left.legend(loc="upper right")
    figure.savefig("exploding_rnn.png", dpi=110)


def smooth(values, width=10):
    return [np.mean(values[max(0, i - width + 1) : i + 1]) for i in range(len(values))]


found = {name: run(scale, clip) for name, (scale, clip, _) in RUNS.items()}
print(f"{'':24}{'first gradient':>15}{'updates':>10}{'first loss':>12}{'last loss':>11}")
for name, (losses, norms) in found.items():
    last = np.mean(losses[-10:]) if math.isfinite(losses[-1]) else math.nan
    print(f"{name:24}{norms[0]:15.3g}{len(losses):10}{losses[0]:12.3g}{last:11.3g}")
draw(found)
print("\nsee exploding_rnn.png")
