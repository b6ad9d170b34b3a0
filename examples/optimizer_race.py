"""Every update rule from the same start: on handwritten digits, and on three surfaces that one can see.

What to expect, within a minute: a table with a line for each rule, and optimizer_race.png. On the digits most rules
get 90 to 95% of the test images right after five passes, once each has the learning rate that suits it; the rates
differ a thousandfold. Along the ravine plain descent needs 122 steps, because across it a larger rate would run away;
momentum needs half of that, and most rules with a rate for each weight less. In Beale's valley nearly all arrive.

    python examples/optimizer_race.py [EPOCHS] [RULE ...]

Each rule may try every learning rate in RATES: on the digits the one is taken that does best on images set aside, on a
surface the one that gets there first. To enter a rule of your own, add a line to FAMILIES.
"""

import sys

import matplotlib
import numpy as np

import minigrad
from minigrad import data, nn, optim

matplotlib.use("Agg")  # pictures go to files, not to a window
import matplotlib.pyplot as plt  # noqa: E402

RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
STEPS = 300  # on a surface

# By rule: the settings that are not its defaults.
FAMILIES = {
    "Descent and momentum": {
        "SGD": {}, "MomentumSGD": {}, "NAG": {}, "CorrectedMomentumSGD": {}, "AggMo": {}, "QHM": {"momentum": 0.99},
        "ASGD": {}, "SGDScheduleFree": {}, "Lookahead": {}, "SAM": {}, "SGLD": {"temperature": 1e-7},
    },
    "Signs and gains": {
        "Rprop": {}, "RpropMinus": {}, "RpropPlus": {}, "IRpropPlus": {}, "SignSGD": {}, "Signum": {}, "Lion": {},
        "IndividualGains": {}, "DeltaBarDelta": {"kappa": 1e-3},
    },
    "A rate for each weight": {
        "Adagrad": {}, "Adadelta": {}, "RMSprop": {}, "RMSpropGraves": {}, "SMORMS3": {}, "MSVAG": {}, "SM3": {},
        "MADGRAD": {}, "Adafactor": {},
    },
    "Adam and its kin": {
        "Adam": {}, "AdamW": {}, "Adamax": {}, "NAdam": {}, "RAdam": {}, "AdaBound": {}, "AMSBound": {}, "Yogi": {},
        "AdaBelief": {}, "Adan": {}, "QHAdam": {"nus": (0.7, 1.0)}, "ADOPT": {}, "AdEMAMix": {}, "AdamWScheduleFree": {},
    },
    "By layer, or all together": {
        "LAMB": {}, "LARS": {"trust_coefficient": 0.02}, "NovoGrad": {}, "Muon": {"weight_decay": 0}, "Prodigy": {},
        "LBFGS": {"max_iter": 1},
    },
}  # fmt: skip
SETTINGS = {name: settings for rules in FAMILIES.values() for name, settings in rules.items()}
# These compare one gradient with the last, so they get the whole training set at each step.
FULL_BATCH = ["Rprop", "RpropMinus", "RpropPlus", "IRpropPlus", "IndividualGains", "DeltaBarDelta", "LBFGS"]


def optimizers_for(name, params, rate):
    """The rule, on all parameters that it can take, and Adam on the rest."""
    settings = SETTINGS[name]
    if name in ("Lookahead", "SAM"):  # which go around another rule
        return [getattr(optim, name)(optim.SGD(params, lr=rate, momentum=0.9), **settings)]
    if name == "Muon":
        matrices, rest = [p for p in params if p.ndim == 2], [p for p in params if p.ndim != 2]
        return [optim.Muon(matrices, lr=rate, **settings)] + ([optim.Adam(rest, lr=0.01)] if rest else [])
    return [getattr(optim, name)(params, lr=rate, **settings)]


def step(optimizers, closure):
    loss = optimizers[0].step(closure)
    for other in optimizers[1:]:
        other.step()
    return loss


# ------------------------------------------------------------------------------------------------- on the surfaces


def ravine(x, y):
    """Fifty times as steep across as along."""
    return (x**2 + 50 * y**2) / 2, (x, 50 * y)


def saddle(x, y):
    """A saddle at (0, 0), minima at (0, 1) and (0, -1)."""
    return (x**2 - y**2) / 2 + y**4 / 4 + 0.25, (x, y**3 - y)


def beale(x, y):
    """A narrow bent valley, with the minimum at (3, 0.5)."""
    a, b, c = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
    slope_x = 2 * (a * (y - 1) + b * (y**2 - 1) + c * (y**3 - 1))
    slope_y = 2 * x * (a + 2 * b * y + 3 * c * y**2)
    return a**2 + b**2 + c**2, (slope_x, slope_y)


SURFACES = {  # the surface, the start, the minima, and what to draw
    "ravine": (ravine, (-4.0, 1.0), [(0, 0)], (-4.6, 1.2, -1.5, 1.5)),
    "saddle": (saddle, (1.0, 0.01), [(0, 1), (0, -1)], (-0.8, 1.3, -1.5, 1.5)),
    "Beale": (beale, (1.0, 1.2), [(3, 0.5)], (-0.3, 4.3, -1.0, 1.8)),
}


