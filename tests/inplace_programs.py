"""Small random programs with views and in-place changes, as source text that PyTorch and minigrad both run.

A program is a list of statements over the leaves a (2, 3), b (3,), c () and a buffer p (2, 3) that needs no gradient;
`L` is the library. It grows one statement at a time: one that the library growing it refuses is left out.
"""

import numpy as np

LEAVES = {"a": (2, 3), "b": (3,), "c": ()}
VIEWS = (
    "{x}[0]",
    "{x}[-1]",
    "{x}[1:]",
    "{x}[:, 1]",
    "{x}[..., ::2]",
    "{x}[:, :2]",
    "{x}[None]",
    "{x}[...]",
    "{x}[1, 2]",
    "{x}.T",
    "{x}.reshape(-1)",
    "{x}.reshape(3, 2)",
    "{x}.T.reshape(-1)",
    "{x}.view(-1)",
    "{x}.unsqueeze(0)",
    "{x}.squeeze()",
    "{x}.transpose(0, 1)",
    "{x}.expand(2, 3)",
    "{x}.permute(1, 0)",
    "{x}.contiguous()",
    "{x}.view({x}.shape)",
    "{x}.movedim(0, 1)",
)
SEVERAL = ("{x}.split(1)[0]", "{x}.split(2, 1)[1]", "{x}.unbind()[1]", "{x}.chunk(2)[0]", "list({x})[0]")
APART = ("{x}.detach()", "{x}.detach()[0]")  # not .data: PyTorch does not see what is written through it
COPIES = (
    "{x}.clone()",
    "{x}[L.tensor([1, 0, 1])]",
    "{x}[[0, 1]]",
    "{x}[:, L.tensor([2, 0])]",
    "{x}[L.tensor([True, False])]",
    "L.cat([{x}, {y}])",
    "L.stack([{x}, {y}])",
)
VALUES = (
    "{x} * {y}",
    "{x} * {y}",
    "{x} + {y}",
    "{x} - {y}",
    "{x}.sin()",
    "{x}.tanh()",
    "{x}.exp()",
    "{x}.sigmoid()",
    "{x}.square()",
    "{x} * 2",
    "{x}.mean()",
    "{x}.sum(0)",
    "{x} / ({y} * {y} + 1)",
    "{x} @ {y}",
    "L.where(L.tensor([True, False, True]), {x}, {y})",
)
CHANGES = (
    "{x}.add_({y})",
    "{x}.mul_({y})",
    "{x}.mul_({y})",
    "{x}.sub_({y})",
    "{x}.mul_(2)",
    "{x}.tanh_()",
    "{x}.sigmoid_()",
    "{x}.neg_()",
    "{x}.zero_()",
    "{x}.fill_(0.5)",
    "{x}.copy_({y})",
    "{x}.clamp_(-1.5, 1.5)",
    "{x} += {y}",
    "{x} *= {y}",
    "{x} -= {x}.sin()",
    "{x}.div_({y} * {y} + 1)",
    "{x}.mul_({x})",
    "{x}.pow_(2)",
    "{x}.masked_fill_(L.tensor([True, False, True]), 0.25)",
    "{x}.add_({y}, alpha=0.5)",
    "{x}[0] = {y}",
    "{x}[1:] = {y}",
    "{x}[:, 1] = {y}",
    "{x}[...] = {y}",
    "{x}[1] = 0.75",
    "{x}[0] += {y}",
    "{x}[0] *= {y}",
    "{x}[L.tensor([1, 0])] = {y}",
    "{x}[L.tensor([True, False])] = {y}",
    "{x}[L.tensor([1, 0])] += {y}",
    "{x}[:, [2, 0]] = {y}",
    "{x}[{x} > 0.3] = 0.1",
    "{x}[0] = {x}[1]",
    "{x}[1, 2] = {y}",
    "{x}[None, 0] = {y}",
    "{x}.T[0] = {y}",
    "{x}[0][1] = {y}",
)
OPEN = (  # what PyTorch leaves open: which of several values stays, and reading what is being overwritten
    "{x}[L.tensor([0, 0])] = {y}",
    "{x}[L.tensor([1, 0, 1])] *= {y}",
    "{x}.mul_({x}[0])",
    "{x}[1:] = {x}[:-1]",
    "{x}[:, [2, 0]] = {x}[:, :2]",
    "{x} += {x}.T",
)
KINDS = {
    "view": VIEWS,
    "several": SEVERAL,
    "apart": APART,
    "copy": COPIES,
    "value": VALUES,
    "change": CHANGES,
    "open": OPEN,
}
PLAIN = {"view": 6, "several": 1, "copy": 1, "value": 4, "change": 7}
WITH_OPEN = {**PLAIN, "open": 2}
WITH_CUTS = {**PLAIN, "apart": 1}  # with parts of the graph cut off, so that finite differences are no oracle


class Program:
    """The state of one run: the library's variables by name."""

    def __init__(self, library, leaves):
        self.names = {"L": library}
        for name, values in leaves.items():
            self.names[name] = library.tensor(values, dtype=library.float64, requires_grad=True)
        self.names["p"] = library.tensor(np.linspace(-0.9, 1.1, 6).reshape(2, 3), dtype=library.float64)

    def run(self, statement):
        exec(statement, self.names)

    def variables(self):
        return [name for name in self.names if name != "L" and not name.startswith("__")]

    def loss(self):
        """Every variable weighted differently, so that no two gradients can stand in for each other."""
        L, total = self.names["L"], None
        for i, name in enumerate(self.variables()):
            x = self.names[name]
            weight = np.cos(np.arange(x.numel()) * 0.7 + i).reshape(tuple(x.shape))
            part = (x * x * L.tensor(weight)).sum()
            total = part if total is None else total + part
        return total

    def gradients(self):
        return {
            name: None if self.names[name].grad is None else np.array(self.names[name].grad.tolist()) for name in LEAVES
        }


def leaf_values(rng):
    return {name: rng.uniform(-1.2, 1.2, shape) for name, shape in LEAVES.items()}


def overlap(x, y):
    return np.shares_memory(x.detach().numpy(), y.detach().numpy())


def grow(library, seed, weights, cuts=False, refusals=(RuntimeError, ValueError, IndexError, TypeError)):
    """A program of up to 9 statements: (statements, values of the leaves, its finished run)."""
    rng = np.random.default_rng(seed)
    leaves = leaf_values(rng)
    run, statements = Program(library, leaves), []
    kinds, odds = list(weights), np.array(list(weights.values()), float)
    for _ in range(40):
        if len(statements) == 9:
            break
        kind = rng.choice(kinds, p=odds / odds.sum())
        form = KINDS[kind][rng.integers(len(KINDS[kind]))]
        x, y = rng.choice(run.variables(), 2)
        statement = form.format(x=x, y=y)
        if kind not in ("change", "open"):
            statement = f"v{len(statements)} = {statement}"
        elif kind == "change" and x != y and overlap(run.names[x], run.names[y]):
            continue  # left open too
        if cuts and rng.random() < 0.12:
            statement = f"with L.no_grad(): {statement}"
        try:
            run.run(statement)
        except refusals:
            continue
        statements.append(statement)
    return statements, leaves, run
