"""A course: everything that happens to some parameters over some steps, the same for whoever runs it."""

from dataclasses import dataclass

import numpy as np

import minigrad as mg

SHAPES = [(3, 4), (5,), (), (0, 3), (2, 1, 3), (7,)]
SPLIT = 4  # the parameters from here on are the second group


@dataclass
class Course:
    starts: list[np.ndarray]
    gradients: list[list[np.ndarray | None]]  # by step, then by parameter
    settings: list[list[dict]]  # by step, then by group; the learning rate changes from step to step
    losses: list[float]  # by step


def course(draw, seed, steps=50, dtype=np.float64, shapes=SHAPES):
    """Random starts, gradients and hyper-parameters in two groups; some gradients are None.

    All numbers are float32's, so that the same course can be run in either precision.
    """
    rng = np.random.default_rng(seed)
    starts = [rng.normal(size=shape).astype(np.float32).astype(dtype) for shape in shapes]
    groups = [draw(rng), draw(rng)]
    gradients, settings = [], []
    for step in range(steps):
        arrays = [rng.normal(size=shape).astype(np.float32).astype(dtype) for shape in shapes]
        missing = {1: rng.random() < 0.3, 2: step < 3, 4: rng.random() < 0.2}
        gradients.append([None if missing.get(i) else g for i, g in enumerate(arrays)])
        settings.append([{**group, "lr": group["lr"] * (1 + 0.5 * np.sin(step))} for group in groups])
    return Course(starts, gradients, settings, losses=rng.normal(size=steps).tolist())


def group_of(i):
    return 0 if i < SPLIT else 1


def run_longhand(longhand, c):
    """Where the formula ends; it finds the loss of each step, and the parameter's number, among the hyper-parameters."""
    ends = []
    for i, start in enumerate(c.starts):
        steps = zip(c.gradients, c.settings, c.losses)
        taken = [(g[i], {**s[group_of(i)], "loss": loss, "index": i}) for g, s, loss in steps if g[i] is not None]
        ends.append(longhand(start, taken))
    return ends


def leaves(arrays, dtype=None, device=None):
    return [mg.Tensor(array, dtype=dtype, device=device, requires_grad=True) for array in arrays]


def make(rule, params, c, step=0):
    """The rule on the two groups, with the hyper-parameters of a step."""
    parts = [params[:SPLIT], params[SPLIT:]]
    return rule([{"params": part, **settings} for part, settings in zip(parts, c.settings[step])])


def advance(optimizer, params, c, steps):
    """Take some of the steps of a course."""
    for step in steps:
        for group, settings in zip(optimizer.param_groups, c.settings[step]):
            group["lr"] = settings["lr"]
        for p, g in zip(params, c.gradients[step]):
            p.grad = None if g is None else mg.Tensor(g, dtype=p.dtype, device=p.device)
        take_step(optimizer, c.losses[step])


def take_step(optimizer, loss):
    if optimizer.needs_closure:
        optimizer.step(lambda: loss)
    else:
        optimizer.step()


def run_ours(rule, c, dtype=np.float64):
    params = leaves(c.starts, dtype)
    advance(make(rule, params, c), params, c, range(len(c.gradients)))
    return values(params)


def values(params):
    return [p.detach().cpu().numpy().copy() for p in params]


# --------------------------------------------------------------------------------------------------------- PyTorch


def make_torch(torch, name, params, c, step=0):
    parts = [params[:SPLIT], params[SPLIT:]]
    groups = [{"params": part, **settings} for part, settings in zip(parts, c.settings[step])]
    optimizer = getattr(torch.optim, name)(groups, **({} if name == "Muon" else {"foreach": False}))
    for group in optimizer.param_groups:
        if "initial_accumulator_value" in group:  # PyTorch heeds the constructor's only
            for p in group["params"]:
                optimizer.state[p]["sum"].fill_(group["initial_accumulator_value"])
    return optimizer


def torch_leaves(torch, arrays, dtype=np.float64):
    return [torch.tensor(np.asarray(array, dtype=dtype), requires_grad=True) for array in arrays]


def advance_torch(torch, optimizer, params, c, steps):
    before = torch.get_default_dtype()
    torch.set_default_dtype(params[0].dtype)  # PyTorch keeps some scalars in the default dtype
    try:
        for step in steps:
            for group, settings in zip(optimizer.param_groups, c.settings[step]):
                group["lr"] = settings["lr"]
            for p, g in zip(params, c.gradients[step]):
                p.grad = None if g is None else torch.tensor(g, dtype=p.dtype)
            optimizer.step()
    finally:
        torch.set_default_dtype(before)


def run_torch(torch, name, c, dtype=np.float64):
    params = torch_leaves(torch, c.starts, dtype)
    advance_torch(torch, make_torch(torch, name, params, c), params, c, range(len(c.gradients)))
    return [p.detach().numpy().copy() for p in params]


# ------------------------------------------------------------------------------------------------------- comparing


def distance(found, expected):
    """max |a - b| / max |b| over all the arrays together."""
    a = np.concatenate([np.ravel(x) for x in found]).astype(np.float64)
    b = np.concatenate([np.ravel(x) for x in expected]).astype(np.float64)
    assert a.shape == b.shape and np.isfinite(b).all() and np.isfinite(a).all()
    return np.abs(a - b).max() / np.abs(b).max()


def same_bits(found, expected):
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(found, expected, strict=True)
    )