def path_on(surface, start, name, rate):
    """The places that a rule goes through; it ends early if it runs away."""
    p = minigrad.tensor(np.array([start]), requires_grad=True)  # of shape (1, 2): for Muon it must be a matrix
    optimizers = optimizers_for(name, [p], rate)

    def closure():
        loss, slopes = surface(*p.detach().numpy()[0])
        p.grad = minigrad.tensor(np.array([slopes]))
        return loss

    path = [start]
    for _ in range(STEPS):
        step(optimizers, closure)
        path.append(tuple(p.detach().numpy()[0]))
        if not np.abs(path[-1]).max() < 20:
            break
    return np.array(path)


def arrival(path, minima):
    """After how many steps the path comes within 0.1 of a minimum, and stays for five; infinity if never."""
    near = np.min([np.linalg.norm(path - np.array(minimum), axis=1) for minimum in minima], axis=0) < 0.1
    stays = np.convolve(near, np.ones(5), "valid") == 5
    return int(np.argmax(stays)) if stays.any() else np.inf


def race_on(surface, start, minima, name):
    """(steps to arrive, path) at the rate that arrives first, or else ends lowest."""
    tries = []
    for rate in RATES:
        path = path_on(surface, start, name, rate)
        end = surface(*path[-1])[0] if len(path) > STEPS else np.inf
        tries.append((arrival(path, minima), end, rate, path))
    steps, _, _, path = min(tries, key=lambda attempt: attempt[:2])
    return steps, path


# -------------------------------------------------------------------------------------------------- on the digits


def trained(name, rate, train, judged):
    """(accuracy on `judged`, losses by update) after training a small network on the digits."""
    minigrad.manual_seed(0)
    model, loss_of = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)), nn.CrossEntropyLoss()
    optimizers = optimizers_for(name, list(model.parameters()), rate)
    whole = name in FULL_BATCH
    updates = EPOCHS * -(-len(train) // 32)
    loader = data.DataLoader(train, batch_size=len(train) if whole else 32, shuffle=not whole)
    losses = []
    while len(losses) < updates:
        for x, y in loader:
            def closure():
                for optimizer in optimizers:
                    optimizer.zero_grad()
                loss = loss_of(model(x), y)
                loss.backward()
                return loss

            losses.append(float(step(optimizers, closure)))
            if not losses[-1] < 1e3:
                return 0.0, losses  # it ran away
    for optimizer in optimizers:
        if hasattr(optimizer, "eval"):  # schedule-free rules keep the weights to test elsewhere
            optimizer.eval()
    x, y = judged.tensors
    with minigrad.no_grad():
        return (model(x).argmax(1) == y).float().mean().item(), losses


def race_on_digits(name):
    """(rate, test accuracy, losses) at the rate that did best on a fifth of the training images."""
    train, test = data.digits("train"), data.digits("test")
    x, y = train.tensors
    cut = len(train) * 4 // 5
    learned, judged = data.TensorDataset(x[:cut], y[:cut]), data.TensorDataset(x[cut:], y[cut:])
    rate = max(RATES, key=lambda rate: trained(name, rate, learned, judged)[0])
    return rate, *trained(name, rate, train, test)


# ------------------------------------------------------------------------------------------------ table and picture


def draw(results):
    """A row for each family: its paths on the surfaces, and its losses on the digits."""
    figure, rows = plt.subplots(len(FAMILIES), 4, figsize=(17, 4 * len(FAMILIES)), dpi=90, layout="constrained")
    for row, (family, rules) in zip(rows, FAMILIES.items()):
        rules = [name for name in rules if name in results]
        looks = [
            {"color": color, "ls": style, "lw": 1.6}
            for color, style in zip(plt.cm.cividis(np.linspace(0, 0.95, len(rules))), ["-", "--", "-.", ":"] * 4)
        ]
        for panel, (title, (surface, start, minima, box)) in zip(row, SURFACES.items()):
            x, y = np.meshgrid(np.linspace(*box[:2], 200), np.linspace(*box[2:], 200))
            panel.contour(x, y, np.log(surface(x, y)[0] + 1e-3), 18, colors="0.8", linewidths=0.7, zorder=0)
            for name, look in zip(rules, looks):
                panel.plot(*results[name][title][1].T, **look)
            panel.plot(*start, "o", color="black")
            panel.plot(*np.array(minima).T, "*", color="red", markersize=14)
            panel.set(xlim=box[:2], ylim=box[2:], title=title)
        for name, look in zip(rules, looks):
            losses = np.convolve(results[name]["digits"][2], np.ones(15) / 15, "valid")
            row[3].semilogy(losses, label=name, **look)
        row[3].set(ylim=(0.02, 3), title="digits", xlabel="update", ylabel="training loss")
        if rules:
            row[3].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.02, 0.5))
        row[0].set_ylabel(family, fontsize=13, fontweight="bold")
    figure.savefig("optimizer_race.png")


if __name__ == "__main__":
    results, raced = {}, sys.argv[2:] or list(SETTINGS)
    print(f"{'rule':22}{'rate':>8}{'test accuracy':>15}   steps to the minimum: " + "".join(f"{s:>8}" for s in SURFACES))
    for name in raced:
        found = {title: race_on(*of[:3], name) for title, of in SURFACES.items()}
        found["digits"] = race_on_digits(name)
        results[name] = found
        rate, accuracy, _ = found["digits"]
        steps = [f"{found[title][0]:>8}" if found[title][0] < np.inf else f"{'-':>8}" for title in SURFACES]
        note = " (the whole set at each update)" if name in FULL_BATCH else ""
        print(f"{name:22}{rate:>8}{accuracy:>15.1%}{'':25}" + "".join(steps) + note, flush=True)
    draw(results)
