"""What is taught about gradient descent, claim by claim: each is shown, in numbers and in a picture, and asserted.

What to expect, within seconds: a line for each claim, with what was measured, and founding_claims.png with a small
panel for each. A claim that does not hold stops the script and says what was found instead.

    python examples/founding_claims.py

Each claim is a function of a page that stands by itself. Most feed an update rule gradients that are made up, and watch
where one weight goes. Change the gradients, a rule or its learning rate, and see which claims survive.
"""

import logging

import matplotlib
import numpy as np

import minigrad
from minigrad import data, nn, optim

logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # or it announces its first run on stderr
matplotlib.use("Agg")  # pictures go to files, not to a window
import matplotlib.pyplot as plt  # noqa: E402

BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"  # told apart by every eye; line styles do so without colour
FIRST, SECOND, THIRD = {"color": BLUE}, {"color": ORANGE, "ls": "--"}, {"color": GREEN, "ls": ":", "lw": 2.5}


def walk(rule, gradients, start=0.0, **settings):
    """Where the weights go when a rule is fed these gradients: an array of positions, the start first."""
    w = minigrad.tensor(start + np.zeros_like(gradients[0]), requires_grad=True)
    optimizer = rule([w], **settings)
    path = [w.detach().numpy().copy()]
    for g in gradients:
        w.grad = minigrad.tensor(g)
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


def descend(rule, loss_of, start, steps, **settings):
    """Where the weights go when a rule descends a loss: an array of positions, the start first."""
    w = minigrad.tensor(np.array(start), requires_grad=True)
    optimizer = rule([w], **settings)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(w)
        loss.backward()
        return loss

    path = [w.detach().numpy().copy()]
    for _ in range(steps):
        optimizer.step(closure)
        path.append(w.detach().numpy().copy())
    return np.array(path)


def batch_descent_moves_once_a_pass(panel):
    """Batch descent looks at the whole training set before it moves once; online descent moves at each example."""
    train = data.digits("train")
    images, labels = train.tensors
    updates, curves = {}, {}
    for name, size, look in ("batch", len(train), 1), ("online", 1, 40):
        minigrad.manual_seed(0)
        model, loss_of = nn.Linear(64, 10), nn.CrossEntropyLoss()
        optimizer = optim.SGD(model.parameters(), lr=0.05)
        loader = data.DataLoader(train, batch_size=size, shuffle=True)
        updates[name], curves[name] = 0, [(0, loss_of(model(images), labels).item())]
        for x, y in loader:
            optimizer.zero_grad()
            loss_of(model(x), y).backward()
            optimizer.step()
            updates[name] += 1
            if updates[name] % look == 0 or updates[name] == len(loader):
                curves[name].append((updates[name] * size, loss_of(model(images), labels).item()))
    for (name, curve), style in zip(curves.items(), (SECOND, FIRST)):
        panel.plot(*zip(*curve), label=name, drawstyle="steps-post", **style)
    panel.set_ylim(0, 2.6)
    label(panel, "One pass: batch moves once", "images seen", "training loss")
    batch, online = curves["batch"][-1][1], curves["online"][-1][1]
    assert updates == {"batch": 1, "online": len(train)}, f"updates in one pass: {updates}"
    assert online < 0.3 * batch, f"loss after one pass: {online:.2f} online, {batch:.2f} by batch"
    return f"{updates['batch']} update by batch, {updates['online']} online; loss {batch:.2f} against {online:.2f}"


