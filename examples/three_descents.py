"""Batch, stochastic and mini-batch descent learn handwritten digits: one rule, SGD, under three loaders.

What to expect, within half a minute: after as many looks at each image, batch descent has hardly begun, since it moves
once a pass. Stochastic descent learns most from each look, but it shakes: half of its moves undo something of the move
before, and its passes take the longest. Mini-batches point far better than one image does, move dozens of times a pass,
and get there first by the clock. The tables tell the numbers, and three_descents.png shows them.

    python examples/three_descents.py [PASSES]

Then change a batch size in DESCENTS, or give stochastic descent the learning rate of the others: the steadier the
gradient, the larger the rate that it bears. These are the best of 0.05, 0.1, 0.2, 0.5, 1 and 2 after ten passes.
"""

import logging
import sys
import time

import matplotlib
import numpy as np

import minigrad
from minigrad import data, nn, optim

logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # or it announces its first run on stderr
matplotlib.use("Agg")  # pictures go to files, not to a window
import matplotlib.pyplot as plt  # noqa: E402

PASSES = int(sys.argv[1]) if len(sys.argv) > 1 else 40
train, test = data.digits("train"), data.digits("test")
DESCENTS = {  # name: batch size, learning rate, and how it is drawn
    "batch": (len(train), 1.0, {"color": "#e69f00", "ls": "--"}),
    "mini-batch": (32, 1.0, {"color": "#0072b2"}),
    "stochastic": (1, 0.1, {"color": "#009e73", "ls": ":", "lw": 2}),
}
loss_of = nn.CrossEntropyLoss()


def network():
    minigrad.manual_seed(0)  # the same start for all
    return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))


def state_of(model):
    """Its loss on the training set, and the share of the test set that it gets right."""
    (x, y), (unseen, truth) = train.tensors, test.tensors
    with minigrad.no_grad():
        right = (model(unseen).argmax(1) == truth).float().mean().item()
        return loss_of(model(x), y).item(), right


def gradient(model, x, y):
    model.zero_grad()
    loss_of(model(x), y).backward()
    return np.concatenate([p.grad.numpy().ravel() for p in model.parameters()])


def cosine(a, b):
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def descend(size, lr):
    """Train, and note (looks at an image, updates, seconds, loss, accuracy) a dozen times a pass."""
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    loader = data.DataLoader(train, batch_size=size, shuffle=True)
    every = max(1, len(loader) // 12)
    seconds, updates = 0.0, 0
    notes = [(0, 0, 0.0, *state_of(model))]
    for number in range(1, PASSES + 1):
        began = time.perf_counter()
        for i, (x, y) in enumerate(loader, start=1):
            optimizer.zero_grad()
            loss_of(model(x), y).backward()
            optimizer.step()
            updates += 1
            if i % every == 0 or i == len(loader):  # the clock rests meanwhile
                seconds += time.perf_counter() - began
                looks = (number - 1) * len(train) + min(i * size, len(train))
                notes.append((looks, updates, seconds, *state_of(model)))
                began = time.perf_counter()
    return notes


def steadiness(size):
    """How gradients of such batches point, at one place: (cosines with the whole gradient, share that disagrees).

    The cosine is 1 for a move straight downhill and 0 for one across. Two batches in a row disagree if the cosine of
    their gradients is below 0: the second undoes something of the first. The place: after a pass of mini-batches.
    """
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    for x, y in data.DataLoader(train, batch_size=32, shuffle=True):
        gradient(model, x, y)
        optimizer.step()
    whole = gradient(model, *train.tensors)
    loader = data.DataLoader(train, batch_size=size, shuffle=True)
    gradients = [gradient(model, x, y) for (x, y), _ in zip(loader, range(300))]
    pairs = [cosine(a, b) < 0 for a, b in zip(gradients, gradients[1:])]
    return [cosine(g, whole) for g in gradients], np.mean(pairs) if pairs else 0.0


runs = {name: descend(size, lr) for name, (size, lr, _style) in DESCENTS.items()}
steady = {name: steadiness(size) for name, (size, _lr, _style) in DESCENTS.items()}
GOAL = 0.3  # a training loss that all can reach, sooner or later

print(f"After {PASSES} passes over {len(train)} images:\n")
print("descent      batch   rate   updates   seconds   loss    test accuracy")
for name, (size, lr, _style) in DESCENTS.items():
    looks, updates, seconds, loss, accuracy = runs[name][-1]
    print(f"{name:10} {size:7} {lr:6} {updates:9} {seconds:9.2f}   {loss:.3f}   {accuracy:13.1%}")

print(f"\nUntil the training loss is below {GOAL}, and how gradients point:\n")
print("descent      passes   updates   seconds   cosine with the whole gradient   undo the one before")
for name, (cosines, undone) in steady.items():
    reached = next((note for note in runs[name] if note[3] < GOAL), None)
    when = f"{'not within these':>28}"
    if reached:
        when = f"{reached[0] / len(train):8.1f} {reached[1]:9} {reached[2]:9.3f}"
    print(f"{name:10} {when}   {np.mean(cosines):30.2f}   {undone:19.0%}")

figure, (by_looks, by_clock, pointing) = plt.subplots(1, 3, figsize=(14, 4.6), dpi=110, layout="constrained")
for name, (size, _lr, style) in DESCENTS.items():
    looks, _updates, seconds, loss, _accuracy = np.array(runs[name]).T
    by_looks.semilogy(looks / len(train), loss, label=f"{name} ({size})", **style)
    by_clock.loglog(seconds[1:], loss[1:], label=f"{name} ({size})", **style)
by_looks.set_title("Batch descent: one move a pass", fontweight="bold")
by_looks.set_xlabel("passes over the training set")
by_looks.set_ylabel("training loss")
by_looks.legend(title="descent (images a move)")
by_clock.set_title("By the clock, mini-batches win", fontweight="bold")
by_clock.set_xlabel("seconds")
by_clock.set_ylabel("training loss")
means = [np.mean(cosines) for cosines, _ in steady.values()]
bars = pointing.bar(list(steady), means, color=[style["color"] for *_, style in DESCENTS.values()], edgecolor="black")
for bar, hatch in zip(bars, ("//", "", "..")):
    bar.set_hatch(hatch)
pointing.bar_label(bars, fmt="%.2f")
pointing.set_ylim(0, 1.1)
pointing.set_title("32 images point better than one", fontweight="bold")
pointing.set_ylabel("cosine of a move with straight downhill")
figure.savefig("three_descents.png")
