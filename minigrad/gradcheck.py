"""Are the gradients right? Compared with finite differences, at first and second order."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

from .autograd import grad
from .backend import dtypes
from .tensor import Tensor

__all__ = ["gradcheck", "gradgradcheck"]


def gradcheck(
    func: Callable, inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the gradients of func(*inputs) with central differences (f(x + eps) - f(x - eps)) / (2 eps).

    Every floating-point input with requires_grad=True is checked, for random upstream gradients; it must be float64.
    Raises RuntimeError naming the input and element where |difference| > atol + rtol * |numerical|, or returns False.
    """
    inputs = _as_tuple(inputs)
    _checked_inputs(inputs)
    if not any(isinstance(y, Tensor) and y.is_floating_point() for y in _as_tuple(func(*inputs))):
        raise ValueError("gradcheck: the function returns no floating-point tensor: there is nothing to check")
    return _compare(func, inputs, eps, atol, rtol, raise_exception)


def _compare(func: Callable, inputs: tuple, eps: float, atol: float, rtol: float, raise_exception: bool) -> bool:
    checked = _checked_inputs(inputs)
    outputs = [y for y in _as_tuple(func(*inputs)) if isinstance(y, Tensor) and y.dtype.kind == "f"]
    rng = np.random.default_rng(0)
    upstream = [Tensor(rng.standard_normal(y.shape)) for y in outputs]
    connected = [(y, v) for y, v in zip(outputs, upstream) if y.requires_grad]
    if connected:
        ys, vs = zip(*connected)
        analytic = grad(ys, [inputs[i] for i in checked], vs, allow_unused=True, materialize_grads=True)
    else:
        analytic = tuple(Tensor(np.zeros(inputs[i].shape)) for i in checked)
    for i, found in zip(checked, analytic):
        expected = _differences(func, inputs, i, upstream, eps)
        worst = np.abs(found.numpy(force=True) - expected) - (atol + rtol * np.abs(expected))
        if not (worst <= 0).all():
            if not raise_exception:
                return False
            at = np.unravel_index(int(np.argmax(np.where(np.isnan(worst), np.inf, worst))), expected.shape)
            raise RuntimeError(
                f"gradcheck: input {i} (shape {inputs[i].shape}), element {tuple(map(int, at))}: "
                f"backward gives {found.numpy(force=True)[at]:.9g}, finite differences {expected[at]:.9g}"
            )
    return True


def gradgradcheck(
    func: Callable, inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """gradcheck of the gradients themselves: second derivatives, by the inputs and by the upstream gradients."""
    inputs = _as_tuple(inputs)
    checked = _checked_inputs(inputs)
    outputs = [y for y in _as_tuple(func(*inputs)) if isinstance(y, Tensor) and y.dtype.kind == "f" and y.requires_grad]
    if not outputs:
        return True
    rng = np.random.default_rng(1)
    upstream = [Tensor(rng.standard_normal(y.shape), requires_grad=True) for y in outputs]

    def first_order(*args: Any) -> tuple:
        xs, vs = args[: len(inputs)], args[len(inputs) :]
        ys = [y for y in _as_tuple(func(*xs)) if isinstance(y, Tensor) and y.dtype.kind == "f" and y.requires_grad]
        return grad(ys, [xs[i] for i in checked], vs, create_graph=True, allow_unused=True, materialize_grads=True)

    every = (*inputs, *upstream)
    return _compare(first_order, every, eps, atol, rtol, raise_exception)


def _as_tuple(x: Any) -> tuple:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _checked_inputs(inputs: Sequence[Any]) -> list[int]:
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck: no input requires gradients")
    for i in checked:
        if inputs[i].dtype != dtypes.float64:
            raise TypeError(f"gradcheck: input {i} is {inputs[i].dtype}; differences need float64: use .double()")
    return checked


def _differences(func: Callable, inputs: tuple, i: int, upstream: list, eps: float) -> np.ndarray:
    """Central differences of sum(upstream * func) with respect to input i."""
    x = inputs[i].numpy(force=True)
    found = np.zeros(x.shape)
    for at in np.ndindex(*x.shape):
        up, down = (_moved(func, inputs, i, at, step, upstream) for step in (eps, -eps))
        found[at] = (up - down) / (2 * eps)
    return found


def _moved(func: Callable, inputs: tuple, i: int, at: tuple, step: float, upstream: list) -> float:
    moved = inputs[i].numpy(force=True).copy()
    moved[at] += step
    others = [x.detach().requires_grad_() if isinstance(x, Tensor) and x.requires_grad else x for x in inputs]
    others[i] = Tensor(moved, device=inputs[i].device, requires_grad=True)
    outputs = [y for y in _as_tuple(func(*others)) if isinstance(y, Tensor) and y.dtype.kind == "f"]
    return float(sum((y.numpy(force=True) * v.numpy(force=True)).sum() for y, v in zip(outputs, upstream)))
