"""Filling tensors with the numbers that training starts from. Every function works in place and returns its tensor."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np

from ..backend.random import Generator, rng_of
from ..gradmode import no_grad
from ..ops.reduce import wide
from ..tensor import Tensor
from ..values import draw_normal
from .functional.checks import check_count, check_number, check_tensor
from .module import Module

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "fan_in_and_fan_out", "kaiming_normal_", "kaiming_uniform_",
    "lecun_normal_", "lecun_uniform_", "lsuv_", "normal_", "ones_", "orthogonal_", "sparse_", "trunc_normal_",
    "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

_GAINS = {
    "linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0, "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor on weights that keeps the variance from layer to layer: 1, tanh 5/3, relu sqrt(2), selu 3/4.

    leaky_relu: sqrt(2 / (1 + slope^2)), its slope `param` (0.01 by default). Raises ValueError for another name.
    He et al. 2015, section 2.2, for the rectifiers.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else check_number("calculate_gain", "the negative slope", param)
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        known = ", ".join(sorted([*_GAINS, "leaky_relu"]))
        raise ValueError(f"calculate_gain: no gain is known for {nonlinearity!r}; known: {known}")
    return _GAINS[nonlinearity]


def fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs feed a unit and how many outputs a unit feeds: (in, out) for a weight of shape (out, in).

    Both times the receptive field's size for (out, in, k1, ...). Raises ValueError below two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError(f"a tensor of shape {tensor.shape} has no fan-in and fan-out: it needs two dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform on [a, b). Raises ValueError if a > b."""
    a, b = check_number("uniform_", "a", a), check_number("uniform_", "b", b)
    with no_grad():
        return check_tensor(tensor, "uniform_").uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal, N(mean, std^2). Raises ValueError for a negative std."""
    mean, std = check_number("normal_", "mean", mean), check_number("normal_", "std", std, 0)
    with no_grad():
        return check_tensor(tensor, "normal_").normal_(mean, std, generator=generator)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    with no_grad():
        return check_tensor(tensor, "constant_").fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros everywhere."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix, zeros elsewhere. Raises ValueError for other than two dimensions."""
    _check_ndim("eye_", tensor, 2, 2, "exactly two")
    with no_grad():
        return tensor.copy_(Tensor.of(np.eye(*tensor.shape)))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform on (-a, a) with a = gain * sqrt(6 / (fan_in + fan_out)). Glorot and Bengio 2010, eq. 16."""
    bound = math.sqrt(3) * _xavier_std("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(0, std^2) with std = gain * sqrt(2 / (fan_in + fan_out)). Glorot and Bengio 2010, eq. 12."""
    return normal_(tensor, 0.0, _xavier_std("xavier_normal_", tensor, gain), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform on (-b, b) with b = gain * sqrt(3 / fan). He et al. 2015, eqs. 10 and 14.

    gain = calculate_gain(nonlinearity, a), where a is the slope of a leaky ReLU below 0; mode "fan_in" keeps the
    variance forward, "fan_out" backward. Raises ValueError for another mode or below two dimensions.
    """
    bound = math.sqrt(3) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """N(0, std^2) with std = gain / sqrt(fan); a, mode and nonlinearity as in kaiming_uniform_. He et al. 2015."""
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """gain times a random matrix with orthonormal rows or columns, whichever are fewer; (n, k, l) counts as (n, k * l).

    The Q of a normal matrix, its signs chosen so that it is uniformly distributed (Mezzadri 2007). Saxe, McClelland and
    Ganguli 2014. Raises ValueError below two dimensions.
    """
    _check_ndim("orthogonal_", tensor, 2, math.inf, "at least two")
    _check_floating("orthogonal_", tensor)
    gain = check_number("orthogonal_", "gain", gain)
    if not tensor.numel():
        return tensor
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = wide(draw_normal((rows, columns), tensor.dtype, 0.0, 1.0, generator))
    q, r = np.linalg.qr(drawn if rows >= columns else drawn.T)
    q = q * np.where(np.diagonal(r) < 0, -1, 1) * gain
    with no_grad():
        return tensor.copy_(Tensor.of((q if rows >= columns else q.T).reshape(tensor.shape)))


def lecun_uniform_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """Uniform on (-b, b) with b = sqrt(3 / fan_in): variance 1 / fan_in. LeCun et al. 1998, section 4.6."""
    bound = math.sqrt(3) * _lecun_std("lecun_uniform_", tensor)
    return uniform_(tensor, -bound, bound, generator)


def lecun_normal_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """N(0, 1 / fan_in): what SELU asks for. LeCun et al. 1998, section 4.6; Klambauer et al. 2017."""
    return normal_(tensor, 0.0, _lecun_std("lecun_normal_", tensor), generator)


def _lecun_std(name: str, tensor: Tensor) -> float:
    _check_ndim(name, tensor, 2, math.inf, "at least two")
    fan_in, _ = fan_in_and_fan_out(tensor)
    return 1 / math.sqrt(fan_in) if fan_in else 0.0


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """N(mean, std^2) of which what lies outside [a, b] is drawn anew; a and b may be infinite.

    Raises ValueError for a >= b or a negative std.
    """
    mean, std = check_number("trunc_normal_", "mean", mean), check_number("trunc_normal_", "std", std, 0)
    a, b = check_number("trunc_normal_", "a", a), check_number("trunc_normal_", "b", b)
    if not a < b:
        raise ValueError(f"trunc_normal_: needs a < b, got a={a} and b={b}")
    _check_floating("trunc_normal_", tensor)
    drawn = _truncated(rng_of(generator), mean, std, a, b, tensor.numel())
    with no_grad():
        return tensor.copy_(Tensor.of(drawn.reshape(tensor.shape)))


def _truncated(rng: Any, mean: float, std: float, a: float, b: float, n: int) -> np.ndarray:
    drawn: np.ndarray = rng.normal(mean, std, n)
    for _ in range(64):
        outside = (drawn < a) | (drawn > b)
        if not outside.any():
            return drawn
        drawn[outside] = rng.normal(mean, std, int(outside.sum()))
    if std == 0:
        return np.full(n, min(max(mean, a), b))
    # Hardly anything lies inside: draw from what has its density's shape there.
    if mean > b:
        return np.clip(mean - std * _tail(rng, (mean - b) / std, (mean - a) / std, n), a, b)
    if mean < a:
        return np.clip(mean + std * _tail(rng, (a - mean) / std, (b - mean) / std, n), a, b)
    level: np.ndarray = rng.uniform(a, b, n)  # so narrow about the mean that the density hardly changes
    return level


def _tail(rng: Any, a: float, b: float, n: int) -> np.ndarray:
    """Standard normal numbers from [a, b] with a > 0: exponential ones of rate a, kept with exp(-(x - a)^2 / 2).

    Robert 1995, section 2.
    """
    kept = np.empty(0)
    while len(kept) < n:
        beyond = -np.log1p(rng.random(n) * np.expm1(-a * (b - a))) / a
        kept = np.append(kept, beyond[rng.random(n) < np.exp(-(beyond**2) / 2)])
    return a + kept[:n]


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The kernels of a convolution that passes its input on: (O, C / groups, ...), ones in the middle, zeros elsewhere.

    Raises ValueError for other than 3 to 5 dimensions, or groups that do not divide O.
    """
    _check_ndim("dirac_", tensor, 3, 5, "three to five")
    groups = check_count("dirac_", "groups", groups, 1)
    if tensor.shape[0] % groups:
        raise ValueError(f"dirac_: groups={groups} does not divide the {tensor.shape[0]} channels of {tensor.shape}")
    values = np.zeros(tensor.shape)
    per_group = tensor.shape[0] // groups
    middle = tuple(n // 2 for n in tensor.shape[2:])
    for group in range(groups):
        for d in range(min(per_group, tensor.shape[1])):
            values[(group * per_group + d, d, *middle)] = 1
    with no_grad():
        return tensor.copy_(Tensor.of(values))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """N(0, std^2), with ceil(sparsity * rows) elements of each column 0. Martens 2010, section 5.

    Raises ValueError for other than two dimensions, a sparsity outside [0, 1], or a negative std.
    """
    _check_ndim("sparse_", tensor, 2, 2, "exactly two")
    sparsity, std = check_number("sparse_", "sparsity", sparsity, 0, 1), check_number("sparse_", "std", std, 0)
    _check_floating("sparse_", tensor)
    rng = rng_of(generator)
    rows, columns = tensor.shape
    values = rng.normal(0, std, (rows, columns))
    chosen = rng.permuted(np.arange(rows)[:, None].repeat(columns, 1), axis=0) < math.ceil(sparsity * rows)
    with no_grad():
        return tensor.copy_(Tensor.of(np.where(chosen, 0.0, values)))


def lsuv_(
    model: Module, x: Any, tol: float = 0.1, max_trials: int = 10, generator: Generator | None = None
) -> Module:
    """Scale each layer's weight until its outputs on the batch x have variance 1, from the first layer to the last.

    Layer-sequential unit variance: weights start orthonormal and biases 0; then in the order of the forward pass each
    weight is divided by the standard deviation of its layer's output until the variance is within `tol` of 1, at most
    max_trials times. Layers are modules without children whose weight has two dimensions or more and whose input is
    floating point; norms are not among them. x: a tensor, or a tuple of all arguments. It runs in eval mode, and leaves
    modes and buffers as they were; returns the model. Mishkin and Matas 2016, algorithm 1.
    Raises ValueError for a model without such layers, a layer called twice, a weight that two layers share or that is
    computed (by weight_norm: begin with lsuv_), an output of variance 0 or not finite; then the weights are unchanged.
    """
    tol = check_number("lsuv_", "tol", tol, 0, above=True)
    max_trials = check_count("lsuv_", "max_trials", max_trials, 1)
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(module, name, b, b.clone()) for module, _ in modes for name, b in module._own("_buffer_names")]
    before: list[tuple[Tensor, Tensor]] = []
    model.eval()
    try:
        with no_grad():
            layers = _layers_in_order(model, x)
            for layer in layers:
                before += [(p, p.clone()) for p in layer.parameters()]
                orthogonal_(_weight_of(layer), generator=generator)
                if isinstance(getattr(layer, "bias", None), Tensor):
                    zeros_(layer.bias)
            for layer in layers:
                _to_unit_variance(model, layer, x, tol, max_trials)
    except BaseException:
        with no_grad():
            for p, value in before:
                p.copy_(value)
        raise
    finally:
        for module, mode in modes:
            module.training = mode
        with no_grad():
            for module, name, b, value in buffers:
                setattr(module, name, b.copy_(value))
    return model


def _layers_in_order(model: Module, x: Any) -> list[Module]:
    """Those that can be scaled one by one, in the order in which a forward pass calls them."""
    calls: list[Module] = []
    _outputs_of(model, x, lambda layer, _: calls.append(layer))
    if not calls:
        raise ValueError(f"lsuv_: {type(model).__name__} has no layer with a weight of two dimensions or more")
    owners: dict[int, Module] = {}
    for layer in calls:
        if "parametrizations" in layer._child_names:
            raise ValueError(f"lsuv_: the weight of {layer!r} is computed; call lsuv_ before it is parametrized")
        owner = owners.setdefault(id(_weight_of(layer)), layer)
        if calls.count(layer) > 1:
            raise ValueError(f"lsuv_: {layer!r} is called {calls.count(layer)} times, and no one scale suits all")
        if owner is not layer:
            raise ValueError(f"lsuv_: {owner!r} and {layer!r} share a weight, and no one scale suits both")
    return calls


def _outputs_of(model: Module, x: Any, tell: Callable[[Module, Tensor], Any]) -> None:
    """Run the model on x, and tell of each layer's output as it comes."""

    def hook(layer: Module, inputs: tuple[Any, ...], output: Any) -> None:
        if inputs and isinstance(inputs[0], Tensor) and inputs[0].is_floating_point() and isinstance(output, Tensor):
            tell(layer, output)

    handles = [layer.register_forward_hook(hook) for layer in model.modules() if _has_matrix(layer)]
    try:
        model(*x) if isinstance(x, tuple) else model(x)
    finally:
        for handle in handles:
            handle.remove()


def _has_matrix(module: Module) -> bool:
    if hasattr(module, "normalized_shape"):  # a norm's weight scales each element by itself, whatever its shape
        return False
    computed = "parametrizations" in module._child_names
    learned = "weight" in module._parameter_names and not any(True for _ in module.children())
    return (computed or learned) and _weight_of(module) is not None and _weight_of(module).ndim >= 2


def _weight_of(layer: Module) -> Any:
    return getattr(layer, "weight", None)


def _to_unit_variance(model: Module, layer: Module, x: Any, tol: float, max_trials: int) -> None:
    for _ in range(max_trials):
        outputs: list[Tensor] = []
        _outputs_of(model, x, lambda which, output: outputs.append(output) if which is layer else None)
        variance = _variance(outputs[0].cpu().numpy())
        if not 0 < variance < math.inf:
            raise ValueError(
                f"lsuv_: the output of {layer!r} on the batch, of shape {outputs[0].shape}, has variance {variance}, "
                "which no scaling makes 1"
            )
        if abs(variance - 1) < tol:
            return
        _weight_of(layer).mul_(1 / math.sqrt(variance))


def _variance(y: np.ndarray) -> float:
    with np.errstate(all="ignore"):  # infinities end as NaN, and are told of by the caller
        return float(np.var(y, dtype=np.float64)) if y.size else math.nan


def _xavier_std(name: str, tensor: Tensor, gain: float) -> float:
    _check_ndim(name, tensor, 2, math.inf, "at least two")
    gain, fans = check_number(name, "gain", gain), sum(fan_in_and_fan_out(tensor))
    return gain * math.sqrt(2 / fans) if fans else 0.0


def _kaiming_std(name: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    _check_ndim(name, tensor, 2, math.inf, "at least two")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"{name}: mode must be 'fan_in' or 'fan_out', not {mode!r}")
    fan = fan_in_and_fan_out(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def _check_ndim(name: str, tensor: Tensor, least: int, most: float, needed: str) -> None:
    if not least <= check_tensor(tensor, name).ndim <= most:
        raise ValueError(f"{name} needs {needed} dimensions, got shape {tensor.shape}")


def _check_floating(name: str, tensor: Tensor) -> None:
    if not check_tensor(tensor, name).is_floating_point():
        raise TypeError(
            f"{name} draws floating-point numbers, which a tensor of {tensor.dtype} cannot hold; cast it with .float()"
        )
