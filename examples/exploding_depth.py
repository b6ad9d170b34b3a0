"""A gradient explodes with depth: ReLU and tanh stacks whose weights are a little too large, and the edge between.

What to expect, within seconds: thirty layers of 256 units, weights N(0, s^2 / 256), one batch, no training. Of ReLU each
layer multiplies the gradient by s / sqrt(2), whatever the signal: at s = 1 it vanishes, at sqrt(2) (He et al. 2015) it
is carried whole, at 2 it has grown ten thousand times. Of tanh there is an edge at s = 1 between two regimes (Poole et
al. 2016): below, the gradient vanishes and examples become alike; above, it explodes, slowly, for saturation holds it
back, and examples that were alike come apart. Measured, and as theory has it; exploding_depth.png shows both.

    python examples/exploding_depth.py [DEPTH]
"""

import logging
import sys

import matplotlib
import numpy as np

import minigrad
from minigrad import gradflow

logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # or it announces its first run on stderr
matplotlib.use("Agg")  # pictures go to files, not to a window
import matplotlib.pyplot as plt  # noqa: E402

DEPTH = int(sys.argv[1]) if len(sys.argv) > 1 else 30
WIDTH = 256
SCALES = {"relu": (1.0, 2**0.5, 2.0), "tanh": (0.7, 1.0, 1.5, 3.0)}


def flow_of(activation, scale):
    """One batch of noise through a stack of random weights, and a random gradient back."""
    minigrad.manual_seed(1)
    model = gradflow.deep_stack(DEPTH, WIDTH, activation, f"scaled:{scale}", inputs=WIDTH, classes=WIDTH)
    x, upstream = minigrad.randn(64, WIDTH), minigrad.randn(64, WIDTH)
    return gradflow.probe(model, x, upstream, lambda output, u: (output * u).sum())


figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), sharey=True, layout="constrained")
print("             gain a layer   in theory   layer 1 receives   spread at the top   diagnosis")
for axis, (activation, scales) in zip(axes, SCALES.items()):
    for scale, marker, shade in zip(scales, "os^D", (0.1, 0.4, 0.65, 0.9)):
        flow = flow_of(activation, scale)
        deltas, found = flow.delta_rms[0, :DEPTH], flow.diagnosis()
        gain, theory = (np.exp(np.nanmean(np.log(g[0, :DEPTH]))) for g in (flow.gain, flow.predicted_gain))
        print(f"{activation} s = {scale:<5.3g} {gain:11.3f} {theory:11.3f} {deltas[0] / deltas[-1]:18.3g} "
              f"{flow.batch_std[0, DEPTH - 1]:19.2g}   {found.direction}")  # fmt: skip
        axis.semilogy(range(1, DEPTH + 1), deltas / deltas[-1], marker=marker, markersize=4, label=f"s = {scale:.3g}",
                      color=plt.get_cmap("cividis")(shade))  # fmt: skip
    axis.set(title=activation, xlabel="layer, from the input (the gradient travels to the left)")
    axis.axhline(1, color="0.5", linewidth=0.8)
    axis.grid(alpha=0.3)
    axis.legend()
axes[0].set_ylabel("gradient RMS, over that of the last layer")
figure.suptitle("A little too large, and the gradient explodes; a little too small, and it is lost")
figure.savefig("exploding_depth.png", dpi=110)
print(f"\n{flow_of('relu', 2.0).diagnosis()}")
