"""Twenty sigmoid layers that learn nothing, and each of the cures alone; one that fails, and what the diagnosis says.

What to expect, within four minutes: uncured, the stack stays at guessing, 10%. Batch norm, tanh, ReLU with He's weights,
residual connections, or orthogonal weights with biases that take the sigmoid's mean away, each alone brings it to about
95%. Weights eight times as large do it too, not as well and not as reliably, with more than half of the units at an end.
And a cure is none if the step is too large: ReLU under SGD at rate 0.1 with momentum 0.9 stays at guessing, its weights
thrown away. The diagnosis of each run tells why; cures.png shows accuracy, and the gradient that reached each layer at
first.

    python examples/cures.py [EPOCHS [SEEDS]]
"""

import logging
import sys

import matplotlib
import numpy as np

import minigrad
from minigrad import data, gradflow, nn, optim

logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # or it announces its first run on stderr
matplotlib.use("Agg")  # pictures go to files, not to a window
import matplotlib.pyplot as plt  # noqa: E402

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
SEEDS = range(int(sys.argv[2]) if len(sys.argv) > 2 else 3)
DEPTH, WIDTH = 20, 64
STACKS = {  # name: what deep_stack is told besides depth and width
    "uncured": {},
    "batch norm": {"norm": "batch"},
    "tanh": {"activation": "tanh"},
    "ReLU, He": {"activation": "relu", "init": "kaiming_normal"},
    "residual": {"residual": True},
    "orthogonal, centred": {"init": "centered:4"},  # gain 4, biases -sum(W) / 2
    "large weights, s = 8": {"init": "scaled:8"},
    "ReLU, He, large steps": {"activation": "relu", "init": "kaiming_normal"},
}
train, test = data.digits("train"), data.digits("test")  # stratified, 80% and 20%


def run(name, seed):
    """(accuracy, what became of the gradient) of one stack, after EPOCHS."""
    minigrad.manual_seed(seed)
    model = gradflow.deep_stack(DEPTH, WIDTH, **STACKS[name])
    if "large steps" in name:
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    else:
        optimizer = optim.Adam(model.parameters(), lr=1e-3)
    loader = data.DataLoader(train, batch_size=32, shuffle=True)
    with np.errstate(all="ignore"), gradflow.watch(model, every=max(1, EPOCHS * len(loader) // 50)) as flow:
        for _ in range(EPOCHS):
            for x, y in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()
    model.eval()
    x, y = test.tensors
    with minigrad.no_grad():
        return (model(x).argmax(1) == y).float().mean().item(), flow


accuracies, flows = {}, {}
print("stack                  accuracy, mean of seeds   diagnosis at the end")
for name in STACKS:
    results = [run(name, seed) for seed in SEEDS]
    accuracies[name], flows[name] = [100 * accuracy for accuracy, _ in results], results[0][1]
    each = " ".join(f"{a:.1f}" for a in accuracies[name])
    row = f"{name:22} {np.mean(accuracies[name]):5.1f}%  ({each})"
    print(row.ljust(49), flows[name].diagnosis().headline, flush=True)
print(f"\nWhy the last one fails: {flows['ReLU, He, large steps'].diagnosis()}")
at_an_end = np.nanmean(flows["large weights, s = 8"].saturated[0])
print(f"\nWhy large weights are a poor cure: {at_an_end:.0%} of the units are at an end from the start.")

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.2), width_ratios=(1, 1.2), layout="constrained", sharey=False)
names = list(STACKS)
bars = left.barh(names, [np.mean(accuracies[name]) for name in names], color="#9ecae1", edgecolor="#00224e")
for bar, name in zip(bars, names):
    middle = bar.get_y() + bar.get_height() / 2
    left.plot(accuracies[name], [middle] * len(accuracies[name]), "k.", markersize=5)
left.axvline(10, color="0.3", linestyle=":")
left.text(11, 6.55, "guessing", fontsize=9, color="0.3")
left.set(xlim=(0, 100), xlabel="test accuracy in % (dots: seeds)", title=f"The same {DEPTH} layers, each cure alone")
left.invert_yaxis()
layers = np.arange(1, DEPTH + 1)
for name, marker in zip(names[:-1], "osD^vP*"):
    rows = [row for row in flows[name].profile(step=1).rows if row.activation][-DEPTH:]
    deltas = np.array([row.delta for row in rows])
    right.semilogy(layers[-len(rows):], deltas / deltas[-1], marker=marker, markersize=5, label=name,
                   color=plt.get_cmap("cividis")(names.index(name) / len(names)))  # fmt: skip
right.set(xlabel="layer, from the input", ylabel="gradient RMS, over that of the last layer",
          xticks=range(1, DEPTH + 1, 2), title="What reaches each layer at the first step")  # fmt: skip
right.grid(alpha=0.3)
right.legend(fontsize=9)
figure.savefig("cures.png", dpi=110)
