"""What a sample of an op is, the inputs that it draws, and the sets of samples that families of ops share."""


import zlib

import numpy as np

import minigrad


class Arg:
    """One input: its shape, how its values are drawn (float64), how they lie in memory, whether it takes a gradient."""

    def __init__(self, shape, draw, layout="plain", dtype=None):
        self.shape, self.draw, self.layout, self.dtype = shape, draw, layout, dtype

    def _laid(self, layout):
        return Arg(self.shape, self.draw, layout, self.dtype)

    t = property(lambda self: self._laid("transposed"))
    stepped = property(lambda self: self._laid("stepped"))
    reversed = property(lambda self: self._laid("reversed"))

    @property
    def differentiable(self):
        return self.dtype is None

    def host(self, rng, dtype):
        """(a C-contiguous array, the function that views it in the wanted shape and layout)."""
        values = np.asarray(self.draw(rng, self.shape)).astype(dtype if self.dtype is None else self.dtype)
        if self.layout == "transposed":
            return np.ascontiguousarray(values.T), lambda a: a.T
        if self.layout == "stepped":
            return np.repeat(values, 2, axis=-1), lambda a: a[..., ::2]
        if self.layout == "reversed":
            return np.ascontiguousarray(values[..., ::-1]), lambda a: a[..., ::-1]
        return values, lambda a: a


def domain(draw):
    return lambda *shape: Arg(shape, draw)


def _spaced(rng, shape):
    """Numbers at least 0.25 apart, so that a finite difference changes no order."""
    n = int(np.prod(shape))
    return (rng.permutation(n) * 0.25 - n / 9).reshape(shape)


real = domain(lambda rng, shape: rng.standard_normal(shape))
positive = domain(lambda rng, shape: rng.uniform(0.4, 2.5, shape))
inside = domain(lambda rng, shape: rng.uniform(-0.9, 0.9, shape))
nonzero = domain(lambda rng, shape: rng.uniform(0.3, 2, shape) * rng.choice([-1, 1], shape))
spaced = domain(_spaced)


def given(values):
    """These very numbers, as an input that takes a gradient."""
    values = np.array(values, dtype=float)
    return Arg(values.shape, lambda rng, shape: values)


def fixed(values, dtype=None):
    """These very integers or booleans: no gradient."""
    values = np.array(values)
    return Arg(values.shape, lambda rng, shape: values, dtype=dtype or values.dtype)


class Sample:
    """A function of (m, *tensors), its inputs, and how far it may be checked.

    orders: the highest order of derivative to compare with finite differences (0 for what is not differentiable).
    torch: what to call instead where PyTorch says it otherwise; None where it has no such thing.
    """

    def __init__(self, function, *args, orders=2, torch="same"):
        self.function, self.args, self.orders = function, args, orders
        self.torch = function if torch == "same" else torch
        self.name = ""  # set below: "softmax-3"

    def __repr__(self):
        return self.name

    @property
    def differentiable(self):
        return [i for i, arg in enumerate(self.args) if arg.differentiable]

    def hosts(self, dtype):
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        return [arg.host(rng, dtype) for arg in self.args]

    def tensors(self, dtype, device="cpu", requires_grad=True):
        made = []
        for arg, (values, lay) in zip(self.args, self.hosts(dtype)):
            array = lay(minigrad.tensor(values, device=device).array)
            made.append(minigrad.Tensor.of(array).requires_grad_(requires_grad and arg.differentiable))
        return made

    def torch_tensors(self, torch, dtype):
        made = []
        for arg, (values, lay) in zip(self.args, self.hosts(dtype)):
            # torch knows no negative strides
            t = torch.from_numpy(np.array(lay(values))) if arg.layout == "reversed" else lay_torch(arg, values, torch)
            made.append(t.requires_grad_(arg.differentiable))
        return made

    def outputs(self, tensors):
        """The results as a list, whether the function returns one or several."""
        results = self.function(minigrad, *tensors)
        return list(results) if isinstance(results, (tuple, list)) else [results]


def lay_torch(arg, values, torch):
    base = torch.from_numpy(values)
    return {"plain": lambda: base, "transposed": lambda: base.T, "stepped": lambda: base[...,
        ::2]}[arg.layout]().detach()


class TorchNames:
    """PyTorch under the names that samples use: torch, then torch.nn.functional."""

    def __init__(self, torch):
        self._torch = torch

    def __getattr__(self, name):
        return getattr(self._torch, name, None) or getattr(self._torch.nn.functional, name)