def noise_keeps_it_from_the_minimum(panel):
    """Online descent wanders about the minimum. Shrinking the learning rate settles it; changing momentum does less."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(1000, 50))  # 50 weights, each with the loss w^2 / 2 and a noisy gradient w + noise
    ends = {}
    for (name, rate, momentum), style in zip(
        [("nothing changes", 0.1, 0.5), ("momentum 0.5 to 0", 0.1, 0.0), ("rate 0.1 to 0.001", 0.001, 0.5)],
        (SECOND, THIRD, FIRST),
    ):
        w = minigrad.tensor(np.full(50, 2.0), requires_grad=True)
        optimizer = optim.MomentumSGD([w], lr=0.1, momentum=0.5)
        path = []
        for t, disturbance in enumerate(noise):
            share = t / len(noise)  # from the first value to the last, evenly on a log scale for the rate
            optimizer.param_groups[0]["lr"] = 0.1 * (rate / 0.1) ** share
            optimizer.param_groups[0]["momentum"] = 0.5 + (momentum - 0.5) * share
            w.grad = w.detach() + minigrad.tensor(disturbance)
            optimizer.step()
            path.append(np.sqrt((w.detach().numpy() ** 2).mean()))
        ends[name] = np.mean(path[-100:])
        panel.semilogy(path, label=name, **style)
    label(panel, "Shrink the rate and it settles", "update", "distance from the minimum")
    still, momentum, rate = ends.values()
    assert momentum > 0.5 * still, f"lowering momentum alone was enough: {ends}"
    assert rate < 0.2 * still, f"shrinking the rate did not settle it: {ends}"
    return f"it ends {still:.2f} away; {momentum:.2f} if momentum is lowered, {rate:.2f} if the rate is shrunk"


def momentum_gets_ten_times_as_fast(panel):
    """Down a steady slope, the velocity grows until it is 1 / (1 - momentum) gradient steps: with 0.9, ten of them."""
    slope, lr = [np.array([1.0])] * 100, 0.01
    speeds = {}
    for rule, style in (optim.SGD, FIRST), (optim.MomentumSGD, SECOND):
        speed = -np.diff(walk(rule, slope, lr=lr, momentum=0.9)[:, 0]) / lr
        panel.plot(speed, label=rule.__name__, **style)
        speeds[rule.__name__] = speed[-1]
    panel.axhline(1 / (1 - 0.9), color="0.5", lw=1)
    panel.plot(np.ones(100), label="no momentum", **THIRD)
    label(panel, "Momentum 0.9: ten times as fast", "update", "speed (1: no momentum)")
    for name, speed in speeds.items():
        assert abs(speed - 10) < 0.01, f"the terminal velocity of {name} is {speed:.3f}, not 1 / (1 - 0.9) = 10"
    return "terminal velocity " + ", ".join(f"{speed:.2f} ({name})" for name, speed in speeds.items())


def momentum_damps_what_changes_sign(panel):
    """Across a steep valley gradients alternate. Momentum adds them up, so they cancel: 1 / (1 + momentum) is left."""
    alternating = [np.array([(-1.0) ** t]) for t in range(61)]
    plain, damped = (walk(optim.SGD, alternating, lr=1, momentum=m)[:, 0] for m in (0, 0.9))
    panel.plot(np.diff(plain)[-20:], label="no momentum", **SECOND)
    panel.plot(np.diff(damped)[-20:], label="momentum 0.9", **FIRST)
    panel.set_ylim(-1.1, 1.8)  # room for the legend
    label(panel, "Momentum damps what alternates", "update", "step")
    left = abs(np.diff(damped)[-1] / np.diff(plain)[-1])
    assert abs(left - 1 / 1.9) < 0.01, f"alternating gradients leave steps of {left:.3f}, not 1 / (1 + 0.9) = 0.526"
    return f"alternating steps are multiplied by {left:.2f}"


def nesterov_gambles_then_corrects(panel):
    """Jump first, then correct by the gradient found there: in a steep ravine, that swings less than momentum."""
    swings = {}
    for rule, style in (optim.MomentumSGD, SECOND), (optim.NAG, FIRST):
        path = descend(rule, lambda w: (w * w).sum() / 2, [1.0], steps=60, lr=0.3, momentum=0.9)[:, 0]
        panel.plot(path, label=rule.__name__, **style)
        swings[rule.__name__] = np.abs(np.diff(path)).sum()  # 1 would be straight to the bottom
    panel.axhline(0, color="0.5", lw=1)
    label(panel, "Nesterov swings less", "update", "place across the ravine")
    momentum, nesterov = swings.values()
    assert nesterov < momentum / 2, f"the way across: {nesterov:.1f} by NAG, {momentum:.1f} by momentum"
    return f"from 1 to 0 it travels {nesterov:.1f}, where momentum travels {momentum:.1f}"


def momentum_leaves_the_saddle_sooner(panel):
    """Near a saddle the gradient is tiny, so plain descent lingers; momentum builds up speed and is gone sooner."""
    def saddle(w):
        return (w[0] ** 2 - w[1] ** 2) / 2 + w[1] ** 4 / 4  # a saddle at (0, 0), minima at (0, 1) and (0, -1)

    left = {}
    for momentum, style in (0, SECOND), (0.9, FIRST):
        name = f"momentum {momentum}" if momentum else "no momentum"
        path = descend(optim.SGD, saddle, [1.0, 1e-4], steps=200, lr=0.1, momentum=momentum)[:, 1]
        panel.plot(path, label=name, **style)
        left[name] = int(np.argmax(path > 0.5))  # 0 if it never was
    label(panel, "Momentum leaves a saddle sooner", "update", "distance from the saddle")
    plain, fast = left.values()
    assert 0 < fast < 0.6 * plain, f"updates until the saddle is left: {left}"
    return f"after {fast} updates, without it after {plain}"


def gains_grow_by_adding_and_shrink_by_multiplying(panel):
    """Each weight has a gain: it grows by 0.05 while its gradients agree, and is cut by 5% when they do not.

    So gains that have become large fall quickly, those of gradients with random signs stay near 1, and all stay within
    bounds.
    """
    steps = 300
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=steps)
    gradients = [np.array([1.0, (-1.0) ** t, signs[t]]) for t in range(steps)]
    gains = -np.diff(walk(optim.IndividualGains, gradients, lr=1, delta=0.05, gains=(0.1, 10)), axis=0) / gradients
    for column, name, style in (0, "same sign", FIRST), (2, "random signs", THIRD), (1, "alternating", SECOND):
        panel.semilogy(gains[:, column], label=name, **style)
    panel.set_ylim(0.07, 80)
    label(panel, "Gains grow slowly, fall fast", "update", "gain of the weight")
    first = [[1, 1], [1.05, 0.95], [1.1, 0.95**2]]
    assert np.allclose(gains[:3, :2], first), f"the first gains are {gains[:3, :2].tolist()}, not {first}"
    assert np.allclose(gains[-1, :2], [10, 0.1]), f"gains end at {gains[-1, :2]}, not at the bounds 10 and 0.1"
    middle = np.median(gains[:, 2])
    assert 0.5 < middle < 2, f"with random signs the gain is {middle:.2f}, not near 1"
    return f"{gains[1, 0]:.2f} or {gains[1, 1]:.2f} after one, {gains[-1, 0]:.0f} or {gains[-1, 1]:.1f} in the end"


def one_rate_fits_gradients_of_all_sizes(panel):
    """Gradients differ by orders of magnitude, so no one rate suits all weights, unless their size is divided out.

    Rprop takes only the sign; RMSprop and Adam divide by a root mean square. Adam also corrects for averages that start
    at zero, so its first step is its rate.
    """
    sizes = 10.0 ** np.arange(-4, 3)
    spread = {}
    for (rule, settings), style in zip(
        [(optim.SGD, {}), (optim.RMSprop, {"alpha": 0.9}), (optim.Adam, {})], (SECOND, THIRD, FIRST)
    ):
        first = -np.diff(walk(rule, [sizes], lr=0.01, **settings), axis=0)[0]
        panel.loglog(sizes, first, label=rule.__name__, **style)
        spread[rule.__name__] = first.max() / first.min()
    label(panel, "Dividing by the size evens steps out", "size of the gradient", "first step (rate 0.01)")
    signs = -walk(optim.Rprop, [sizes], lr=0.01)[1]
    assert np.allclose(signs, 0.01), f"Rprop's first steps are {signs}, not all of 0.01"
    assert np.allclose(first, 0.01, rtol=1e-3), f"Adam's first steps are {first}, not all of 0.01"
    assert spread["SGD"] > 9e5 and spread["RMSprop"] < 1.01, f"largest over smallest step: {spread}"
    return "largest over smallest step: " + ", ".join(f"{x:.3g} ({name})" for name, x in spread.items())


def nine_small_steps_and_a_large_one_back(panel):
    """With mini-batches a weight may get nine gradients of +0.1 and one of -0.9. It should stay where it is.

    Rprop, which counts signs only, takes nine steps one way and one back: it runs away. RMSprop divides by nearly the
    same number each time, so they cancel; and with plain descent they cancel anyway.
    """
    gradients = np.tile([0.1] * 9 + [-0.9], 100)[:, None]
    ends = {}
    for rule, settings, style in (
        (optim.Rprop, {"step_sizes": (1e-6, 0.01)}, SECOND),  # the step must not grow, or it runs away much faster
        (optim.RMSprop, {"alpha": 0.99}, FIRST),
        (optim.SGD, {}, THIRD),
    ):
        path = walk(rule, gradients, lr=0.01, **settings)[:, 0]
        panel.plot(path, label=rule.__name__, **style)
        ends[rule.__name__] = path[-1]
    label(panel, "Nine +0.1, one -0.9: Rprop runs off", "update", "place of the weight")
    assert abs(ends["SGD"]) < 1e-9, f"plain descent is at {ends['SGD']}"
    assert abs(ends["RMSprop"]) < 0.1 * abs(ends["Rprop"]), f"where they end: {ends}"
    return "after 1000 updates at " + ", ".join(f"{x + 0.0:.2f} ({name})" for name, x in ends.items())


def adagrad_tires_and_rmsprop_does_not(panel):
    """Adagrad divides by the root of a sum, so its rate falls as 1 / sqrt(t) for ever; RMSprop's mean forgets."""
    steady = [np.array([1.0])] * 10000
    times, rates = np.arange(1, 10001), {}
    for rule, settings, style in (optim.Adagrad, {}, SECOND), (optim.RMSprop, {"alpha": 0.9}, FIRST):
        rates[rule.__name__] = -np.diff(walk(rule, steady, lr=0.01, **settings)[:, 0])
        panel.loglog(times, rates[rule.__name__], label=rule.__name__, **style)
    label(panel, "Adagrad's rate falls as 1/\u221at", "update", "effective rate")
    adagrad, rmsprop = rates.values()
    assert np.allclose(adagrad, 0.01 / np.sqrt(times)), f"Adagrad's rates: {adagrad[:3]} ... {adagrad[-1]}"
    assert rmsprop[999:].std() < 1e-4 * rmsprop[-1], f"RMSprop's rate goes from {rmsprop[999]} to {rmsprop[-1]}"
    falls = [rate[-1] / rate[999] for rate in (adagrad, rmsprop)]
    return f"from update 1000 to 10000 the rate is multiplied by {falls[0]:.2f}, RMSprop's by {falls[1]:.2f}"


