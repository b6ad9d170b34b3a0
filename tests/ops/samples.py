"""For every op, calls to try it with: SAMPLES[name] lists functions of tensors and the inputs to draw for them.

A sample's function is written once, in the names that minigrad and PyTorch share: m is the one or the other.

    Sample(lambda m, a, b: m.maximum(a, b), real(2, 3), real(3))

An input is a domain called with a shape, then perhaps laid out otherwise: real(2, 3).t is a transposed matrix, .stepped
takes every second element of a longer row, .reversed runs backwards through memory. A new op goes into the table below;
test_samples.py fails until it does.
"""

import zlib
from itertools import count

import numpy as np

import minigrad
from minigrad.dispatch import OPS


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


SAMPLES = {
    # --------------------------------------------------------------------------------------------------- arithmetic
    "add": [*broadcast(lambda m, a, b: a + b), Sample(lambda m, a, b: m.add(a, b, alpha=-2), real(2, 3), real(3)),
            Sample(lambda m, a: 1.5 + (a + 2), real(2, 3)), Sample(lambda m, a: a + a, real(2, 3))],
    "sub": [*broadcast(lambda m, a, b: a - b), Sample(lambda m, a, b: m.sub(a, b, alpha=0.5), real(2, 3), real(3)),
            Sample(lambda m, a: 1.5 - (a - 2), real(2, 3))],
    "mul": [*broadcast(lambda m, a, b: a * b), Sample(lambda m, a: 3 * (a * 0.5), real(2, 3)),
            Sample(lambda m, a: a * a, real(2, 3)),
            Sample(lambda m, a: a * 0, real(2))],
    "div": [*broadcast(lambda m, a, b: a / b, real, nonzero), Sample(lambda m, a: 2 / (a / 3), nonzero(2, 3)),
            Sample(lambda m, a, b: m.div(a, b, rounding_mode="floor"), nonzero(2, 3), nonzero(3)),
            Sample(lambda m, a, b: m.div(a, b, rounding_mode="trunc"), nonzero(2, 3), nonzero(3))],
    "maximum": [*broadcast(named("maximum"), spaced, real), Sample(named("maximum"), given([1, 2, 3]), given([3, 2, 1]),
        orders=0)],
    "minimum": [*broadcast(named("minimum"), spaced, real), Sample(named("minimum"), given([1, 2, 3]), given([3, 2, 1]),
        orders=0)],
    "floor_divide": [*broadcast(lambda m, a, b: a // b, real, nonzero, orders=0),
                     Sample(lambda m, a: 7.5 // a, nonzero(3), orders=0)],
    "remainder": [*broadcast(lambda m, a, b: a % b, real, nonzero), Sample(lambda m, a: a % 0.75, real(2, 3)),
                  Sample(lambda m, a: 2.5 % a, nonzero(2, 3), torch=None)],
    "square": elementwise(named("square")),
    "pow": [*broadcast(lambda m, a, b: a**b, positive, real),
            *(s for e in (0, 1, 2, 3, -1, 0.5, -1.5) for s in elementwise(lambda m, x, e=e: x**e, positive)[:2]),
            Sample(lambda m, x: x**3, real(2, 3)), Sample(lambda m, x: x**-2, nonzero(2, 3).reversed),
            Sample(lambda m, x: m.pow(x, 2.0), real()),
            *elementwise(lambda m, x: 2**x), Sample(lambda m, x: 0.5**x, real(3)),
            Sample(lambda m, x: 0**x, positive(3)),
            Sample(lambda m, a, b: m.pow(a, b), given([0, 0, 2]), given([2, 3, 0]), orders=1)],
    # ---------------------------------------------------------------------------------- functions of one variable
    "neg": elementwise(lambda m, x: -x),
    "abs": elementwise(named("abs"), nonzero),
    "exp": elementwise(named("exp")),
    "log": elementwise(named("log"), positive),
    "log1p": elementwise(named("log1p"), inside),
    "expm1": elementwise(named("expm1")),
    "sqrt": elementwise(named("sqrt"), positive),
    "rsqrt": elementwise(named("rsqrt"), positive),
    "reciprocal": elementwise(named("reciprocal"), nonzero),
    "sin": elementwise(named("sin")),
    "cos": elementwise(named("cos")),
    "tan": elementwise(named("tan"), inside),
    "tanh": elementwise(named("tanh")),
    "erf": [*elementwise(named("erf")), Sample(named("erf"), given([-5, -2, -0.5, 0, 0.4, 0.46, 1, 3.9, 4.1]))],
    "sign": elementwise(named("sign"), nonzero),
    "floor": elementwise(named("floor"), inside),
    "ceil": elementwise(named("ceil"), inside),
    "round": [*elementwise(named("round"), lambda *s: Arg(s, lambda rng,
        s: rng.integers(-3, 3, s) + rng.uniform(0.1, 0.4, s))),
              Sample(named("round"), given([-1.5, -0.5, 0.5, 1.5, 2.5]), orders=0),
              Sample(named("round", decimals=1), given([-1.23, 0.18, 2.51]))],
    "trunc": elementwise(named("trunc"), inside),
    # ------------------------------------------------------------------------------------------------- activations
    "sigmoid": [*elementwise(named("sigmoid")), Sample(named("sigmoid"), given([-30, -5, 5, 30]))],
    "logsigmoid": [*elementwise(named("logsigmoid")), Sample(named("logsigmoid"), given([-30, -5, 5, 30]))],
    "relu": elementwise(named("relu"), nonzero),
    "silu": elementwise(named("silu")),
    "leaky_relu": [*elementwise(named("leaky_relu"), nonzero), Sample(named("leaky_relu", negative_slope=0.2),
        nonzero(2, 3)),
                   Sample(named("leaky_relu", 0.3), given([-1, 0, 1]), orders=0)],
    "elu": [*elementwise(named("elu"), nonzero), Sample(named("elu", alpha=0.5), nonzero(2, 3)),
            Sample(named("elu", 2.0), given([-1, 0, 1]), orders=0)],
    "softplus": [*elementwise(named("softplus")), Sample(named("softplus", beta=2.0), real(2, 3)),
                 Sample(named("softplus", beta=2, threshold=1), given([-3, 0.1, 0.4, 0.6, 3]))],
    "gelu": [*elementwise(named("gelu")), *elementwise(named("gelu", approximate="tanh"))],
    "clamp": [*elementwise(named("clamp", -0.5, 0.6)), Sample(named("clamp", min=0.1), real(2, 3)),
              Sample(named("clamp", max=0.1), real(2, 3).t),
              Sample(named("clamp", -1, 1), given([-2, -1, 0, 1, 2]), orders=0),
              Sample(named("clamp", 1, -1), real(2, 3))],
    "where": [*(Sample(lambda m, a, b: m.where(m.isfinite(b) & (b > 0), a, b), *s.args) for s in broadcast(None, real,
        nonzero)),
              Sample(lambda m, c, a: m.where(c, a, 0.5), fixed([[True], [False]]), real(2, 3)),
              Sample(lambda m, c, a: m.where(c, 2, a), fixed([True, False, True]), real(2, 1)),
              Sample(lambda m, c, a, b: m.where(c, a, b), fixed([[True], [False]]).t, real(3), real()),
              Sample(lambda m, a, b: a.where(a > 0, b), nonzero(2, 3), real(3))],
    # ---------------------------------------------------------------------------------------- comparison and logic
    "eq": compared(lambda m, a, b: a == b),
    "ne": compared(lambda m, a, b: m.ne(a, b)),
    "lt": compared(lambda m, a, b: a < b),
    "le": compared(lambda m, a, b: a <= b),
    "gt": compared(lambda m, a, b: a > b),
    "ge": compared(lambda m, a, b: m.ge(a, b)),
    "logical_not": [Sample(named("logical_not"), fixed([[True, False, True]])),
                    *elementwise(named("logical_not"), orders=0)],
    "logical_and": logical(named("logical_and")) + broadcast(named("logical_and"), orders=0),
    "logical_or": logical(named("logical_or")) + broadcast(named("logical_or"), orders=0),
    "logical_xor": logical(named("logical_xor")) + broadcast(named("logical_xor"), orders=0),
    "bitwise_not": [Sample(lambda m, x: ~x, fixed([[True, False]])), Sample(named("bitwise_not"),
        fixed([[0, 5], [-7, 2]]).t)],
    "bitwise_and": bitwise(lambda m, a, b: a & b),
    "bitwise_or": bitwise(lambda m, a, b: a | b),
    "bitwise_xor": bitwise(named("bitwise_xor")),
    "isnan": elementwise(lambda m, x: m.isnan(m.log(x)), orders=0),
    "isinf": elementwise(lambda m, x: m.isinf(x / (x > 0)), orders=0),
    "isfinite": elementwise(lambda m, x: m.isfinite(x / (x > 0)), orders=0),
    # -------------------------------------------------------------------------------------------------- reductions
    "sum": [*reduction(lambda m, x, dim, keep: m.sum(x, dim, keepdim=keep)),
            Sample(lambda m, x: m.sum(x, dim=0, dtype=m.float64), real(2, 3)),
            Sample(lambda m, x: x.sum(), real(0, 3)), Sample(lambda m, x: m.sum(x, (0, 1), True),
                fixed([[1, 2], [3, 4]], "int32"))],
    "mean": [*reduction(lambda m, x, dim, keep: m.mean(x, dim, keepdim=keep), empty=False),
             Sample(lambda m, x: x.mean(), real(2, 3).t),
             Sample(lambda m, x: m.mean(x, 0), real(0, 3), orders=0)],
    "var": [*all_but_dim_nothing(lambda m, x, dim, keep: m.var(x, dim, keepdim=keep),
        lambda *s: real(*(n and n + 1 for n in s)) if s else real(2, 2), empty=False),
            Sample(lambda m, x: x.var(), real(2, 3)), Sample(lambda m, x: m.var(x, 1, unbiased=False), real(2, 3).t),
            Sample(lambda m, x: m.var(x, (0, 1), correction=2), real(2, 3)),
            Sample(lambda m, x: m.var(x, dim=1, correction=0), real(2, 1))],
    "std": [*all_but_dim_nothing(lambda m, x, dim, keep: m.std(x, dim, keepdim=keep),
        lambda *s: spaced(*(n and n + 1 for n in s)) if s else spaced(2, 2), empty=False),
            Sample(lambda m, x: x.std(), spaced(2, 3)), Sample(lambda m, x: m.std(x, 1, unbiased=False),
                spaced(2, 3).t),
            Sample(lambda m, x: m.std(x, (0, 1), correction=2), spaced(2, 3))],
    "prod": [Sample(named("prod"), nonzero(2, 3)), Sample(named("prod", 0), nonzero(2, 3).t),
             Sample(named("prod", -1, keepdim=True), nonzero(2, 3, 2).stepped),
             Sample(named("prod"), nonzero()), Sample(named("prod", 0), nonzero(0, 3)),
             Sample(named("prod"), nonzero(0)), Sample(named("prod", 0), nonzero()),
             Sample(named("prod"), given([[0, 2, 3], [1, 4, 5]])), Sample(named("prod", 1),
                 given([[0, 2, 3], [1, 0, 0], [2, 3, 4]])),
             Sample(named("prod", 0), given([[0, 2, 3], [0, 0, 1], [2, 3, 4]]).t),
             Sample(named("prod"), given([0, 0, 0])),
             Sample(lambda m, x: m.prod(x, 1, dtype=m.float64), nonzero(2, 3)),
             Sample(named("prod"), fixed([[2, 3]], "int32"))],
    "amax": [*reduction(lambda m, x, dim, keep: m.amax(x, () if dim is None else dim, keep), spaced, empty=False),
             Sample(lambda m, x: m.amax(x), spaced(2, 3)), Sample(named("amax", 1), given([[1, 2, 2], [3, 3, 3]]),
                 orders=0)],
    "amin": [*reduction(lambda m, x, dim, keep: m.amin(x, () if dim is None else dim, keep), spaced, empty=False),
             Sample(lambda m, x: m.amin(x), spaced(2, 3)), Sample(named("amin", 1), given([[1, 1, 2], [3, 3, 3]]),
                 orders=0)],
    "max": [Sample(named("max"), spaced(2, 3)), Sample(named("max", 0), spaced(2, 3).t),
            Sample(named("max", -1, keepdim=True), spaced(2, 3).stepped),
            Sample(named("max", 1), spaced(2, 3, 2).reversed), Sample(named("max", 0), spaced()),
            Sample(named("max"), spaced()),
            Sample(named("max"), spaced(2, 3), spaced(3)), Sample(named("max", 0), spaced(3, 0)),
            Sample(named("max"), given([1, 3, 3]), orders=0)],
    "min": [Sample(named("min"), spaced(2, 3)), Sample(named("min", 0), spaced(2, 3).t),
            Sample(named("min", -1, keepdim=True), spaced(2, 3).stepped),
            Sample(named("min", 1), spaced(2, 3, 2).reversed), Sample(named("min", 0), spaced()),
            Sample(named("min"), spaced()),
            Sample(named("min"), spaced(2, 3), spaced(3)), Sample(named("min", 0), spaced(3, 0)),
            Sample(named("min"), given([1, 1, 3]), orders=0)],
    "argmax": [Sample(named("argmax"), spaced(2, 3).t, orders=0), Sample(named("argmax", 0), spaced(2, 3), orders=0),
               Sample(named("argmax"), spaced(), orders=0),
               Sample(named("argmax", -1, keepdim=True), spaced(2, 3).stepped, orders=0),
               Sample(named("argmax", dim=1), given([[1, 2, 2], [3, 3, 3]]), orders=0),
               Sample(named("argmax", 0), spaced(3, 0), orders=0), Sample(named("argmax", 0), spaced(), orders=0)],
    "argmin": [Sample(named("argmin"), spaced(2, 3).t, orders=0), Sample(named("argmin", 0), spaced(2, 3), orders=0),
               Sample(named("argmin"), spaced(), orders=0),
               Sample(named("argmin", -1, keepdim=True), spaced(2, 3).stepped, orders=0),
               Sample(named("argmin", dim=1), given([[2, 1, 1], [3, 3, 3]]), orders=0),
               Sample(named("argmin", 0), spaced(3, 0), orders=0), Sample(named("argmin", 0), spaced(), orders=0)],
    "all": [*reduction(lambda m, x, dim, keep: m.all(x > -1, dim=dim, keepdim=keep), orders=0),
            Sample(named("all"), fixed([[True, False]]))],
    "any": [*reduction(lambda m, x, dim, keep: m.any(x > 1, dim=dim, keepdim=keep), orders=0),
            Sample(named("any"), fixed([[True, False]]))],
    "logsumexp": [*(s for s in reduction(lambda m, x, dim, keep: m.logsumexp(x, dim, keepdim=keep))[:4]),
                  Sample(named("logsumexp", 0), real()),
                  Sample(named("logsumexp", -1), real(0, 3)), Sample(named("logsumexp", 1), real(3, 0), orders=0),
                  Sample(named("logsumexp", (0, 1)), real(2, 3).reversed),
                  Sample(named("logsumexp", 0), given([1000, 1000.5, -1000]))],
    "softmax": [*along(lambda m, x, dim: m.softmax(x, dim)), Sample(lambda m, x: m.softmax(x, 1, dtype=m.float64),
        real(2, 3)),
                Sample(named("softmax", dim=0), given([1000, 1000.5, -1000]))],
    "log_softmax": [*along(lambda m, x, dim: m.log_softmax(x, dim)), Sample(lambda m,
        x: m.log_softmax(x, 1, dtype=m.float64), real(2, 3)),
                    Sample(named("log_softmax", dim=0), given([1000, 1000.5, -1000]))],
    "cumsum": [*along(lambda m, x, dim: m.cumsum(x, dim)), Sample(lambda m, x: m.cumsum(x, 0, dtype=m.float64),
        real(2, 3)),
               Sample(named("cumsum", 0), fixed([[True, True]])), Sample(named("cumsum", 0), fixed(3, "int8"))],
    "norm": [*(s for p in (2, 1, 3, 1.5, -1) for s in reduction(lambda m, x, dim, keep, p=p: m.norm(x, p, dim, keep),
        nonzero, empty=False)[:6]),
             *(s for p in (np.inf, -np.inf) for s in reduction(lambda m, x, dim, keep,
                 p=p: m.norm(x, float(p), dim, keep), spaced, empty=False)[:5]),
             Sample(lambda m, x: m.norm(x, 0, 1), given([[0, 1, 2], [0, 0, 3]]), orders=0),
             Sample(named("norm"), real(2, 3).t), Sample(named("norm", "fro"), real(2, 3)),
             Sample(lambda m, x: m.norm(x, dim=1), real(2, 0)), Sample(lambda m, x: m.norm(x, 2, 0, dtype=m.float64),
                 real(2, 3))],
    # ------------------------------------------------------------------------------------------------------- shape
    "reshape": [Sample(named("reshape", (3, 2)), real(2, 3)), Sample(named("reshape", (-1,)), real(2, 3).t),
                Sample(method("reshape", 1, -1, 2), real(2, 3).stepped),
                Sample(named("reshape", ()), real(1, 1)), Sample(named("reshape", (1, 1)), real()),
                Sample(named("reshape", (0, 2)), real(3, 0)),
                Sample(named("reshape", (2, -1)), real(0, 3)), Sample(lambda m, x: x.reshape_as(x.T), real(2, 3))],
    "view": [Sample(method("view", 3, 2), real(2, 3)), Sample(method("view", -1), real(2, 3)),
             Sample(method("view", (2, 1, 3)), real(2, 3)), Sample(method("view", 1, 2, 1, 3), real(2, 3).t),
             Sample(method("view", 1), real()), Sample(method("view", 4, 0), real(0, 3))],
    "permute": [Sample(method("permute", 2, 0, 1), real(2, 3, 4)), Sample(named("permute", (-1, 0, 1)), real(2, 3, 1)),
                Sample(named("permute", ()), real()),
                Sample(lambda m, x: x.T, real(2, 3).t), Sample(lambda m, x: x.mT, real(2, 1, 3)),
                Sample(named("permute", (1, 0)), real(0, 3))],
    "transpose": [Sample(named("transpose", 0, 1), real(2, 3)), Sample(named("transpose", -1, 0),
        real(2, 3, 2).stepped), Sample(named("transpose", 0, 0), real()),
                  Sample(lambda m, x: x.t(), real(2, 3)), Sample(lambda m, x: x.swapaxes(0, 1), real(0, 3))],
    "movedim": [Sample(named("movedim", 0, -1), real(2, 3, 4)), Sample(named("movedim", 2, 0), real(2, 3, 4)),
                Sample(named("movedim", 0, 0), real())],
    "squeeze": [Sample(named("squeeze"), real(2, 1, 3, 1)), Sample(named("squeeze", 1), real(2, 1, 3)),
                Sample(named("squeeze", 0), real(2, 1)),
                Sample(named("squeeze", (0, -1)), real(1, 2, 1)), Sample(named("squeeze"), real()),
                Sample(named("squeeze", 0), real()),
                Sample(named("squeeze", -1), real(0, 1)), Sample(named("squeeze", ()), real(1, 2))],
    "unsqueeze": [Sample(named("unsqueeze", 0), real(2, 3)), Sample(named("unsqueeze", -1), real(2, 3).t),
                  Sample(named("unsqueeze", 1), real(2, 3).reversed),
                  Sample(named("unsqueeze", 0), real()), Sample(named("unsqueeze", 1), real(0, 2))],
    "flatten": [Sample(named("flatten"), real(2, 3)), Sample(named("flatten", 1), real(2, 3, 2)),
                Sample(named("flatten", 0, 1), real(2, 3, 2)),
                Sample(named("flatten"), real()), Sample(named("flatten", start_dim=-2), real(2, 3, 2).stepped),
                Sample(named("flatten"), real(0, 3))],
    "expand": [Sample(method("expand", 4, 3), real(1, 3)), Sample(method("expand", 2, -1, 3), real(3, 1)),
               Sample(method("expand", (2, 3)), real()),
               Sample(method("expand", -1, 3), real(2, 1).t), Sample(method("expand", 0, 3), real(1, 3)),
               Sample(lambda m, x: x.expand_as(m.zeros(2, 3)), real(3))],
    "broadcast_to": [Sample(named("broadcast_to", (2, 3)), real(3)), Sample(named("broadcast_to", (2, 3)),
        real(2, 1).stepped)],
    "cat": [Sample(lambda m, a, b: m.cat([a, b]), real(2, 3), real(1, 3)),
            Sample(lambda m, a, b: m.cat((a, b), dim=-1), real(2, 3).t, real(2, 1)),
            Sample(lambda m, a, b, c: m.cat([a, b, c], 1), real(2, 3).stepped, real(2, 0), real(2, 2).reversed),
            Sample(lambda m, a: m.cat([a]), real(2, 3)),
            Sample(lambda m, a: m.cat([a, a, a]), real(3)), Sample(lambda m, a, b: m.cat([a, b]), fixed([1, 2]),
                real(2))],
    "concatenate": [Sample(lambda m, a, b: m.concatenate([a, b], 1), real(2, 3), real(2, 1))],
    "stack": [Sample(lambda m, a, b: m.stack([a, b]), real(2, 3), real(2, 3).t),
              Sample(lambda m, a, b: m.stack((a, b), dim=-1), real(2, 3).stepped, real(2, 3)),
              Sample(lambda m, a, b, c: m.stack([a, b, c]), real(), real(), real()),
              Sample(lambda m, a, b: m.stack([a, b], 1), real(0, 3), real(0, 3))],
    "split": [Sample(named("split", 2), real(5, 2)), Sample(named("split", [1, 0, 2], dim=1), real(2, 3).t),
              Sample(named("split", 3, -1), real(2, 3)),
              Sample(lambda m, x: m.split(x, 1)[1], real(3, 2)), Sample(named("split", 2), real(0, 3)),
              Sample(lambda m, x: m.split(x, 2)[0] * m.split(x, 2)[1], real(4))],
    "chunk": [Sample(named("chunk", 2), real(5, 2)), Sample(named("chunk", 4, dim=-1), real(2, 6).stepped),
              Sample(named("chunk", 5), real(3)),
              Sample(named("chunk", 3, 1), real(2, 0))],
    "unbind": [Sample(named("unbind"), real(3, 2)), Sample(named("unbind", -1), real(2, 3).t),
               Sample(lambda m, x: m.unbind(x, 1)[0], real(2, 3)),
               Sample(named("unbind"), real(1, 2)), Sample(lambda m, x: list(x), real(2))],
    "flip": [Sample(named("flip", (0,)), real(2, 3)), Sample(named("flip", (0, -1)), real(2, 3).reversed),
             Sample(named("flip", (1,)), real(2, 3, 2).stepped),
             Sample(named("flip", ()), real(2, 3)), Sample(named("flip", (0,)), real(0, 3)),
             Sample(named("flip", (0,)), real(1))],
    "pad": [Sample(named("pad", (1, 2)), real(2, 3)), Sample(named("pad", (0, 1, 2, 0), value=1.5), real(2, 3).t),
            Sample(named("pad", (-1, 2)), real(2, 3)),
            Sample(named("pad", (0, -1, 1, -1)), real(2, 3)), Sample(named("pad", (1, 1), "constant", 0.5), real(0)),
            Sample(named("pad", (0, 0)), real(2, 3))],
    "tril": [Sample(named("tril"), real(3, 3)), Sample(named("tril", 1), real(2, 3).t),
             Sample(named("tril", diagonal=-1), real(2, 3, 2)), Sample(named("tril"), real(0, 3))],
    "triu": [Sample(named("triu"), real(3, 3)), Sample(named("triu", 1), real(2, 3).t),
             Sample(named("triu", diagonal=-1), real(2, 3, 2)), Sample(named("triu"), real(0, 3))],
    # ------------------------------------------------------------------------------------------------------- index
    "getitem": [
        *(Sample(lambda m, x, i=i: x[i], real(4, 3, 2).stepped) for i in (
            1, -1, slice(1, 3), (slice(None), 0), (slice(None, None, 2), Ellipsis, 1), None, (Ellipsis, None),
            (0, 1, 1), (slice(4, 4),), Ellipsis, (),
            [0, 2], ([0, 2, 2], [1, 0, 0]), (slice(None), [2, 0]), ([1, 0], slice(None), [0, 1]), (None, [1, 1], 0),
            (1, slice(None), [0, 0, 1]), ([0, 1], slice(None), 1), (0, None, [1, 2], slice(None, None, 2)),
            (Ellipsis, 0, [1, 1, 0], slice(1)), (slice(3), 2, [0, 1]), ([3, 1], 1, slice(None), None),
            [True, False, True, True], (slice(None), [True, False, True]), ([0, 1], None, [1, 2]), [])),
        Sample(lambda m, x, i: x[i], real(4, 3).t, fixed([[0, 3], [3, 3]])),
        Sample(lambda m, x, i: x[:, i], real(2, 4), fixed([-1, 0, -1])),
        Sample(lambda m, x, i, j: x[i, j], real(4, 3), fixed([[0], [1]]), fixed([0, 2], "int32")),
        Sample(lambda m, x: x[x > 0], nonzero(2, 3)),
        Sample(lambda m, x, i: x[i], real(4, 3), fixed(2)), Sample(lambda m, x: x[...], real()),
        Sample(lambda m, x: x[None], real()), Sample(lambda m, x: x[2:1], real(3)),
        Sample(lambda m, x: x[::2][1:], real(5, 2).reversed), Sample(lambda m, x, c: x[c], real(2, 3),
            fixed([[True, False, True], [False] * 3]).t)],
    "gather": [Sample(lambda m, x, i: m.gather(x, 0, i), real(3, 2), fixed([[0, 2], [2, 2], [1, 0], [0, 0]])),
               Sample(lambda m, x, i: x.gather(-1, i), real(2, 3).t, fixed([[0, 0, 0, 2], [1, 2, 1, 1]])),
               Sample(lambda m, x, i: m.gather(x, 1, i), real(3, 4), fixed([[3], [1]])),
               Sample(lambda m, x, i: m.gather(x, 0, i), real(), fixed(0)),
               Sample(lambda m, x, i: m.gather(x, 0, i), real(3, 2), fixed(np.zeros((0, 2)), "int64")),
               Sample(lambda m, x, i: m.gather(x, 1, i), real(2, 3, 2).stepped, fixed([[[0, 2], [1, 1]]]))],
    "index_select": [Sample(lambda m, x, i: m.index_select(x, 0, i), real(3, 2).t, fixed([2, 0, 2])),
                     Sample(lambda m, x, i: x.index_select(-1, i), real(2, 3), fixed([1, 1, 1, 0])),
                     Sample(lambda m, x, i: m.index_select(x, 0, i), real(), fixed([0])),
                     Sample(lambda m, x, i: m.index_select(x, 1, i), real(2, 3), fixed(1)),
                     Sample(lambda m, x, i: m.index_select(x, 0, i), real(2, 3), fixed([], "int64"))],
    "scatter_add": [Sample(lambda m, x, i, s: m.scatter_add(x, 0, i, s), real(3, 2), fixed([[0, 2], [0, 2], [1, 2]]),
                           real(3, 2)),
                    Sample(lambda m, x, i, s: x.scatter_add(-1, i, s), real(2, 3).t, fixed([[1, 1]]),
                           real(1, 2).stepped), Sample(lambda m, x, i, s: x.scatter_add(1, i, s), real(2, 3),
                               fixed([[1, 1]]), real(2, 4), torch=None),
                    Sample(lambda m, x, i, s: m.scatter_add(x, 0, i, s), real(), fixed(0), real()),
                    Sample(lambda m, x, i, s: m.scatter_add(x, 1, i, s), real(2, 3), fixed(np.zeros((2, 0)), "int64"),
                           real(2, 1))],
    "masked_fill": [Sample(lambda m, x, c: m.masked_fill(x, c, 0.5), real(2, 3),
                           fixed([[True, False, True], [False, False, True]])),
                    Sample(lambda m, x, c: x.masked_fill(c, -1), real(2, 3).t, fixed([True, False, True])),
                    Sample(lambda m, x, c: m.masked_fill(x, c, 2), real(), fixed(True)),
                    Sample(lambda m, x, c, v: m.masked_fill(x, c, v), real(2, 3), fixed([[True], [False]]), real()),
                    Sample(lambda m, x, c: m.masked_fill(x, c, 2), real(0, 3), fixed([True, False, True]))],
    "masked_select": [Sample(lambda m, x, c: m.masked_select(x, c), real(2, 3).t,
        fixed([[True, False, True], [False, False, True]])),
                      Sample(lambda m, x, c: m.masked_select(x, c), real(2, 3), fixed([True, False, True])),
                      Sample(lambda m, x, c: m.masked_select(x, c), real(2), fixed([False, False]))],
    "one_hot": [Sample(lambda m, i: m.one_hot(i), fixed([2, 0, 1])), Sample(lambda m, i: m.one_hot(i, 4),
        fixed([[2, 0], [1, 3]])), Sample(lambda m, i: m.one_hot(i, num_classes=3), fixed(1)),
                Sample(lambda m, i: m.one_hot(i, 3), fixed([], "int64"))],
    # ---------------------------------------------------------------------------------------------------- products
    "matmul": [Sample(lambda m, a, b: a @ b, real(*s), real(*t)) for s, t in [
                   ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (2, 3, 4)),
                   ((2, 2, 3), (3, 4)), ((2, 3), (2, 3, 2)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,)),
                   ((2, 1, 2, 3), (3, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 3), (3, 0)), ((2, 2, 0), (0, 3)),
                   ((2, 0, 3), (3, 2)), ((2, 2, 3), (3, 0)), ((0,), (0,)), ((1, 2, 3), (4, 3, 2))]]
              + [Sample(named("matmul"), real(2, 3).t, real(3, 2).stepped),
                 Sample(named("matmul"), real(2, 3).reversed, real(3)), Sample(lambda m, a: a @ a.T, real(2, 3)),
                 Sample(lambda m, a: a @ a, real(3)), Sample(named("matmul"), real(2, 2, 3).stepped, real(3, 4).t)],
    "linear": [Sample(named("linear"), real(2, 3), real(4, 3), real(4)),
               Sample(named("linear"), real(2, 2, 3).stepped, real(4, 3).t, real(4).reversed),
               Sample(named("linear"), real(3), real(2, 3), real(2)),
               Sample(named("linear"), real(2, 3), real(4, 3)), Sample(named("linear"), real(3), real(2, 3)),
               Sample(named("linear"), real(0, 3), real(2, 3), real(2)),
               Sample(named("linear"), real(2, 0), real(3, 0), real(3)),
               Sample(named("linear"), real(2, 2, 0), real(3, 0), real(3)),
               Sample(named("linear"), real(2, 3), real(0, 3), real(0)),
               Sample(named("linear"), real(2, 2, 3), real(4, 3))],
    # ---------------------------------------------------------------------------------------------- assignment, losses
    "setitem": [
        *(Sample(lambda m, x, v, i=i: assigned(x, i, v), real(4, 3).stepped, real(*shape)) for i, shape in (
            (0, (3,)), ((slice(None), 1), (4,)), (slice(1, 3), ()), (Ellipsis, (4, 3)), ([0, 2], (2, 3)),
            ([0, 2], (3,)), (([0, 1], [1, 2]), (2,)),
            ((slice(None), [2, 0]), (4, 2)), ([True, False, False, True], (2, 3)), ((slice(None), None, 0), (4, 1)),
            (slice(4, 4), (0, 3)))),
        Sample(lambda m, x, v: assigned(x, slice(None, None, -1), v), real(4, 3), real(4, 3), torch=None),
        Sample(lambda m, x, v: assigned(x, (0, slice(None), [1, 0]), v), real(2, 3, 2), real(3, 2)),
        Sample(lambda m, x: assigned(x, x > 0, 0.5), nonzero(2, 3)), Sample(lambda m, x: assigned(x, 1, x[0]),
            real(2, 3).t)],
    "in-place change of a view": [Sample(lambda m, x, v: changed(x, lambda y: y[1].mul_(v)), real(2, 3), real(3)),
        Sample(lambda m, x: changed(x, lambda y: y.T[0].exp_()), real(2, 3).t)],
    "nll_loss": [*losses("nll_loss"), Sample(lambda m, x, t: m.nn.functional.nll_loss(x, t, reduction="none"),
        given([-1, -np.inf, -2]), fixed(2), orders=0)],
    "cross_entropy": [*losses("cross_entropy"), Sample(lambda m, x, t: m.nn.functional.cross_entropy(x, t),
        given([1000, -1000, 999]), fixed(2))],
    "mse_loss": [Sample(lambda m, a, b, r=r: m.nn.functional.mse_loss(a, b, reduction=r), real(2, 3).t,
                        real(2, 3).reversed) for r in ("mean", "sum", "none")],
    # ---------------------------------------------------------------------------------------------- dtype and memory
    "astype": [Sample(lambda m, x: x.to(m.float64), real(2, 3)), Sample(lambda m, x: x.to(m.float64), real(2, 3).t),
               Sample(lambda m, x: x.double().float(), real(2, 3), orders=0),
               Sample(lambda m, x: x.to(m.int64), fixed([1.5, -2.7, 0.2], "float32")),
               Sample(lambda m, x: m.astype(x, m.float64), real(0, 3), torch=lambda m, x: x.to(m.float64))],
    "clone": elementwise(named("clone")),
    "contiguous": elementwise(lambda m, x: x.contiguous()),
    "to_device": [Sample(lambda m, x: m.to_device(x, x.device), real(2, 3), torch=lambda m, x: x.to("cpu"))],
}  # fmt: skip

ALL = [sample for samples in SAMPLES.values() for sample in samples]
for _name, _samples in SAMPLES.items():
    for _sample, _number in zip(_samples, count()):
        _sample.name = f"{_name}-{_number}"

# Ops whose results carry no gradient, such as comparisons, though they take floating-point numbers.
FLAT = {row.name for row in OPS.values() if not row.joint and not any(row.vjps)}
FLOAT_SAMPLES = [s for s in ALL if s.differentiable and s.name.rpartition("-")[0] not in FLAT]