# ------------------------------------------------------------------------------------------------- what families share


def elementwise(function, domain=real, orders=2):
    """Every layout, and the shapes that go wrong."""
    args = [domain(2, 3), domain(3, 2).t, domain(2, 3).stepped, domain(2, 3).reversed, domain(), domain(0, 3),
            domain(2, 1, 3)]
    return [Sample(function, arg, orders=orders) for arg in args]


def broadcast(function, first=real, second=real, orders=2):
    """Pairs of shapes that broadcast, in all layouts."""
    pairs = [
        (first(2, 3), second(2, 3)), (first(2, 3).t, second(3)), (first(2, 1).stepped, second(3).reversed),
        (first(2, 3), second()), (first(), second(2, 3).t), (first(), second()), (first(0, 3), second(3)),
        (first(3), second(2, 1, 3)),
        (first(1, 3), second(0, 1)),
    ]
    return [Sample(function, a, b, orders=orders) for a, b in pairs]


def reduction(call, domain=real, orders=2, empty=True):
    """call(m, x, dim, keepdim) over one dimension, several, all; dimensions are negative as well."""
    def over(dim, keepdim=False):
        return lambda m, x: call(m, x, dim, keepdim)

    cases = [
        (over(0), domain(2, 3)), (over(-1, True), domain(2, 3).t), (over((0, -1)), domain(2, 3, 2)),
        (over((1,), True), domain(2, 3).stepped),
        (over(None), domain(2, 3).reversed), (over(0), domain()), (over(-1), domain(2, 1)), (over(0), domain(3, 0)),
        (over(()), domain(2, 3)),
    ]
    if empty:
        cases.append((over(-1), domain(3, 0)))
    return [Sample(function, arg, orders=orders) for function, arg in cases]


def all_but_dim_nothing(*args, **options):
    """reduction(), for what has no right gradient in PyTorch at dim=() (it is infinite)."""
    *others, last = reduction(*args, **options)
    return [*others, Sample(last.function, *last.args, torch=None)]


def along(call, domain=real, orders=2):
    """call(m, x, dim) along one dimension that stays."""
    cases = [(0, domain(2, 3)), (-1, domain(2, 3).t), (1, domain(2, 3, 2).stepped), (-2, domain(3, 2).reversed),
             (0, domain()), (1, domain(0, 3)),
             (-1, domain(2, 0))]
    return [Sample(lambda m, x, dim=dim: call(m, x, dim), arg, orders=orders) for dim, arg in cases]


def method(name, *args, **options):
    return lambda m, x: getattr(x, name)(*args, **options)


def named(name, *args, **options):
    return lambda m, *xs: getattr(m, name)(*xs, *args, **options)


def compared(function):
    """Comparisons meet equal elements too."""
    return [*broadcast(function, orders=0), Sample(function, given([1, 2, 3]), given([3, 2, 1]), orders=0)]


def logical(function):
    a, b = fixed([[True, False, True], [False, False, True]]), fixed([True, True, False])
    return [Sample(function, a, b), Sample(function, a.t, fixed([True, False, True])),
            Sample(function, fixed(True), b.reversed)]


def bitwise(function):
    return [*logical(function), Sample(function, fixed([[1, 2], [-3, 12]]), fixed([6, -1])),
            Sample(function, fixed([5]), fixed([[3], [7]]))]


def changed(x, change):
    """A copy of x, changed in place inside the graph."""
    y = x * 1
    change(y)
    return y


def assigned(x, index, value):
    return changed(x, lambda y: y.__setitem__(index, value))


def losses(name):
    """The losses of class labels; their rows are reached through nn.functional, which prepares what these want."""
    def loss(**options):
        return lambda m, x, t, *w: getattr(m.nn.functional, name)(x, t, *w, **options)

    few, many = fixed([0, 3, 1]), fixed([[0, 2], [1, 1]])
    return [
        *(Sample(loss(reduction=r), x, t) for r in ("mean", "sum", "none") for x,
          t in ((real(3, 4).t, few), (real(2, 3, 2).stepped, many))),
        Sample(loss(ignore_index=3, reduction="none"), real(3, 4), few),
        Sample(loss(ignore_index=1), real(2, 3, 2), many), Sample(loss(reduction="sum"), real(3), fixed(1)),
        Sample(loss(reduction="none"), real(0, 3), fixed([], "int64")),
    ]