def rare_features_get_larger_steps(panel):
    """Under Adagrad a feature that is seen rarely has gathered little, and its weight takes larger steps."""
    seen = np.zeros((5000, 2))
    seen[:, 0] = 1  # the common feature: in each example
    seen[99::100, 1] = 1  # the rare one: in each hundredth
    steps = -np.diff(walk(optim.Adagrad, seen, lr=1), axis=0)
    rare = np.flatnonzero(seen[:, 1])
    panel.loglog(rare + 1, steps[rare, 1], label="rare: 1 in 100", marker=".", **FIRST)
    panel.loglog(np.arange(5000) + 1, steps[:, 0], label="common: always", **SECOND)
    label(panel, "Adagrad: rare features, larger steps", "example", "step")
    ratio = steps[-1, 1] / steps[-1, 0]
    assert abs(ratio - 10) < 0.01, f"the rare feature's step is {ratio:.2f} times the common one's, not sqrt(100)"
    plain = -np.diff(walk(optim.SGD, seen, lr=1), axis=0)[-1]
    assert plain[0] == plain[1], f"plain descent's steps are {plain}, not the same for both"
    return f"{ratio:.1f} times as large, as sqrt(100); with plain descent the same"


def rates_of_their_own_see_only_the_axes(panel):
    """A rate for each weight helps in a ravine along an axis. Turn the ravine by 45 degrees, and the help is gone."""
    def ravine(degrees):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        start = [c - s, s + c]  # the same place in the ravine, however it lies
        return lambda w: ((c * w[0] + s * w[1]) ** 2 + 100 * (c * w[1] - s * w[0]) ** 2) / 2, start

    needed = {}
    for rule, lr, degrees, style in (
        (optim.SGD, 0.018, 0, THIRD), (optim.SGD, 0.018, 45, None), (optim.Adagrad, 0.3, 45, SECOND),
        (optim.Adagrad, 0.3, 0, FIRST),
    ):  # fmt: skip
        distance = np.linalg.norm(descend(rule, *ravine(degrees), steps=1000, lr=lr), axis=1)
        name = f"{rule.__name__}, {degrees} degrees"
        needed[name] = int(np.argmax(distance < 0.05))
        if style:
            panel.semilogy(distance, label=name.replace("SGD, 0", "SGD, 0 or 45"), **style)
    panel.set_ylim(1e-3, 3)
    label(panel, "Turn the ravine: no more help", "update", "distance from the minimum")
    plain, turned_plain, turned, along = needed.values()
    assert plain == turned_plain, f"plain descent depends on how the ravine lies: {needed}"
    assert 0 < along < plain and turned > 10 * along, f"updates that were needed: {needed}"
    return f"Adagrad needs {along} updates along the axes, {turned} across; SGD {plain} either way"


