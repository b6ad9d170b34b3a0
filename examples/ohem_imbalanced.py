"""One 8 among fifty other digits: what online hard example mining (OHEM) does where one class is rare.

What to expect, within half a minute: a table of six ways to train the same small network on "8 or not", five seeds
each, and ohem_imbalanced.png. A plain loss is an average over negatives that were learned long ago, so it finds few of
the eights. OHEM averages over the hardest tenth or quarter of each batch: it finds more of them in every seed, with
hardly more false alarms. Of three negatives for each positive, the hardest ones make a fraction of the false alarms
that random ones do, and rank the test set better: their share of the loss goes to what looks like an 8 and is none.
Class weights find more eights than OHEM, and pay with many more false alarms: all that they know is which class is
rare.

    python examples/ohem_imbalanced.py [SEEDS]

The training set has 1/50 as many eights as other digits; the test set, the other 40% of the images, has all of its own.
Then change a line of METHODS, PASSES or the rarity, and see how long a plain loss takes to catch up.
"""

import logging
import sys

import matplotlib
import numpy as np
from sklearn.metrics import average_precision_score

import minigrad
from minigrad import data, nn, optim
from minigrad.nn import functional as F

logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # or it announces its first run on stderr
matplotlib.use("Agg")  # pictures go to files, not to a window
import matplotlib.pyplot as plt  # noqa: E402

SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
PASSES, BATCH, RARITY = 60, 256, 50
pixels, digit = (t.numpy() for t in data.digits().tensors)
is_eight = (digit == 8).astype(np.int64)  # class 1, the positives


def plain(logp, y, rng):
    return F.nll_loss(logp, y)


def class_weights(logp, y, rng):
    """Each class counts as much as the other."""
    return F.nll_loss(logp, y, minigrad.tensor([1.0, RARITY]))


def ohem_quarter(logp, y, rng):
    return F.nll_loss_ohem(logp, y, keep_ratio=0.25)


def ohem_tenth(logp, y, rng):
    return F.nll_loss_ohem(logp, y, keep_ratio=0.1)


def random_negatives(logp, y, rng):
    """All positives, and three times as many negatives drawn at random."""
    negatives = np.flatnonzero(y.numpy() == 0)
    chosen = minigrad.tensor(np.isin(np.arange(len(y)), rng.choice(negatives, negatives_for(y), replace=False)))
    return F.nll_loss(logp, minigrad.where(chosen | (y == 1), y, -100))  # -100: ignored


def hardest_negatives(logp, y, rng):
    """All positives, and the three times as many negatives that have the largest loss."""
    return F.nll_loss_ohem(logp, y, keep_ratio=0, min_kept=negatives_for(y), always_keep=y == 1)


def negatives_for(y):
    return max(1, 3 * int(y.sum().item()))


METHODS = {  # name: (the loss of log-probabilities and labels, colour)
    "plain NLL": (plain, "#000000"),
    "class weights": (class_weights, "#cc79a7"),
    "OHEM 25%": (ohem_quarter, "#56b4e9"),
    "OHEM 10%": (ohem_tenth, "#0072b2"),
    "3x random negatives": (random_negatives, "#e69f00"),
    "3x hardest negatives": (hardest_negatives, "#009e73"),
}


def split(seed):
    """Indices of the training and of the test set: 60% and 40% of both classes, then few positives to train on."""
    rng = np.random.default_rng(seed)
    positives, negatives = (rng.permutation(np.flatnonzero(is_eight == c)) for c in (1, 0))
    p, n = int(0.6 * len(positives)), int(0.6 * len(negatives))
    train = np.concatenate([positives[:p][: n // RARITY], negatives[:n]])
    return train, np.concatenate([positives[p:], negatives[n:]])


def trained(loss_of, train, seed):
    minigrad.manual_seed(seed)  # the same start, and the same batches, for every method
    rng, own_rng = np.random.default_rng(seed), np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 2), nn.LogSoftmax(1))
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(PASSES):
        order = rng.permutation(train)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            optimizer.zero_grad()
            loss_of(model(minigrad.tensor(pixels[batch])), minigrad.tensor(is_eight[batch]), own_rng).backward()
            optimizer.step()
    return model


def judged(model, test):
    """(recall, false positives, average precision) on the test set; an 8 is what has a probability above a half."""
    with minigrad.no_grad():
        logp = model(minigrad.tensor(pixels[test])).numpy()
    said, truth = logp[:, 1] > logp[:, 0], is_eight[test] == 1
    return (said & truth).sum() / truth.sum(), (said & ~truth).sum(), average_precision_score(truth, logp[:, 1])


def draw(results):
    names = list(METHODS)
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), sharey=True, layout="constrained")
    titles = ("eights found (recall)", "false alarms among the others", "average precision")
    for column, (ax, title) in enumerate(zip(axes, titles)):
        for row, name in enumerate(names):
            values, colour = results[name][:, column], METHODS[name][1]
            ax.plot(values, np.full(len(values), row), "o", color=colour, alpha=0.45, ms=6, clip_on=False)
            ax.plot(values.mean(), row, "|", color=colour, ms=26, mew=3)
        ax.set_title(title)
        ax.set_xlim(left=0 if column < 2 else None)
        ax.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    figure.suptitle(f"8 or not, one 8 for every {RARITY} others: each dot one of {SEEDS} seeds, each bar their mean")
    figure.savefig("ohem_imbalanced.png", dpi=110)


def in_words(results):
    recall, alarms, precision = (dict(zip(METHODS, column)) for column in mean_of(results).T)
    ahead = [(results[name][:, 0] > results["plain NLL"][:, 0]).sum() for name in ("OHEM 25%", "OHEM 10%")]
    hard, drawn = "3x hardest negatives", "3x random negatives"
    first, second = ahead
    print(f"OHEM 25% finds more of the eights than the plain loss in {first} of {SEEDS} seeds, OHEM 10% in {second}.")
    print(
        f"Of three negatives for each positive, the hardest make {alarms[hard]:.1f} false alarms, random ones "
        f"{alarms[drawn]:.1f};\ntheir average precision is {precision[hard]:.3f} against {precision[drawn]:.3f}."
    )
    print(
        f"Class weights find {recall['class weights']:.0%} of the eights, OHEM 10% {recall['OHEM 10%']:.0%}, with "
        f"{alarms['class weights']:.1f} false alarms against {alarms['OHEM 10%']:.1f}."
    )


def mean_of(results):
    return np.array([results[name].mean(axis=0) for name in METHODS])


def main():
    results = {name: [] for name in METHODS}
    for seed in range(SEEDS):
        train, test = split(seed)
        for name, (loss_of, _) in METHODS.items():
            results[name].append(judged(trained(loss_of, train, seed), test))
    results = {name: np.array(rows) for name, rows in results.items()}

    print(f"{len(train)} images to train on, {is_eight[train].sum()} of them eights; "
          f"{len(test)} to test on, {is_eight[test].sum()} eights\n")  # fmt: skip
    print(f"{'':22}{'recall of each seed':>{6 * SEEDS}}    mean   false alarms   average precision")
    for name, rows in results.items():
        recall, alarms, precision = rows.mean(axis=0)
        each = "".join(f"{r:6.0%}" for r in rows[:, 0])
        print(f"{name:22}{each:>{max(6 * SEEDS, 19)}}{recall:8.0%}{alarms:15.1f}{precision:20.3f}")
    print()
    in_words(results)
    draw(results)
    print("\nsee ohem_imbalanced.png")


if __name__ == "__main__":
    main()