def label(panel, title, x, y):
    panel.set_title(title, fontsize=11, fontweight="bold")
    panel.set_xlabel(x)
    panel.set_ylabel(y)
    panel.legend(fontsize=8.5)


CLAIMS = [
    batch_descent_moves_once_a_pass, noise_keeps_it_from_the_minimum, momentum_gets_ten_times_as_fast,
    momentum_damps_what_changes_sign, nesterov_gambles_then_corrects, momentum_leaves_the_saddle_sooner,
    gains_grow_by_adding_and_shrink_by_multiplying, one_rate_fits_gradients_of_all_sizes,
    nine_small_steps_and_a_large_one_back, adagrad_tires_and_rmsprop_does_not, rare_features_get_larger_steps,
    rates_of_their_own_see_only_the_axes,
]  # fmt: skip

if __name__ == "__main__":
    figure, panels = plt.subplots(4, 3, figsize=(13, 14), dpi=110, layout="constrained")
    for number, (claim, panel) in enumerate(zip(CLAIMS, panels.flat), start=1):
        measured = claim(panel)
        panel.set_title(f"{number}. {panel.get_title()}", fontsize=11, fontweight="bold")
        print(f"{number:2}. {claim.__name__.replace('_', ' ').capitalize().replace('rms', 'RMS')}:\n    {measured}.")
    figure.savefig("founding_claims.png")
    print(f"\nAll {len(CLAIMS)} claims hold.")
